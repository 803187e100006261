// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {FeeSplit} from "../libraries/FeeSplit.sol";
import {Podium} from "../libraries/Podium.sol";
import {Tally} from "../libraries/Tally.sol";
import {Payout} from "./Payout.sol";

/// @title From one epoch of a round to the next
/// @notice Three at most, whatever the causes. Whoever did his part is paid for it, out of the validators' share of the fee.
abstract contract Epochs is Payout {
    using BitMask for uint256;

    /// @dev Ends an epoch for `c.cause`.
    /// @param fee of the task
    /// @return burned to be burned
    function _endEpoch(RoundState storage r, Case memory c, uint256 fee) internal returns (uint256 burned) {
        emit EpochEnded(c.roundId, r.epoch, c.cause);
        ++r.epoch;
        Economy memory economy_ = _parameters(r.version).economy;
        Jury memory jury;
        uint256 off;
        if (c.cause == EpochCause.Excluded) {
            burned = _slashCandidates(c, economy_.minerUnit);
            _removeDisqualified(r, c);
            r.claimEnd = uint40(block.timestamp) + _parameters(r.version).timing.claimSecs;
            if (!c.voted) return burned;
            (off, jury) = _coherent(c);
        } else if (c.cause != EpochCause.NoQuorum) {
            // the judgement is disputed: nobody is held to it
            jury.served = c.votes.revealed;
            jury.unopened = c.votes.unopened;
        }
        (ICommittee.Closing memory closing, uint256 taken) = _closeBallot(c, true, off, economy_.seatUnit);
        burned += taken;

        uint256 paid = jury.served.count();
        uint256 each;
        if (paid != 0) {
            // the tips to come must not eat what is paid out now
            each = FeeSplit.advance(economy_, fee - MAX_TIPS * uint256(economy_.tip), r.advanced, paid);
            r.advanced += uint96(each * paid);
        }
        burned += _payJury(c.roundId, closing, jury, each, _challengeBond(economy_));
        if (c.cause != EpochCause.Excluded) return burned;
        uint256 lost = _decideDisputes(r, c);
        burned += _shareBonds(c.roundId, closing.owners, jury.served & ~jury.silent, lost);
    }

    /// @dev Those who are paid where the verdicts count, and the votes that are slashed.
    function _coherent(Case memory c) internal pure returns (uint256 off, Jury memory jury) {
        uint256 placed;
        for (uint256 i; i < 3; ++i) {
            if (c.podium[i] != Podium.NOBODY) placed |= 1 << c.podium[i];
        }
        off = c.found.off;
        uint256 incoherent = Tally.incoherentWith(c.found, placed);
        jury = Jury(c.votes.revealed & ~incoherent, c.votes.unopened, c.votes.unopened);
    }

    function _challengeBond(Economy memory economy_) internal pure returns (uint256) {
        return economy_.appealBond / economy_.committeeSize;
    }

    /// @dev They never come back: only what found no place can be enlisted.
    function _removeDisqualified(RoundState storage r, Case memory c) private {
        uint256 kept;
        for (uint256 i; i < c.list.length; ++i) {
            if (c.qualified.has(i)) {
                kept |= 1 << CandidateList.indexOf(c.list[i]);
                continue;
            }
            CandidateList.Place memory place = _place(c, i);
            emit CandidateRemoved(c.roundId, place.miner, _claimedHash(c.roundId, place));
        }
        r.listed = uint8(kept);
        // whoever qualified has shown his key
        r.shown = uint8(kept);
    }
}
