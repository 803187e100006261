// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {VoteTree} from "../../../contracts/libraries/VoteTree.sol";
import {Rig} from "../attacks/Rig.sol";

/// @notice Committees that are large, or cannot be had, and seats that come and go with them.
contract CommitteesTest is Rig {
    /// @dev More than seven seats need a second word of their bench.
    function test_committee__of_nine__is_drawn_votes_and_is_paid() external {
        _committeesOf(9, 6);
        _joinFour();
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        ICommittee.Member[] memory members = committee.members(roundId);
        vm.assertEq(members.length, 9, "all nine");
        uint256 seats;
        for (uint256 i; i < members.length; ++i) {
            vm.assertEq((seats >> members[i].seatId) & 1, 0, "each once");
            seats |= 1 << members[i].seatId;
            vm.assertTrue(members[i].revealed, "his vote is there");
            vm.assertEq(committee.seat(members[i].seatId).serving, roundId, "he serves");
        }
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        for (uint256 i; i < members.length; ++i) {
            vm.assertGt(_credit(members[i].owner), CREDIT, "paid");
        }
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev What a larger committee left behind in the slot is nobody's seat in the next one.
    function test_committee__of_seven_after_one_of_nine__has_no_eighth() external {
        _committeesOf(9, 6);
        _joinFour();
        uint256 first = _judged(_spec(), _scores(900, 800));
        ICommittee.Member[] memory earlier = committee.members(first);
        _finalize(first);
        _committeesOf(7, 4);
        uint256 second = _drawn(_spec(), _scores(900, 800));
        vm.assertEq(hub.slotOf(second), hub.slotOf(first), "in the same slot");
        ICommittee.Member[] memory members = committee.members(second);
        for (uint256 pos = 7; pos < 9; ++pos) {
            bool drawn;
            for (uint256 i; i < 7; ++i) {
                if (members[i].seatId == earlier[pos].seatId) drawn = true;
            }
            vm.assertEq(committee.seat(earlier[pos].seatId).serving, drawn ? second : 0, "serves if it was drawn again");
            vm.prank(earlier[pos].owner);
            vm.expectRevert(abi.encodeWithSelector(ICommittee.NotDrawn.selector, second, earlier[pos].owner));
            committee.commitVote(second, uint8(pos), keccak256("vote"));
        }
    }

    /// @dev A quorum is enough of a committee; and what serves elsewhere comes back.
    function test_draw__from_a_quorum_of_seats__is_drawn_and_the_next_one_waits() external {
        _committeesOf(5, 3);
        for (uint32 seatId = 4; seatId <= validators.length; ++seatId) {
            vm.prank(validators[seatId - 1]);
            committee.leaveSeat(seatId);
        }
        uint256 first = _drawn(_spec(), _scores(900, 800));
        vm.assertEq(committee.members(first).length, 3, "all that there are");
        uint256 second = _shown(_spec(), _scores(900, 800));
        _draw(second);
        vm.assertFalse(committee.ballot(second).failed, "three serve, and come back");
        vm.assertTrue(_phase(second) == Phase.Seal || _phase(second) == Phase.Draw, "so it is drawn again");
    }

    /// @dev Whoever is drawn in the place of a miner is looked at as well, also where the pool runs dry.
    function test_draw__of_what_is_left_after_the_miners__has_none_of_them() external {
        _committeesOf(5, 3);
        for (uint32 seatId = 3; seatId <= validators.length; ++seatId) {
            vm.prank(validators[seatId - 1]);
            committee.leaveSeat(seatId);
        }
        for (uint256 i; i < 4; ++i) {
            vm.prank(miners[i]);
            committee.joinSeat();
        }
        uint40[] memory scores = new uint40[](4);
        (scores[0], scores[1], scores[2], scores[3]) = (900, 890, 880, 870);
        for (uint256 n; n < 4; ++n) {
            uint256 roundId = _shown(_spec(), scores);
            for (uint256 epoch; epoch < 3; ++epoch) {
                _draw(roundId);
                vm.assertTrue(committee.ballot(roundId).failed, "two seats are none too many for five");
                _finalize(roundId);
            }
            _release(roundId);
        }
    }

    /// @dev Slots are drawn for in any order: whichever is first is looked at from then on.
    function test_draw__in_a_later_slot_first__leaves_the_earlier_one_as_it_was() external {
        uint256 first = _shown(_spec(), _scores(900, 800));
        uint256 second = _shown(_spec(), _scores(900, 800));
        _draw(second);
        _draw(first);
        vm.assertEq(committee.members(first).length, 3, "both");
        vm.assertEq(committee.members(second).length, 3, "have theirs");
    }

    /// @dev Two thirds of a larger one, and one more.
    function test_draw__of_an_appeal__wants_five_of_seven() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        vm.assertEq(committee.ballot(roundId).quorum, 2, "two of three");
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(stranger);
        hub.appeal(roundId, spec);
        _draw(roundId);
        ICommittee.Ballot memory ballot = committee.ballot(roundId);
        vm.assertEq(ballot.quorum, 5, "five of seven");
        vm.assertEq(ballot.epoch, 1, "in the second epoch");
        vm.assertNotEq(ballot.seed, bytes32(0), "by a seed");
        vm.assertEq(committee.votes(roundId).seed, ballot.seed, "which orders ties, too");
    }

    function _committeesOf(uint8 size, uint8 quorum) private {
        Economy memory economy = _economy();
        (economy.committeeSize, economy.quorum) = (size, quorum);
        hub.setParams(_timing(), economy, _limits());
    }

    /// @dev So that there are eleven seats.
    function _joinFour() private {
        for (uint256 i; i < 4; ++i) {
            vm.prank(validators[i]);
            committee.joinSeat();
        }
    }

    /// @dev Two seats are an even number, and one is no quorum: the draw fails, and costs nobody who was not drawn.
    function test_draw__from_too_few_seats__fails_every_epoch_and_slashes_nobody() external {
        // the slot had a committee before, which is not this round's
        uint256 earlier = _judged(_spec(), _scores(900, 800));
        _finalize(earlier);
        for (uint32 seatId = 3; seatId <= validators.length; ++seatId) {
            vm.prank(validators[seatId - 1]);
            committee.leaveSeat(seatId);
        }
        uint256[] memory before = new uint256[](validators.length);
        for (uint256 i; i < before.length; ++i) {
            before[i] = _wealth(validators[i]);
        }
        uint256 roundId = _shown(_spec(), _scores(900, 800));
        for (uint8 epoch; epoch < 3; ++epoch) {
            vm.assertTrue(_phase(roundId) == Phase.Seal, "another draw");
            committee.draw(roundId);
            vm.assertEq(committee.ballot(roundId).seed, bytes32(0), "no seed yet");
            vm.roll(block.number + 3);
            committee.draw(roundId);
            vm.assertTrue(committee.ballot(roundId).failed, "too few");
            vm.assertEq(committee.ballot(roundId).epoch, epoch, "of this epoch");
            vm.assertEq(committee.members(roundId).length, 0, "nobody serves");
            _finalize(roundId);
        }
        vm.assertTrue(committee.ballot(roundId).failed, "the last one stays as it was");
        vm.assertTrue(hub.round(roundId).outcome == Outcome.NoQuorum, "no quorum");
        for (uint256 i; i < before.length; ++i) {
            vm.assertEq(_wealth(validators[i]), before[i], "nobody is slashed");
        }
        _release(roundId);
        _release(earlier);
        _assertConserved(0);
    }

    /// @dev A tenth of a seat for each epoch that failed for want of votes: with less than half left it judges no more.
    function test_seat__that_lost_more_than_half__is_sent_home() external {
        for (uint32 seatId = 4; seatId <= validators.length; ++seatId) {
            vm.prank(validators[seatId - 1]);
            committee.leaveSeat(seatId);
        }
        for (uint256 failed = 1; failed <= 6; ++failed) {
            uint256 roundId = failed % 3 == 1 ? _shown(_spec(), _scores(900, 800)) : hub.roundCount();
            _draw(roundId);
            vm.assertEq(committee.members(roundId).length, 3, "all three");
            _judge(roundId, new uint256[](0));
            _finalize(roundId);
            vm.assertEq(committee.seat(1).leaving, failed == 6, "half is enough, less is not");
        }
    }

    /// @dev Seats keep the bond they joined with: under a larger one, whoever served with less than half of it is sent home.
    function test_seat__with_less_than_half_of_a_new_bond__leaves_after_its_work() external {
        Economy memory economy = _economy();
        economy.seatUnit = 200e18;
        hub.setParams(_timing(), economy, _limits());
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        ICommittee.Member memory first = committee.members(roundId)[0];
        vm.assertEq(hub.account(first.owner).locked, SEAT_UNIT, "locked while it serves");
        _finalize(roundId);
        vm.assertTrue(committee.seat(first.seatId).leaving, "it left");
        vm.assertEq(hub.account(first.owner).locked, 0, "and its bond is free");
        vm.assertEq(committee.availableSeats(), validators.length - 3, "as are those of the other two");
    }

    /// @dev A seat that left is still its owner's while it serves, but no draw can choose it.
    function test_seats__that_serve_or_left__are_counted_as_such() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        ICommittee.Member memory first = committee.members(roundId)[0];
        vm.assertEq(committee.seatCount(), validators.length, "that there ever were");
        vm.assertEq(committee.availableSeats(), validators.length - 3, "three serve");
        vm.prank(first.owner);
        committee.leaveSeat(first.seatId);
        vm.assertEq(committee.availableSeats(), validators.length - 3, "it was none of these");
        uint32[] memory his = committee.seatsOf(first.owner);
        vm.assertTrue(his.length == 1 && his[0] == first.seatId, "still his");
        his = committee.seatsOf(committee.members(roundId)[1].owner);
        vm.assertTrue(his.length == 1 && his[0] == committee.members(roundId)[1].seatId, "and of the next one his");
        for (uint256 i; i < 6; ++i) {
            vm.prank(stranger);
            committee.joinSeat();
        }
        for (uint32 seatId = 1; seatId <= validators.length; ++seatId) {
            if (committee.seat(seatId).serving != 0) continue;
            vm.prank(validators[seatId - 1]);
            committee.leaveSeat(seatId);
        }
        vm.assertEq(committee.seatsOf(stranger).length, 6, "all of who has most");
        _judge(roundId, _believing(roundId));
        _finalize(roundId);
        vm.assertEq(committee.seatsOf(first.owner).length, 0, "no longer");
        vm.assertEq(committee.availableSeats(), 2 + 6, "two are back");
    }

    function test_joinSeat__where_the_pool_is_full__reverts() external {
        // the committee's counts are its first word: as many seats as the pool has places
        vm.store(address(committee), 0, bytes32(uint256(4_096) | (4_096 << 32)));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.SeatsFull.selector, 4_096));
        committee.joinSeat();
    }

    /* VOTES */

    function test_commitVote__by_whoever_was_not_drawn__reverts() external {
        uint256 roundId = _drawn(_spec(), _scores(900));
        vm.startPrank(stranger);
        for (uint8 pos; pos < 5; ++pos) {
            vm.expectRevert(abi.encodeWithSelector(ICommittee.NotDrawn.selector, roundId, stranger));
            committee.commitVote(roundId, pos, keccak256("vote"));
        }
        vm.stopPrank();
        // but his operator may
        vm.prank(committee.members(roundId)[0].owner);
        hub.setOperator(stranger);
        vm.prank(stranger);
        committee.commitVote(roundId, 0, keccak256("vote"));
        vm.assertEq(committee.ballot(roundId).committed, 1, "one vote");
    }

    function test_vote__twice__reverts() external {
        uint256 roundId = _drawn(_spec(), _scores(900));
        ICommittee.Vote memory vote = _vote(roundId, 0, 900);
        _commitVote(vote);
        vm.prank(vote.validator);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.AlreadyVoted.selector, roundId, 0));
        committee.commitVote(roundId, 0, keccak256("another"));
        _until(roundId, Phase.VoteReveal);
        committee.revealVote(vote);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.AlreadyVoted.selector, roundId, 0));
        committee.revealVote(vote);
        vote.pos = 3;
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NotDrawn.selector, roundId, vote.validator));
        committee.revealVote(vote);
    }

    function test_vote__without_a_committee_or_a_commit__reverts() external {
        uint256 roundId = _shown(_spec(), _scores(900));
        ICommittee.Vote memory vote;
        vote.roundId = roundId;
        bytes memory reason = abi.encodeWithSelector(ICommittee.WrongPhase.selector, uint8(Phase.Seal));
        vm.expectRevert(reason);
        committee.commitVote(roundId, 0, keccak256("vote"));
        vm.expectRevert(reason);
        committee.revealVote(vote);
        _draw(roundId);
        vote = _vote(roundId, 0, 900);
        _commitVote(_vote(roundId, 1, 900));
        _until(roundId, Phase.VoteReveal);
        reason = abi.encodeWithSelector(ICommittee.VoteMismatch.selector, committee.hashVote(vote), bytes32(0));
        vm.expectRevert(reason);
        committee.revealVote(vote);
    }

    /// @dev Who did not vote in this round has no hash in its block, whatever he voted in the slot's last one.
    function test_voteRoot__with_an_absent_validator__has_nothing_in_his_place() external {
        uint256 first = _judged(_spec(), _scores(900, 800));
        _finalize(first);
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        uint256[] memory words = new uint256[](2);
        words[0] = words[1] = _believing(roundId);
        _judge(roundId, words);
        vm.recordLogs();
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        bytes32[] memory hashes = new bytes32[](3);
        for (uint8 pos; pos < 2; ++pos) {
            hashes[pos] = committee.hashVote(votes[roundId][pos]);
        }
        vm.assertEq(_appended().voteRoot, VoteTree.root(hashes), "by two votes");
    }

    /* CHALLENGES */

    /// @dev The first is absent, the second skipped every candidate: neither has a leaf to show.
    function test_challengeVote__of_whoever_evaluated_nothing__reverts() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        uint256 skipped = SKIPPED | (SKIPPED << 40);
        _commitVote(_vote(roundId, 1, skipped));
        _commitVote(_vote(roundId, 2, _believing(roundId)));
        _until(roundId, Phase.VoteReveal);
        committee.revealVote(votes[roundId][1]);
        committee.revealVote(votes[roundId][2]);
        _until(roundId, Phase.Appeal);
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NotRevealed.selector, roundId, 0));
        hub.challengeVote(roundId, 0);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NothingEvaluated.selector, roundId, 1));
        hub.challengeVote(roundId, 1);
        vm.stopPrank();
        vm.assertEq(_credit(stranger), CREDIT + 0.02e18, "and cost nothing but the opening's tip came in");
    }

    /// @dev Who challenged in the slot's last round has no part in this one.
    function test_challenge__of_an_earlier_round__is_over() external {
        for (uint8 pos; pos < 3; ++pos) {
            uint256 roundId = _judged(_spec(), _scores(900, 800));
            vm.prank(pos == 0 ? stranger : miners[7]);
            hub.challengeVote(roundId, pos);
            _finalize(roundId);
            _release(roundId);
            _assertConserved(0);
        }
    }

    /// @dev Of many candidates any may be asked for, by the order in which the vote scores them.
    function test_challengedLeaf__of_many_candidates__is_one_that_was_scored() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800, 700));
        // nothing is said of the first
        uint256 word = SKIPPED | (800 << 40) | (700 << 80);
        _judge(roundId, word);
        TaskSpec memory spec = _specOf(roundId);
        uint256 asked;
        for (uint8 pos; pos < 3; ++pos) {
            vm.prank(stranger);
            hub.challengeVote(roundId, pos);
            (uint8 candidate, uint64 sample) = committee.challengedLeaf(roundId, pos, spec);
            vm.assertLt(sample, SCORE_MAX, "a sample");
            asked |= 1 << candidate;
        }
        vm.assertEq(asked & ~uint256(6), 0, "of the second or the third");
        ++spec.tol;
        vm.expectPartialRevert(ICommittee.SpecMismatch.selector);
        committee.challengedLeaf(roundId, 0, spec);
    }

    /// @dev Nobody knows beforehand what he will be asked for: it follows from the block before.
    function test_challengedLeaf__of_challenges_in_other_blocks__is_any_that_was_scored() external {
        uint256 other = _shown(_spec(), _scores(900));
        TaskSpec memory its = _specOf(other);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.WrongPhase.selector, uint8(Phase.Seal)));
        committee.challengedLeaf(other, 0, its);
        uint256 roundId = _drawn(_spec(), _scores(900, 800, 700));
        // the first could not be had
        _judge(roundId, UNAVAILABLE | (800 << 40) | (700 << 80));
        TaskSpec memory spec = _specOf(roundId);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NotChallenged.selector, roundId, 0));
        committee.challengedLeaf(roundId, 0, spec);
        uint256 candidates;
        uint256 samples;
        uint64 last;
        for (uint256 n; n < 16; ++n) {
            uint256 snapshot = vm.snapshotState();
            vm.roll(block.number + 1 + n);
            vm.prank(stranger);
            hub.challengeVote(roundId, 0);
            (uint8 candidate, uint64 sample) = committee.challengedLeaf(roundId, 0, spec);
            vm.revertToState(snapshot);
            candidates |= 1 << candidate;
            if (sample != last) ++samples;
            last = sample;
        }
        vm.assertEq(candidates, 6, "the second and the third, never the first");
        vm.assertGt(samples, 8, "and other samples");
    }
}
