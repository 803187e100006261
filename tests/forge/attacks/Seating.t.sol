// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {Rig} from "./Rig.sol";

/// @notice Seats, from joining over work and loss to leaving, and a ballot from its seal to its end.
contract SeatingTest is Rig {
    /* SEATS */

    function test_joinSeat__locks_a_unit_and_is_found_by_its_owner() external {
        vm.prank(stranger);
        uint32 seatId = committee.joinSeat();
        vm.assertEq(seatId, 8, "numbers go on");
        vm.assertEq(committee.seatCount(), 8, "eight in all");
        vm.assertEq(committee.availableSeats(), 8, "all of them free");
        ICommittee.Seat memory seat = committee.seat(seatId);
        vm.assertEq(seat.owner, stranger, "owner");
        vm.assertEq(seat.bonded, SEAT_UNIT, "bond");
        vm.assertFalse(seat.leaving, "it stays");
        vm.assertEq(seat.serving, 0, "it serves nobody");
        vm.assertEq(hub.account(stranger).locked, SEAT_UNIT, "the bond is locked");
        vm.assertEq(committee.seatsOf(stranger).length, 1, "one seat");
        vm.assertEq(committee.seatsOf(stranger)[0], seatId, "this one");
    }

    /// @dev The last seat of the pool takes the place of one that leaves: nobody else's seat is lost.
    function test_leaveSeat__from_first_to_last__leaves_the_others() external {
        uint32[7] memory order = [uint32(3), 1, 7, 2, 4, 6, 5];
        for (uint256 left; left < 7; ++left) {
            address owner = validators[order[left] - 1];
            vm.prank(owner);
            committee.leaveSeat(order[left]);
            vm.assertTrue(committee.seat(order[left]).leaving, "it has left");
            vm.assertEq(committee.seat(order[left]).bonded, 0, "with its bond");
            vm.assertEq(hub.account(owner).locked, 0, "which is free");
            vm.assertEq(committee.seatsOf(owner).length, 0, "he has none any more");
            vm.assertEq(committee.availableSeats(), 6 - left, "one less");
            for (uint256 i = left + 1; i < 7; ++i) {
                vm.assertEq(committee.seatsOf(validators[order[i] - 1])[0], order[i], "the others have theirs");
            }
        }
        vm.prank(validators[0]);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.SeatAlreadyLeft.selector, 1));
        committee.leaveSeat(1);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NotSeatOwner.selector, 2, stranger));
        committee.leaveSeat(2);
    }

    /// @dev Who leaves while he serves keeps his work, and his seat is shown as his until then.
    function test_leaveSeat__while_it_serves__frees_the_bond_when_the_round_ends() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        ICommittee.Member memory member = committee.members(roundId)[0];
        vm.assertEq(committee.seat(member.seatId).serving, roundId, "it serves");
        vm.assertEq(committee.availableSeats(), 4, "three of seven are at work");
        vm.prank(member.owner);
        committee.leaveSeat(member.seatId);
        vm.assertEq(committee.availableSeats(), 4, "he was not available");
        vm.assertEq(committee.seatsOf(member.owner)[0], member.seatId, "he has to finish");
        vm.assertEq(hub.account(member.owner).locked, SEAT_UNIT, "bonded");
        _judge(roundId, _believing(roundId));
        _finalize(roundId);
        vm.assertEq(hub.account(member.owner).locked, 0, "free");
        vm.assertEq(committee.seatsOf(member.owner).length, 0, "gone");
        vm.assertEq(committee.seat(member.seatId).serving, 0, "it serves nobody");
        vm.assertEq(committee.availableSeats(), 6, "the others are back");
    }

    function test_absent__in_a_round_with_a_quorum__loses_a_hundredth_and_stays() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        ICommittee.Member memory absent = committee.members(roundId)[2];
        _judge(roundId, _words(_believing(roundId), _believing(roundId)));
        _finalize(roundId);
        ICommittee.Seat memory seat = committee.seat(absent.seatId);
        vm.assertEq(seat.bonded, SEAT_UNIT - SEAT_UNIT / 100, "a hundredth less");
        vm.assertFalse(seat.leaving, "he may judge again");
        vm.assertEq(hub.account(absent.owner).locked, SEAT_UNIT - SEAT_UNIT / 100, "so much is locked");
        vm.assertEq(hub.account(absent.owner).stake, STAKE - SEAT_UNIT / 100, "so much is his");
        vm.assertEq(committee.availableSeats(), 7, "seven seats");
    }

    /// @dev Where the unit has more than doubled, seats of the old size retire when they have finished a round of the new one.
    function test_seats__of_less_than_half_a_unit__retire_unpunished() external {
        Economy memory economy = _economy();
        economy.seatUnit = uint96(2 * SEAT_UNIT);
        hub.setParams(_timing(), economy, _limits());
        uint256 first = _judged(_spec(), _scores(900, 800));
        _finalize(first);
        vm.assertEq(committee.availableSeats(), 7, "exactly half is enough");
        economy.seatUnit = uint96(2 * SEAT_UNIT + 2);
        hub.setParams(_timing(), economy, _limits());
        uint256 second = _judged(_spec(), _scores(900, 800));
        ICommittee.Member[] memory members = committee.members(second);
        _finalize(second);
        vm.assertEq(committee.availableSeats(), 4, "three retired");
        for (uint256 i; i < 3; ++i) {
            vm.assertTrue(committee.seat(members[i].seatId).leaving, "it is not drawn any more");
            vm.assertEq(hub.account(members[i].owner).locked, 0, "its bond is free");
            vm.assertEq(hub.account(members[i].owner).stake, STAKE, "and whole");
        }
    }

    /* A BALLOT */

    function test_ballot__from_its_seal_to_its_last_vote__is_what_happened() external {
        uint256 roundId = _shown(_spec(), _scores(900, 800));
        ICommittee.Ballot memory ballot = committee.ballot(roundId);
        vm.assertEq(ballot.sealBlock, 0, "no seal yet");
        committee.draw(roundId);
        ballot = committee.ballot(roundId);
        vm.assertEq(ballot.sealBlock, block.number + 2, "two blocks ahead");
        vm.assertEq(ballot.size, 0, "nobody is drawn yet");
        vm.roll(block.number + 3);
        committee.draw(roundId);
        ballot = committee.ballot(roundId);
        vm.assertEq(ballot.size, 3, "three");
        vm.assertEq(ballot.quorum, 2, "of whom two decide");
        vm.assertTrue(ballot.seed != 0, "by a seed");
        vm.assertFalse(ballot.failed, "it goes on");
        vm.assertEq(ballot.voteStart, block.timestamp, "from now on");
        vm.assertEq(ballot.commitEnd, block.timestamp + 100, "time to commit");
        vm.assertEq(ballot.revealEnd, block.timestamp + 200, "time to reveal");
        _walkThrough(roundId);
    }

    function _walkThrough(uint256 roundId) private {
        uint256 word = _believing(roundId);
        vm.warp(block.timestamp + 7);
        for (uint8 pos; pos < 3; ++pos) {
            vm.assertEq(committee.ballot(roundId).committed, pos, "so many committed");
            _commitVote(_vote(roundId, pos, word));
            ICommittee.Member memory member = committee.members(roundId)[pos];
            vm.assertEq(member.voteHash, committee.hashVote(votes[roundId][pos]), "the hash is kept");
            vm.assertFalse(member.revealed, "nothing is revealed");
            vm.assertEq(member.word, 0, "nor shown");
        }
        ICommittee.Ballot memory ballot = committee.ballot(roundId);
        vm.assertEq(ballot.commitEnd, block.timestamp, "the last one ends the phase");
        vm.assertEq(ballot.revealEnd, block.timestamp + 100, "and leaves the next one whole");
        for (uint8 pos; pos < 3; ++pos) {
            vm.assertEq(committee.ballot(roundId).revealed, pos, "so many revealed");
            committee.revealVote(votes[roundId][pos]);
            ICommittee.Member memory member = committee.members(roundId)[pos];
            vm.assertTrue(member.revealed, "revealed");
            vm.assertEq(member.word, word, "the word is kept");
        }
        vm.assertEq(committee.ballot(roundId).revealEnd, block.timestamp, "the last one ends the phase");
        ICommittee.Votes memory all = committee.votes(roundId);
        vm.assertEq(all.size, 3, "size");
        vm.assertEq(all.quorum, 2, "quorum");
        vm.assertEq(all.revealed, 7, "all three");
        vm.assertEq(all.unopened, 0, "nobody was challenged");
        vm.assertEq(all.words[2], word, "words by position");
        (ICommittee.Verdict[] memory verdicts, uint16 flags) = committee.verdicts(roundId, 2, TOL);
        vm.assertEq(verdicts[0].median, 900, "medians");
        vm.assertEq(verdicts[1].median, 800, "medians");
        vm.assertEq(flags, 0, "no flags");
    }

    function test_commitVote__by_the_members_operator__counts_for_him_alone() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        address owner = committee.members(roundId)[0].owner;
        vm.prank(owner);
        hub.setOperator(stranger);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NotDrawn.selector, roundId, stranger));
        committee.commitVote(roundId, 1, keccak256("vote"));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.NotDrawn.selector, roundId, stranger));
        committee.commitVote(roundId, 3, keccak256("vote"));
        vm.startPrank(stranger);
        committee.commitVote(roundId, 0, keccak256("vote"));
        vm.expectRevert(abi.encodeWithSelector(ICommittee.AlreadyVoted.selector, roundId, 0));
        committee.commitVote(roundId, 0, keccak256("another"));
        vm.stopPrank();
        vm.assertEq(committee.members(roundId)[0].voteHash, keccak256("vote"), "his vote");
        vm.warp(committee.ballot(roundId).commitEnd);
        vm.prank(committee.members(roundId)[1].owner);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.WrongPhase.selector, uint8(Phase.VoteReveal)));
        committee.commitVote(roundId, 1, keccak256("late"));
    }

    function test_revealVote__twice_or_late_or_for_another_epoch__reverts() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        ICommittee.Vote[3] memory cast;
        for (uint8 pos; pos < 3; ++pos) {
            cast[pos] = _vote(roundId, pos, _believing(roundId));
            if (pos == 2) cast[pos].epoch = 1;
            _commitVote(cast[pos]);
        }
        committee.revealVote(cast[0]);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.AlreadyVoted.selector, roundId, 0));
        committee.revealVote(cast[0]);
        vm.expectPartialRevert(ICommittee.VoteMismatch.selector);
        committee.revealVote(cast[2]);
        cast[1].pos = 3;
        vm.expectPartialRevert(ICommittee.NotDrawn.selector);
        committee.revealVote(cast[1]);
        cast[1].pos = 1;
        vm.warp(committee.ballot(roundId).revealEnd);
        vm.expectPartialRevert(ICommittee.WrongPhase.selector);
        committee.revealVote(cast[1]);
    }

    /* DRAWS */

    /// @dev Only the last 256 hashes can be had: a draw that comes later seals another block.
    function test_draw__after_256_blocks__seals_again() external {
        uint256 roundId = _shown(_spec(), _scores(900, 800));
        committee.draw(roundId);
        uint64 sealBlock = committee.ballot(roundId).sealBlock;
        vm.roll(sealBlock + 257);
        uint256 tips = hub.round(roundId).tips;
        committee.draw(roundId);
        vm.assertEq(committee.ballot(roundId).sealBlock, sealBlock + 259, "two blocks ahead again");
        vm.assertEq(hub.round(roundId).tips, tips, "for no tip");
        // a seat may come meanwhile, for nobody knows the seed
        vm.prank(stranger);
        committee.joinSeat();
        vm.roll(sealBlock + 259);
        vm.expectRevert(
            abi.encodeWithSelector(ICommittee.TooEarly.selector, uint256(sealBlock) + 259, uint256(sealBlock) + 260)
        );
        committee.draw(roundId);
        vm.roll(sealBlock + 260);
        committee.draw(roundId);
        vm.assertEq(committee.members(roundId).length, 3, "drawn");
        vm.assertEq(hub.round(roundId).tips, tips + 1, "for a tip");
    }

    /// @dev Seven seats serve two rounds of three each; the third waits until they are back.
    function test_draw__while_others_serve__takes_none_of_them_and_waits() external {
        uint256 first = _drawn(_spec(), _scores(900, 800));
        uint256 second = _drawn(_spec(), _scores(900, 800));
        vm.assertEq(committee.availableSeats(), 1, "six are at work");
        ICommittee.Member[] memory mine = committee.members(first);
        ICommittee.Member[] memory theirs = committee.members(second);
        for (uint256 i; i < 9; ++i) {
            vm.assertNotEq(mine[i / 3].owner, theirs[i % 3].owner, "nobody in both");
        }
        uint256 third = _drawn(_spec(), _scores(900, 800));
        vm.assertTrue(_phase(third) == Phase.Seal || _phase(third) == Phase.Draw, "one seat is no quorum: it waits");
        vm.assertEq(committee.members(third).length, 0, "for nobody was drawn");
        // nobody voted there in time: the epoch ends
        _finalize(first);
        vm.roll(block.number + 3);
        committee.draw(third);
        vm.assertEq(committee.members(third).length, 3, "three are back");
    }

    /// @dev Three of seven have left, two committed: of the two that are left an odd number judges, one; that is no quorum.
    function test_draw__with_too_few_eligible__ends_without_a_quorum() external {
        for (uint32 seatId = 1; seatId <= 4; ++seatId) {
            vm.prank(validators[seatId - 1]);
            committee.leaveSeat(seatId);
        }
        uint256 roundId = _open();
        for (uint256 i = 4; i < 6; ++i) {
            _commit(roundId, validators[i]);
        }
        _commit(roundId, miners[0]);
        _revealKey(roundId);
        _claim(roundId, miners[0], 900);
        _until(roundId, Phase.Show);
        _show(roundId, miners[0]);
        for (uint256 epoch; epoch < 3; ++epoch) {
            vm.assertEq(hub.round(roundId).epoch, epoch, "epoch by epoch");
            _draw(roundId);
            vm.assertTrue(committee.ballot(roundId).failed, "too few");
            vm.assertTrue(committee.votes(roundId).failed, "and the hub is told so");
            vm.assertEq(committee.members(roundId).length, 0, "nobody serves");
            vm.assertEq(committee.availableSeats(), 3, "nobody is at work");
            _finalize(roundId);
        }
        vm.assertTrue(hub.round(roundId).outcome == Outcome.NoQuorum, "over");
        vm.assertEq(hub.account(validators[6]).stake, STAKE, "nobody is punished");
    }

    function test_draw__of_a_final_round__reverts() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        _finalize(roundId);
        vm.expectRevert(abi.encodeWithSelector(ICommittee.WrongPhase.selector, uint8(Phase.Final)));
        committee.draw(roundId);
    }

    /// @dev Of the slot's last round nothing is left in the next one.
    function test_ballot__of_the_slots_next_round__begins_anew() external {
        uint256 first = _judged(_spec(), _scores(900, 800));
        _finalize(first);
        vm.assertEq(committee.ballot(first).revealed, 3, "it can still be read");
        uint256 second = _shown(_spec(), _scores(900, 800));
        vm.assertEq(hub.slotOf(second), hub.slotOf(first), "the same slot");
        vm.assertEq(committee.ballot(second).size, 0, "nothing of its own yet");
        vm.assertEq(committee.members(second).length, 0, "nobody");
        _draw(second);
        vm.assertEq(committee.ballot(first).size, 0, "the slot has another");
        vm.assertEq(committee.ballotWord(first, hub.slotOf(first)), 0, "word and all");
        vm.assertEq(committee.members(second).length, 3, "three of its own");
        vm.assertEq(committee.members(second)[0].voteHash, 0, "who have not voted");
        vm.expectRevert(abi.encodeWithSelector(ICommittee.WrongPhase.selector, uint8(Phase.Final)));
        committee.draw(first);
    }

    /// @dev From eight seats on a committee has a second word. It serves like the first, and a smaller committee forgets it.
    function test_committee__of_fifteen__serves_whole_and_leaves_nothing_to_one_of_three() external {
        for (uint256 i; i < 8; ++i) {
            vm.prank(_newcomer(string.concat("another validator", vm.toString(i))));
            committee.joinSeat();
        }
        Economy memory economy = _economy();
        (economy.committeeSize, economy.quorum) = (15, 8);
        hub.setParams(_timing(), economy, _limits());
        uint256 large = _drawn(_spec(), _scores(900, 800));
        ICommittee.Member[] memory members = committee.members(large);
        vm.assertEq(members.length, 15, "all of them");
        vm.assertEq(committee.availableSeats(), 0, "nobody is left");
        for (uint256 pos; pos < 15; ++pos) {
            vm.assertEq(committee.seat(members[pos].seatId).serving, large, "each serves");
        }
        vm.prank(stranger);
        uint32 other = committee.joinSeat();
        vm.assertEq(committee.seat(other).serving, 0, "who was not drawn does not");
        vm.prank(stranger);
        committee.leaveSeat(other);
        _judge(large, _believing(large));
        vm.assertTrue(_finalize(large) == Outcome.Block, "a block");
        vm.assertEq(committee.availableSeats(), 15, "all are back");
        hub.setParams(_timing(), _economy(), _limits());
        uint256 small = _drawn(_spec(), _scores(900, 800));
        vm.assertEq(committee.members(small).length, 3, "three");
        vm.assertEq(committee.availableSeats(), 12, "the others are free");
        for (uint8 pos = 3; pos < 15; ++pos) {
            vm.prank(members[pos].owner);
            vm.expectRevert(abi.encodeWithSelector(ICommittee.NotDrawn.selector, small, members[pos].owner));
            committee.commitVote(small, pos, keccak256("vote"));
        }
    }
}
