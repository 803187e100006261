// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {FeeSplit} from "../libraries/FeeSplit.sol";
import {Tally} from "../libraries/Tally.sol";
import {Decision} from "./Decision.sol";

/// @title Who loses stake, and how much
/// @notice Nobody loses more than what is locked for the round, and each fault costs once. Every function returns what it
/// took; the caller burns it.
abstract contract Slashing is Decision {
    using BitMask for uint256;
    using CommitSlot for uint256;

    uint256 internal constant FAULT_BPS = 5_000; //    unavailable or invalid, of the commit's lock
    uint256 internal constant UNOPENED_BPS = 1_000; // a commit that was never claimed
    uint256 internal constant FINDER_BPS = 1_000; //   of what was slashed, to the caller who pointed it out
    uint16 internal constant ABSENT_BPS = 100; //      of a seat
    uint16 internal constant ABSENT_FAILED_BPS = 1_000; // where too few votes voided the epoch
    uint16 internal constant OFF_BPS = 500; //         a vote far off the median

    /// @dev Listed candidates without their key; and where the committee judged the models, those that it found unavailable,
    /// invalid or over-claimed. What is left of their lock is freed.
    function _slashCandidates(uint256 roundId, uint256 unit, uint256 tol, Result memory result)
        internal
        returns (uint256 slashed)
    {
        for (uint256 i; i < result.places.length; ++i) {
            CandidateList.Place memory place = result.places[i];
            Reason reason = Reason.Unavailable;
            uint256 amount = FeeSplit.part(unit, FAULT_BPS);
            if (result.shown.has(i)) {
                if (!result.judged) continue;
                ICommittee.Verdict memory verdict = result.verdicts[i];
                if (verdict.flags & Tally.INVALID != 0) {
                    reason = Reason.Invalid;
                } else if (verdict.flags & Tally.UNAVAILABLE == 0) {
                    if (!Tally.overclaimed(verdict, place.score, tol)) continue;
                    reason = Reason.Overclaimed;
                    amount = unit;
                }
            }
            mapping(address => uint256) storage commits = _commits[roundId];
            commits[place.miner] = commits[place.miner].release();
            _unlock(place.miner, unit - amount);
            _slash(place.miner, amount);
            slashed += amount;
            emit Slashed(roundId, place.miner, reason, amount);
            emit LockReleased(roundId, place.miner);
        }
    }

    /// @dev A commit that was never claimed; the caller who points it out gets a part.
    function _slashUnopened(uint256 roundId, address miner, uint256 unit) internal returns (uint256 slashed) {
        slashed = FeeSplit.part(unit, UNOPENED_BPS);
        _unlock(miner, unit - slashed);
        _slash(miner, slashed);
        emit Slashed(roundId, miner, Reason.Unopened, slashed);
        // nobody is paid for finding himself
        if (msg.sender != miner) {
            uint256 found = FeeSplit.part(slashed, FINDER_BPS);
            slashed -= found;
            _pay(roundId, msg.sender, Payment.Finder, found);
        }
    }

    /// @dev Ends the epoch's ballot, and takes from the absent, and from those whose votes are `off`.
    function _closeBallot(
        uint256 roundId,
        bool again,
        uint16 absentBps,
        uint256 off,
        uint96 seatUnit,
        uint256 revealed
    ) internal returns (ICommittee.Closing memory closing, uint256 slashed) {
        closing = ICommittee(COMMITTEE).close(roundId, again, absentBps, uint16(off), OFF_BPS, seatUnit);
        for (uint256 pos; pos < closing.penalties.length; ++pos) {
            uint256 penalty = closing.penalties[pos];
            if (penalty == 0) continue;
            address owner = closing.owners[pos];
            _slash(owner, penalty);
            slashed += penalty;
            emit Slashed(roundId, owner, revealed.has(pos) ? Reason.OffMedian : Reason.Absent, penalty);
        }
    }
}
