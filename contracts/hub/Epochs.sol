// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {FeeSplit} from "../libraries/FeeSplit.sol";
import {Tally} from "../libraries/Tally.sol";
import {Payout} from "./Payout.sol";

/// @title From one epoch of a round to the next
/// @notice Three at most, whatever the causes. Whoever did his part is paid for it, out of the validators' share of the fee.
abstract contract Epochs is Payout {
    using BitMask for uint256;

    /// @dev Ends an epoch for `result.cause`.
    /// @return slashed to be burned
    function _endEpoch(uint256 roundId, RoundState storage r, TaskSpec calldata spec, Result memory result)
        internal
        returns (uint256 slashed)
    {
        emit EpochEnded(roundId, r.epoch, result.cause);
        ++r.epoch;
        Economy memory economy_ = _parameters(r.version).economy;
        Jury memory jury;
        uint16 absentBps = ABSENT_BPS;
        uint256 off;
        if (result.cause == EpochCause.NoQuorum) {
            absentBps = ABSENT_FAILED_BPS;
        } else if (result.cause == EpochCause.Appeal) {
            // the judgement is disputed: nobody is held to it
            jury.served = result.votes.revealed;
            jury.unopened = result.votes.unopened;
        } else {
            slashed = _slashCandidates(roundId, economy_.minerUnit, spec.tol, result);
            _removeDisqualified(roundId, r, result);
            r.claimEnd = uint40(block.timestamp) + _parameters(r.version).timing.claimSecs;
            if (!result.voted) return slashed;
            (off, jury) = _coherent(spec, result);
        }
        (ICommittee.Closing memory closing, uint256 taken) =
            _closeBallot(roundId, true, absentBps, off, economy_.seatUnit, result.votes.revealed);
        slashed += taken;

        uint256 paid = jury.served.count();
        uint256 each;
        if (paid != 0) {
            each = FeeSplit.advance(
                economy_, uint256(spec.fee) - MAX_TIPS * uint256(economy_.tip), r.advanced, paid
            );
            r.advanced += uint96(each * paid);
        }
        _payJury(roundId, closing, jury, each, _challengeBond(economy_));
    }

    /// @dev Those who are paid where the verdicts count, and the votes that are slashed.
    function _coherent(TaskSpec calldata spec, Result memory result)
        internal
        pure
        returns (uint256 off, Jury memory jury)
    {
        uint256 placed;
        for (uint256 i; i < 3; ++i) {
            if (result.podium[i] < result.places.length) placed |= 1 << result.podium[i];
        }
        uint256 incoherent;
        (off, incoherent) = Tally.dissent(result.votes, result.verdicts, result.shown, placed, spec.tol);
        jury.served = result.votes.revealed & ~incoherent;
        jury.silent = result.votes.unopened;
        jury.unopened = result.votes.unopened;
    }

    function _challengeBond(Economy memory economy_) internal pure returns (uint256) {
        return economy_.appealBond / economy_.committeeSize;
    }

    /// @dev They never come back: only what found no place can be enlisted.
    function _removeDisqualified(uint256 roundId, RoundState storage r, Result memory result) private {
        uint256 kept;
        for (uint256 i; i < result.places.length; ++i) {
            CandidateList.Place memory place = result.places[i];
            if (result.qualified.has(i)) kept |= 1 << place.index;
            else emit CandidateRemoved(roundId, place.miner, place.commitment);
        }
        r.listed = uint8(kept);
        // whoever qualified has shown his key
        r.shown = uint8(kept);
    }
}
