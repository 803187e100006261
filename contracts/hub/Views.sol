// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBC} from "../interfaces/IDLBC.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {Phases} from "../libraries/Phases.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {HubState} from "./HubState.sol";

/// @title Most of what can be read
abstract contract Views is IDLBC, HubState {
    using CandidateList for CandidateList.List;
    using BitMask for uint256;
    using CommitSlot for uint256;

    /// @dev Positions that a vote's bit mask has room for, and an odd number.
    uint256 internal constant MAX_COMMITTEE = 15;
    /// @dev Whom `committed` looks at in one call.
    uint256 internal constant MAX_OWNERS = 16;

    /// @inheritdoc IDLBC
    function account(address owner) external view returns (Account memory) {
        Holding storage holding = _holdings[owner];
        return Account(holding.credit, holding.stake, holding.locked, holding.unbonding, holding.unbondAt);
    }

    /// @inheritdoc IDLBC
    function taskIdOf(bytes32 specHash) external view returns (uint256) {
        return _taskIds[specHash];
    }

    /// @inheritdoc IDLBC
    function head() external view returns (bytes32) {
        return _head;
    }

    /// @inheritdoc IDLBC
    function timing() external view returns (Timing memory) {
        return _parameters(_version()).timing;
    }

    /// @inheritdoc IDLBC
    function economy() external view returns (Economy memory) {
        return _parameters(_version()).economy;
    }

    /// @inheritdoc IDLBC
    function limits() external view returns (Limits memory) {
        return _parameters(_version()).limits;
    }

    /// @inheritdoc IDLBC
    function version() external view returns (uint8) {
        return _version();
    }

    /// @inheritdoc IDLBC
    function pausedUntil() external view returns (uint40) {
        return _queue.pausedUntil;
    }

    /// @inheritdoc IDLBC
    function authority() external view returns (address) {
        return AUTHORITY;
    }

    /// @inheritdoc IDLBC
    function token() external view returns (address) {
        return address(TOKEN);
    }

    /// @inheritdoc IDLBC
    function committee() external view returns (address) {
        return COMMITTEE;
    }

    /// @inheritdoc IDLBC
    function taskCount() external view returns (uint256) {
        return _queue.tasks;
    }

    /// @inheritdoc IDLBC
    function queueLength() external view returns (uint256) {
        return _queue.waiting;
    }

    /// @inheritdoc IDLBC
    function hashSpec(TaskSpec calldata spec) external pure returns (bytes32) {
        return TypedHashes.spec(spec);
    }

    /// @inheritdoc IDLBC
    function roundCount() external view returns (uint256) {
        return _queue.rounds;
    }

    /// @inheritdoc IDLBC
    function roundInSlot(uint8 slot) external view returns (uint256 roundId) {
        roundId = _lastRound[slot];
        if (!_isLive(_rounds[roundId])) roundId = 0;
    }

    /// @inheritdoc IDLBC
    function phase(uint256 roundId) external view returns (Phase current, uint40 endsAt) {
        return _phase(roundId, _rounds[roundId]);
    }

    /// @inheritdoc IDLBC
    function candidates(uint256 roundId) external view returns (Candidate[] memory result) {
        RoundState storage r = _rounds[roundId];
        uint256[] memory keys = _lists[roundId].ranked(r.listed);
        result = new Candidate[](keys.length);
        for (uint256 i; i < keys.length; ++i) {
            uint256 index = CandidateList.indexOf(keys[i]);
            CandidateList.Place memory place = _lists[roundId].places[index];
            result[i] = Candidate({
                miner: place.miner,
                score: place.score,
                sequence: place.sequence,
                shown: uint256(r.shown).has(index),
                commitment: _claimedHash(roundId, place)
            });
        }
    }

    /// @inheritdoc IDLBC
    function commitOf(uint256 roundId, address miner)
        external
        view
        returns (uint40 sequence, bool opened, bool locked)
    {
        uint256 word = _commits[roundId][miner];
        return (word.sequence(), word.opened(), word != 0 && !word.released());
    }

    /// @inheritdoc IDLBC
    function excludedOf(uint256 roundId, address miner) external view returns (bytes32 commitmentHash, uint40 score) {
        CandidateList.Place memory claim = _excluded[roundId][miner];
        if (claim.miner != address(0)) (commitmentHash, score) = (_claimedHash(roundId, claim), claim.score);
    }

    /// @inheritdoc IDLBC
    function slotOf(uint256 roundId) external view returns (uint8) {
        return _rounds[roundId].slot;
    }

    /// @inheritdoc IDLBC
    function drawPhase(uint256 roundId) external view returns (Phase current, uint8 slot, uint8 epoch) {
        RoundState storage r = _rounds[roundId];
        (slot, epoch) = (r.slot, r.epoch);
        // the usual case, for half the gas: everybody has shown his key
        if (r.shown != 0 && r.shown == r.listed && r.outcome == Outcome.None && block.timestamp >= r.claimEnd) {
            return (Phase.Seal, slot, epoch);
        }
        // slither-disable-next-line unused-return: a draw needs no end
        (current,) = Phases.phaseAt(_facts(r), block.timestamp);
    }

    /// @inheritdoc IDLBC
    function committed(uint256 roundId, address[] calldata owners) external view returns (uint256 mask) {
        if (owners.length > MAX_OWNERS) revert TooMany(owners.length, MAX_OWNERS);
        mapping(address => uint256) storage commits = _commits[roundId];
        for (uint256 i; i < owners.length; ++i) {
            if (commits[owners[i]] != 0) mask |= 1 << i;
        }
    }

    /// @inheritdoc IDLBC
    function drawRules(uint256 roundId) external view returns (DrawRules memory) {
        RoundState storage r = _rounds[roundId];
        Timing storage times = _parameters(r.version).timing;
        Economy storage rules = _parameters(r.version).economy;
        uint256 size = rules.committeeSize;
        uint256 wanted = (size + 1) << r.appeals;
        return DrawRules({
            slot: r.slot,
            epoch: r.epoch,
            wanted: uint8(wanted > MAX_COMMITTEE ? MAX_COMMITTEE : wanted - 1),
            committeeSize: uint8(size),
            quorum: rules.quorum,
            proveSecs: r.proveSecs,
            // judges run again what was opened
            voteCommitSecs: times.voteCommitSecs + r.proveSecs,
            voteRevealSecs: times.voteRevealSecs
        });
    }

    /// @inheritdoc IDLBC
    function hashCommitment(ModelCommitment calldata commitment) external pure returns (bytes32) {
        return TypedHashes.modelCommitment(commitment);
    }

    /// @inheritdoc IDLBC
    function hashClaim(ModelClaim calldata claim) external view returns (bytes32) {
        return _claimDigest(TypedHashes.modelCommitment(claim.commitment), claim.score);
    }

    /// @inheritdoc IDLBC
    function round(uint256 roundId) external view returns (Round memory result) {
        RoundState storage r = _rounds[roundId];
        if (r.commitStart == 0) return result;
        Timing storage rules = _parameters(r.version).timing;
        Phases.Facts memory facts = _facts(r);
        result.taskId = r.taskId;
        result.specHash = r.specHash;
        result.anchor = r.anchor;
        result.slot = r.slot;
        result.epoch = r.epoch;
        result.outcome = r.outcome;
        (result.phase, result.phaseEndsAt) = _phase(roundId, r);
        result.openedAt = facts.commitStart - rules.settleSecs;
        result.commitStart = facts.commitStart;
        result.commitEnd = facts.commitEnd;
        result.keyFrom = facts.commitEnd + rules.guardSecs;
        result.keyUntil = result.keyFrom + rules.keySecs;
        result.keyAt = r.keyAt;
        if (r.keyAt != 0) {
            result.claimEnd = facts.claimEnd;
            result.showEnd = facts.claimEnd + rules.showSecs;
        }
        result.commits = r.commits;
        result.claims = r.claims;
        result.listed = uint8(uint256(r.listed).count());
        result.shown = uint8(uint256(r.shown).count());
        result.appeals = r.appeals;
        result.tips = r.tips;
        result.version = r.version;
        result.excluded = r.excluded;
        result.bestExcluded = r.bestExcluded;
        result.inboxFrom = r.inboxTo - r.inboxCount + 1;
        result.inboxTo = r.inboxTo;
        result.compensation = r.compensation;
        result.advanced = r.advanced;
        result.proveSecs = r.proveSecs;
    }

    /// @inheritdoc IDLBC
    function height() external view returns (uint64) {
        return _sums.height;
    }

    /// @inheritdoc IDLBC
    function chainScore() external view returns (uint128) {
        return _sums.chainScore;
    }

    /// @inheritdoc IDLBC
    function emitted() external view returns (uint256) {
        return _sums.emitted;
    }

    /// @inheritdoc IDLBC
    function hashHeader(BlockHeader calldata header) external view returns (bytes32) {
        return _headerDigest(header);
    }
}
