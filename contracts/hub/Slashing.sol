// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "../libraries/BitMask.sol";
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
    /// invalid, over-claimed or stolen. What is left of their lock is freed.
    function _slashCandidates(Case memory c, uint256 unit) internal returns (uint256 slashed) {
        // nearly always nobody
        uint256 guilty = (((1 << c.list.length) - 1) & ~c.shown) | c.faulty;
        for (uint256 i; guilty >> i != 0; ++i) {
            if (!guilty.has(i)) continue;
            Reason reason = Reason.Unavailable;
            uint256 amount = FeeSplit.part(unit, FAULT_BPS);
            if (c.faulty.has(i)) {
                uint8 flags = c.found.verdicts[i].flags;
                if (c.stolen.has(i)) {
                    reason = Reason.Stolen;
                    amount = unit;
                } else if (flags & Tally.INVALID != 0) {
                    reason = Reason.Invalid;
                } else if (flags & Tally.UNAVAILABLE == 0) {
                    reason = Reason.Overclaimed;
                    amount = unit;
                }
            }
            address miner = _place(c, i).miner;
            _commits[c.roundId][miner] = _commits[c.roundId][miner].release();
            _unlock(miner, unit - amount);
            _slash(miner, amount);
            emit Slashed(c.roundId, miner, reason, amount);
            emit LockReleased(c.roundId, miner);
            slashed += reason == Reason.Stolen ? _rewardAccuser(c.roundId, amount) : amount;
        }
    }

    /// @return rest of what was taken from the accused
    function _rewardAccuser(uint256 roundId, uint256 amount) private returns (uint256 rest) {
        uint256 found = FeeSplit.part(amount, FINDER_BPS);
        _pay(roundId, _accusations[roundId].accuser, Payment.Finder, found);
        return amount - found;
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
    function _closeBallot(Case memory c, bool again, uint256 off, uint96 seatUnit)
        internal
        returns (ICommittee.Closing memory closing, uint256 slashed)
    {
        bool failed = again ? c.cause == EpochCause.NoQuorum : c.outcome == Outcome.NoQuorum;
        // The committee is ours: it calls nobody but the hub, for views and `unlockSeat`. Who comes here is `nonReentrant`.
        // slither-disable-next-line reentrancy-no-eth,reentrancy-benign,reentrancy-events
        closing = ICommittee(COMMITTEE).close(
            c.roundId, again, failed ? ABSENT_FAILED_BPS : ABSENT_BPS, uint16(off), OFF_BPS, seatUnit
        );
        // empty where nobody loses anything
        for (uint256 pos; pos < closing.penalties.length; ++pos) {
            uint256 penalty = closing.penalties[pos];
            if (penalty == 0) continue;
            address owner = closing.owners[pos];
            _slash(owner, penalty);
            slashed += penalty;
            Reason reason = uint256(c.votes.revealed).has(pos) ? Reason.OffMedian : Reason.Absent;
            emit Slashed(c.roundId, owner, reason, penalty);
        }
    }
}
