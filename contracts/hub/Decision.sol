// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {ParameterBounds} from "../libraries/ParameterBounds.sol";
import {Phases} from "../libraries/Phases.sol";
import {Podium} from "../libraries/Podium.sol";
import {Tally} from "../libraries/Tally.sol";
import {Words} from "../libraries/Words.sol";
import {HubState} from "./HubState.sol";

/// @title What a round came to
/// @notice Changes nothing. Masks over candidates are by position in the list, best claim first.
abstract contract Decision is HubState {
    using BitMask for uint256;
    using CandidateList for CandidateList.List;
    using CandidateList for uint256;
    using Words for uint256[];

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
        uint256[] list; //               keys of `CandidateList`, best claim first
        Tally.Findings found;
        uint256 shown;
        uint256 qualified;
        uint256 faulty; //               whom the committee found unavailable, invalid, over-claimed or stolen
        uint256 stolen; //               the accused, if the committee found the accuser's mark in his model
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
        // slither-disable-next-line unused-return: the phase's end is not asked for, here and below
        (Phase current,) = Phases.phaseAt(facts, block.timestamp);
        if (current == Phase.Seal) {
            votes = ICommittee(COMMITTEE).votes(roundId);
            facts.drawFailed = votes.failed;
            facts.drawn = votes.revealEnd != 0;
            facts.voteRevealEnd = votes.revealEnd;
            facts.appealEnd =
                _appealEnd(r, votes.failed, uint256(votes.revealed).count(), votes.quorum, votes.revealEnd);
            // slither-disable-next-line unused-return
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

        c.list = _lists[c.roundId].ranked(r.listed);
        uint256 shown = r.shown;
        for (uint256 i; i < c.list.length; ++i) {
            if (shown.has(c.list.at(i).indexOf())) c.shown |= 1 << i;
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
        bool disqualified = c.qualified != (1 << c.list.length) - 1;
        if (!last && disqualified && r.excluded != 0 && (c.qualified == 0 || r.bestExcluded > best)) {
            c.cause = EpochCause.Excluded;
        } else if (c.qualified == 0) {
            c.outcome = Outcome.BelowThreshold;
        } else {
            c.outcome = Outcome.Block;
            c.winner = _claimedHash(c.roundId, _place(c, c.podium[0]));
        }
    }

    /// @dev Verdicts, places, and who takes part in them.
    /// @return best median of those who qualify
    function _judge(RoundState storage r, Case memory c) private view returns (uint256 best) {
        c.found = Tally.judge(c.votes, c.list.length, c.shown, c.tol);
        c.stolen = _stolen(r.accused, c);
        c.faulty = c.stolen;
        Podium.Entry[] memory entries = new Podium.Entry[](c.list.length);
        for (uint256 i; i < entries.length; ++i) {
            if (!c.shown.has(i)) continue;
            uint256 claim = c.list.at(i).scoreOf();
            ICommittee.Verdict memory verdict = c.found.verdicts[i];
            if (verdict.flags & Tally.SCORELESS != 0 || Tally.overclaimed(verdict, claim, c.tol)) c.faulty |= 1 << i;
            if (c.stolen.has(i) || !Tally.qualifies(verdict, claim, c.minScore, c.tol)) continue;
            c.qualified |= 1 << i;
            Podium.Entry memory entry = entries[i];
            entry.qualified = true;
            entry.median = verdict.median;
            entry.sequence = c.list.at(i).sequenceOf();
            if (verdict.median > best) best = verdict.median;
        }
        Podium.Rules memory rules = Podium.Rules(r.early, c.tieTol, c.votes.seed);
        // a word of storage for each, and in most rounds for none
        uint256 rivals = Podium.rivals(entries, rules);
        for (uint256 i; rivals >> i != 0; ++i) {
            if (rivals.has(i)) entries[i].commitment = _claimedHash(c.roundId, _place(c, i));
        }
        c.podium = Podium.rank(entries, rules);
    }

    /// @dev The accused, by position, if a majority of the votes finds the accuser's mark in his model.
    function _stolen(uint256 accused, Case memory c) private pure returns (uint256) {
        if (accused == 0) return 0;
        for (uint256 i; i < c.list.length; ++i) {
            if (c.list.at(i).indexOf() == accused - 1 && c.taskFlags.has(Tally.STOLEN_SHIFT + i)) return 1 << i;
        }
        return 0;
    }

    function _place(Case memory c, uint256 position) internal view returns (CandidateList.Place storage) {
        return _lists[c.roundId].places[c.list.at(position).indexOf()];
    }
}
