// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Rig} from "./Rig.sol";

/// @notice Saying that a candidate's model is one's own: what it takes, what it brings, and what it costs who says it falsely.
contract AccusingTest is Rig {
    uint256 private constant APPEAL_BOND = 3e18;
    uint256 private constant STOLEN = 1 << 249;
    uint8 private constant SHARES = 3;

    address private owner;
    address private thief;
    address private honest;

    uint256 private earlierRound;

    function setUp() public override {
        super.setUp();
        (owner, thief, honest) = (miners[0], miners[1], miners[2]);
        // the owner's model is open to everybody, and marked with three keys of his
        earlierRound = _open();
        _commitMarked(_root());
        _endEarlier();
        _release(earlierRound);
    }

    /* REFUSED */

    function test_accuse__by_somebody_else__reverts() external {
        uint256 roundId = _stolenRound();
        _refuse(roundId, honest, _accused(roundId), _key(0), _proof(0), abi.encodeWithSelector(Unauthorized.selector, honest));
    }

    function test_accuse__by_the_owners_operator__reverts() external {
        uint256 roundId = _stolenRound();
        vm.prank(owner);
        hub.setOperator(stranger);
        _refuse(roundId, stranger, _accused(roundId), _key(0), _proof(0), abi.encodeWithSelector(Unauthorized.selector, stranger));
    }

    function test_accuse__before_the_judgement__reverts() external {
        uint256 roundId = _drawn(_spec(), _thievesScores());
        _refuse(roundId, owner, _accused(roundId), _key(0), _proof(0), abi.encodeWithSelector(WrongPhase.selector, Phase.VoteCommit));
    }

    function test_accuse__model_of_a_round_that_still_runs__reverts() external {
        uint256 roundId = _stolenRound();
        ModelCommitment memory mine = _accused(roundId);
        TaskSpec memory spec = _specOf(roundId);
        bytes32[] memory proof = _proof(0);
        bytes memory expected = abi.encodeWithSelector(UnknownParent.selector, hub.hashCommitment(mine), roundId);
        vm.prank(thief);
        vm.expectRevert(expected);
        hub.accuse(roundId, spec, commitments[roundId][honest], mine, _key(0), proof);
    }

    function test_accuse__with_another_tasks_spec__reverts() external {
        uint256 roundId = _stolenRound();
        TaskSpec memory spec = _specOf(roundId);
        ++spec.fee;
        ModelCommitment memory accused = _accused(roundId);
        ModelCommitment memory earlier = commitments[earlierRound][owner];
        bytes32[] memory proof = _proof(0);
        vm.prank(owner);
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.accuse(roundId, spec, accused, earlier, _key(0), proof);
    }

    /// @dev Where a miner begins is known once his round is open: who trained from there too has a model that is like his.
    function test_accuse__committed_after_the_accuseds_round_opened__reverts() external {
        earlierRound = _open();
        _commitMarked(_root());
        uint256 committedBy = hub.round(earlierRound).commitEnd;
        vm.warp(committedBy - 1);
        uint256 roundId = _stolenBeside();
        uint256 openedAt = hub.round(roundId).openedAt;
        vm.assertEq(openedAt, committedBy - 1, "a second too early");
        _refuse(roundId, owner, _accused(roundId), _key(0), _proof(0), abi.encodeWithSelector(NotOpenedLater.selector, openedAt, committedBy));
    }

    /// @dev In the second in which commits end, none is taken any more.
    function test_accuse__round_opened_as_the_owners_commits_end__is_possible() external {
        earlierRound = _open();
        _commitMarked(_root());
        vm.warp(hub.round(earlierRound).commitEnd);
        uint256 roundId = _stolenBeside();
        _accuse(roundId, owner, _accused(roundId), _key(0), _proof(0));
    }

    /// @dev Whose model nobody can open is not looked at.
    function test_accuse__candidate_who_did_not_show_his_key__reverts() external {
        uint256 roundId = _open();
        _commit(roundId, thief);
        _commit(roundId, honest);
        _revealKey(roundId);
        _claim(roundId, thief, 800);
        _claim(roundId, honest, 700);
        _show(roundId, honest);
        _until(roundId, Phase.Seal);
        _draw(roundId);
        _judge(roundId, 700 << 40);
        bytes32 hash = hub.hashCommitment(_accused(roundId));
        _refuse(roundId, owner, _accused(roundId), _key(0), _proof(0), abi.encodeWithSelector(NotListed.selector, hash));
    }

    /// @dev A leaf beyond as many as it says there are, alone in its tree.
    function test_accuse__with_the_only_leaf_under_a_number_that_there_is_not__reverts() external {
        MarkKey memory key = MarkKey(1, 1, keccak256("secret"));
        earlierRound = _open();
        _commitMarked(_tagged(_leafOf(key)));
        _endEarlier();
        uint256 roundId = _stolenRound();
        _refuse(roundId, owner, _accused(roundId), key, new bytes32[](0), abi.encodePacked(MarkKeyMismatch.selector));
    }

    function test_accuse__candidate_who_is_none__reverts() external {
        uint256 roundId = _stolenRound();
        ModelCommitment memory other = _accused(roundId);
        other.salt = keccak256("another");
        bytes32 hash = hub.hashCommitment(other);
        _refuse(roundId, owner, other, _key(0), _proof(0), abi.encodeWithSelector(NotListed.selector, hash));
    }

    function test_accuse__who_declared_the_model_as_his_parent__reverts() external {
        uint256 roundId = _open();
        ModelCommitment memory child = _model(roundId, thief);
        child.parent = hub.hashCommitment(commitments[earlierRound][owner]);
        _commit(child);
        _revealKey(roundId);
        bytes memory signature = _signed(thief, _digest(child, 800));
        hub.claimModel(child, 800, _specOf(roundId), earlierRound, signature);
        _show(roundId, thief);
        _draw(roundId);
        _judge(roundId, 800);
        _refuse(roundId, owner, child, _key(0), _proof(0), abi.encodeWithSelector(ParentDeclared.selector, child.parent));
    }

    function test_accuse__with_a_key_that_was_not_committed_to__reverts() external {
        uint256 roundId = _stolenRound();
        MarkKey memory key = _key(0);
        key.secret = keccak256("chosen afterwards");
        _refuse(roundId, owner, _accused(roundId), key, _proof(0), abi.encodePacked(MarkKeyMismatch.selector));
        // the right secret on another share of the weights
        (key, key.index) = (_key(0), 1);
        _refuse(roundId, owner, _accused(roundId), key, _proof(1), abi.encodePacked(MarkKeyMismatch.selector));
        // beyond the leaves
        key = MarkKey(SHARES, SHARES, key.secret);
        _refuse(roundId, owner, _accused(roundId), key, _proof(2), abi.encodePacked(MarkKeyMismatch.selector));
        _refuse(roundId, owner, _accused(roundId), MarkKey(0, 0, key.secret), new bytes32[](0), abi.encodePacked(MarkKeyMismatch.selector));
    }

    /// @dev A key that was shown can be embedded by everybody: it proves nothing any more.
    function test_accuse__with_a_key_that_was_shown_before__reverts() external {
        uint256 first = _stolenRound();
        _accuse(first, owner, _accused(first), _key(0), _proof(0));
        uint256 second = _stolenRound();
        _refuse(second, owner, _accused(second), _key(0), _proof(0), abi.encodeWithSelector(MarkKeyUsed.selector, _leaf(0)));
        _accuse(second, owner, _accused(second), _key(1), _proof(1));
    }

    function test_accuse__a_second_time__reverts() external {
        uint256 roundId = _stolenRound();
        _accuse(roundId, owner, _accused(roundId), _key(0), _proof(0));
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        _refuse(roundId, owner, _accused(roundId), _key(1), _proof(1), abi.encodePacked(NoAppealLeft.selector));
    }

    function test_accuse__in_the_last_epoch__reverts() external {
        uint256 roundId = _stolenRound();
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(stranger);
        hub.appeal(roundId, spec);
        _draw(roundId);
        // nobody votes
        _until(roundId, Phase.Tally);
        _finalize(roundId);
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        _refuse(roundId, owner, _accused(roundId), _key(0), _proof(0), abi.encodePacked(NoAppealLeft.selector));
    }

    /* JUDGED */

    /// @dev The mark is found: the thief loses his lock and the round, the accuser gets bond and a tenth, the next best wins.
    function test_accuse__mark_is_found__costs_the_thief_his_lock_and_the_round() external {
        uint256 roundId = _stolenRound();
        uint256 before = _wealth(owner);
        vm.recordLogs();
        _accuse(roundId, owner, _accused(roundId), _key(2), _proof(2));
        vm.assertTrue(_cause() == EpochCause.Accusation, "an epoch ends by it");
        vm.assertEq(before - _wealth(owner), APPEAL_BOND, "the bond is locked");
        vm.assertEq(hub.accusationOf(roundId).accuser, owner, "it is written down");
        vm.assertEq(hub.round(roundId).epoch, 1, "judged again");
        _draw(roundId);
        vm.assertEq(committee.members(roundId).length, 7, "by a larger committee");
        _judge(roundId, _believing(roundId) | STOLEN);
        uint256 thiefs = _wealth(thief);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(thiefs - _wealth(thief), MINER_UNIT, "the whole lock");
        vm.assertEq(hub.account(thief).locked, 0, "and nothing is left of it");
        vm.assertEq(_wealth(owner), before + MINER_UNIT / 10, "the bond returns, with a tenth of the lock");
        vm.assertGt(_wealth(honest), CREDIT + STAKE, "the next best wins");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev The second on the list is as much a candidate as the first: his lock it is.
    function test_accuse__mark_is_found_in_another_than_the_best__costs_him_alone() external {
        uint256 roundId = _stolenRound();
        _accuse(roundId, owner, commitments[roundId][honest], _key(0), _proof(0));
        _draw(roundId);
        _judge(roundId, _believing(roundId) | (STOLEN << 1));
        uint256 before = _wealth(honest);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(before - _wealth(honest), MINER_UNIT, "the accused's lock");
        vm.assertEq(hub.account(thief).locked, MINER_UNIT, "the other's is not touched");
        vm.assertGt(_wealth(thief), CREDIT + STAKE, "the other wins");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev The mark is not found: nothing happens to the accused, and who judged again shares the bond.
    function test_accuse__mark_is_not_found__costs_the_accuser_his_bond() external {
        uint256 roundId = _stolenRound();
        uint256 before = _wealth(owner);
        _accuse(roundId, owner, _accused(roundId), _key(0), _proof(0));
        _draw(roundId);
        uint256 word = _believing(roundId);
        uint256[] memory words = new uint256[](7);
        for (uint256 i; i < 7; ++i) {
            // three of seven are no majority
            words[i] = i < 3 ? word | STOLEN : word;
        }
        _judge(roundId, words);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(before - _wealth(owner), APPEAL_BOND, "the bond is gone");
        vm.assertGt(_wealth(thief), CREDIT + STAKE, "the accused wins");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev Who did not vote before loses his hundredth of a seat there and then, as at an appeal.
    function test_accuse__after_an_absent_validator__burns_what_he_loses() external {
        uint256 roundId = _drawn(_spec(), _thievesScores());
        uint256[] memory words = new uint256[](2);
        words[0] = words[1] = _believing(roundId);
        _judge(roundId, words);
        _until(roundId, Phase.Appeal);
        uint256 supply = token.totalSupply();
        _accuse(roundId, owner, _accused(roundId), _key(0), _proof(0));
        vm.assertEq(supply - token.totalSupply(), SEAT_UNIT / 100, "burned");
    }

    /// @dev Validators who vote STOLEN where nobody is accused disqualify nobody.
    function test_stolen__without_an_accusation__means_nothing() external {
        uint256 roundId = _drawn(_spec(), _thievesScores());
        _judge(roundId, _believing(roundId) | STOLEN | (STOLEN << 1));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertGt(_wealth(thief), CREDIT + STAKE, "the best wins");
    }

    /// @dev A flag against another candidate than the accused is none either.
    function test_stolen__against_another_than_the_accused__means_nothing() external {
        uint256 roundId = _stolenRound();
        _accuse(roundId, owner, _accused(roundId), _key(0), _proof(0));
        _draw(roundId);
        _judge(roundId, _believing(roundId) | (STOLEN << 1));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertGt(_wealth(thief), CREDIT + STAKE, "the accused wins");
    }

    /// @dev Who is out leaves his place to others: what he was accused of does not follow them.
    function test_stolen__place_taken_by_another__is_not_his() external {
        uint40[] memory scores = new uint40[](7);
        for (uint40 i; i < 7; ++i) {
            scores[i] = 800 - i;
        }
        // the owner does not take part
        (miners[0], miners[7]) = (miners[7], miners[0]);
        uint256 roundId = _judged(_spec(), scores);
        uint256 before = _wealth(owner);
        _accuse(roundId, owner, commitments[roundId][miners[0]], _key(0), _proof(0));
        _draw(roundId);
        // nobody qualifies, so that who was kept out comes in, and takes the accused's place
        uint256 word = _believing(roundId) | STOLEN;
        for (uint256 i = 1; i < 6; ++i) {
            word |= LINEAGE << (40 * i);
        }
        _judge(roundId, word);
        vm.assertTrue(_finalize(roundId) == Outcome.None, "another epoch");
        uint256 rewarded = _wealth(owner);
        vm.assertGe(rewarded, before + MINER_UNIT / 10, "decided with this epoch");
        hub.enlist(roundId, miners[6]);
        _until(roundId, Phase.Show);
        _show(roundId, miners[6]);
        _draw(roundId);
        _judge(roundId, 794 | STOLEN);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertGt(_wealth(miners[6]), CREDIT + STAKE, "who came in wins");
        vm.assertEq(_wealth(owner), rewarded, "and nothing is decided twice");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev Where no model reaches the minimum, those who showed theirs share a part of the fee: not the thief.
    function test_stolen__round_without_a_winner__pays_the_others_alone() external {
        uint256 roundId = _stolenRound();
        _accuse(roundId, owner, _accused(roundId), _key(0), _proof(0));
        _draw(roundId);
        // the honest one is accused of a bad mark: nobody qualifies
        _judge(roundId, _believing(roundId) | STOLEN | (MARK << 40));
        uint256 thiefs = _wealth(thief);
        vm.assertTrue(_finalize(roundId) == Outcome.BelowThreshold, "nobody qualifies");
        vm.assertEq(thiefs - _wealth(thief), MINER_UNIT, "slashed, and paid nothing");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev Nobody judged: nobody was wrong.
    function test_accuse__too_few_votes_at_the_end__returns_the_bond() external {
        uint256 roundId = _stolenRound();
        uint256 before = _wealth(owner);
        _accuse(roundId, owner, _accused(roundId), _key(0), _proof(0));
        for (uint256 epoch = 1; epoch < 3; ++epoch) {
            _draw(roundId);
            _until(roundId, Phase.Tally);
            Outcome outcome = _finalize(roundId);
            vm.assertTrue(outcome == (epoch == 1 ? Outcome.None : Outcome.NoQuorum), "no quorum");
        }
        vm.assertGe(_wealth(owner), before, "the bond is back");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev Appeal and accusation of one round are decided each by itself.
    function test_accuse__after_an_appeal__both_bonds_are_decided() external {
        uint256 roundId = _stolenRound();
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(honest);
        hub.appeal(roundId, spec);
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        uint256 owners = _wealth(owner);
        uint256 honests = _wealth(honest);
        _accuse(roundId, owner, _accused(roundId), _key(0), _proof(0));
        _draw(roundId);
        _judge(roundId, _believing(roundId) | STOLEN);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(_wealth(owner), owners + MINER_UNIT / 10, "the accuser was right");
        vm.assertGt(_wealth(honest), honests + APPEAL_BOND, "the appellant too: another wins");
        _release(roundId);
        _assertConserved(0);
    }

    /* PRIVATE */

    /// @dev The owner's commit in the earlier round, with a tree of keys.
    function _commitMarked(bytes32 root) private {
        ModelCommitment memory commitment = _model(earlierRound, owner);
        commitment.watermark = root;
        _commit(commitment);
    }

    function _endEarlier() private {
        _revealKey(earlierRound);
        _claim(earlierRound, owner, 900);
        _show(earlierRound, owner);
        _draw(earlierRound);
        _judge(earlierRound, 900);
        _finalize(earlierRound);
    }

    /// @dev Up to phase Appeal, of a round that opens now, while the owner's is still to be judged.
    function _stolenBeside() private returns (uint256 roundId) {
        roundId = _open();
        _commit(roundId, thief);
        uint256 committedAt = vm.getBlockTimestamp();
        _endEarlier();
        // both at once is more than one clock can tell
        vm.warp(committedAt);
        _revealKey(roundId);
        _claim(roundId, thief, 800);
        _show(roundId, thief);
        _draw(roundId);
        _judge(roundId, 800);
        vm.assertTrue(_phase(roundId) == Phase.Appeal, "judged");
    }

    /// @dev Of the thief and the honest one; the owner does not take part.
    function _thievesScores() private returns (uint40[] memory) {
        (miners[0], miners[1], miners[2]) = (thief, honest, owner);
        return _scores(800, 700);
    }

    function _root() private pure returns (bytes32) {
        return _node(_node(_tagged(_leaf(0)), _tagged(_leaf(1))), _tagged(_leaf(2)));
    }

    /// @dev Judged in favour of the thief.
    function _stolenRound() private returns (uint256 roundId) {
        roundId = _judged(_spec(), _thievesScores());
    }

    function _accused(uint256 roundId) private view returns (ModelCommitment memory) {
        return commitments[roundId][thief];
    }

    function _accuse(
        uint256 roundId,
        address by,
        ModelCommitment memory accused,
        MarkKey memory key,
        bytes32[] memory proof
    ) private {
        TaskSpec memory spec = _specOf(roundId);
        ModelCommitment memory earlier = commitments[earlierRound][owner];
        vm.prank(by);
        hub.accuse(roundId, spec, accused, earlier, key, proof);
    }

    /// @param expected all of what it reverts with, or the selector alone
    function _refuse(
        uint256 roundId,
        address by,
        ModelCommitment memory accused,
        MarkKey memory key,
        bytes32[] memory proof,
        bytes memory expected
    ) private {
        TaskSpec memory spec = _specOf(roundId);
        ModelCommitment memory earlier = commitments[earlierRound][owner];
        vm.prank(by);
        if (expected.length == 4) vm.expectPartialRevert(bytes4(expected));
        else vm.expectRevert(expected);
        hub.accuse(roundId, spec, accused, earlier, key, proof);
    }

    function _key(uint8 index) private pure returns (MarkKey memory) {
        return MarkKey(index, SHARES, keccak256(abi.encode("secret", index)));
    }

    function _leaf(uint8 index) private pure returns (bytes32) {
        return _leafOf(_key(index));
    }

    function _leafOf(MarkKey memory key) private pure returns (bytes32) {
        return sha256(abi.encodePacked("DLBC/watermark/leaf/1", uint8(0), key.index, key.shares, key.secret));
    }

    function _tagged(bytes32 leaf) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0), leaf));
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(1), left, right));
    }

    function _proof(uint8 index) private pure returns (bytes32[] memory proof) {
        proof = new bytes32[](index == 2 ? 1 : 2);
        if (index == 2) {
            proof[0] = _node(_tagged(_leaf(0)), _tagged(_leaf(1)));
        } else {
            (proof[0], proof[1]) = (_tagged(_leaf(1 - index)), _tagged(_leaf(2)));
        }
    }
}
