// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";

/// @title EIP-712 hashStructs of everything that is signed, hashed or stored
library TypedHashes {
    bytes internal constant COMMITMENT_TYPE =
        "ModelCommitment(uint256 roundId,bytes32 anchor,bytes32 specHash,bytes32 modelHash,bytes32 artifact,uint64 artifactBytes,bytes32 keyHash,bytes32 watermark,bytes32 trajectory,bytes32 parent,bytes32 payloadRoot,address miner,bytes32 salt)";

    bytes32 internal constant SPEC_TYPEHASH = keccak256(
        "TaskSpec(address requester,bytes32 manifest,bytes32 keyHash,uint64 flops,uint64 netBytes,uint64 dataBytes,uint40 scoreMax,uint40 minScore,uint32 tol,uint32 tieTol,uint16 modes,uint32 trainSecs,uint32 proveSecs,uint96 fee,uint96 bond,uint256 nonce)"
    );
    bytes32 internal constant COMMITMENT_TYPEHASH = keccak256(COMMITMENT_TYPE);
    bytes32 internal constant CLAIM_TYPEHASH =
        keccak256(bytes.concat("ModelClaim(ModelCommitment commitment,uint40 score)", COMMITMENT_TYPE));
    bytes32 internal constant HEADER_TYPEHASH = keccak256(
        "BlockHeader(uint16 version,uint64 height,bytes32 parent,bytes32 anchor,uint256 roundId,bytes32 specHash,bytes32 commitment,bytes32 modelHash,uint40 score,uint40 scoreMax,bytes32 voteRoot,address miner,bytes32 payloadRoot,uint96 emission,uint128 chainScore,uint40 timestamp)"
    );
    bytes32 internal constant VOTE_TYPEHASH = keccak256(
        "Vote(uint256 roundId,uint8 epoch,uint8 pos,address validator,uint256 word,bytes32 evalRoot,bytes32 salt)"
    );

    function spec(IDLBCTypes.TaskSpec calldata value) internal pure returns (bytes32) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := value
        }
        return _calldataStruct(SPEC_TYPEHASH, offset, 16);
    }

    function modelCommitment(IDLBCTypes.ModelCommitment calldata value) internal pure returns (bytes32) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := value
        }
        return _calldataStruct(COMMITMENT_TYPEHASH, offset, 13);
    }

    function claim(bytes32 commitmentHash, uint40 score) internal pure returns (bytes32) {
        return keccak256(abi.encode(CLAIM_TYPEHASH, commitmentHash, score));
    }

    function header(IDLBCTypes.BlockHeader memory value) internal pure returns (bytes32 result) {
        bytes32 typeHash = HEADER_TYPEHASH;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, typeHash)
            mcopy(add(start, 32), value, mul(16, 32))
            result := keccak256(start, mul(17, 32))
        }
    }

    function vote(ICommittee.Vote calldata value) internal pure returns (bytes32) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := value
        }
        return _calldataStruct(VOTE_TYPEHASH, offset, 7);
    }

    /// @dev A struct of static members lies in calldata word by word, just as EIP-712 encodes it. Copying the words is a third
    /// of the code that `abi.encode` needs. A word with dirty high bits only makes the hash of something that nobody registered
    /// or committed to: every member shorter than a word is read, and so checked, before a hash is first stored.
    function _calldataStruct(bytes32 typeHash, uint256 offset, uint256 words) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, typeHash)
            calldatacopy(add(start, 32), offset, mul(words, 32))
            result := keccak256(start, mul(add(words, 1), 32))
        }
    }

    /// @notice What a task and a commitment say of a key that is still to be shown.
    function key(bytes32 value) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0, value)
            result := keccak256(0, 32)
        }
    }

    /// @notice What `commitModel` takes: binds the announced ciphertext, too.
    function announced(bytes32 commitmentHash, bytes32 artifact, uint64 artifactBytes) internal pure returns (bytes32) {
        return keccak256(abi.encode(commitmentHash, artifact, artifactBytes));
    }
}
