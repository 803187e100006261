// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IDLBC} from "../interfaces/IDLBC.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {Accounts} from "./Accounts.sol";

/// @title Rounds, from opening to the last shown key
abstract contract Rounds is Accounts {
    using CandidateList for CandidateList.List;
    using CommitSlot for uint256;

    /// @inheritdoc IDLBC
    function commitModel(
        uint256 roundId,
        bytes32 commitment,
        bytes32 artifact,
        uint64 artifactBytes,
        bytes32 anchor,
        bytes32 specHash
    ) external {
        RoundState storage r = _requirePhase(roundId, Phase.Train);
        if (anchor != r.anchor) revert AnchorMismatch(anchor, r.anchor);
        if (specHash != r.specHash) revert SpecMismatch(specHash, r.specHash);
        if (_commits[roundId][msg.sender] != 0) revert AlreadyCommitted(msg.sender);

        uint24 sequence = ++r.commits;
        if (block.timestamp - r.commitStart < r.trainSecs / 2) r.early = sequence;
        _commits[roundId][msg.sender] = CommitSlot.make(sequence, commitment);
        _lock(msg.sender, _parameters(r.version).economy.minerUnit);
        emit ModelCommitted(roundId, msg.sender, sequence, commitment, artifact, artifactBytes);
    }

    /// @inheritdoc IDLBC
    function revealKey(uint256 roundId, TaskSpec calldata spec, bytes32 key) external {
        RoundState storage r = _requirePhase(roundId, Phase.Key);
        _requireSpec(r, spec);
        _requireKey(key, spec.keyHash);

        r.keyAt = uint40(block.timestamp);
        r.claimSpan = uint24(_parameters(r.version).timing.claimSecs);
        emit TestKeyRevealed(roundId, key);
    }

    /// @inheritdoc IDLBC
    function claimModel(
        ModelCommitment calldata commitment,
        uint40 score,
        TaskSpec calldata spec,
        bytes calldata signature
    ) external {
        uint256 roundId = commitment.roundId;
        RoundState storage r = _requirePhase(roundId, Phase.Claim);
        bytes32 commitmentHash = TypedHashes.modelCommitment(commitment);
        uint256 word = _openable(roundId, commitment, commitmentHash);
        if (commitment.anchor != r.anchor) revert AnchorMismatch(commitment.anchor, r.anchor);
        if (commitment.specHash != r.specHash) revert SpecMismatch(commitment.specHash, r.specHash);
        // earlier models cannot be declared yet
        if (commitment.parent != 0) revert BadParameter("parent");
        _requireSpec(r, spec);
        if (score > spec.scoreMax) revert ScoreOutOfRange(score, 0, spec.scoreMax);
        _requireSignature(commitment.miner, _claimDigest(commitmentHash, score), signature);

        uint24 claims = ++r.claims;
        // nothing is left to wait for
        if (claims == r.commits) r.claimSpan = uint24(block.timestamp - r.keyAt);
        uint40 sequence = word.sequence();
        bool listed;
        if (score >= spec.minScore) listed = _list(roundId, r, commitment.miner, score, sequence, commitmentHash);
        else _commits[roundId][commitment.miner] = word.open(CandidateList.NOT_LISTED);
        emit ModelClaimed(roundId, commitment.miner, commitmentHash, sequence, score, listed, commitment);
    }

    /// @inheritdoc IDLBC
    function showKey(ModelCommitment calldata commitment, bytes32 key) external {
        uint256 roundId = commitment.roundId;
        RoundState storage r = _requirePhase(roundId, Phase.Show);
        bytes32 commitmentHash = TypedHashes.modelCommitment(commitment);
        uint256 word = _commits[roundId][commitment.miner];
        uint256 index = word.index();
        // a claim that a better one replaced still knows its index: the list has the last word
        if (!word.opened() || index >= r.listed || _lists[roundId].places[index].commitment != commitmentHash) {
            revert NotListed(commitmentHash);
        }
        if (r.shown & (1 << index) != 0) revert AlreadyShown(commitmentHash);
        _requireKey(key, commitment.keyHash);

        r.shown |= uint8(1 << index);
        emit ModelKeyShown(roundId, commitment.miner, commitmentHash, key);
    }

    /* CLAIMS */

    /// @dev The miner's commit, if `commitment` is what he committed to and was not opened before.
    function _openable(uint256 roundId, ModelCommitment calldata commitment, bytes32 commitmentHash)
        private
        view
        returns (uint256 word)
    {
        word = _commits[roundId][commitment.miner];
        if (word == 0) revert NotCommitted(commitment.miner);
        if (word.opened()) revert AlreadyClaimed(commitment.miner);
        bytes27 found = bytes27(
            TypedHashes.announced(commitmentHash, commitment.artifact, commitment.artifactBytes)
        );
        if (found != word.commitment()) revert CommitmentMismatch(found, word.commitment());
    }

    function _list(
        uint256 roundId,
        RoundState storage r,
        address miner,
        uint40 score,
        uint40 sequence,
        bytes32 commitmentHash
    ) private returns (bool) {
        CandidateList.Place memory claim = CandidateList.Place(miner, score, sequence, 0, commitmentHash);
        (uint256 index, CandidateList.Place memory excluded) = _lists[roundId].insert(r.listed, claim);
        _commits[roundId][miner] = _commits[roundId][miner].open(index);
        if (index == r.listed && index < CandidateList.SIZE) r.listed = uint8(index + 1);
        if (
            excluded.miner != address(0)
                && (r.excludedSequence == 0
                    || CandidateList.better(
                        excluded.score, excluded.sequence, r.excludedScore, r.excludedSequence
                    ))
        ) {
            r.excludedScore = excluded.score;
            r.excludedSequence = excluded.sequence;
        }
        return index != CandidateList.NOT_LISTED;
    }

    /// @dev ECDSA first, whatever code the account has: an EIP-7702 account still signs with its key.
    function _requireSignature(address miner, bytes32 digest, bytes calldata signature) private view {
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && signer == miner) return;
        if (
            miner.code.length != 0 && SignatureChecker.isValidERC1271SignatureNowCalldata(miner, digest, signature)
        ) return;
        revert BadSignature(miner);
    }

    function _requireKey(bytes32 key, bytes32 expected) private pure {
        bytes32 keyHash = keccak256(abi.encode(key));
        if (keyHash != expected) revert KeyMismatch(keyHash, expected);
    }
}
