// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {Rig} from "./Rig.sol";

/// @notice What candidates and validators may try against each other. With the exact price of each.
contract JudgingTest is Rig {
    uint256 private constant FEE = 100e18;
    uint256 private constant TIP = 0.02e18;
    uint256 private constant APPEAL_BOND = 3e18;

    /* THE LIST */

    /// @dev Six who claim what they do not have fill the list. They lose their locks, and who was kept out comes in and wins.
    function test_I31_six_over_claimers__keep_nobody_out() external {
        uint256 roundId = _crowded();
        uint256 burned = token.totalSupply();
        vm.assertTrue(_finalize(roundId) == Outcome.None, "another epoch begins");
        for (uint256 i; i < 6; ++i) {
            vm.assertEq(_wealth(miners[i]), CREDIT + STAKE - MINER_UNIT, "the whole lock is gone");
            vm.assertEq(hub.account(miners[i]).locked, 0, "and nothing is left of it");
        }
        vm.assertEq(burned - token.totalSupply(), 6 * MINER_UNIT, "burned");
        _winAfterAll(roundId, 605);
    }

    /// @dev Five, and an ally whose model is fair but weaker than the one kept out.
    function test_I31_five_over_claimers_and_an_ally__keep_nobody_out() external {
        uint40[] memory scores = new uint40[](7);
        for (uint256 i; i < 5; ++i) {
            scores[i] = SCORE_MAX;
        }
        (scores[5], scores[6]) = (609, 605);
        uint256 roundId = _drawn(_spec(), scores);
        _judge(roundId, _fields(500, 6) ^ ((uint256(500) ^ 600) << 200));
        vm.assertTrue(_finalize(roundId) == Outcome.None, "another epoch begins");
        vm.assertEq(_wealth(miners[5]), CREDIT + STAKE, "the ally is fair");
        hub.enlist(roundId, miners[6]);
        _until(roundId, Phase.Show);
        _show(roundId, miners[6]);
        _draw(roundId);
        // now in the order of their claims: the ally, then the one kept out
        _judge(roundId, 600 | (605 << 40));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(_blocksMiner(roundId), miners[6], "the better model wins");
    }

    /// @dev An appeal cannot use up the epochs in which the others would come in: there is one only, and it costs its bond.
    function test_I31_over_claimers_who_appeal__keep_nobody_out() external {
        uint256 roundId = _crowded();
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(miners[0]);
        hub.appeal(roundId, spec);
        vm.assertEq(_credit(miners[0]), CREDIT - APPEAL_BOND, "the bond is locked");
        _draw(roundId);
        vm.assertEq(committee.members(roundId).length, 7, "a larger committee");
        _judge(roundId, _fields(500, 6));
        vm.prank(miners[1]);
        vm.expectPartialRevert(NoAppealLeft.selector);
        hub.appeal(roundId, spec);
        vm.assertTrue(_finalize(roundId) == Outcome.None, "it says the same");
        vm.assertEq(hub.appealsOf(roundId)[0].bond, 0, "the appeal is decided with this epoch");
        vm.assertEq(_credit(miners[0]), CREDIT - APPEAL_BOND, "the bond is lost");
        _winAfterAll(roundId, 605);
    }

    /* MODELS */

    /// @dev A model on which devices disagree, or a test set with samples at the border: no side is proved wrong.
    function test_I33_unstable_model__gets_nobody_slashed() external {
        uint256 roundId = _drawn(_spec(), _scores(540, 300));
        uint256 word = 300 << 40;
        _judge(roundId, _words(word | 480, word | 510, word | 540));
        uint256 supply = token.totalSupply();
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "the stable one wins");
        vm.assertEq(_blocksMiner(roundId), miners[1], "not the unstable one");
        uint256 burned = (FEE - 3 * TIP) / 10;
        vm.assertEq(supply - token.totalSupply() + hub.emitted(), burned, "nothing is burned but the fee's part");
        vm.assertEq(_wealth(miners[0]), CREDIT + STAKE, "unpaid, and not slashed");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev The key opens nothing, or garbage; or the ciphertext is nowhere: the committee's majority says so.
    function test_garbage_or_unavailable_model__loses_half_of_its_lock_and_the_round() external {
        uint256[2] memory flags = [UNAVAILABLE, INVALID];
        for (uint256 i; i < 2; ++i) {
            uint256 snapshot = vm.snapshotState();
            uint256 roundId = _drawn(_spec(), _scores(900, 800));
            uint256 word = 800 << 40;
            _judge(roundId, _words(word | flags[i], word | flags[i], word | 900));
            _finalize(roundId);
            vm.assertEq(_blocksMiner(roundId), miners[1], "the other wins");
            vm.assertEq(_wealth(miners[0]), CREDIT + STAKE - MINER_UNIT / 2, "half of the lock");
            vm.revertToState(snapshot);
        }
    }

    /// @dev LINEAGE and MARK accuse a model of being somebody else's. One validator's word is not enough, and nobody's stake
    /// depends on it.
    function test_accused_of_lineage__by_a_minority__wins_and_by_a_majority_loses_no_stake() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        uint256 word = 900 | (800 << 40);
        uint256 snapshot = vm.snapshotState();
        _judge(roundId, _words(word | LINEAGE, word, word));
        _finalize(roundId);
        vm.assertEq(_blocksMiner(roundId), miners[0], "one of three accuses");
        vm.revertToState(snapshot);
        _judge(roundId, _words(word | LINEAGE, word | LINEAGE, word));
        _finalize(roundId);
        vm.assertEq(_blocksMiner(roundId), miners[1], "two of three");
        vm.assertEq(_wealth(miners[0]), CREDIT + STAKE, "disqualified, not slashed");
    }

    /// @dev Who does not look at a model that takes a paid place did not do his work.
    function test_skipped__candidate_in_a_paid_place__is_not_paid_for() external {
        _skip(SKIPPED | (800 << 40));
    }

    function test_skipped__candidate_in_the_second_place__is_not_paid_for() external {
        _skip(900 | (SKIPPED << 40));
    }

    function _skip(uint256 lazy) private {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        uint256 word = 900 | (800 << 40);
        _judge(roundId, _words(word, word, lazy));
        ICommittee.Member[] memory members = committee.members(roundId);
        _finalize(roundId);
        vm.assertGt(_wealth(members[0].owner), CREDIT + STAKE, "who judged is paid");
        vm.assertEq(_wealth(members[2].owner), CREDIT + STAKE, "who skipped is not, and loses nothing");
    }

    /// @dev Two accuse of different things: neither has a majority.
    function test_flags__of_different_kinds__do_not_add_up() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        uint256 word = 900 | (800 << 40);
        _judge(roundId, _words(word | LINEAGE, word | MARK, word));
        _finalize(roundId);
        vm.assertEq(_blocksMiner(roundId), miners[0], "he wins");
    }

    /// @dev The list keeps the place of who withheld his key: it is no parent, and hides none.
    function test_parent__behind_a_place_whose_key_was_not_shown__is_found() external {
        uint256 first = _claimed(_spec(), _scores(900, 800));
        _show(first, miners[1]);
        _until(first, Phase.Seal);
        _draw(first);
        _judge(first, UNAVAILABLE | (800 << 40));
        _finalize(first);
        uint256 second = _open();
        ModelCommitment memory child = _model(second, miners[2]);
        child.parent = hub.hashCommitment(commitments[first][miners[1]]);
        _commit(child);
        _revealKey(second);
        bytes memory signature = _signed(miners[2], _digest(child, 700));
        hub.claimModel(child, 700, _specOf(second), first, signature);
        vm.assertEq(hub.candidates(second)[0].miner, miners[2], "claimed with its parent");
        // nor is he one himself: nobody could open his model
        uint256 third = _open();
        ModelCommitment memory other = _model(third, miners[3]);
        other.parent = hub.hashCommitment(commitments[first][miners[0]]);
        _commit(other);
        // and a hash that begins like a parent's is none
        ModelCommitment memory alike = _model(third, miners[4]);
        alike.parent = bytes32(uint256(child.parent) ^ 1);
        _commit(alike);
        _revealKey(third);
        _refuseParent(other, first);
        _refuseParent(alike, first);
    }

    /// @dev Whose work it builds on must be known before: shown, in a round that is final.
    function test_parent__that_is_not_final_shown_and_named__is_refused() external {
        uint256 first = _judged(_spec(), _scores(900, 800));
        bytes32 winner = hub.hashCommitment(commitments[first][miners[0]]);
        _finalize(first);
        uint256 second = _open();
        ModelCommitment memory child = _model(second, miners[2]);
        child.parent = winner;
        _commit(child);
        // a lie about one's parent cannot be corrected any more
        ModelCommitment memory orphan = _model(second, miners[3]);
        orphan.parent = keccak256("nobody's");
        _commit(orphan);
        // one's rival in the same round
        ModelCommitment memory sibling = _model(second, miners[4]);
        sibling.parent = hub.hashCommitment(child);
        _commit(sibling);
        _revealKey(second);
        _refuseParent(orphan, first);
        _refuseParent(sibling, second);
        _refuseParent(child, second);
        _refuseParent(child, 0);
        _refuseParent(child, type(uint256).max);
        TaskSpec memory spec = _specOf(second);
        hub.claimModel(child, 950, spec, first, _signed(miners[2], _digest(child, 950)));
        _until(second, Phase.Show);
        _show(second, miners[2]);
        _draw(second);
        _judge(second, 950);
        _until(second, Phase.Tally);
        vm.expectPartialRevert(UnknownParent.selector);
        hub.finalize(second, spec, child, second);
        uint256 before = _credit(miners[0]);
        hub.finalize(second, spec, child, first);
        vm.assertEq(_credit(miners[0]) - before, (FEE - 3 * TIP) / 20, "5 % for the parent's miner");
    }

    /* VOTES */

    /// @dev A hash that binds its voter opens for nobody else.
    function test_copied_vote__of_another_validator__cannot_be_revealed() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        ICommittee.Vote memory theirs = _vote(roundId, 0, _believing(roundId));
        _commitVote(theirs);
        bytes32 hash = committee.hashVote(theirs);
        address copycat = committee.members(roundId)[1].owner;
        vm.prank(copycat);
        committee.commitVote(roundId, 1, hash);
        _until(roundId, Phase.VoteReveal);
        committee.revealVote(theirs);
        ICommittee.Vote memory copy = _vote(roundId, 1, theirs.word);
        vm.expectPartialRevert(ICommittee.VoteMismatch.selector);
        committee.revealVote(copy);
        copy.salt = theirs.salt;
        copy.evalRoot = theirs.evalRoot;
        vm.expectPartialRevert(ICommittee.VoteMismatch.selector);
        committee.revealVote(copy);
        copy = theirs;
        copy.pos = 1;
        vm.expectPartialRevert(ICommittee.NotDrawn.selector);
        committee.revealVote(copy);
    }

    /// @dev One of three, however far he goes, moves the median by nothing beyond the honest two, and pays for trying.
    function test_I29_median_drag__by_a_minority__stays_between_the_honest_and_is_slashed() external {
        uint256 roundId = _drawn(_spec(), _scores(500));
        uint256[3] memory words = [uint256(0), 498, 502];
        _judge(roundId, _words(words[0], words[1], words[2]));
        address dragger = committee.members(roundId)[0].owner;
        _until(roundId, Phase.Tally);
        (,, uint40 median) = hub.preview(roundId, _specOf(roundId));
        vm.assertEq(median, 498, "the lower honest score");
        _finalize(roundId);
        vm.assertEq(_wealth(dragger), CREDIT + STAKE - SEAT_UNIT / 20, "5 % of a seat, and no pay");
    }

    /// @dev A lazy validator echoes the claims, which are right. Challenged, he has no predictions to open, and is not paid.
    function test_lazy_validator__challenged__loses_his_pay() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        address lazy = committee.members(roundId)[2].owner;
        vm.prank(stranger);
        hub.challengeVote(roundId, 2);
        uint256 before = _credit(stranger);
        uint256 supply = token.totalSupply();
        _finalize(roundId);
        uint256 fee = FEE - 3 * TIP;
        uint256 share = fee / 10 / 3;
        vm.assertEq(_credit(lazy), CREDIT, "unpaid");
        vm.assertEq(_credit(stranger) - before, share / 10 + APPEAL_BOND / 3, "a tenth of it, and the bond back");
        vm.assertEq(supply + hub.emitted() - token.totalSupply(), fee / 10 + share - share / 10, "the rest is burned");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev Where the epoch is appealed before he answered, the challenge has no end: everybody has back what is his.
    function test_challenge__of_an_epoch_that_is_appealed__returns_the_bond() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        address challenged = committee.members(roundId)[2].owner;
        vm.prank(stranger);
        hub.challengeVote(roundId, 2);
        uint256 before = _credit(stranger);
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(miners[7]);
        hub.appeal(roundId, spec);
        vm.assertEq(_credit(stranger) - before, APPEAL_BOND / 3, "the bond is back");
        vm.assertGt(_credit(challenged), CREDIT, "who judged is paid");
    }

    /// @dev Who cannot open his leaf has no part in a bond that was lost, and where nobody can it is burned.
    function test_lost_appeal__judged_by_some_who_are_silent__is_shared_by_the_others() external {
        for (uint8 silent = 1; silent <= 7; silent += 6) {
            uint256 roundId = _judged(_spec(), _scores(900, 800));
            TaskSpec memory spec = _specOf(roundId);
            vm.prank(miners[7]);
            hub.appeal(roundId, spec);
            _draw(roundId);
            _judge(roundId, _believing(roundId));
            ICommittee.Member[] memory members = committee.members(roundId);
            for (uint8 pos; pos < silent; ++pos) {
                vm.prank(stranger);
                hub.challengeVote(roundId, pos);
            }
            uint256 quiet = _credit(members[0].owner);
            uint256 heard = _credit(members[6].owner);
            vm.assertTrue(_finalize(roundId) == Outcome.Block, "the round ends all the same");
            vm.assertEq(_credit(members[0].owner), quiet, "nothing for who is silent");
            if (silent < 7) vm.assertGt(_credit(members[6].owner) - heard, APPEAL_BOND / 6 - 1, "and a part for who is not");
            _release(roundId);
            _assertConserved(0);
        }
    }

    /// @dev Nor does it help him to come first and challenge himself: he gets a tenth of what he would have had.
    function test_lazy_validator__who_challenges_himself__is_not_paid_either() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        address lazy = committee.members(roundId)[2].owner;
        vm.prank(lazy);
        hub.challengeVote(roundId, 2);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(AlreadyChallenged.selector, roundId, 2));
        hub.challengeVote(roundId, 2);
        _finalize(roundId);
        uint256 share = (FEE - 3 * TIP) / 10 / 3;
        vm.assertEq(_credit(lazy), CREDIT + share / 10, "a tenth of his pay");
    }

    /// @dev A challenge without ground is the validator's gain: the bond is his.
    function test_challenge__of_who_has_his_leaf__costs_the_bond() external {
        uint256 roundId = _drawn(_spec(), _scores(900));
        TaskSpec memory spec = _specOf(roundId);
        ICommittee.Vote[3] memory cast;
        for (uint8 pos; pos < 3; ++pos) {
            cast[pos] = _vote(roundId, pos, 900);
            // every prediction is 7: one leaf for each sample, and each is known
            cast[pos].evalRoot = _root(cast[pos].salt, SCORE_MAX);
            _commitVote(cast[pos]);
        }
        for (uint8 pos; pos < 3; ++pos) {
            committee.revealVote(cast[pos]);
        }
        vm.prank(stranger);
        hub.challengeVote(roundId, 1);
        (uint8 candidate, uint64 sample) = committee.challengedLeaf(roundId, 1, spec);
        ICommittee.Leaf memory leaf = ICommittee.Leaf(candidate, sample, 7);
        bytes32[] memory proof = _proof(cast[1].salt, SCORE_MAX, sample);
        // another sample, another prediction, another vote, a shorter proof: none is an answer
        _refuseLeaf(cast[1], spec, ICommittee.Leaf(candidate, sample ^ 1, 7), proof, ICommittee.WrongLeaf.selector);
        _refuseLeaf(cast[1], spec, ICommittee.Leaf(candidate, sample, 8), proof, ICommittee.WrongProof.selector);
        _refuseLeaf(cast[0], spec, leaf, proof, ICommittee.NotChallenged.selector);
        _refuseLeaf(cast[1], spec, leaf, new bytes32[](0), ICommittee.WrongProof.selector);
        ICommittee.Vote memory forged = _copy(cast[1]);
        forged.evalRoot = bytes32(0);
        _refuseLeaf(forged, spec, leaf, new bytes32[](0), ICommittee.VoteMismatch.selector);
        committee.openLeaf(cast[1], spec, leaf, proof);
        _refuseLeaf(cast[1], spec, leaf, proof, ICommittee.NotChallenged.selector);
        uint256 before = _credit(cast[1].validator);
        _finalize(roundId);
        uint256 share = (FEE - 3 * TIP) / 10 / 3;
        vm.assertEq(_credit(cast[1].validator) - before, share + APPEAL_BOND / 3, "his pay, and the bond");
        vm.assertEq(_credit(stranger), CREDIT + TIP - APPEAL_BOND / 3, "the challenger lost it");
    }

    /* THE COMMITTEE */

    /// @dev Who committed a model in the round judges nobody in it, with however many seats.
    function test_I27_validator_who_mines__is_not_drawn() external {
        for (uint256 i; i < 8; ++i) {
            vm.prank(miners[0]);
            committee.joinSeat();
        }
        for (uint256 n; n < 6; ++n) {
            uint256 roundId = _drawn(_spec(), _scores(900, 800));
            ICommittee.Member[] memory members = committee.members(roundId);
            vm.assertEq(members.length, 3, "a whole committee");
            for (uint256 i; i < members.length; ++i) {
                vm.assertNotEq(members[i].owner, miners[0], "a miner of the round");
            }
            _judge(roundId, _believing(roundId));
            _finalize(roundId);
        }
    }

    /// @dev The seed is the hash of a block that did not exist when it was fixed, and whoever calls, it is the same.
    function test_seed_grinding__by_the_moment_or_the_caller__changes_nothing() external {
        uint256 roundId = _shown(_spec(), _scores(900, 800));
        vm.prank(miners[0]);
        committee.draw(roundId);
        uint64 sealBlock = committee.ballot(roundId).sealBlock;
        vm.assertGt(sealBlock, block.number, "in the future");
        for (uint256 n; n < 2; ++n) {
            vm.roll(sealBlock - 1 + n);
            vm.expectPartialRevert(ICommittee.TooEarly.selector);
            committee.draw(roundId);
        }
        vm.roll(sealBlock + 1);
        vm.setBlockhash(sealBlock, keccak256("the sealed block"));
        uint256 snapshot = vm.snapshotState();
        vm.prank(miners[0]);
        committee.draw(roundId);
        bytes32 seed = committee.ballot(roundId).seed;
        vm.revertToState(snapshot);
        vm.roll(sealBlock + 200);
        vm.warp(block.timestamp + 5_000);
        vm.setBlockhash(sealBlock, keccak256("the sealed block"));
        vm.prank(stranger);
        committee.draw(roundId);
        vm.assertEq(committee.ballot(roundId).seed, seed, "the same, later and by another");
        vm.expectPartialRevert(ICommittee.WrongPhase.selector);
        committee.draw(roundId);
    }

    /// @dev Who does not like the committee stays away: the epoch fails, it costs a tenth of a seat each time, and there are three.
    function test_committee_grinding__by_absence__costs_a_tenth_of_a_seat_each_epoch() external {
        uint256 roundId = _shown(_spec(), _scores(900, 800));
        for (uint256 epoch; epoch < 3; ++epoch) {
            _draw(roundId);
            ICommittee.Member[] memory members = committee.members(roundId);
            uint256[] memory before = new uint256[](members.length);
            for (uint256 i; i < members.length; ++i) {
                before[i] = hub.account(members[i].owner).stake;
            }
            uint256[] memory one = new uint256[](1);
            one[0] = _believing(roundId);
            _judge(roundId, one);
            _finalize(roundId);
            vm.assertEq(hub.account(members[0].owner).stake, before[0], "who voted loses nothing");
            vm.assertEq(hub.account(members[1].owner).stake, before[1] - SEAT_UNIT / 10, "a tenth");
            vm.assertEq(hub.account(members[2].owner).stake, before[2] - SEAT_UNIT / 10, "a tenth");
        }
        vm.assertTrue(hub.round(roundId).outcome == Outcome.NoQuorum, "then it is over");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev While a seed can be known and is not used, seats stand still; afterwards who was drawn stays, whatever he does.
    function test_I28_seat_swap__between_seed_and_final__changes_no_committee() external {
        uint256 roundId = _shown(_spec(), _scores(900, 800));
        committee.draw(roundId);
        vm.roll(block.number + 3);
        vm.prank(validators[0]);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.WrongPhase.selector, uint8(Phase.Draw)));
        committee.leaveSeat(1);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.WrongPhase.selector, uint8(Phase.Draw)));
        committee.joinSeat();
        committee.draw(roundId);
        bytes32 drawn = keccak256(abi.encode(committee.members(roundId)));
        ICommittee.Member memory first = committee.members(roundId)[0];
        uint256 locked = hub.account(first.owner).locked;
        vm.prank(first.owner);
        committee.leaveSeat(first.seatId);
        vm.assertEq(keccak256(abi.encode(committee.members(roundId))), drawn, "the same members");
        vm.assertEq(hub.account(first.owner).locked, locked, "his bond stays locked");
        vm.prank(first.owner);
        vm.expectPartialRevert(ICommittee.SeatAlreadyLeft.selector);
        committee.leaveSeat(first.seatId);
        // absent, he pays all the same
        _until(roundId, Phase.Tally);
        _finalize(roundId);
        vm.assertEq(_wealth(first.owner), CREDIT + STAKE - SEAT_UNIT / 10, "absent in a failed epoch");
        vm.assertEq(hub.account(first.owner).locked, 0, "then he is free");
    }

    /* PRIVATE */

    /// @dev Six claims of everything, whose models reach 500, and an honest one of 605 outside; judged.
    function _crowded() private returns (uint256 roundId) {
        uint40[] memory scores = new uint40[](7);
        for (uint256 i; i < 6; ++i) {
            scores[i] = SCORE_MAX;
        }
        scores[6] = 605;
        roundId = _drawn(_spec(), scores);
        vm.assertEq(hub.round(roundId).excluded, 1, "the honest claim is outside");
        _judge(roundId, _fields(500, 6));
    }

    function _winAfterAll(uint256 roundId, uint256 score) private {
        vm.assertTrue(_phase(roundId) == Phase.Enlist, "claims may come in");
        hub.enlist(roundId, miners[6]);
        _show(roundId, miners[6]);
        _draw(roundId);
        _judge(roundId, score);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(_blocksMiner(roundId), miners[6], "the honest miner wins");
        vm.assertGt(_credit(miners[6]), CREDIT, "and is paid");
        _release(roundId);
        _assertConserved(0);
    }

    function _fields(uint256 field, uint256 count) private pure returns (uint256 word) {
        for (uint256 i; i < count; ++i) {
            word |= field << (40 * i);
        }
    }

    /// @dev Who is paid more than all others together: the winner.
    function _blocksMiner(uint256 roundId) private view returns (address best) {
        Candidate[] memory list = hub.candidates(roundId);
        for (uint256 i; i < list.length; ++i) {
            if (_credit(list[i].miner) > CREDIT + 30e18) return list[i].miner;
        }
    }

    function _refuseParent(ModelCommitment memory commitment, uint256 parentRound) private {
        TaskSpec memory spec = _specOf(commitment.roundId);
        bytes memory signature = _signed(commitment.miner, _digest(commitment, 950));
        vm.expectRevert(abi.encodeWithSelector(UnknownParent.selector, commitment.parent, parentRound));
        hub.claimModel(commitment, 950, spec, parentRound, signature);
    }

    function _refuseLeaf(
        ICommittee.Vote memory vote,
        TaskSpec memory spec,
        ICommittee.Leaf memory leaf,
        bytes32[] memory proof,
        bytes4 expected
    ) private {
        vm.expectPartialRevert(expected);
        committee.openLeaf(vote, spec, leaf, proof);
    }

    function _copy(ICommittee.Vote memory vote) private pure returns (ICommittee.Vote memory) {
        return abi.decode(abi.encode(vote), (ICommittee.Vote));
    }

    /* THE TREE OF PREDICTIONS, as docs/protocol.md has it */

    function _leaves(bytes32 salt, uint256 samples) private pure returns (bytes32[] memory level) {
        level = new bytes32[](samples);
        for (uint256 i; i < samples; ++i) {
            level[i] = keccak256(abi.encodePacked(bytes1(0), salt, uint8(0), uint64(i), int32(7)));
        }
    }

    function _above(bytes32[] memory level) private pure returns (bytes32[] memory next) {
        next = new bytes32[]((level.length + 1) / 2);
        for (uint256 i; i < next.length; ++i) {
            next[i] = 2 * i + 1 < level.length
                ? keccak256(abi.encodePacked(bytes1(0x01), level[2 * i], level[2 * i + 1]))
                : level[2 * i];
        }
    }

    function _root(bytes32 salt, uint256 samples) private pure returns (bytes32) {
        bytes32[] memory level = _leaves(salt, samples);
        while (level.length > 1) level = _above(level);
        return level[0];
    }

    function _proof(bytes32 salt, uint256 samples, uint256 index) private pure returns (bytes32[] memory proof) {
        bytes32[] memory level = _leaves(salt, samples);
        proof = new bytes32[](16);
        uint256 length;
        for (; level.length > 1; level = _above(level)) {
            if (index ^ 1 < level.length) proof[length++] = level[index ^ 1];
            index /= 2;
        }
        assembly ("memory-safe") {
            mstore(proof, length)
        }
    }
}
