// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {ParameterBounds} from "../libraries/ParameterBounds.sol";
import {Podium} from "../libraries/Podium.sol";
import {Tally} from "../libraries/Tally.sol";
import {HubState} from "./HubState.sol";

/// @title What a round came to
abstract contract Decision is HubState {
    using CandidateList for CandidateList.List;

    /// @dev What a round came to. Gathered first, then paid.
    struct Result {
        Outcome outcome;
        CandidateList.Place[] places; // best claim first
        ICommittee.Verdict[] verdicts;
        uint256[3] podium;
        bool retry; //                   too few votes, and epochs remain
        bool hasBallot;
    }

    function _decide(uint256 roundId, RoundState storage r, TaskSpec calldata spec)
        internal
        view
        returns (Result memory result)
    {
        if (r.commits == 0) result.outcome = Outcome.NoCommit;
        else if (r.keyAt == 0) result.outcome = Outcome.KeyWithheld;
        else if (r.claims == 0) result.outcome = Outcome.NoClaim;
        else if (r.listed == 0) result.outcome = Outcome.BelowThreshold;
        else if (r.shown == 0) result.outcome = Outcome.NoModel;
        if (r.listed != 0) result.places = _lists[roundId].sorted(r.listed);
        if (result.outcome != Outcome.None) return result;

        result.hasBallot = true;
        ICommittee.Ballot memory ballot = ICommittee(COMMITTEE).ballot(roundId);
        if (ballot.revealed < _parameters(r.version).economy.quorum) {
            result.retry = r.epoch + 1 < ParameterBounds.MAX_EPOCHS;
            if (!result.retry) result.outcome = Outcome.NoQuorum;
            return result;
        }
        uint16 taskFlags;
        (result.verdicts, taskFlags) = ICommittee(COMMITTEE).verdicts(roundId, r.listed);
        if (taskFlags & Tally.TASK_FAULT != 0) {
            result.outcome = Outcome.TaskFault;
            return result;
        }
        result.podium = Podium.rank(
            _entries(r, result, spec.minScore), Podium.Rules(r.early, spec.tieTol, ballot.seed)
        );
        result.outcome = result.podium[0] == Podium.NOBODY ? Outcome.BelowThreshold : Outcome.Block;
    }

    function _entries(RoundState storage r, Result memory result, uint40 minScore)
        internal
        view
        returns (Podium.Entry[] memory entries)
    {
        entries = new Podium.Entry[](result.places.length);
        for (uint256 i; i < entries.length; ++i) {
            CandidateList.Place memory place = result.places[i];
            ICommittee.Verdict memory verdict = result.verdicts[i];
            entries[i] = Podium.Entry({
                qualified: _hasShown(r, place) && verdict.flags == 0 && verdict.median >= minScore,
                median: verdict.median,
                sequence: place.sequence,
                commitment: place.commitment
            });
        }
    }
}
