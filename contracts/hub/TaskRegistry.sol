// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Comparators} from "@openzeppelin/contracts/utils/Comparators.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Heap} from "@openzeppelin/contracts/utils/structs/Heap.sol";
import {DifficultyRanking} from "../libraries/DifficultyRanking.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {HubState} from "./HubState.sol";

/// @title Registering tasks and taking them back
abstract contract TaskRegistry is HubState, ReentrancyGuardTransient {
    using Heap for Heap.Uint256Heap;

    uint256 internal constant MAX_QUEUE = 4_096;
    uint256 internal constant MIN_TOLERANCE = 2;
    /// @dev The vote word has 35 bits for a score, of which all ones mean SKIPPED.
    uint256 internal constant MAX_SCORE = (1 << 35) - 2;

    /// @dev Specified by `IDLBC.submitTask`; runs for the hub.
    function submitTask(TaskSpec calldata spec) external returns (uint256 taskId) {
        if (spec.requester != msg.sender) revert NotRequester(msg.sender, spec.requester);
        _checkSpec(spec);
        uint256 queued = _heap.length();
        if (queued >= MAX_QUEUE) revert QueueFull(queued);
        (int64 base, uint256 floor) = _difficulty(spec, queued);
        if (spec.fee < floor) revert FeeTooLow(spec.fee, floor);
        if (spec.bond < floor) revert BondTooLow(spec.bond, floor);
        bytes32 specHash = TypedHashes.spec(spec);
        if (_taskIds[specHash] != 0) revert DuplicateTask(specHash);

        _debit(msg.sender, uint256(spec.fee) + spec.bond);
        uint256 clock;
        (taskId, clock) = _enqueue();
        uint256 key = DifficultyRanking.key(base, clock, taskId);
        _heap.insert(key, Comparators.gt);
        _taskIds[specHash] = taskId;
        _tasks[taskId] = TaskState({
            specHash: specHash,
            requester: msg.sender,
            trainSecs: spec.trainSecs,
            roundId: 0,
            status: TaskStatus.Queued,
            base: base,
            clockAtSubmit: uint128(clock),
            submittedAt: uint40(block.timestamp)
        });
        emit TaskSubmitted(taskId, msg.sender, specHash, spec, key);
    }

    /// @dev Specified by `IDLBC.cancelTask`; runs for the hub.
    function cancelTask(uint256 taskId, TaskSpec calldata spec) external nonReentrant {
        TaskState storage state = _tasks[taskId];
        if (state.status != TaskStatus.Queued) revert WrongTaskStatus(taskId, state.status);
        if (state.requester != msg.sender) revert NotRequester(msg.sender, state.requester);
        bytes32 specHash = TypedHashes.spec(spec);
        if (specHash != state.specHash) revert SpecMismatch(specHash, state.specHash);

        // the floor may have risen above the fee since the task was submitted
        (, uint256 floor) = _difficulty(spec, _heap.length());
        uint256 burned = floor / 10 < spec.fee ? floor / 10 : spec.fee;
        uint256 refunded = uint256(spec.fee) + spec.bond - burned;
        state.status = TaskStatus.Cancelled;
        _leaveQueue();
        _credit(msg.sender, refunded);
        emit TaskCancelled(taskId, refunded, burned);
        TOKEN.burn(burned);
    }

    /// @dev Specified by `IDLBC.openRound`; runs for the hub.
    function openRound(uint8 slot) external returns (uint256 roundId) {
        ParameterSet storage parameters = _parameters(_version());
        uint8 slots = parameters.economy.slots;
        if (slot >= slots) revert NoSuchSlot(slot, slots);
        uint256 last = _lastRound[slot];
        if (_isLive(_rounds[last])) revert SlotBusy(slot, last);
        uint256 taskId = _popTask();
        if (taskId == 0) return 0;

        TaskState storage state = _tasks[taskId];
        roundId = ++_queue.rounds;
        state.status = TaskStatus.Open;
        state.roundId = uint56(roundId);
        _lastRound[slot] = roundId;
        RoundState storage r = _rounds[roundId];
        uint40 commitStart = uint40(block.timestamp) + parameters.timing.settleSecs;
        r.commitStart = commitStart;
        r.trainSecs = state.trainSecs;
        r.slot = slot;
        r.version = _version();
        r.anchor = _head;
        r.specHash = state.specHash;
        r.taskId = uint64(taskId);
        emit RoundOpened(
            roundId,
            taskId,
            r.specHash,
            slot,
            r.anchor,
            uint40(block.timestamp),
            commitStart,
            commitStart + state.trainSecs
        );
    }

    /// @dev Specified by `IDLBC.prune`; runs for the hub.
    function prune(uint256 n) external {
        _dropTombstones(n);
    }

    /// @dev Specified by `IDLBC.floors`; runs for the hub.
    function floors(TaskSpec calldata spec) external view returns (uint256 fee, uint256 bond) {
        (, fee) = _difficulty(spec, _heap.length());
        bond = fee;
    }

    /// @dev Specified by `IDLBC.nextTask`; runs for the hub.
    function nextTask() external view returns (uint256 taskId) {
        if (_queue.waiting == 0) return 0;
        // tombstones may lie on top: the next task is the best of those that wait
        uint256 best;
        uint256[] memory tree = _heap.tree;
        for (uint256 i; i < tree.length; ++i) {
            if (tree[i] > best && _tasks[DifficultyRanking.taskIdOf(tree[i])].status == TaskStatus.Queued) {
                best = tree[i];
            }
        }
        return DifficultyRanking.taskIdOf(best);
    }

    /// @dev Specified by `IDLBC.rank`; runs for the hub.
    function rank(uint256 taskId) external view returns (int256 score, int256 base) {
        TaskState storage state = _tasks[taskId];
        base = state.base;
        score = DifficultyRanking.score(state.base, state.clockAtSubmit, _clock());
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

    function _checkSpec(TaskSpec calldata spec) private view {
        if (spec.modes != 0) revert UnknownMode(spec.modes);
        // only a mode that is still to come has a Prove phase
        if (spec.proveSecs != 0) revert BadParameter("proveSecs");
        if (spec.scoreMax == 0 || spec.scoreMax > MAX_SCORE) revert ScoreOutOfRange(spec.scoreMax, 1, MAX_SCORE);
        // a model that nobody scored has median 0: it must reach no minimum
        if (spec.minScore == 0 || spec.minScore > spec.scoreMax) {
            revert ScoreOutOfRange(spec.minScore, 1, spec.scoreMax);
        }
        // devices differ: a smaller tolerance would punish honest validators
        uint256 minTol = spec.scoreMax / 1_000 > MIN_TOLERANCE ? spec.scoreMax / 1_000 : MIN_TOLERANCE;
        if (spec.tol < minTol) revert ToleranceOutOfRange(spec.tol, minTol, type(uint32).max);
        if (spec.tieTol > spec.tol / 2) revert ToleranceOutOfRange(spec.tieTol, 0, spec.tol / 2);

        Limits storage rules = _parameters(_version()).limits;
        uint256 min = rules.minTrainSecs;
        uint256 max = min + rules.secsPerMegaflop * ((uint256(spec.flops) + 999_999) / 1_000_000);
        if (max > rules.maxTrainSecs) max = rules.maxTrainSecs;
        if (spec.trainSecs < min || spec.trainSecs > max) revert TrainSecsOutOfRange(spec.trainSecs, min, max);
    }
}
