// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {VoteTree} from "../../../contracts/libraries/VoteTree.sol";
import {Cheats} from "../Cheats.sol";
import {Rig} from "./Rig.sol";

/// @notice How rounds end, in money: who gets what, what is burned, and that the hub then holds what it owes.
contract EndingTest is Rig {
    uint256 private constant FEE = 100e18;
    uint256 private constant BOND = 60e18;
    uint256 private constant TIP = 0.02e18;
    uint256 private constant APPEAL_BOND = 3e18;

    uint256 private _supply;

    function setUp() public override {
        super.setUp();
        _supply = token.totalSupply();
    }

    /* A BLOCK */

    function test_block__of_three_candidates__pays_every_share_to_the_last_unit() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800, 700));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        uint256 fee = FEE - 3 * TIP;
        uint256 each = fee / 10 / 3;
        uint256 emission = fee / 10 * 9 / 10;
        vm.assertEq(_burned() + emission, fee / 10, "a tenth is burned, nine tenths of that emitted");
        vm.assertEq(_credit(miners[1]), CREDIT + fee / 20, "the second");
        vm.assertEq(_credit(miners[2]), CREDIT + fee / 20, "the third");
        uint256 rest = fee - fee / 10 - 3 * each - 2 * (fee / 20);
        vm.assertEq(_credit(miners[0]), CREDIT + rest + emission, "the winner");
        for (uint256 pos; pos < 3; ++pos) {
            vm.assertEq(_credit(committee.members(roundId)[pos].owner), CREDIT + each, "each validator");
        }
        vm.assertEq(_credit(requester), CREDIT - FEE, "the requester's bond is back");
        _assertOver(roundId);
    }

    /// @dev Emission needs two claims; the places of others are the winner's.
    function test_block__of_a_lone_miner__pays_him_the_places_of_others_and_no_emission() external {
        uint256 roundId = _judged(_spec(), _scores(900));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        uint256 fee = FEE - 3 * TIP;
        vm.assertEq(_credit(miners[0]), CREDIT + fee - fee / 10 - fee / 10 / 3 * 3, "all but what is burned and judged");
        vm.assertEq(_burned(), fee / 10, "burned");
        _assertOver(roundId);
    }

    /// @dev Who is as good, but for less than the task's tolerance of ties, does not pass who committed before him.
    function test_block__of_two_within_the_tie__is_the_earlier_ones() external {
        TaskSpec memory spec = _spec();
        spec.tieTol = 5;
        uint256 roundId = _open(spec);
        for (uint256 i; i < 3; ++i) {
            // in the second half of the time to train their order counts
            vm.warp(hub.round(roundId).commitEnd - 100);
            _commit(roundId, miners[i]);
        }
        _revealKey(roundId);
        uint40[3] memory scores = [uint40(898), 900, 903];
        for (uint256 i; i < 3; ++i) {
            _claim(roundId, miners[i], scores[i]);
        }
        _showAll(roundId);
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertGt(_credit(miners[0]), CREDIT + FEE / 2, "the earliest of those within five of the best");
        _assertOver(roundId);
    }

    /// @dev Of those who committed in the first half of the time to train nobody is earlier: the committee's seed orders them.
    function test_block__of_early_ones_within_the_tie__is_the_first_by_the_seed() external {
        for (uint256 n; n < 4; ++n) {
            TaskSpec memory spec = _spec();
            spec.tieTol = 5;
            uint256 roundId = _judged(spec, _scores(900, 899, 898));
            bytes32 seed = committee.votes(roundId).seed;
            bytes32 expected;
            bytes32 least = bytes32(type(uint256).max);
            for (uint256 i; i < 3; ++i) {
                bytes32 hash = hub.hashCommitment(commitments[roundId][miners[i]]);
                bytes32 order = keccak256(abi.encode(seed, hash));
                if (order < least) (expected, least) = (hash, order);
            }
            _until(roundId, Phase.Tally);
            (, bytes32 winner,) = hub.preview(roundId, spec);
            vm.assertEq(winner, expected, "the least hash");
            _finalize(roundId);
        }
    }

    /// @dev Of those who committed in the second half the earliest is, whatever the seed.
    function test_block__of_late_ones_within_the_tie__is_the_first_who_committed() external {
        for (uint256 n; n < 4; ++n) {
            TaskSpec memory spec = _spec();
            spec.tieTol = 5;
            uint256 roundId = _open(spec);
            vm.warp(hub.round(roundId).commitStart + spec.trainSecs / 2);
            for (uint256 i; i < 3; ++i) {
                _commit(roundId, miners[2 - i]);
            }
            _revealKey(roundId);
            for (uint40 i; i < 3; ++i) {
                _claim(roundId, miners[i], 900 - i);
            }
            _showAll(roundId);
            _draw(roundId);
            _judge(roundId, _believing(roundId));
            _until(roundId, Phase.Tally);
            (, bytes32 winner,) = hub.preview(roundId, spec);
            vm.assertEq(winner, hub.hashCommitment(commitments[roundId][miners[2]]), "the first commit");
            _finalize(roundId);
        }
    }

    /// @dev A majority says that the winner's payload is not what the inbox holds: the block comes without it. He is second on the
    /// list, behind one who over-claims.
    function test_block__with_a_payload_that_a_majority_refuses__carries_nothing() external {
        hub.post(keccak256("item"));
        uint256 roundId = _carrying();
        uint256 refused = 500 | (800 << 40) | (1 << 244);
        _judge(roundId, _words(refused, refused, 500 | (800 << 40)));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(hub.inbox().carried, 0, "nothing is carried");
    }

    /// @dev Two rounds carry the same item, the later one also the next: whichever ends last, both are carried.
    function test_block__with_less_than_was_carried_meanwhile__takes_nothing_back() external {
        hub.post(keccak256("item"));
        uint256 first = _carrying();
        hub.post(keccak256("another"));
        _judge(first, 500 | (800 << 40));
        uint256 second = _carrying();
        _judge(second, 500 | (800 << 40));
        vm.recordLogs();
        vm.assertTrue(_finalize(second) == Outcome.Block, "the later one");
        BlockHeader memory header = _appended();
        vm.assertEq(header.payloadRoot, keccak256("payload"), "the header says what it carries");
        bytes32[] memory hashes = new bytes32[](3);
        for (uint8 pos; pos < 3; ++pos) {
            hashes[pos] = committee.hashVote(votes[second][pos]);
        }
        vm.assertEq(header.voteRoot, VoteTree.root(hashes), "and by whose votes it came");
        vm.assertEq(hub.inbox().carried, 2, "both");
        vm.assertTrue(_finalize(first) == Outcome.Block, "the earlier one");
        vm.assertEq(hub.inbox().carried, 2, "still both");
        Round memory round = hub.round(_open());
        vm.assertEq(round.inboxTo, 0, "and nothing for the next round");
    }

    /// @dev More was posted and carried together than one block may carry, and less of it is left.
    function test_batch__of_many_after_many__is_what_is_left() external {
        for (uint256 i; i < 600; ++i) {
            hub.post(bytes32(i + 1));
        }
        uint256 roundId = _carrying();
        _judge(roundId, 500 | (800 << 40));
        _finalize(roundId);
        vm.assertEq(hub.inbox().carried, 600, "all of the first");
        for (uint256 i; i < 500; ++i) {
            hub.post(bytes32(i + 1));
        }
        Round memory round = hub.round(_open());
        vm.assertEq(round.inboxFrom, 601, "from the first of the second");
        vm.assertEq(round.inboxTo, 1_100, "to the last");
    }

    /* NO BLOCK */

    /// @dev Who did not show his key has no part in it, and what three equal parts leave is burned with the rest.
    function test_task_fault__is_made_good_to_those_alone_who_showed_their_keys() external {
        uint256 roundId = _claimed(_spec(), _scores4(900, 800, 700, 650));
        for (uint256 i = 1; i < 4; ++i) {
            _show(roundId, miners[i]);
        }
        _until(roundId, Phase.Seal);
        _draw(roundId);
        _judge(roundId, MISDECLARED);
        vm.assertTrue(_finalize(roundId) == Outcome.TaskFault, "the task's fault");
        uint256 fee = FEE - 3 * TIP;
        uint256 rest = fee - fee / 10 - 3 * (fee / 10 / 3) + BOND;
        vm.assertEq(_wealth(miners[0]), CREDIT + STAKE - MINER_UNIT / 2, "slashed, and not paid");
        vm.assertEq(_credit(miners[1]), CREDIT + rest / 2 / 3, "a third of a half");
        _assertOver(roundId);
    }

    function test_task_fault__costs_fee_and_bond__half_to_the_miners() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        _judge(roundId, _believing(roundId) | MISDECLARED);
        vm.assertTrue(_finalize(roundId) == Outcome.TaskFault, "the task's fault");
        uint256 fee = FEE - 3 * TIP;
        uint256 each = fee / 10 / 3;
        uint256 rest = fee - fee / 10 - 3 * each + BOND;
        vm.assertEq(_credit(requester), CREDIT - FEE - BOND, "he gets nothing");
        vm.assertEq(_credit(miners[0]), CREDIT + rest / 2 / 2, "a quarter of the rest");
        vm.assertEq(_credit(miners[1]), CREDIT + rest / 2 / 2, "each");
        vm.assertEq(_credit(committee.members(roundId)[0].owner), CREDIT + each, "validators are paid");
        vm.assertEq(_burned(), fee / 10 + rest - 2 * (rest / 2 / 2), "the other half is burned");
        _assertOver(roundId);
    }

    /// @dev One of the judges was challenged, and silent: of his share a tenth is the challenger's, the rest is burned.
    function test_task_fault__with_a_silent_validator__burns_his_share_too() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        _judge(roundId, _believing(roundId) | MISDECLARED);
        vm.prank(stranger);
        hub.challengeVote(roundId, 1);
        vm.assertTrue(_finalize(roundId) == Outcome.TaskFault, "the task's fault");
        uint256 fee = FEE - 3 * TIP;
        uint256 each = fee / 10 / 3;
        uint256 rest = fee - fee / 10 - 3 * each + BOND;
        vm.assertEq(_credit(committee.members(roundId)[1].owner), CREDIT, "the silent one is not paid");
        vm.assertEq(_credit(stranger), CREDIT + TIP + each / 10, "a tenth, the bond back, and his tip");
        vm.assertEq(_burned(), fee / 10 + rest - 2 * (rest / 2 / 2) + each - each / 10, "burned");
        _assertOver(roundId);
    }

    function test_below_threshold__of_judged_models__pays_half_and_burns_half() external {
        uint256 roundId = _drawn(_spec(), _scores(105, 104));
        uint256[] memory fields = new uint256[](2);
        (fields[0], fields[1]) = (98, 98);
        _judge(roundId, _word(fields));
        vm.assertTrue(_finalize(roundId) == Outcome.BelowThreshold, "no median reached it");
        uint256 fee = FEE - 3 * TIP;
        uint256 rest = fee - fee / 10 - fee / 10 / 3 * 3;
        vm.assertEq(_credit(miners[0]), CREDIT + rest / 2 / 2, "a quarter of the rest");
        vm.assertEq(_burned(), fee / 10 + rest - 2 * (rest / 2 / 2), "the other half is burned");
        vm.assertEq(_credit(requester), CREDIT - FEE, "the bond is back");
        _assertOver(roundId);
    }

    function test_below_threshold__of_refused_models__returns_the_miners_share() external {
        uint256 roundId = _drawn(_spec(), _scores(900));
        _judge(roundId, INVALID);
        vm.assertTrue(_finalize(roundId) == Outcome.BelowThreshold, "there is no model");
        uint256 fee = FEE - 3 * TIP;
        uint256 spent = fee / 10 + fee / 10 / 3 * 3;
        vm.assertEq(_credit(requester), CREDIT - 3 * TIP - spent, "less what is burned and judged");
        vm.assertEq(_wealth(miners[0]), CREDIT + STAKE - MINER_UNIT / 2, "half of the lock");
        vm.assertEq(_burned(), fee / 10 + MINER_UNIT / 2, "is burned too");
        _assertOver(roundId);
    }

    function test_no_quorum__after_three_epochs__pays_the_miners_and_returns_the_rest() external {
        uint256 roundId = _shown(_spec(), _scores(900, 800));
        uint256[] memory one = new uint256[](1);
        for (uint256 epoch; epoch < 3; ++epoch) {
            _draw(roundId);
            one[0] = _believing(roundId);
            _judge(roundId, one);
            _finalize(roundId);
        }
        vm.assertTrue(hub.round(roundId).outcome == Outcome.NoQuorum, "nobody judged");
        uint256 fee = FEE - 7 * TIP;
        uint256 each = (fee - fee / 10 - fee / 10) / 2;
        vm.assertEq(_credit(miners[0]), CREDIT + each, "half of the miners' share");
        vm.assertEq(_credit(miners[1]), CREDIT + each, "each");
        vm.assertEq(_credit(requester), CREDIT - 7 * TIP - 2 * each, "the rest is back, and the bond");
        vm.assertEq(_burned(), 6 * (SEAT_UNIT / 10), "two seats' tenth in each epoch");
        _assertOver(roundId);
    }

    /// @dev Half of the bond for eight is less than a lock each.
    function test_key_withheld__from_eight__shares_half_of_the_bond() external {
        uint256 roundId = _open();
        for (uint256 i; i < 8; ++i) {
            _commit(roundId, miners[i]);
        }
        vm.assertTrue(_finalize(roundId) == Outcome.KeyWithheld, "nobody showed it");
        vm.assertEq(hub.round(roundId).compensation, BOND / 2 / 8, "an eighth of it");
        vm.assertEq(_burned(), BOND / 2, "the other half");
        for (uint256 i; i < 8; ++i) {
            vm.prank(miners[i]);
            hub.claimCompensation(roundId);
            vm.assertEq(_credit(miners[i]), CREDIT + BOND / 2 / 8, "each");
        }
        vm.assertEq(_credit(requester), CREDIT - BOND - 2 * TIP, "the fee is back");
        _assertOver(roundId);
    }

    function test_no_commit__where_the_slot_costs_more_than_the_fee__burns_the_fee() external {
        Limits memory limits = _limits();
        limits.slotFeePerSec = 1e18;
        hub.setParams(_timing(), _economy(), limits);
        uint256 roundId = _open();
        vm.assertTrue(_finalize(roundId) == Outcome.NoCommit, "nobody came");
        vm.assertEq(_burned(), FEE - 2 * TIP, "all that is left of the fee");
        vm.assertEq(_credit(requester), CREDIT - FEE, "the bond is back");
        _assertOver(roundId);
    }

    function test_no_model__slashes_the_listed_and_burns_the_slot() external {
        uint256 roundId = _claimed(_spec(), _scores(900, 800));
        vm.assertTrue(_finalize(roundId) == Outcome.NoModel, "nobody shows a key");
        vm.assertEq(_burned(), MINER_UNIT + 0.06e18, "half of two locks, and the slot");
        vm.assertEq(_credit(requester), CREDIT - 2 * TIP - 0.06e18, "the rest is back");
        _assertOver(roundId);
    }

    /* APPEALS */

    function test_appeal__that_says_the_same__shares_the_bond_among_those_who_judged_again() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        uint256 first = _appeal(roundId);
        ICommittee.Member[] memory members = committee.members(roundId);
        vm.assertEq(members.length, 7, "all seven");
        uint256[] memory before = new uint256[](7);
        for (uint256 pos; pos < 7; ++pos) {
            before[pos] = _credit(members[pos].owner);
        }
        _judge(roundId, _believing(roundId));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "the same");
        uint256 fee = FEE - 4 * TIP;
        uint256 each = (fee / 10 - 3 * first) / 7;
        for (uint256 pos; pos < 7; ++pos) {
            vm.assertEq(_credit(members[pos].owner) - before[pos], each + APPEAL_BOND / 7, "a share, and of the bond");
        }
        vm.assertEq(_credit(stranger), CREDIT + TIP - APPEAL_BOND, "the bond is lost");
        vm.assertEq(hub.appealsOf(roundId)[0].bond, 0, "and decided on");
        _assertOver(roundId);
    }

    function test_appeal__that_says_otherwise__returns_the_bond() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        _appeal(roundId);
        _judge(roundId, uint256(500) | (800 << 40));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "another");
        vm.assertEq(_credit(stranger), CREDIT + TIP, "the bond is back");
        vm.assertEq(_wealth(miners[0]), CREDIT + STAKE - MINER_UNIT, "who over-claimed loses his lock");
        _assertOver(roundId);
    }

    /* WHO IS SLASHED IS TOLD WHY, AND NOBODY ELSE */

    function test_slashed__over_claimed_invalid_and_unavailable__are_told_apart() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800, 700));
        uint256[] memory fields = new uint256[](3);
        (fields[0], fields[1], fields[2]) = (500, INVALID, UNAVAILABLE);
        _judge(roundId, _word(fields));
        vm.recordLogs();
        _finalize(roundId);
        Fault[] memory faults = _faults();
        vm.assertEq(faults.length, 3, "three");
        _assertFault(faults[0], miners[0], Reason.Overclaimed, MINER_UNIT);
        _assertFault(faults[1], miners[1], Reason.Invalid, MINER_UNIT / 2);
        _assertFault(faults[2], miners[2], Reason.Unavailable, MINER_UNIT / 2);
        _assertOver(roundId);
    }

    function test_slashed__absent_and_off_the_median__are_told_apart() external {
        uint256 roundId = _drawn(_spec(), _scores(500));
        _judge(roundId, _words(500, 500, 0));
        ICommittee.Member[] memory members = committee.members(roundId);
        vm.recordLogs();
        _finalize(roundId);
        Fault[] memory faults = _faults();
        vm.assertEq(faults.length, 1, "one");
        _assertFault(faults[0], members[2].owner, Reason.OffMedian, SEAT_UNIT / 20);
        _assertOver(roundId);

        roundId = _drawn(_spec(), _scores(500));
        _judge(roundId, _words(500, 500));
        members = committee.members(roundId);
        vm.recordLogs();
        _finalize(roundId);
        faults = _faults();
        vm.assertEq(faults.length, 1, "one");
        _assertFault(faults[0], members[2].owner, Reason.Absent, SEAT_UNIT / 100);
        _assertOver(roundId);
    }

    /// @dev Nobody is paid for finding himself.
    function test_slashed__unopened__by_himself_finds_nothing() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        _revealKey(roundId);
        vm.assertTrue(_finalize(roundId) == Outcome.NoClaim, "he does not claim");
        address[] memory himself = new address[](1);
        himself[0] = miners[0];
        vm.recordLogs();
        vm.prank(miners[0]);
        hub.releaseLocks(roundId, himself);
        Fault[] memory faults = _faults();
        vm.assertEq(faults.length, 1, "one");
        _assertFault(faults[0], miners[0], Reason.Unopened, MINER_UNIT / 10);
        vm.assertEq(_credit(miners[0]), CREDIT, "no finder's part");
        _assertOver(roundId);
    }

    /* PRIVATE */

    /// @dev A drawn round of two: one who claims too much, and one with a payload.
    function _carrying() private returns (uint256 roundId) {
        roundId = _open();
        _commit(roundId, miners[0]);
        ModelCommitment memory commitment = _model(roundId, miners[1]);
        commitment.payloadRoot = keccak256("payload");
        _commit(commitment);
        _revealKey(roundId);
        _claim(roundId, miners[0], 900);
        _claim(roundId, miners[1], 800);
        _showAll(roundId);
        _draw(roundId);
    }

    function _scores4(uint40 a, uint40 b, uint40 c, uint40 d) private pure returns (uint40[] memory list) {
        list = new uint40[](4);
        (list[0], list[1], list[2], list[3]) = (a, b, c, d);
    }

    struct Fault {
        address account;
        Reason reason;
        uint256 amount;
    }

    /// @dev Who was slashed since `vm.recordLogs`.
    function _faults() private returns (Fault[] memory faults) {
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        faults = new Fault[](logs.length);
        uint256 count;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != Slashed.selector) continue;
            Fault memory fault = faults[count++];
            fault.account = address(uint160(uint256(logs[i].topics[2])));
            (fault.reason, fault.amount) = abi.decode(logs[i].data, (Reason, uint256));
        }
        assembly ("memory-safe") {
            mstore(faults, count)
        }
    }

    function _assertFault(Fault memory fault, address account, Reason reason, uint256 amount) private pure {
        vm.assertEq(fault.account, account, "who");
        vm.assertEq(uint256(fault.reason), uint256(reason), "why");
        vm.assertEq(fault.amount, amount, "how much");
    }

    /// @return each what the first committee's validators were paid
    function _appeal(uint256 roundId) private returns (uint256 each) {
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(stranger);
        hub.appeal(roundId, spec);
        each = (FEE - 7 * TIP) / 10 / 2 / 3;
        _draw(roundId);
    }

    function _burned() private view returns (uint256) {
        return _supply - token.totalSupply();
    }

    function _assertOver(uint256 roundId) private {
        _release(roundId);
        for (uint256 i; i < miners.length; ++i) {
            vm.assertEq(hub.account(miners[i]).locked, 0, "no lock is left");
        }
        _assertConserved(0);
    }
}
