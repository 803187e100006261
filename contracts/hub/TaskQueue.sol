// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DifficultyRanking} from "../libraries/DifficultyRanking.sol";
import {TaskHeap} from "../libraries/TaskHeap.sol";
import {Custody} from "./Custody.sol";

/// @title The queue of tasks
/// @notice Tasks wait in a heap by a static key. A cancelled one stays in it as a tombstone until it reaches the top.
abstract contract TaskQueue is Custody {
    using TaskHeap for TaskHeap.Heap;

    struct TaskState {
        bytes32 specHash;
        // one word, which opening and settlement read and write
        TaskStatus status;
        uint8 version; //        of the parameters that the task is settled by
        uint24 trainSecs; //     holds a month, the longest there is
        uint24 proveSecs;
        uint32 roundId;
        int48 base; //           static difficulty, below 2^47
        uint72 clockAtSubmit; // the virtual clock when the task was submitted
        uint40 submittedAt;
        // one word, for a task that is taken back, and for views
        address requester;
        uint16 lgFlops;
        uint16 lgNet;
        uint16 lgData;
        uint16 lgFee;
    }

    /// @dev One word: it changes with every submission and opening.
    struct QueueState {
        uint72 clock; //     V, accrued up to `accruedAt`; at the fastest rate it lasts 2,000 years
        uint40 accruedAt;
        uint16 waiting; //   L: queued tasks without tombstones
        uint16 heaped; //    with them
        uint32 tasks;
        uint32 rounds;
        uint40 pausedUntil;
        uint8 version; //    of the parameters for what is submitted now
    }

    uint256 internal constant MAX_POPS = 8;

    // One of the hub's codes writes what another reads: decision 0006.
    // slither-disable-start uninitialized-state
    QueueState internal _queue;
    mapping(uint256 taskId => TaskState) internal _tasks;
    mapping(bytes32 specHash => uint256 taskId) internal _taskIds;
    TaskHeap.Heap internal _heap;
    // slither-disable-end uninitialized-state

    /// @dev The parameters for what begins now: submissions, seats, unbonding. Rounds and waiting tasks have their own.
    function _version() internal view returns (uint8) {
        return _queue.version;
    }

    function _requireNotPaused() internal view {
        uint256 until = _queue.pausedUntil;
        if (block.timestamp < until) revert Paused(until);
    }

    /// @dev Takes the top task out of `queue`, which the caller stores; 0 where tombstones remain on top after `MAX_POPS` of
    /// them were dropped.
    function _popTask(QueueState memory queue) internal returns (uint256 taskId) {
        if (queue.waiting == 0) revert QueueEmpty();
        _dropTombstones(queue, MAX_POPS);
        taskId = DifficultyRanking.packedTaskId(_heap.top());
        if (_tasks[taskId].status != TaskStatus.Queued) return 0;
        _accrue(queue);
        --queue.waiting;
        _heap.removeTop(queue.heaped--);
    }

    function _dropTombstones(QueueState memory queue, uint256 n) internal {
        for (; n > 0 && queue.heaped > 0; --n) {
            if (_tasks[DifficultyRanking.packedTaskId(_heap.top())].status == TaskStatus.Queued) return;
            _heap.removeTop(queue.heaped--);
        }
    }

    /// @dev Brings the clock to now. Due whenever its rate changes: with the number of waiting tasks, and with the parameters.
    function _accrue(QueueState memory queue) internal view {
        queue.clock = uint72(_clockOf(queue));
        queue.accruedAt = uint40(block.timestamp);
    }

    /// @dev V now: linear in time between changes.
    function _clockOf(QueueState memory queue) internal view returns (uint256) {
        if (queue.accruedAt == 0) return 0;
        Limits storage rules = _parameters(queue.version).limits;
        uint256 elapsed = block.timestamp - queue.accruedAt;
        return queue.clock + elapsed * DifficultyRanking.rate(rules.alpha, rules.gamma, queue.waiting);
    }
}
