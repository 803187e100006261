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

    /// @dev All that a decision needs, and what it found.
    struct Case {
        uint256 roundId;
        uint256 tol; //                  of the task
        uint256 minScore;
        uint32 tieTol;
        ICommittee.Votes votes;
        Outcome outcome; //              None: another epoch begins
        EpochCause cause; //             why
        bool voted; //                   there is a ballot to close
        bool judged; //                  a quorum voted, and the task is not at fault: the verdicts count
        CandidateList.Place[] places; // best claim first
        ICommittee.Verdict[] verdicts;
        uint256 shown;
        uint256 qualified;
        uint256[3] podium;
        uint256 taskFlags;
        bytes32 winner; //               commitment hash, 0 where there is none
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

    function _case(uint256 roundId, TaskSpec calldata spec, ICommittee.Votes memory votes)
        internal
        pure
        returns (Case memory c)
    {
        c.roundId = roundId;
        c.tol = spec.tol;
        c.minScore = spec.minScore;
        c.tieTol = spec.tieTol;
        c.votes = votes;
    }

    function _decide(RoundState storage r, Case memory c) internal view {
        bool last = r.epoch + 1 >= ParameterBounds.MAX_EPOCHS;
        if (r.commits == 0) c.outcome = Outcome.NoCommit;
        else if (r.keyAt == 0) c.outcome = Outcome.KeyWithheld;
        else if (r.claims == 0) c.outcome = Outcome.NoClaim;
        else if (r.listed == 0 && r.epoch == 0) c.outcome = Outcome.BelowThreshold;
        if (c.outcome != Outcome.None) return;

        c.places = _lists[c.roundId].sorted(r.listed);
        for (uint256 i; i < c.places.length; ++i) {
            if (_isShown(r, c.places[i])) c.shown |= 1 << i;
        }
        if (c.shown == 0) {
            if (last || r.excluded == 0) c.outcome = Outcome.NoModel;
            else c.cause = EpochCause.Excluded;
            return;
        }

        c.voted = true;
        // before the draw there is no quorum either
        if (c.votes.revealed == 0 || uint256(c.votes.revealed).count() < c.votes.quorum) {
            if (last) c.outcome = Outcome.NoQuorum;
            else c.cause = EpochCause.NoQuorum;
            return;
        }
        c.taskFlags = Tally.taskFaults(c.votes);
        if (c.taskFlags & Tally.TASK_FAULT != 0) {
            c.outcome = Outcome.TaskFault;
            return;
        }
        c.judged = true;
        uint256 best = _judge(r, c);
        bool disqualified = c.qualified != (1 << c.places.length) - 1;
        if (!last && disqualified && r.excluded != 0 && (c.qualified == 0 || r.bestExcluded > best)) {
            c.cause = EpochCause.Excluded;
        } else if (c.qualified == 0) {
            c.outcome = Outcome.BelowThreshold;
        } else {
            c.outcome = Outcome.Block;
            c.winner = c.places[c.podium[0]].commitment;
        }
    }

    /// @dev Verdicts, places, and who takes part in them.
    /// @return best median of those who qualify
    function _judge(RoundState storage r, Case memory c) private view returns (uint256 best) {
        uint256 length = c.places.length;
        c.verdicts = new ICommittee.Verdict[](length);
        Podium.Entry[] memory entries = new Podium.Entry[](length);
        for (uint256 i; i < length; ++i) {
            if (!c.shown.has(i)) continue;
            CandidateList.Place memory place = c.places[i];
            ICommittee.Verdict memory verdict = Tally.verdict(c.votes, i, c.tol);
            c.verdicts[i] = verdict;
            if (!Tally.qualifies(verdict, place.score, c.minScore, c.tol)) continue;
            c.qualified |= 1 << i;
            entries[i] = Podium.Entry(true, verdict.median, place.sequence, place.commitment);
            if (verdict.median > best) best = verdict.median;
        }
        c.podium = Podium.rank(entries, Podium.Rules(r.early, c.tieTol, c.votes.seed));
    }
}
