// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {ParameterBounds} from "../libraries/ParameterBounds.sol";
import {Phases} from "../libraries/Phases.sol";
import {Podium} from "../libraries/Podium.sol";
import {Tally} from "../libraries/Tally.sol";
import {HubState} from "./HubState.sol";

/// @title What a round came to
/// @notice Changes nothing. Masks over candidates are by position in the list, best claim first.
abstract contract Decision is HubState {
    using BitMask for uint256;
    using CandidateList for CandidateList.List;

    struct Result {
        Outcome outcome; //              None: another epoch begins
        EpochCause cause; //             why
        bool voted; //                   there is a ballot to close
        bool judged; //                  a quorum voted, and the task is not at fault: the verdicts count
        ICommittee.Votes votes;
        CandidateList.Place[] places; // best claim first
        ICommittee.Verdict[] verdicts;
        uint256 shown;
        uint256 qualified;
        uint256[3] podium;
        uint256 taskFlags;
    }

    /// @dev The round, if it is in one of the phases that may follow the votes; and the votes, if it came so far.
    function _requireVotes(uint256 roundId, Phase needed)
        internal
        view
        returns (RoundState storage r, ICommittee.Votes memory votes)
    {
        r = _rounds[roundId];
        Phases.Facts memory facts = _facts(r);
        (Phase current,) = Phases.phaseAt(facts, block.timestamp);
        if (current == Phase.Seal) {
            votes = ICommittee(COMMITTEE).votes(roundId);
            facts.drawFailed = votes.failed;
            facts.drawn = votes.revealEnd != 0;
            facts.voteRevealEnd = votes.revealEnd;
            facts.appealEnd =
                _appealEnd(r, votes.failed, uint256(votes.revealed).count(), votes.quorum, votes.revealEnd);
            (current,) = Phases.afterShow(facts, block.timestamp);
        }
        if (current != needed) {
            // the votes do not tell the phases before their end apart
            (current,) = _phase(roundId, r);
            revert WrongPhase(current);
        }
    }

    function _decide(
        uint256 roundId,
        RoundState storage r,
        TaskSpec calldata spec,
        ICommittee.Votes memory votes
    ) internal view returns (Result memory result) {
        bool last = r.epoch + 1 >= ParameterBounds.MAX_EPOCHS;
        if (r.commits == 0) result.outcome = Outcome.NoCommit;
        else if (r.keyAt == 0) result.outcome = Outcome.KeyWithheld;
        else if (r.claims == 0) result.outcome = Outcome.NoClaim;
        else if (r.listed == 0 && r.epoch == 0) result.outcome = Outcome.BelowThreshold;
        if (result.outcome != Outcome.None) return result;

        result.places = _lists[roundId].sorted(r.listed);
        for (uint256 i; i < result.places.length; ++i) {
            if (_isShown(r, result.places[i])) result.shown |= 1 << i;
        }
        if (result.shown == 0) {
            if (last || r.excluded == 0) result.outcome = Outcome.NoModel;
            else result.cause = EpochCause.Excluded;
            return result;
        }

        result.voted = true;
        result.votes = votes;
        // before the draw there is no quorum either
        if (votes.revealed == 0 || uint256(votes.revealed).count() < votes.quorum) {
            if (last) result.outcome = Outcome.NoQuorum;
            else result.cause = EpochCause.NoQuorum;
            return result;
        }
        result.taskFlags = Tally.taskFaults(votes);
        if (result.taskFlags & Tally.TASK_FAULT != 0) {
            result.outcome = Outcome.TaskFault;
            return result;
        }
        result.judged = true;
        uint256 best = _judge(r, spec, result);
        bool disqualified = result.qualified != (1 << result.places.length) - 1;
        if (!last && disqualified && r.excluded != 0 && (result.qualified == 0 || r.bestExcluded > best)) {
            result.cause = EpochCause.Excluded;
        } else {
            result.outcome = result.qualified == 0 ? Outcome.BelowThreshold : Outcome.Block;
        }
    }

    /// @dev Verdicts, places, and who takes part in them.
    /// @return best median of those who qualify
    function _judge(RoundState storage r, TaskSpec calldata spec, Result memory result)
        private
        view
        returns (uint256 best)
    {
        uint256 length = result.places.length;
        result.verdicts = new ICommittee.Verdict[](length);
        Podium.Entry[] memory entries = new Podium.Entry[](length);
        uint256 tol = spec.tol;
        uint256 minScore = spec.minScore;
        for (uint256 i; i < length; ++i) {
            if (!result.shown.has(i)) continue;
            CandidateList.Place memory place = result.places[i];
            ICommittee.Verdict memory verdict = Tally.verdict(result.votes, i, tol);
            result.verdicts[i] = verdict;
            if (!Tally.qualifies(verdict, place.score, minScore, tol)) continue;
            result.qualified |= 1 << i;
            entries[i] = Podium.Entry(true, verdict.median, place.sequence, place.commitment);
            if (verdict.median > best) best = verdict.median;
        }
        result.podium = Podium.rank(entries, Podium.Rules(r.early, spec.tieTol, result.votes.seed));
    }
}
