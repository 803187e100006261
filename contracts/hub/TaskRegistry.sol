// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {DifficultyRanking} from "../libraries/DifficultyRanking.sol";
import {ParameterBounds} from "../libraries/ParameterBounds.sol";
import {TaskHeap} from "../libraries/TaskHeap.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {HubState} from "./HubState.sol";

/// @title Registering tasks, taking them back, and opening their rounds
abstract contract TaskRegistry is HubState, ReentrancyGuardTransient {
    using TaskHeap for TaskHeap.Heap;

    /// @dev The one mode of `TaskSpec.modes`.
    uint16 internal constant TRAJECTORY = 1;
    uint256 internal constant MIN_TOLERANCE = 2;
    /// @dev The vote word has 35 bits for a score, of which all ones mean SKIPPED.
    uint256 internal constant MAX_SCORE = (1 << 35) - 2;
    /// @dev What one block may carry of the inbox: a miner can hash it in no time, and a round keeps the number in 16 bits.
    uint256 internal constant MAX_BATCH = 1_024;

    /// @dev What a task declares, on the queue's scale.
    struct Difficulty {
        uint256 lgFlops;
        uint256 lgNet;
        uint256 lgData;
        uint256 lgFee;
        int64 base;
        uint256 floor; // of fee and bond
    }

    /// @dev Specified by `IDLBC.submitTask`; runs for the hub.
    function submitTask(TaskSpec calldata spec) external returns (uint256 taskId) {
        QueueState memory queue = _queue;
        if (block.timestamp < queue.pausedUntil) revert Paused(queue.pausedUntil);
        if (spec.requester != msg.sender) revert NotRequester(msg.sender, spec.requester);
        ParameterSet storage parameters = _parameters(queue.version);
        _checkSpec(spec, parameters.limits);
        if (queue.heaped >= TaskHeap.CAPACITY) revert QueueFull(queue.heaped);
        Difficulty memory difficulty = _difficulty(spec, parameters, queue.heaped);
        if (spec.fee < difficulty.floor) revert FeeTooLow(spec.fee, difficulty.floor);
        if (spec.bond < difficulty.floor) revert BondTooLow(spec.bond, difficulty.floor);
        bytes32 specHash = TypedHashes.spec(spec);
        if (_taskIds[specHash] != 0) revert DuplicateTask(specHash);

        _debit(msg.sender, uint256(spec.fee) + spec.bond);
        _accrue(queue);
        taskId = ++queue.tasks;
        ++queue.waiting;
        _heap.insert(queue.heaped++, DifficultyRanking.packed(difficulty.base, queue.clock, taskId));
        _queue = queue;
        _taskIds[specHash] = taskId;
        _tasks[taskId] = TaskState({
            specHash: specHash,
            requester: msg.sender,
            trainSecs: uint24(spec.trainSecs),
            proveSecs: uint24(spec.proveSecs),
            roundId: 0,
            status: TaskStatus.Queued,
            base: int48(difficulty.base),
            clockAtSubmit: queue.clock,
            submittedAt: uint40(block.timestamp),
            lgFlops: uint16(difficulty.lgFlops),
            lgNet: uint16(difficulty.lgNet),
            lgData: uint16(difficulty.lgData),
            lgFee: uint16(difficulty.lgFee),
            version: queue.version
        });
        uint256 key = DifficultyRanking.key(difficulty.base, queue.clock, taskId);
        emit TaskSubmitted(taskId, msg.sender, specHash, spec, key);
    }

    /// @dev Specified by `IDLBC.cancelTask`; runs for the hub.
    function cancelTask(uint256 taskId, TaskSpec calldata spec) external nonReentrant {
        TaskState storage state = _tasks[taskId];
        if (state.status != TaskStatus.Queued) revert WrongTaskStatus(taskId, state.status);
        if (state.requester != msg.sender) revert NotRequester(msg.sender, state.requester);
        bytes32 specHash = TypedHashes.spec(spec);
        if (specHash != state.specHash) revert SpecMismatch(specHash, state.specHash);

        QueueState memory queue = _queue;
        uint256 floor = DifficultyRanking.floor(
            _parameters(state.version).economy.feeUnit,
            uint256(state.lgFlops) + state.lgNet + state.lgData,
            queue.heaped
        );
        // the floor may have risen above the fee since the task was submitted
        uint256 burned = floor / 10 < spec.fee ? floor / 10 : spec.fee;
        uint256 refunded = uint256(spec.fee) + spec.bond - burned;
        state.status = TaskStatus.Cancelled;
        _accrue(queue);
        --queue.waiting;
        _queue = queue;
        _credit(msg.sender, refunded);
        emit TaskCancelled(taskId, refunded, burned);
        TOKEN.burn(burned);
    }

    /// @dev Specified by `IDLBC.openRound`; runs for the hub.
    function openRound(uint8 slot) external returns (uint256 roundId) {
        QueueState memory queue = _queue;
        if (block.timestamp < queue.pausedUntil) revert Paused(queue.pausedUntil);
        uint8 slots = _parameters(queue.version).economy.slots;
        if (slot >= slots) revert NoSuchSlot(slot, slots);
        uint256 last = _lastRound[slot];
        if (_isLive(_rounds[last])) revert SlotBusy(slot, last);
        uint256 taskId = _popTask(queue);
        if (taskId != 0) roundId = ++queue.rounds;
        _queue = queue;
        if (taskId == 0) return 0;

        TaskState storage state = _tasks[taskId];
        state.status = TaskStatus.Open;
        state.roundId = uint32(roundId);
        _lastRound[slot] = roundId;
        _beginRound(roundId, taskId, state, slot);
    }

    function _beginRound(uint256 roundId, uint256 taskId, TaskState storage state, uint8 slot) private {
        RoundState storage r = _rounds[roundId];
        uint8 version_ = state.version;
        bytes32 specHash = state.specHash;
        bytes32 anchor = _head;
        uint24 trainSecs = state.trainSecs;
        uint24 proveSecs = state.proveSecs;
        uint40 commitStart = uint40(block.timestamp) + _parameters(version_).timing.settleSecs;
        r.commitStart = commitStart;
        r.trainSecs = trainSecs;
        r.version = version_;
        r.anchor = anchor;
        r.specHash = specHash;
        r.taskId = uint40(taskId);
        r.slot = slot;
        r.proveSecs = proveSecs;
        (r.inboxTo, r.inboxCount) = _batch();
        emit RoundOpened(
            roundId,
            taskId,
            specHash,
            slot,
            anchor,
            uint40(block.timestamp),
            commitStart,
            commitStart + trainSecs
        );
        _tip(roundId, r, msg.sender);
    }

    /// @dev The part of the inbox that a round opened now may carry: what no block has carried yet, from the oldest on.
    function _batch() private view returns (uint32 to, uint16 count) {
        uint32 posted = _inbox.posted;
        uint32 carried = _inbox.carried;
        if (posted == carried) return (0, 0);
        count = uint16(posted - carried < MAX_BATCH ? posted - carried : MAX_BATCH);
        to = carried + count;
    }

    /// @dev Specified by `IDLBC.prune`; runs for the hub.
    function prune(uint256 n) external {
        QueueState memory queue = _queue;
        _dropTombstones(queue, n);
        _queue = queue;
    }

    /// @dev Specified by `IDLBC.floors`; runs for the hub.
    function floors(TaskSpec calldata spec) external view returns (uint256 fee, uint256 bond) {
        QueueState memory queue = _queue;
        fee = _difficulty(spec, _parameters(queue.version), queue.heaped).floor;
        bond = fee;
    }

    /// @dev Specified by `IDLBC.nextTask`; runs for the hub.
    function nextTask() external view returns (uint256 taskId) {
        QueueState memory queue = _queue;
        if (queue.waiting == 0) return 0;
        // tombstones may lie on top: the next task is the best of those that wait
        uint128 best;
        for (uint256 i; i < queue.heaped; ++i) {
            uint128 key = _heap.keyAt(i);
            if (key <= best || _tasks[DifficultyRanking.packedTaskId(key)].status != TaskStatus.Queued) continue;
            best = key;
            // nothing in a heap passes its top
            if (i == 0) break;
        }
        return DifficultyRanking.packedTaskId(best);
    }

    /// @dev Specified by `IDLBC.queueKeys`; runs for the hub.
    function queueKeys() external view returns (uint256[] memory keys) {
        keys = new uint256[](_queue.heaped);
        for (uint256 i; i < keys.length; ++i) {
            keys[i] = DifficultyRanking.unpacked(_heap.keyAt(i));
        }
    }

    /// @dev Specified by `IDLBC.queueClock`; runs for the hub.
    function queueClock() external view returns (uint256) {
        return _clockOf(_queue);
    }

    /// @dev Specified by `IDLBC.rank`; runs for the hub.
    function rank(uint256 taskId) external view returns (int256 score, int256 base) {
        TaskState storage state = _tasks[taskId];
        if (state.status == TaskStatus.None) return (0, 0);
        base = state.base;
        score = DifficultyRanking.score(state.base, state.clockAtSubmit, _clockOf(_queue));
    }

    /// @dev Specified by `IDLBC.factors`; runs for the hub.
    function factors(uint256 taskId) external view returns (Factors memory) {
        TaskState storage state = _tasks[taskId];
        return Factors({
            lgFlops: state.lgFlops,
            lgNet: state.lgNet,
            lgData: state.lgData,
            lgFee: state.lgFee,
            version: state.version,
            base: state.base,
            clockAtSubmit: state.clockAtSubmit
        });
    }

    /// @dev Specified by `IDLBC.task`; runs for the hub.
    function task(uint256 taskId) external view returns (Task memory) {
        TaskState storage state = _tasks[taskId];
        return Task({
            specHash: state.specHash,
            requester: state.requester,
            trainSecs: state.trainSecs,
            status: state.status,
            submittedAt: state.submittedAt,
            key: state.status == TaskStatus.None
                ? 0
                : DifficultyRanking.key(state.base, state.clockAtSubmit, taskId),
            roundId: state.roundId
        });
    }

    function _difficulty(TaskSpec calldata spec, ParameterSet storage parameters, uint256 heaped)
        private
        view
        returns (Difficulty memory result)
    {
        Limits storage rules = parameters.limits;
        int256[4] memory weights = [
            int256(rules.weightFlops), int256(rules.weightNet), int256(rules.weightData), int256(rules.weightFee)
        ];
        result.lgFlops = DifficultyRanking.lg(spec.flops);
        result.lgNet = DifficultyRanking.lg(spec.netBytes);
        result.lgData = DifficultyRanking.lg(spec.dataBytes);
        result.lgFee = DifficultyRanking.lgOfFee(spec.fee);
        result.base =
            DifficultyRanking.base(weights, result.lgFlops, result.lgNet, result.lgData, result.lgFee);
        result.floor = DifficultyRanking.floor(
            parameters.economy.feeUnit, result.lgFlops + result.lgNet + result.lgData, heaped
        );
    }

    function _checkSpec(TaskSpec calldata spec, Limits storage rules) private view {
        if (spec.modes > TRAJECTORY) revert UnknownMode(spec.modes);
        // what lasts as long as the bounds of unbonding allow for, and nothing where nothing is proven
        if (
            (spec.proveSecs == 0) != (spec.modes == 0)
                || spec.proveSecs > ParameterBounds.mostProveSecs(spec.trainSecs)
        ) revert BadParameter("proveSecs");
        if (spec.scoreMax == 0 || spec.scoreMax > MAX_SCORE) revert ScoreOutOfRange(spec.scoreMax, 1, MAX_SCORE);
        // a model that nobody scored has median 0: it must reach no minimum
        if (spec.minScore == 0 || spec.minScore > spec.scoreMax) {
            revert ScoreOutOfRange(spec.minScore, 1, spec.scoreMax);
        }
        // devices differ: a smaller tolerance would punish honest validators; a larger one would forgive any claim
        uint256 minTol = spec.scoreMax / 1_000 > MIN_TOLERANCE ? spec.scoreMax / 1_000 : MIN_TOLERANCE;
        uint256 maxTol = spec.scoreMax / 10 > MIN_TOLERANCE ? spec.scoreMax / 10 : MIN_TOLERANCE;
        if (spec.tol < minTol || spec.tol > maxTol) revert ToleranceOutOfRange(spec.tol, minTol, maxTol);
        if (spec.tieTol > spec.tol / 2) revert ToleranceOutOfRange(spec.tieTol, 0, spec.tol / 2);

        uint256 min = rules.minTrainSecs;
        // slither-disable-next-line divide-before-multiply: begun megaflops count as whole ones
        uint256 max = min + rules.secsPerMegaflop * ((uint256(spec.flops) + 999_999) / 1_000_000);
        if (max > rules.maxTrainSecs) max = rules.maxTrainSecs;
        if (spec.trainSecs < min || spec.trainSecs > max) revert TrainSecsOutOfRange(spec.trainSecs, min, max);
    }
}
