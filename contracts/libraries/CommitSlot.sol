// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title One storage word for a miner's commit
/// @notice `opened(1) ‖ released(1) ‖ index(6) ‖ sequence(24) ‖ 28 bytes`, from the highest bit. The bytes are 27 of the
/// commitment; once it was opened they have served, and the last 28 of the commitment's hash take their place. Its first
/// four lie in the claim's `CandidateList.Place`, so that a claim is one word more, not two.
library CommitSlot {
    uint256 private constant OPENED = 1 << 255;
    uint256 private constant RELEASED = 1 << 254;
    uint256 private constant INDEX_SHIFT = 248;
    uint256 private constant INDEX_MASK = (1 << 6) - 1;
    uint256 private constant SEQUENCE_SHIFT = 224;
    uint256 private constant KEPT = RELEASED | (uint256(type(uint24).max) << SEQUENCE_SHIFT);

    /// @param sequence_ from 1, 24 bits
    function make(uint256 sequence_, bytes32 commitment_) internal pure returns (uint256) {
        return (sequence_ << SEQUENCE_SHIFT) | (uint256(commitment_) >> 40);
    }

    function sequence(uint256 word) internal pure returns (uint24) {
        return uint24(word >> SEQUENCE_SHIFT);
    }

    /// @dev Of a commit that was not opened.
    function commitment(uint256 word) internal pure returns (bytes27) {
        return bytes27(uint216(word));
    }

    function opened(uint256 word) internal pure returns (bool) {
        return word & OPENED != 0;
    }

    /// @dev The lock is gone: the stake was freed, or slashed and the rest freed.
    function released(uint256 word) internal pure returns (bool) {
        return word & RELEASED != 0;
    }

    /// @dev Of an opened commit only.
    function index(uint256 word) internal pure returns (uint256) {
        return (word >> INDEX_SHIFT) & INDEX_MASK;
    }

    /// @dev Of an opened commit only.
    /// @param top the hash's first four bytes, which lie elsewhere
    function commitmentHash(uint256 word, uint32 top) internal pure returns (bytes32) {
        return bytes32((uint256(top) << 224) | uint224(word));
    }

    /// @notice The part of a commitment's hash that no commit holds.
    function topOf(bytes32 commitmentHash_) internal pure returns (uint32) {
        return uint32(bytes4(commitmentHash_));
    }

    /// @dev Also moves a commit that is open already to another index.
    function open(uint256 word, bytes32 commitmentHash_, uint256 index_) internal pure returns (uint256) {
        return (word & KEPT) | OPENED | (index_ << INDEX_SHIFT) | uint224(uint256(commitmentHash_));
    }

    function release(uint256 word) internal pure returns (uint256) {
        return word | RELEASED;
    }
}
