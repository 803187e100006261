// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BallotWord} from "../libraries/BallotWord.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {ParameterBounds} from "../libraries/ParameterBounds.sol";
import {Phases} from "../libraries/Phases.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {BlockLedger} from "./BlockLedger.sol";
import {TaskQueue} from "./TaskQueue.sol";

/// @title All of the hub's storage, and the phase of a round
/// @notice The hub's code is three contracts over this one layout (decision 0006): nothing but this file's parents and this file
/// may declare storage.
abstract contract HubState is TaskQueue, BlockLedger {
    using BallotWord for uint256;
    using BitMask for uint256;
    using CommitSlot for uint256;

    struct RoundState {
        // one word, which nearly every call reads and writes
        uint40 commitStart; // 0: no such round
        uint24 trainSecs;
        uint40 keyAt;
        uint40 claimEnd; //    end of Claim, or of this epoch's Enlist; 0 before the test key
        uint24 commits;
        uint24 claims;
        uint24 early; //       commits in the first half of the training time
        uint8 version; //      of the parameters
        uint8 epoch;
        uint8 listed; //       bit masks over the list's storage order
        uint8 shown;
        Outcome outcome; //    None while the round lives
        // what the work was bound to
        bytes32 anchor;
        bytes32 specHash;
        // one word: what openings, later epochs and settlement need
        uint40 taskId;
        uint8 slot;
        uint8 tips;
        uint8 appeals;
        uint40 bestExcluded; // the best claim that ever found no place on the list
        uint24 excluded; //     how many of those there are now
        uint32 inboxTo; //      last inbox item of the batch
        uint16 inboxCount; //   how many items the batch has
        uint24 proveSecs; //    of a task that asks for trajectories
        uint8 accused; //       1 and the accused's index in the list; 0: nobody; DECIDED: the accusation is over
        // one word, in few rounds
        uint96 compensation; // each committer's, where the test key was withheld
        uint96 advanced; //     what earlier epochs' validators were paid of the fee
    }

    /// @dev Of `RoundState.accused`.
    uint8 internal constant DECIDED = type(uint8).max;
    /// @dev One for the opening, and for each epoch one for its draw and one for its end.
    uint256 internal constant MAX_TIPS = 1 + 2 * ParameterBounds.MAX_EPOCHS;

    // One of the hub's codes writes what another reads: decision 0006.
    // slither-disable-start uninitialized-state
    mapping(uint256 roundId => RoundState) internal _rounds;
    mapping(uint256 roundId => CandidateList.List) internal _lists;
    mapping(uint256 roundId => mapping(address miner => uint256)) internal _commits;
    /// @dev Claims that have no place on the list.
    mapping(uint256 roundId => mapping(address miner => CandidateList.Place)) internal _excluded;
    mapping(uint256 roundId => AppealCase[]) internal _appeals;
    mapping(uint256 roundId => Accusation) internal _accusations;
    /// @dev Leaves of private watermark keys that were shown: everybody can embed their marks since.
    mapping(bytes32 leaf => bool) internal _shownMarkKeys;
    /// @dev The last round of each slot, live or not.
    mapping(uint256 slot => uint256 roundId) internal _lastRound;
    mapping(address owner => address) internal _operators;
    Inbox internal _inbox;
    // slither-disable-end uninitialized-state

    function _requirePhase(uint256 roundId, Phase needed) internal view returns (RoundState storage r) {
        r = _rounds[roundId];
        (Phase current,) = _phase(roundId, r);
        if (current != needed) revert WrongPhase(current);
    }

    function _requireSpec(RoundState storage r, TaskSpec calldata spec) internal view {
        bytes32 specHash = TypedHashes.spec(spec);
        if (specHash != r.specHash) revert SpecMismatch(specHash, r.specHash);
    }

    /// @dev The caller is `owner`, or works for him.
    function _requireActsFor(address owner) internal view {
        if (msg.sender != owner && msg.sender != _operators[owner]) revert Unauthorized(msg.sender);
    }

    function _phase(uint256 roundId, RoundState storage r) internal view returns (Phase current, uint40 endsAt) {
        Phases.Facts memory facts = _facts(r);
        (current, endsAt) = Phases.phaseAt(facts, block.timestamp);
        // only where the round is past Show does the committee have a say
        if (current != Phase.Seal) return (current, endsAt);
        uint256 ballot = ICommittee(COMMITTEE).ballotWord(roundId, r.slot);
        facts.isSealed = ballot.isSealed();
        facts.drawn = ballot.isDrawn();
        facts.drawFailed = ballot.failed();
        if (facts.drawn) {
            facts.voteStart = uint40(ballot.voteStart());
            facts.voteCommitEnd = uint40(ballot.commitEnd());
            facts.voteRevealEnd = uint40(ballot.revealEnd());
            facts.appealEnd = _appealEnd(r, false, ballot.revealed().count(), ballot.quorum(), facts.voteRevealEnd);
        }
        return Phases.afterShow(facts, block.timestamp);
    }

    function _facts(RoundState storage r) internal view returns (Phases.Facts memory facts) {
        facts.commitStart = r.commitStart;
        if (facts.commitStart == 0) return facts;
        facts.isFinal = r.outcome != Outcome.None;
        // here and below: times and a few months do not fill 40 bits
        unchecked {
            facts.commitEnd = facts.commitStart + r.trainSecs;
        }
        facts.commits = r.commits;
        facts.epoch = r.epoch;
        facts.keyAt = r.keyAt;
        facts.claimEnd = r.claimEnd;
        facts.listed = r.listed;
        facts.shown = r.shown;
        // before the commits and before the claims are closed, no other time matters
        if (block.timestamp < facts.commitEnd || (facts.keyAt != 0 && block.timestamp < facts.claimEnd)) return facts;
        Timing storage rules = _parameters(r.version).timing;
        unchecked {
            facts.keyFrom = facts.commitEnd + rules.guardSecs;
            facts.keyUntil = facts.keyFrom + rules.keySecs;
            facts.showEnd = facts.claimEnd + rules.showSecs;
        }
    }

    /// @dev Until when a judgement, or a vote, can be disputed: there must be one.
    /// @return end 0 where there is none
    function _appealEnd(RoundState storage r, bool failed, uint256 revealed, uint256 quorum, uint40 revealEnd)
        internal
        view
        returns (uint40 end)
    {
        if (failed || revealed < quorum) return 0;
        end = revealEnd + _parameters(r.version).timing.appealSecs;
    }

    /// @dev The commitment hash of a claim, on the list or not.
    function _claimedHash(uint256 roundId, CandidateList.Place memory claim) internal view returns (bytes32) {
        return _commits[roundId][claim.miner].commitmentHash(claim.hashTop);
    }

    function _isLive(RoundState storage r) internal view returns (bool) {
        return r.commitStart != 0 && r.outcome == Outcome.None;
    }

    function _claimDigest(bytes32 commitmentHash, uint40 score) internal view returns (bytes32) {
        return _hashTypedDataV4(TypedHashes.claim(commitmentHash, score));
    }

    /// @dev Rewards a call that the round was waiting for, out of the fee. However often it is called, seven tips at most leave
    /// a fee that is no less than eight of them.
    function _tip(uint256 roundId, RoundState storage r, address caller) internal {
        uint256 tip = _parameters(r.version).economy.tip;
        if (tip == 0 || r.tips >= MAX_TIPS) return;
        ++r.tips;
        _pay(roundId, caller, Payment.Tip, tip);
    }

    function _pay(uint256 roundId, address to, Payment kind, uint256 amount) internal {
        if (amount == 0) return;
        _credit(to, amount);
        emit Paid(roundId, to, kind, amount);
    }
}
