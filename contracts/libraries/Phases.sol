// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";

/// @title The phase of a round, computed from the clock and a few facts
/// @notice Total and exclusive: every set of facts has exactly one phase at every moment, and every phase is left by the
/// clock or by a transaction that anyone may send.
///
///     Settle -> Train -> Guard -> Key -> Claim -> Show -> Seal -> Draw -> Prove -> VoteCommit -> VoteReveal -> Appeal -> Tally
///
/// Prove has no length unless the task asks for it. From Train on, a phase without anything for the next one to do leads to Tally: no commit, no key, nothing listed, nothing
/// shown, too few seats, too few votes. Tally ends in Final, or in the next epoch: Enlist -> Show where claims may take the
/// places of the disqualified, else Seal. An appeal leads to Seal.
library Phases {
    struct Facts {
        uint40 commitStart; // 0: no such round
        uint40 commitEnd;
        uint40 keyFrom;
        uint40 keyUntil;
        uint40 keyAt; //      0 until the test key is shown
        uint40 claimEnd; //   in a later epoch, the end of Enlist; in the past where there is nothing to enlist
        uint40 showEnd;
        uint32 commits;
        uint8 epoch;
        uint8 listed; //      bit masks; whoever showed his key is listed
        uint8 shown;
        bool isFinal;
        // the committee's; needed only where the facts above lead to Seal
        bool isSealed;
        bool drawn;
        bool drawFailed;
        uint40 voteStart; //  later than the draw where there is something to prove
        uint40 voteCommitEnd;
        uint40 voteRevealEnd;
        uint40 appealEnd; //  0 where there is no quorum, or no epoch is left for an appeal
    }

    /// @return phase the phase at `time`
    /// @return endsAt when the clock alone ends it, 0 where only a transaction does
    function phaseAt(Facts memory facts, uint256 time) internal pure returns (IDLBCTypes.Phase phase, uint40 endsAt) {
        if (facts.commitStart == 0) return (IDLBCTypes.Phase.None, 0);
        if (facts.isFinal) return (IDLBCTypes.Phase.Final, 0);
        if (time < facts.commitStart) return (IDLBCTypes.Phase.Settle, facts.commitStart);
        if (time < facts.commitEnd) return (IDLBCTypes.Phase.Train, facts.commitEnd);
        if (facts.commits == 0) return (IDLBCTypes.Phase.Tally, 0);
        if (facts.keyAt == 0) {
            if (time < facts.keyFrom) return (IDLBCTypes.Phase.Guard, facts.keyFrom);
            if (time < facts.keyUntil) return (IDLBCTypes.Phase.Key, facts.keyUntil);
            return (IDLBCTypes.Phase.Tally, 0);
        }
        if (time < facts.claimEnd) {
            return (facts.epoch == 0 ? IDLBCTypes.Phase.Claim : IDLBCTypes.Phase.Enlist, facts.claimEnd);
        }
        if (facts.listed == 0) return (IDLBCTypes.Phase.Tally, 0);
        if (facts.shown != facts.listed && time < facts.showEnd) return (IDLBCTypes.Phase.Show, facts.showEnd);
        if (facts.shown == 0) return (IDLBCTypes.Phase.Tally, 0);
        return afterShow(facts, time);
    }

    function afterShow(Facts memory facts, uint256 time) internal pure returns (IDLBCTypes.Phase, uint40) {
        if (facts.drawFailed) return (IDLBCTypes.Phase.Tally, 0);
        if (!facts.drawn) return (facts.isSealed ? IDLBCTypes.Phase.Draw : IDLBCTypes.Phase.Seal, 0);
        if (time < facts.voteStart) return (IDLBCTypes.Phase.Prove, facts.voteStart);
        if (time < facts.voteCommitEnd) return (IDLBCTypes.Phase.VoteCommit, facts.voteCommitEnd);
        if (time < facts.voteRevealEnd) return (IDLBCTypes.Phase.VoteReveal, facts.voteRevealEnd);
        if (time < facts.appealEnd) return (IDLBCTypes.Phase.Appeal, facts.appealEnd);
        return (IDLBCTypes.Phase.Tally, 0);
    }
}
