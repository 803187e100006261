// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IDLBC} from "../interfaces/IDLBC.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {Accounts} from "./Accounts.sol";
import {Parents} from "./Parents.sol";

/// @title Rounds, from the first commit to the last shown key
abstract contract Rounds is Accounts, Parents {
    using BitMask for uint256;
    using CandidateList for CandidateList.List;
    using CommitSlot for uint256;

    /// @inheritdoc IDLBC
    function commitModel(
        uint256 roundId,
        address miner,
        bytes32 commitment,
        bytes32 artifact,
        uint64 artifactBytes,
        bytes32 anchor,
        bytes32 specHash
    ) external {
        RoundState storage r = _requirePhase(roundId, Phase.Train);
        _requireNotPaused();
        _requireActsFor(miner);
        if (anchor != r.anchor) revert AnchorMismatch(anchor, r.anchor);
        if (specHash != r.specHash) revert SpecMismatch(specHash, r.specHash);
        mapping(address => uint256) storage commits = _commits[roundId];
        if (commits[miner] != 0) revert AlreadyCommitted(miner);

        uint24 sequence = r.commits + 1;
        // one write for both
        uint24 early = block.timestamp - r.commitStart < r.trainSecs / 2 ? sequence : r.early;
        r.commits = sequence;
        r.early = early;
        commits[miner] = CommitSlot.make(sequence, commitment);
        _lock(miner, _parameters(r.version).economy.minerUnit);
        emit ModelCommitted(roundId, miner, sequence, commitment, artifact, artifactBytes);
    }

    /// @inheritdoc IDLBC
    function revealKey(uint256 roundId, TaskSpec calldata spec, bytes32 key) external {
        RoundState storage r = _requirePhase(roundId, Phase.Key);
        _requireSpec(r, spec);
        _requireKey(key, spec.keyHash);

        uint40 claimEnd = uint40(block.timestamp) + _parameters(r.version).timing.claimSecs;
        r.keyAt = uint40(block.timestamp);
        r.claimEnd = claimEnd;
        emit TestKeyRevealed(roundId, key);
    }

    /// @inheritdoc IDLBC
    function claimModel(
        ModelCommitment calldata commitment,
        uint40 score,
        TaskSpec calldata spec,
        uint256 parentRound,
        bytes calldata signature
    ) external {
        RoundState storage r = _requirePhase(commitment.roundId, Phase.Claim);
        bytes32 commitmentHash = TypedHashes.modelCommitment(commitment);
        uint256 word = _openable(commitment, commitmentHash);
        if (commitment.anchor != r.anchor) revert AnchorMismatch(commitment.anchor, r.anchor);
        if (commitment.specHash != r.specHash) revert SpecMismatch(commitment.specHash, r.specHash);
        if (commitment.parent != 0) _parentsMiner(commitment.parent, parentRound);
        _requireSpec(r, spec);
        if (score > spec.scoreMax) revert ScoreOutOfRange(score, 0, spec.scoreMax);
        _requireSignature(commitment.miner, _claimDigest(commitmentHash, score), signature);

        uint24 claims = r.claims + 1;
        r.claims = claims;
        // nothing is left to wait for
        if (claims == r.commits) r.claimEnd = uint40(block.timestamp);
        CandidateList.Place memory claim =
            CandidateList.Place(commitment.miner, score, word.sequence(), CommitSlot.topOf(commitmentHash));
        uint256 index = CandidateList.NOT_LISTED;
        if (score >= spec.minScore) {
            index = _list(commitment.roundId, r, claim);
            if (index == CandidateList.NOT_LISTED) _exclude(commitment.roundId, r, claim);
        }
        _commits[commitment.roundId][commitment.miner] = word.open(commitmentHash, index);
        emit ModelClaimed(
            commitment.roundId,
            commitment.miner,
            commitmentHash,
            claim.sequence,
            score,
            index != CandidateList.NOT_LISTED,
            commitment
        );
    }

    /// @inheritdoc IDLBC
    function enlist(uint256 roundId, address miner) external {
        RoundState storage r = _requirePhase(roundId, Phase.Enlist);
        CandidateList.Place memory claim = _excluded[roundId][miner];
        if (claim.miner == address(0)) revert NotExcluded(miner);
        bytes32 commitmentHash = _claimedHash(roundId, claim);
        uint256 index = _list(roundId, r, claim);
        if (index == CandidateList.NOT_LISTED) revert NotListed(commitmentHash);

        delete _excluded[roundId][miner];
        _commits[roundId][miner] = _commits[roundId][miner].open(commitmentHash, index);
        uint24 excluded = r.excluded - 1;
        r.excluded = excluded;
        // nobody is left to come
        if (excluded == 0) r.claimEnd = uint40(block.timestamp);
        emit ClaimEnlisted(roundId, miner, commitmentHash, claim.score);
    }

    /// @inheritdoc IDLBC
    function showKey(ModelCommitment calldata commitment, bytes32 key) external {
        uint256 roundId = commitment.roundId;
        RoundState storage r = _requirePhase(roundId, Phase.Show);
        bytes32 commitmentHash = TypedHashes.modelCommitment(commitment);
        uint256 word = _commits[roundId][commitment.miner];
        uint256 index = word.index();
        if (!word.opened() || !uint256(r.listed).has(index)) revert NotListed(commitmentHash);
        CandidateList.Place storage place = _lists[roundId].places[index];
        // a claim that lost its place still knows its index: the list has the last word
        if (place.miner != commitment.miner || word.commitmentHash(place.hashTop) != commitmentHash) {
            revert NotListed(commitmentHash);
        }
        uint8 shown = r.shown;
        if (uint256(shown).has(index)) revert AlreadyShown(commitmentHash);
        _requireKey(key, commitment.keyHash);

        r.shown = shown | uint8(1 << index);
        emit ModelKeyShown(roundId, commitment.miner, commitmentHash, key);
    }

    /* CLAIMS */

    /// @dev The miner's commit, if `commitment` is what he committed to and was not opened before.
    function _openable(ModelCommitment calldata commitment, bytes32 commitmentHash)
        private
        view
        returns (uint256 word)
    {
        word = _commits[commitment.roundId][commitment.miner];
        if (word == 0) revert NotCommitted(commitment.miner);
        if (word.opened()) revert AlreadyClaimed(commitment.miner);
        bytes27 found = bytes27(
            TypedHashes.announced(commitmentHash, commitment.artifact, commitment.artifactBytes)
        );
        if (found != word.commitment()) revert CommitmentMismatch(found, word.commitment());
    }

    /// @dev Puts a claim on the list if it deserves a place; whoever loses his for it is excluded.
    function _list(uint256 roundId, RoundState storage r, CandidateList.Place memory claim)
        private
        returns (uint256 index)
    {
        uint8 listed = r.listed;
        CandidateList.Place memory replaced;
        (index, replaced) = _lists[roundId].insert(listed, claim);
        if (index == CandidateList.NOT_LISTED) return index;
        uint8 bit = uint8(1 << index);
        if (replaced.miner == address(0)) {
            r.listed = listed | bit;
        } else {
            r.shown &= ~bit;
            _exclude(roundId, r, replaced);
        }
    }

    /// @dev A claim without a place may have one when others are disqualified.
    function _exclude(uint256 roundId, RoundState storage r, CandidateList.Place memory claim) private {
        _excluded[roundId][claim.miner] = claim;
        ++r.excluded;
        if (claim.score > r.bestExcluded) r.bestExcluded = claim.score;
    }

    /// @dev ECDSA first, whatever code the account has: an EIP-7702 account still signs with its key.
    function _requireSignature(address miner, bytes32 digest, bytes calldata signature) private view {
        // slither-disable-next-line unused-return: what was wrong with a signature is in `fault` already
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && (signer == miner || signer == _operators[miner])) return;
        if (
            miner.code.length != 0 && SignatureChecker.isValidERC1271SignatureNowCalldata(miner, digest, signature)
        ) return;
        revert BadSignature(miner);
    }

    function _requireKey(bytes32 key, bytes32 expected) private pure {
        bytes32 keyHash = TypedHashes.key(key);
        if (keyHash != expected) revert KeyMismatch(keyHash, expected);
    }
}
