// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Rig} from "./Rig.sol";

/// @notice Commits, claims, places and keys: what each is refused for, and what it leaves behind.
contract ClaimingTest is Rig {
    /* COMMITS */

    function test_commitModel__is_counted_and_locks_once() external {
        uint256 roundId = _open();
        for (uint40 i; i < 3; ++i) {
            _commit(roundId, miners[i]);
            (uint40 sequence, bool opened, bool locked) = hub.commitOf(roundId, miners[i]);
            vm.assertEq(sequence, i + 1, "in their order");
            vm.assertTrue(locked && !opened, "locked, and closed");
            vm.assertEq(hub.round(roundId).commits, i + 1, "counted");
            vm.assertEq(hub.account(miners[i]).locked, MINER_UNIT, "one lock");
        }
        ModelCommitment memory commitment = _model(roundId, miners[0]);
        bytes32 announced = _announced(commitment);
        _refuse(commitment, announced, abi.encodeWithSelector(AlreadyCommitted.selector, miners[0]));
        commitment = _model(roundId, miners[3]);
        commitment.anchor = keccak256("another chain");
        _refuse(commitment, announced, abi.encodeWithSelector(AnchorMismatch.selector, commitment.anchor, hub.head()));
        commitment = _model(roundId, miners[3]);
        bytes32 expected = commitment.specHash;
        commitment.specHash = keccak256("another task");
        _refuse(
            commitment, announced, abi.encodeWithSelector(SpecMismatch.selector, commitment.specHash, expected)
        );
        commitment = _model(roundId, miners[3]);
        hub.pause(10);
        _refuse(commitment, announced, abi.encodeWithSelector(Paused.selector, block.timestamp + 10));
    }

    function test_committed__of_sixteen__says_who_did_and_of_more_reverts() external {
        uint256 roundId = _open();
        _commit(roundId, miners[3]);
        _commit(roundId, miners[5]);
        address[] memory owners = new address[](16);
        for (uint256 i; i < 16; ++i) {
            owners[i] = miners[i % 8];
        }
        vm.assertEq(hub.committed(roundId, owners), 0x2828, "the fourth and the sixth of each eight");
        owners = new address[](17);
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, 17, 16));
        hub.committed(roundId, owners);
    }

    /* THE TEST KEY */

    function test_revealKey__of_another_spec_or_key__reverts_and_the_right_one_begins_the_claims() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        _until(roundId, Phase.Key);
        TaskSpec memory spec = _specOf(roundId);
        TaskSpec memory other = _spec();
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.revealKey(roundId, other, TEST_KEY);
        vm.expectPartialRevert(KeyMismatch.selector);
        hub.revealKey(roundId, spec, keccak256("another key"));
        vm.warp(block.timestamp + 5);
        hub.revealKey(roundId, spec, TEST_KEY);
        Round memory round = hub.round(roundId);
        vm.assertEq(round.keyAt, block.timestamp, "shown now");
        vm.assertEq(round.claimEnd, block.timestamp + 100, "claims until");
        vm.assertEq(round.showEnd, block.timestamp + 200, "keys until");
    }

    /* CLAIMS */

    function test_claimModel__the_last_one__ends_the_phase() external {
        uint256 roundId = _claimed(_spec(), _scores(900, 800));
        Round memory round = hub.round(roundId);
        vm.assertEq(round.claims, 2, "both");
        vm.assertEq(round.listed, 2, "listed");
        vm.assertEq(round.excluded, 0, "nobody is left out");
        vm.assertEq(round.claimEnd, block.timestamp, "nobody is waited for");
        vm.assertTrue(round.phase == Phase.Show, "keys are shown");
        (, bool opened, bool locked) = hub.commitOf(roundId, miners[0]);
        vm.assertTrue(opened && locked, "opened, and still locked");
        Candidate[] memory list = hub.candidates(roundId);
        vm.assertEq(list[1].miner, miners[1], "miner");
        vm.assertEq(list[1].score, 800, "score");
        vm.assertEq(list[1].sequence, 2, "sequence");
        vm.assertEq(list[1].commitment, hub.hashCommitment(commitments[roundId][miners[1]]), "commitment");
        vm.assertFalse(list[1].shown, "no key yet");
    }

    function test_claimModel__at_and_beyond_each_bound__is_listed_or_not_or_refused() external {
        uint256 roundId = _open();
        for (uint256 i; i < 4; ++i) {
            _commit(roundId, miners[i]);
        }
        _revealKey(roundId);
        TaskSpec memory spec = _specOf(roundId);
        ModelCommitment memory commitment = commitments[roundId][miners[0]];
        bytes memory signature = _signed(miners[0], _digest(commitment, SCORE_MAX + 1));
        vm.expectRevert(abi.encodeWithSelector(ScoreOutOfRange.selector, SCORE_MAX + 1, 0, SCORE_MAX));
        hub.claimModel(commitment, SCORE_MAX + 1, spec, 0, signature);
        TaskSpec memory other = _spec();
        signature = _signed(miners[0], _digest(commitment, 900));
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.claimModel(commitment, 900, other, 0, signature);
        commitment = _model(roundId, miners[7]);
        vm.expectRevert(abi.encodeWithSelector(NotCommitted.selector, miners[7]));
        hub.claimModel(commitment, 900, spec, 0, signature);

        _claim(roundId, miners[0], SCORE_MAX);
        _claim(roundId, miners[1], MIN_SCORE);
        _claim(roundId, miners[2], MIN_SCORE - 1);
        Round memory round = hub.round(roundId);
        vm.assertEq(round.claims, 3, "three claims");
        vm.assertEq(round.listed, 2, "two of them reach the least score");
        vm.assertEq(round.excluded, 0, "the third is not left out: it deserves no place");
        vm.assertEq(round.bestExcluded, 0, "nobody is");
        vm.assertTrue(round.phase == Phase.Claim, "the fourth is waited for");
    }

    /// @dev A better claim takes the place of the worst, which is left out with its score, not forgotten.
    function test_claimModel__better_than_the_worst_of_six__leaves_that_out() external {
        uint40[] memory scores = new uint40[](8);
        for (uint40 i; i < 8; ++i) {
            scores[i] = 500 + 10 * i;
        }
        uint256 roundId = _claimed(_spec(), scores);
        Round memory round = hub.round(roundId);
        vm.assertEq(round.listed, 6, "six places");
        vm.assertEq(round.excluded, 2, "two are left out");
        vm.assertEq(round.bestExcluded, 510, "the better one of them");
        for (uint256 i; i < 2; ++i) {
            (bytes32 hash, uint40 score) = hub.excludedOf(roundId, miners[i]);
            vm.assertEq(hash, hub.hashCommitment(commitments[roundId][miners[i]]), "with its commitment");
            vm.assertEq(score, 500 + 10 * i, "and score");
        }
        (bytes32 none, uint40 zero) = hub.excludedOf(roundId, miners[2]);
        vm.assertTrue(none == 0 && zero == 0, "the third has a place");
        vm.assertEq(hub.candidates(roundId)[0].miner, miners[7], "the best is first");
        vm.assertEq(hub.candidates(roundId)[5].miner, miners[2], "the worst that is left is last");
    }

    /* KEYS */

    function test_showKey__wrong_or_twice_or_of_who_has_no_place__reverts() external {
        uint40[] memory scores = new uint40[](7);
        for (uint40 i; i < 7; ++i) {
            scores[i] = 500 + 10 * i;
        }
        uint256 roundId = _claimed(_spec(), scores);
        ModelCommitment memory shown = commitments[roundId][miners[6]];
        ModelCommitment memory left = commitments[roundId][miners[0]];
        bytes32 key = _modelKey(roundId, miners[6]);
        vm.expectPartialRevert(KeyMismatch.selector);
        hub.showKey(shown, keccak256("another key"));
        hub.showKey(shown, key);
        vm.assertEq(hub.round(roundId).shown, 1, "one");
        vm.assertTrue(hub.candidates(roundId)[0].shown, "the first");
        vm.assertFalse(hub.candidates(roundId)[1].shown, "not the second");
        bytes32 hash = hub.hashCommitment(shown);
        vm.expectRevert(abi.encodeWithSelector(AlreadyShown.selector, hash));
        hub.showKey(shown, key);
        key = _modelKey(roundId, miners[0]);
        hash = hub.hashCommitment(left);
        vm.expectRevert(abi.encodeWithSelector(NotListed.selector, hash));
        hub.showKey(left, key);
        _showAll(roundId);
        vm.assertEq(hub.round(roundId).shown, 6, "all of them");
        vm.assertTrue(_phase(roundId) == Phase.Seal, "nobody is waited for");
    }

    /* LATER PLACES */

    /// @dev Nobody shows his key, and two were left out.
    function test_enlist__takes_each_once_and_ends_with_the_last() external {
        uint40[] memory scores = new uint40[](8);
        for (uint40 i; i < 8; ++i) {
            scores[i] = 570 - 10 * i;
        }
        uint256 roundId = _claimed(_spec(), scores);
        vm.expectPartialRevert(WrongPhase.selector);
        hub.enlist(roundId, miners[6]);
        _finalize(roundId);
        vm.expectRevert(abi.encodeWithSelector(NotExcluded.selector, miners[0]));
        hub.enlist(roundId, miners[0]);
        vm.expectRevert(abi.encodeWithSelector(NotExcluded.selector, stranger));
        hub.enlist(roundId, stranger);
        hub.enlist(roundId, miners[6]);
        Round memory round = hub.round(roundId);
        vm.assertEq(round.excluded, 1, "one is left to come");
        vm.assertTrue(round.phase == Phase.Enlist, "and waited for");
        vm.expectRevert(abi.encodeWithSelector(NotExcluded.selector, miners[6]));
        hub.enlist(roundId, miners[6]);
        hub.enlist(roundId, miners[7]);
        round = hub.round(roundId);
        vm.assertEq(round.excluded, 0, "nobody is left");
        vm.assertEq(round.listed, 2, "both have places");
        vm.assertTrue(round.phase == Phase.Show, "keys are shown");
        vm.assertEq(hub.candidates(roundId)[0].miner, miners[6], "the better one first");
        vm.assertEq(hub.candidates(roundId)[0].score, 510, "with what he claimed");
        vm.assertEq(hub.candidates(roundId)[0].sequence, 7, "and when he committed");
    }

    /* THE END */

    function test_finalize__with_another_spec__reverts_and_the_tasks_own_ends_it() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        _until(roundId, Phase.Tally);
        TaskSpec memory other = _spec();
        ModelCommitment memory winner = commitments[roundId][miners[0]];
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.finalize(roundId, other, winner, 0);
        uint256 taskId = hub.round(roundId).taskId;
        _finalize(roundId);
        vm.assertTrue(hub.task(taskId).status == TaskStatus.Done, "done");
        (Outcome outcome,,) = hub.preview(roundId, other);
        vm.assertTrue(outcome == Outcome.Block, "what is final is shown whatever is asked");
        roundId = _open();
        taskId = hub.round(roundId).taskId;
        vm.assertTrue(_finalize(roundId) == Outcome.NoCommit, "nobody commits");
        vm.assertTrue(hub.task(taskId).status == TaskStatus.Failed, "failed");
    }

    /// @dev One of two never claimed: a tenth of his lock, of which a tenth is the finder's.
    function test_releaseLocks__of_an_unopened_commit__burns_what_the_finder_does_not_get() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        _commit(roundId, miners[1]);
        _revealKey(roundId);
        _claim(roundId, miners[0], 900);
        address[] memory both = new address[](2);
        (both[0], both[1]) = (miners[0], miners[1]);
        vm.expectRevert(abi.encodeWithSelector(NotFinal.selector, roundId));
        hub.releaseLocks(roundId, both);
        _until(roundId, Phase.Show);
        _show(roundId, miners[0]);
        _draw(roundId);
        _judge(roundId, 900);
        _finalize(roundId);
        vm.prank(miners[1]);
        vm.expectRevert(abi.encodeWithSelector(NothingToCollect.selector, miners[1]));
        hub.claimCompensation(roundId);
        uint256 supply = token.totalSupply();
        uint256 before = _credit(stranger);
        vm.prank(stranger);
        hub.releaseLocks(roundId, both);
        vm.assertEq(_credit(stranger) - before, MINER_UNIT / 100, "the finder's");
        vm.assertEq(supply - token.totalSupply(), MINER_UNIT / 10 - MINER_UNIT / 100, "burned");
        vm.assertEq(hub.account(miners[1]).stake, STAKE - MINER_UNIT / 10, "a tenth of the lock");
        vm.assertEq(hub.account(miners[0]).stake, STAKE, "who claimed loses nothing");
        for (uint256 i; i < 2; ++i) {
            vm.assertEq(hub.account(miners[i]).locked, 0, "free");
            (,, bool locked) = hub.commitOf(roundId, miners[i]);
            vm.assertFalse(locked, "released");
        }
        both[0] = stranger;
        vm.expectRevert(abi.encodeWithSelector(NotCommitted.selector, stranger));
        hub.releaseLocks(roundId, both);
        _assertConserved(0);
    }

    /// @dev Compensation is for those who trained in vain, once, and only where the key was withheld.
    function test_claimCompensation__by_others_or_elsewhere__reverts() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        vm.prank(miners[0]);
        vm.expectRevert(abi.encodeWithSelector(NotFinal.selector, roundId));
        hub.claimCompensation(roundId);
        uint256 snapshot = vm.snapshotState();
        vm.assertTrue(_finalize(roundId) == Outcome.KeyWithheld, "withheld");
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NothingToCollect.selector, stranger));
        hub.claimCompensation(roundId);
        vm.revertToState(snapshot);
        _revealKey(roundId);
        vm.assertTrue(_finalize(roundId) == Outcome.NoClaim, "he does not claim");
        vm.prank(miners[0]);
        vm.expectRevert(abi.encodeWithSelector(NothingToCollect.selector, miners[0]));
        hub.claimCompensation(roundId);
    }

    /* THE INBOX */

    function test_post__chains_items_and_a_block_carries_those_before_its_round() external {
        bytes32 head;
        for (uint32 i = 1; i <= 3; ++i) {
            bytes32 item = keccak256(abi.encode("item", i));
            vm.prank(stranger);
            vm.assertEq(hub.post(item), i, "numbered");
            vm.assertTrue(hub.inbox().head != head, "a new head");
            head = hub.inbox().head;
        }
        vm.assertEq(hub.inbox().posted, 3, "three");
        vm.assertEq(hub.inbox().carried, 0, "none carried");
        uint256 roundId = _open();
        vm.assertEq(hub.round(roundId).inboxFrom, 1, "from the first");
        vm.assertEq(hub.round(roundId).inboxTo, 3, "to the last");
        hub.post(keccak256("too late"));
        ModelCommitment memory commitment = _model(roundId, miners[0]);
        commitment.payloadRoot = keccak256("payload");
        _commit(commitment);
        _revealKey(roundId);
        _claim(roundId, miners[0], 900);
        _until(roundId, Phase.Show);
        _show(roundId, miners[0]);
        _draw(roundId);
        _judge(roundId, 900);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(hub.inbox().carried, 3, "three are carried");
        roundId = _open();
        vm.assertEq(hub.round(roundId).inboxFrom, 4, "the next begins behind them");
        vm.assertEq(hub.round(roundId).inboxTo, 4, "with the one that was late");
    }

    function test_block__without_a_payload__leaves_the_inbox_as_it_is() external {
        hub.post(keccak256("item"));
        uint256 roundId = _judged(_spec(), _scores(900));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(hub.inbox().carried, 0, "nothing is carried");
        vm.assertEq(hub.inbox().posted, 1, "one waits");
    }

    /* PRIVATE */

    function _refuse(ModelCommitment memory commitment, bytes32 announced, bytes memory reason) private {
        vm.prank(commitment.miner);
        vm.expectRevert(reason);
        hub.commitModel(
            commitment.roundId,
            commitment.miner,
            announced,
            commitment.artifact,
            commitment.artifactBytes,
            commitment.anchor,
            commitment.specHash
        );
    }
}
