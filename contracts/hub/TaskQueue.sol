// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Comparators} from "@openzeppelin/contracts/utils/Comparators.sol";
import {Heap} from "@openzeppelin/contracts/utils/structs/Heap.sol";
import {DifficultyRanking} from "../libraries/DifficultyRanking.sol";
import {Custody} from "./Custody.sol";

/// @title The queue of tasks
/// @notice Tasks wait in a heap by a static key. A cancelled one stays in it as a tombstone until it reaches the top.
abstract contract TaskQueue is Custody {
    using Heap for Heap.Uint256Heap;

    struct TaskState {
        bytes32 specHash;
        address requester;
        uint32 trainSecs;
        uint56 roundId;
        TaskStatus status;
        int64 base; //            static difficulty
        uint128 clockAtSubmit; // the virtual clock when the task was submitted
        uint40 submittedAt;
    }

    /// @dev One word: it changes with every submission and opening.
    struct QueueState {
        uint96 clock; //     V, accrued up to `accruedAt`
        uint40 accruedAt;
        uint24 waiting; //   L: queued tasks without tombstones
        uint48 tasks;
        uint48 rounds;
    }

    uint256 internal constant MAX_POPS = 8;

    QueueState internal _queue;
    Heap.Uint256Heap internal _heap;
    mapping(uint256 taskId => TaskState) internal _tasks;
    mapping(bytes32 specHash => uint256 taskId) internal _taskIds;

    /// @dev Takes the top task out of the queue; 0 where tombstones remain on top after `MAX_POPS` of them were dropped.
    function _popTask() internal returns (uint256 taskId) {
        if (_queue.waiting == 0) revert QueueEmpty();
        _dropTombstones(MAX_POPS);
        taskId = DifficultyRanking.taskIdOf(_heap.peek());
        if (_tasks[taskId].status != TaskStatus.Queued) return 0;
        _heap.pop(Comparators.gt);
        _leaveQueue();
    }

    function _dropTombstones(uint256 n) internal {
        uint256 length = _heap.length();
        for (; n > 0 && length > 0; --n) {
            if (_tasks[DifficultyRanking.taskIdOf(_heap.peek())].status == TaskStatus.Queued) return;
            _heap.pop(Comparators.gt);
            --length;
        }
    }

    function _enqueue() internal returns (uint256 taskId, uint256 clock) {
        QueueState memory queue = _queue;
        queue.clock = uint96(_clock());
        queue.accruedAt = uint40(block.timestamp);
        ++queue.waiting;
        ++queue.tasks;
        _queue = queue;
        return (queue.tasks, queue.clock);
    }

    function _leaveQueue() internal {
        QueueState memory queue = _queue;
        queue.clock = uint96(_clock());
        queue.accruedAt = uint40(block.timestamp);
        --queue.waiting;
        _queue = queue;
    }

    /// @dev V now. Stored only when the number of waiting tasks changes: between changes it is linear in time.
    function _clock() internal view returns (uint256) {
        QueueState memory queue = _queue;
        if (queue.accruedAt == 0) return 0;
        Limits storage rules = _parameters(_version()).limits;
        uint256 elapsed = block.timestamp - queue.accruedAt;
        return queue.clock + elapsed * DifficultyRanking.rate(rules.alpha, rules.gamma, queue.waiting);
    }

    function _difficulty(TaskSpec calldata spec, uint256 queued) internal view returns (int64 base, uint256 floor) {
        Limits storage rules = _parameters(_version()).limits;
        int256[4] memory weights = [
            int256(rules.weightFlops), int256(rules.weightNet), int256(rules.weightData), int256(rules.weightFee)
        ];
        uint256 lgFlops = DifficultyRanking.lg(spec.flops);
        uint256 lgNet = DifficultyRanking.lg(spec.netBytes);
        uint256 lgData = DifficultyRanking.lg(spec.dataBytes);
        base = DifficultyRanking.base(weights, lgFlops, lgNet, lgData, spec.fee);
        floor = DifficultyRanking.floor(
            _parameters(_version()).economy.feeUnit, lgFlops + lgNet + lgData, queued
        );
    }
}
