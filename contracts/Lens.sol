// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {IDLBC} from "./interfaces/IDLBC.sol";
import {IDLBCTypes} from "./interfaces/IDLBCTypes.sol";
import {ILens} from "./interfaces/ILens.sol";
import {DifficultyRanking} from "./libraries/DifficultyRanking.sol";
import {ParameterBounds} from "./libraries/ParameterBounds.sol";
import {Tally} from "./libraries/Tally.sol";

/// @title Pages over the hub and the committee
/// @notice `interfaces/ILens.sol` is the specification.
contract Lens is ILens {
    // A page asks the hub for each of its rows, and left-out values are left out: nothing here is a transaction.
    // slither-disable-start calls-loop,unused-return

    uint256 internal constant MAX_PAGE = 64;

    IDLBC internal immutable HUB;
    ICommittee internal immutable COMMITTEE;
    IERC20 internal immutable TOKEN;

    constructor(IDLBC hub_) {
        HUB = hub_;
        COMMITTEE = ICommittee(hub_.committee());
        TOKEN = IERC20(hub_.token());
    }

    /// @inheritdoc ILens
    function hub() external view returns (address) {
        return address(HUB);
    }

    /// @inheritdoc ILens
    function committee() external view returns (address) {
        return address(COMMITTEE);
    }

    /// @inheritdoc ILens
    function round(uint256 roundId) external view returns (RoundView memory) {
        return _round(roundId);
    }

    /// @inheritdoc ILens
    function judgedRound(uint256 roundId, IDLBCTypes.TaskSpec calldata spec)
        external
        view
        returns (RoundView memory found, Judgement memory judgement)
    {
        found = _round(roundId);
        bytes32 specHash = HUB.hashSpec(spec);
        if (specHash != found.round.specHash) revert SpecMismatch(specHash, found.round.specHash);
        uint256 listed = found.candidates.length;
        (judgement.verdicts, judgement.taskFlags) = COMMITTEE.verdicts(roundId, uint8(listed), spec.tol);
        judgement.qualified = new bool[](listed);
        judgement.overclaimed = new bool[](listed);
        for (uint256 i; i < listed; ++i) {
            IDLBCTypes.Candidate memory candidate = found.candidates[i];
            if (!candidate.shown) continue;
            ICommittee.Verdict memory verdict = judgement.verdicts[i];
            judgement.qualified[i] = Tally.qualifies(verdict, candidate.score, spec.minScore, spec.tol);
            judgement.overclaimed[i] = Tally.overclaimed(verdict, candidate.score, spec.tol);
        }
        (judgement.outcome, judgement.winner, judgement.score) = HUB.preview(roundId, spec);
    }

    /// @inheritdoc ILens
    function task(uint256 taskId) external view returns (TaskView memory) {
        IDLBCTypes.Factors memory factors = HUB.factors(taskId);
        return _task(taskId, factors, _limits(factors.version), HUB.queueClock());
    }

    /// @inheritdoc ILens
    function queue(uint256 below, uint256 n) external view returns (TaskView[] memory page, uint256 next) {
        if (n > MAX_PAGE) revert TooMany(n, MAX_PAGE);
        uint256[] memory keys;
        (keys, next) = _best(HUB.queueKeys(), below, n);
        page = new TaskView[](keys.length);
        uint256 clock = HUB.queueClock();
        uint8 version;
        IDLBCTypes.Limits memory limits;
        for (uint256 i; i < keys.length; ++i) {
            uint256 taskId = DifficultyRanking.taskIdOf(keys[i]);
            IDLBCTypes.Factors memory factors = HUB.factors(taskId);
            // neighbours mostly share a version
            if (factors.version != version) (version, limits) = (factors.version, _limits(factors.version));
            page[i] = _task(taskId, factors, limits, clock);
        }
    }

    /// @inheritdoc ILens
    function account(address owner, uint256 roundId) external view returns (AccountView memory found) {
        found.account = HUB.account(owner);
        found.operator = HUB.operatorOf(owner);
        found.balance = TOKEN.balanceOf(owner);
        found.allowance = TOKEN.allowance(owner, address(HUB));
        uint32[] memory seatIds = COMMITTEE.seatsOf(owner);
        found.seatCount = seatIds.length;
        found.seats = new SeatView[](seatIds.length < MAX_PAGE ? seatIds.length : MAX_PAGE);
        for (uint256 i; i < found.seats.length; ++i) {
            found.seats[i] = SeatView(seatIds[i], COMMITTEE.seat(seatIds[i]));
        }
        if (roundId == 0) return found;
        (found.commit.sequence, found.commit.opened, found.commit.locked) = HUB.commitOf(roundId, owner);
        (found.commit.excluded, found.commit.excludedScore) = HUB.excludedOf(roundId, owner);
    }

    /// @inheritdoc ILens
    function network() external view returns (NetworkView memory) {
        return NetworkView({
            head: HUB.head(),
            height: HUB.height(),
            chainScore: HUB.chainScore(),
            supply: TOKEN.totalSupply(),
            emitted: HUB.emitted(),
            version: HUB.version(),
            pausedUntil: HUB.pausedUntil(),
            tasks: HUB.taskCount(),
            rounds: HUB.roundCount(),
            waiting: HUB.queueLength(),
            nextTask: HUB.nextTask(),
            seats: COMMITTEE.availableSeats(),
            inbox: HUB.inbox(),
            slots: _slots()
        });
    }

    function _round(uint256 roundId) private view returns (RoundView memory found) {
        found.round = HUB.round(roundId);
        found.candidates = HUB.candidates(roundId);
        found.ballot = COMMITTEE.ballot(roundId);
        found.members = COMMITTEE.members(roundId);
        found.appeals = HUB.appealsOf(roundId);
        if (found.round.phase != IDLBCTypes.Phase.Appeal) return found;
        (IDLBCTypes.Timing memory times,,) = HUB.parametersOf(found.round.version);
        found.appealUntil = found.round.phaseEndsAt;
        found.challengeUntil = found.appealUntil - times.appealSecs + times.appealSecs / 2;
    }

    function _task(
        uint256 taskId,
        IDLBCTypes.Factors memory factors,
        IDLBCTypes.Limits memory limits,
        uint256 clock
    ) private view returns (TaskView memory found) {
        found.taskId = taskId;
        found.task = HUB.task(taskId);
        found.factors = factors;
        if (found.task.status == IDLBCTypes.TaskStatus.None) return found;
        Score memory score = found.score;
        score.flops = _part(limits.weightFlops, factors.lgFlops);
        score.net = _part(limits.weightNet, factors.lgNet);
        score.data = _part(limits.weightData, factors.lgData);
        score.fee = _part(limits.weightFee, factors.lgFee);
        score.ageing = int256(clock) - int256(uint256(factors.clockAtSubmit));
        score.total = score.flops + score.net + score.data + score.fee + score.ageing;
    }

    function _slots() private view returns (SlotView[] memory slots) {
        uint256 current = HUB.economy().slots;
        slots = new SlotView[](ParameterBounds.MAX_SLOTS);
        uint256 count;
        for (uint256 slot; slot < slots.length; ++slot) {
            uint256 roundId = HUB.roundInSlot(uint8(slot));
            if (roundId == 0 && slot >= current) continue;
            SlotView memory found = slots[count++];
            found.slot = uint8(slot);
            found.roundId = roundId;
            if (roundId == 0) continue;
            found.taskId = HUB.round(roundId).taskId;
            (found.phase, found.phaseEndsAt) = HUB.phase(roundId);
        }
        assembly ("memory-safe") {
            mstore(slots, count)
        }
    }

    function _limits(uint8 version) private view returns (IDLBCTypes.Limits memory limits) {
        (,, limits) = HUB.parametersOf(version);
    }

    function _part(int32 weight, uint16 lg) private pure returns (int256) {
        return (int256(weight) * int256(uint256(lg))) << DifficultyRanking.BASE_SHIFT;
    }

    /// @dev The `n` largest of the keys below `below`, largest first; and the last of them where there are more.
    function _best(uint256[] memory keys, uint256 below, uint256 n)
        private
        pure
        returns (uint256[] memory best, uint256 next)
    {
        best = new uint256[](n < keys.length ? n : keys.length);
        uint256 count;
        uint256 eligible;
        for (uint256 k; k < keys.length; ++k) {
            uint256 key = keys[k];
            if (below != 0 && key >= below) continue;
            ++eligible;
            if (count < best.length) ++count;
            else if (count == 0 || key < best[count - 1]) continue;
            uint256 place = _place(best, count - 1, key);
            // what stands there moves one place down, the last one out
            assembly ("memory-safe") {
                let from := add(add(best, 32), mul(place, 32))
                mcopy(add(from, 32), from, mul(sub(sub(count, 1), place), 32))
            }
            best[place] = key;
        }
        if (eligible > count && count != 0) next = best[count - 1];
        assembly ("memory-safe") {
            mstore(best, count)
        }
    }

    /// @dev After how many of the first `count`, sorted from the largest down, `key` belongs.
    function _place(uint256[] memory sorted, uint256 count, uint256 key) private pure returns (uint256 low) {
        uint256 high = count;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (sorted[middle] > key) low = middle + 1;
            else high = middle;
        }
    }
    // slither-disable-end calls-loop,unused-return
}
