// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DifficultyRanking} from "../../../contracts/libraries/DifficultyRanking.sol";
import {Rig} from "./Rig.sol";

/// @notice What a task may declare, to the last unit on either side of each bound, and how it waits.
contract SubmittingTest is Rig {
    uint40 private constant MAX_SCORE = (1 << 35) - 2;

    /* BOUNDS */

    function test_submitTask__at_either_end_of_each_bound__is_accepted() external {
        TaskSpec memory spec = _spec();
        spec.trainSecs = 60;
        _accept(spec);
        // a minute at least, and one for each million of operations that was begun
        spec.trainSecs = 60 + 50 * 60;
        _accept(spec);
        (spec.flops, spec.trainSecs) = (50_000_001, 60 + 51 * 60);
        _accept(spec);
        (spec.flops, spec.trainSecs) = (1_000_000_000, 3_600);
        _accept(spec);
        spec.minScore = spec.scoreMax;
        _accept(spec);
        spec.minScore = 1;
        _accept(spec);
        (spec.scoreMax, spec.tol) = (1_000_000, 1_000);
        _accept(spec);
        spec.tol = 100_000;
        _accept(spec);
        // of a test set so small that a tenth is less than the least tolerance, the least is the most
        (spec.scoreMax, spec.minScore, spec.tol) = (10, 1, 2);
        _accept(spec);
        (spec.scoreMax, spec.minScore, spec.tol) = (1_000_000, 1, 100_000);
        spec.tieTol = 50_000;
        _accept(spec);
        (spec.modes, spec.proveSecs) = (1, 1);
        _accept(spec);
        spec.proveSecs = spec.trainSecs / 8 + 60;
        _accept(spec);
    }

    function test_submitTask__one_beyond_each_bound__reverts() external {
        TaskSpec memory spec = _spec();
        spec.modes = 2;
        _refuse(spec, abi.encodeWithSelector(UnknownMode.selector, 2));
        bytes memory reason = abi.encodeWithSelector(BadParameter.selector, bytes32("proveSecs"));
        (spec.modes, spec.proveSecs) = (0, 1);
        _refuse(spec, reason);
        (spec.modes, spec.proveSecs) = (1, 0);
        _refuse(spec, reason);
        spec.proveSecs = spec.trainSecs / 8 + 61;
        _refuse(spec, reason);
        spec = _spec();
        spec.scoreMax = 0;
        _refuse(spec, abi.encodeWithSelector(ScoreOutOfRange.selector, 0, 1, MAX_SCORE));
        spec.scoreMax = MAX_SCORE + 1;
        _refuse(spec, abi.encodeWithSelector(ScoreOutOfRange.selector, MAX_SCORE + 1, 1, MAX_SCORE));
        spec = _spec();
        spec.minScore = 0;
        _refuse(spec, abi.encodeWithSelector(ScoreOutOfRange.selector, 0, 1, SCORE_MAX));
        spec.minScore = SCORE_MAX + 1;
        _refuse(spec, abi.encodeWithSelector(ScoreOutOfRange.selector, SCORE_MAX + 1, 1, SCORE_MAX));
        spec = _spec();
        (spec.scoreMax, spec.tol) = (1_000_000, 999);
        _refuse(spec, abi.encodeWithSelector(ToleranceOutOfRange.selector, 999, 1_000, 100_000));
        spec.tol = 100_001;
        _refuse(spec, abi.encodeWithSelector(ToleranceOutOfRange.selector, 100_001, 1_000, 100_000));
        (spec.tol, spec.tieTol) = (100_000, 50_001);
        _refuse(spec, abi.encodeWithSelector(ToleranceOutOfRange.selector, 50_001, 0, 50_000));
        spec = _spec();
        spec.trainSecs = 59;
        _refuse(spec, abi.encodeWithSelector(TrainSecsOutOfRange.selector, 59, 60, 3_060));
        spec.trainSecs = 3_061;
        _refuse(spec, abi.encodeWithSelector(TrainSecsOutOfRange.selector, 3_061, 60, 3_060));
        (spec.flops, spec.trainSecs) = (1_000_000_000, 3_601);
        _refuse(spec, abi.encodeWithSelector(TrainSecsOutOfRange.selector, 3_601, 60, 3_600));
    }

    function test_submitTask__in_anothers_name_or_twice__reverts() external {
        TaskSpec memory spec = _spec();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NotRequester.selector, stranger, requester));
        hub.submitTask(spec);
        _submit(spec);
        _refuse(spec, abi.encodeWithSelector(DuplicateTask.selector, hub.hashSpec(spec)));
    }

    /* WHAT IS KEPT */

    function test_submitTask__is_kept__as_it_was_declared() external {
        TaskSpec memory spec = _spec();
        vm.warp(1_000_500);
        uint256 taskId = _submit(spec);
        Task memory task = hub.task(taskId);
        vm.assertEq(task.specHash, hub.hashSpec(spec), "spec");
        vm.assertEq(task.requester, requester, "requester");
        vm.assertEq(task.trainSecs, spec.trainSecs, "time to train");
        vm.assertTrue(task.status == TaskStatus.Queued, "it waits");
        vm.assertEq(task.submittedAt, 1_000_500, "since");
        vm.assertEq(task.roundId, 0, "in no round");
        vm.assertEq(hub.queueKeys()[0], task.key, "its rank is in the queue");
        vm.assertEq(hub.taskIdOf(task.specHash), taskId, "it is found by its spec");
        vm.assertEq(hub.nextTask(), taskId, "it is next");
        vm.assertEq(hub.queueLength(), 1, "one waits");
        vm.assertEq(hub.taskCount(), taskId, "of so many");
        Factors memory factors = hub.factors(taskId);
        vm.assertEq(factors.lgFlops, DifficultyRanking.lg(spec.flops), "operations");
        vm.assertEq(factors.lgNet, DifficultyRanking.lg(spec.netBytes), "what goes over the net");
        vm.assertEq(factors.lgData, DifficultyRanking.lg(spec.dataBytes), "data");
        (int256 score, int256 base) = hub.rank(taskId);
        vm.assertEq(int256(factors.base), base, "the base is the sum of its factors");
        vm.assertEq(
            base,
            2 * int256(uint256(factors.lgFlops)) + int256(uint256(factors.lgNet)) + int256(uint256(factors.lgData))
                + 4 * int256(uint256(factors.lgFee)),
            "by their weights"
        );
        vm.assertEq(score, base << 24, "nobody has waited yet");
        vm.assertEq(factors.version, hub.version(), "under these parameters");
        vm.assertEq(factors.clockAtSubmit, hub.queueClock(), "at this time of the queue");
        vm.assertEq(_credit(requester), CREDIT - spec.fee - spec.bond, "fee and bond are in escrow");
        (score,) = hub.rank(taskId + 1);
        vm.assertEq(score, 0, "there is no other");
    }

    function test_openRound__of_the_best_task__names_both() external {
        uint256 taskId = _submit(_spec());
        uint256 before = _credit(stranger);
        vm.prank(stranger);
        uint256 roundId = hub.openRound(1);
        vm.assertEq(_credit(stranger) - before, 0.02e18, "a tip");
        vm.assertTrue(hub.task(taskId).status == TaskStatus.Open, "the task is open");
        vm.assertEq(hub.task(taskId).roundId, roundId, "in this round");
        Round memory round = hub.round(roundId);
        vm.assertEq(round.taskId, taskId, "of this task");
        vm.assertEq(round.specHash, hub.task(taskId).specHash, "spec");
        vm.assertEq(round.anchor, hub.head(), "anchor");
        vm.assertEq(round.slot, 1, "slot");
        vm.assertEq(round.tips, 1, "one tip was paid");
        vm.assertEq(round.openedAt, block.timestamp, "opened");
        vm.assertEq(round.commitStart, block.timestamp + 10, "the chain settles");
        vm.assertEq(round.commitEnd, block.timestamp + 610, "time to train");
        vm.assertEq(round.keyFrom, block.timestamp + 620, "a guard");
        vm.assertEq(round.keyUntil, block.timestamp + 720, "time to show the key");
        vm.assertEq(round.keyAt, 0, "which is not shown");
        vm.assertEq(round.claimEnd, 0, "so no claim has a time");
        vm.assertEq(round.showEnd, 0, "nor a key");
        vm.assertEq(round.inboxFrom, 1, "nothing was posted");
        vm.assertEq(round.inboxTo, 0, "so nothing is carried");
        vm.assertEq(hub.roundInSlot(1), roundId, "the slot knows it");
        vm.assertEq(hub.roundCount(), roundId, "the count");
        vm.assertEq(hub.queueLength(), 0, "nothing waits");
        vm.assertEq(hub.nextTask(), 0, "nothing is next");
        vm.expectRevert(QueueEmpty.selector);
        hub.openRound(0);
        vm.expectRevert(abi.encodeWithSelector(NoSuchSlot.selector, 3, 3));
        hub.openRound(3);
    }

    /* WHAT IS TAKEN BACK */

    function test_cancelTask__by_another_or_with_another_spec_or_twice__reverts() external {
        TaskSpec memory spec = _spec();
        uint256 taskId = _submit(spec);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NotRequester.selector, stranger, requester));
        hub.cancelTask(taskId, spec);
        TaskSpec memory other = _spec();
        vm.startPrank(requester);
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.cancelTask(taskId, other);
        hub.cancelTask(taskId, spec);
        vm.expectRevert(abi.encodeWithSelector(WrongTaskStatus.selector, taskId, TaskStatus.Cancelled));
        hub.cancelTask(taskId, spec);
        vm.stopPrank();
    }

    /// @dev The tenth of a floor that has risen above the fee is not more than the fee.
    function test_cancelTask__under_a_floor_ten_times_the_fee__burns_the_fee_and_returns_the_bond() external {
        TaskSpec memory spec = _spec();
        (uint256 floor,) = hub.floors(spec);
        (spec.fee, spec.bond) = (uint96(floor), uint96(floor));
        uint256 taskId = _submit(spec);
        // 2,048 that wait double the floor four times: a tenth of it is more than the fee
        _setHeaped(2_048);
        uint256 supply = token.totalSupply();
        vm.prank(requester);
        hub.cancelTask(taskId, spec);
        vm.assertEq(supply - token.totalSupply(), floor, "the fee is burned");
        vm.assertEq(_credit(requester), CREDIT - floor, "the bond is his");
    }

    function test_submitTask__to_a_full_queue__reverts() external {
        TaskSpec memory spec = _spec();
        _submit(_spec());
        _setHeaped(4_096);
        _refuse(spec, abi.encodeWithSelector(QueueFull.selector, 4_096));
    }

    /// @dev Cancelled tasks stay in the heap until they are pruned; what waits is found below them.
    function test_prune__of_tombstones_on_top__leaves_what_waits() external {
        TaskSpec memory weak = _spec();
        weak.fee = 50e18;
        uint256 weakId = _submit(weak);
        for (uint256 i; i < 3; ++i) {
            TaskSpec memory strong = _spec();
            uint256 taskId = _submit(strong);
            vm.assertEq(hub.nextTask(), taskId, "the stronger is next");
            vm.prank(requester);
            hub.cancelTask(taskId, strong);
        }
        vm.assertEq(hub.queueKeys().length, 4, "three tombstones and a task");
        vm.assertEq(hub.queueLength(), 1, "one waits");
        vm.assertEq(hub.nextTask(), weakId, "found below them");
        hub.prune(2);
        vm.assertEq(hub.queueKeys().length, 2, "two are gone");
        hub.prune(9);
        vm.assertEq(hub.queueKeys().length, 1, "all that may go");
        vm.assertEq(hub.queueKeys()[0], hub.task(weakId).key, "the task stays");
    }

    /// @dev A call drops eight tombstones at most. Where that does not uncover a task it opens nothing, and pays no tip.
    function test_openRound__of_more_tombstones_than_a_call_drops__opens_with_the_next_call() external {
        TaskSpec memory weak = _spec();
        weak.fee = 50e18;
        uint256 weakId = _submit(weak);
        for (uint256 i; i < 9; ++i) {
            TaskSpec memory strong = _spec();
            uint256 taskId = _submit(strong);
            vm.prank(requester);
            hub.cancelTask(taskId, strong);
        }
        vm.startPrank(stranger);
        vm.assertEq(hub.openRound(0), 0, "nothing opens");
        vm.assertEq(hub.queueKeys().length, 2, "eight are gone");
        vm.assertEq(_credit(stranger), CREDIT, "for nothing");
        vm.assertEq(hub.roundInSlot(0), 0, "the slot is free");
        vm.assertEq(hub.roundCount(), 0, "there was no round");
        vm.assertTrue(hub.task(0).status == TaskStatus.None, "nor a task without a number");
        vm.assertEq(hub.openRound(0), 1, "the next call opens");
        vm.stopPrank();
        vm.assertEq(hub.round(1).taskId, weakId, "what waited below");
    }

    /* TIME */

    /// @dev Up to the change the queue's clock goes by the old rate, from then on by the new one.
    function test_setParams__of_another_rate__changes_no_time_gone_by() external {
        uint256 taskId = _submit(_spec());
        vm.warp(block.timestamp + 1_000);
        uint256 clock = hub.queueClock();
        (int256 score,) = hub.rank(taskId);
        Limits memory limits = _limits();
        limits.alpha *= 2;
        limits.gamma = 0;
        hub.setParams(_timing(), _economy(), limits);
        vm.assertEq(hub.queueClock(), clock, "the time gone by");
        (int256 then,) = hub.rank(taskId);
        vm.assertEq(then, score, "the score");
        vm.warp(block.timestamp + 10);
        vm.assertEq(hub.queueClock(), clock + 10 * uint256(limits.alpha), "the time to come");
        _submit(_spec());
        vm.assertEq(hub.queueClock(), clock + 10 * uint256(limits.alpha), "no submission turns it");
    }

    /// @dev The clock goes faster the more tasks wait: up to a change of their number by the old one.
    function test_queueClock__when_tasks_come_open_or_go__changes_no_time_gone_by() external {
        TaskSpec memory spec = _spec();
        for (uint256 i; i < 4; ++i) {
            spec = _spec();
            uint256 taskId = _submit(spec);
            vm.warp(block.timestamp + 1_000);
            uint256 clock = hub.queueClock();
            if (i == 1) hub.openRound(0);
            if (i == 2) {
                vm.prank(requester);
                hub.cancelTask(taskId, spec);
            }
            if (i == 3) _submit(_spec());
            vm.assertEq(hub.queueClock(), clock, "the time gone by");
        }
    }

    /// @dev Ending a pause that is over already does not delay the next one.
    function test_pause__ended_when_it_is_over__leaves_the_next_one_as_soon() external {
        hub.pause(100);
        vm.warp(block.timestamp + 100 + 7 days);
        hub.pause(0);
        hub.pause(100);
        vm.assertEq(hub.pausedUntil(), block.timestamp + 100, "paused again");
        hub.pause(0);
        vm.assertEq(hub.pausedUntil(), block.timestamp, "and ended");
        _submit(_spec());
    }

    /* PRIVATE */

    function _accept(TaskSpec memory spec) private {
        uint256 snapshot = vm.snapshotState();
        vm.prank(requester);
        hub.submitTask(spec);
        vm.revertToState(snapshot);
    }

    function _refuse(TaskSpec memory spec, bytes memory reason) private {
        vm.prank(requester);
        vm.expectRevert(reason);
        hub.submitTask(spec);
    }

    /// @dev As if so many tasks and tombstones lay in the heap. One task was submitted: the queue's word is the first that has one
    /// waiting, one heaped and one task in all.
    function _setHeaped(uint256 heaped) private {
        uint256 slot;
        uint256 one = (uint256(1) << 112) | (uint256(1) << 128) | (uint256(1) << 144);
        uint256 mask = uint256(type(uint64).max) << 112;
        while (uint256(vm.load(address(hub), bytes32(slot))) & mask != one) ++slot;
        uint256 word = uint256(vm.load(address(hub), bytes32(slot)));
        vm.store(address(hub), bytes32(slot), bytes32((word & ~(uint256(0xffff) << 128)) | (heaped << 128)));
    }
}
