// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title One storage word for a miner's commit
/// @notice `uint40 sequence ‖ 27 bytes of the commitment`. The two highest bits are flags; once the commitment was opened
/// its bytes have served, and the claimed score and the list index take their place.
library CommitSlot {
    uint256 private constant OPENED = 1 << 255;
    uint256 private constant RELEASED = 1 << 254;
    uint256 private constant SEQUENCE_SHIFT = 216;
    uint256 private constant SEQUENCE_MASK = (1 << 38) - 1;
    uint256 private constant HIGH = ~((1 << SEQUENCE_SHIFT) - 1);
    uint256 private constant SCORE_SHIFT = 8;

    function make(uint256 sequence_, bytes32 commitment_) internal pure returns (uint256) {
        return (sequence_ << SEQUENCE_SHIFT) | (uint256(commitment_) >> 40);
    }

    function sequence(uint256 word) internal pure returns (uint40) {
        return uint40((word >> SEQUENCE_SHIFT) & SEQUENCE_MASK);
    }

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

    /// @dev As claimed; of an opened commit only.
    function score(uint256 word) internal pure returns (uint40) {
        return uint40(word >> SCORE_SHIFT);
    }

    /// @dev Of an opened commit only.
    function index(uint256 word) internal pure returns (uint256) {
        return uint8(word);
    }

    /// @dev Also moves a commit that is open already to another index.
    function open(uint256 word, uint256 score_, uint256 index_) internal pure returns (uint256) {
        return (word & HIGH) | OPENED | (score_ << SCORE_SHIFT) | index_;
    }

    function release(uint256 word) internal pure returns (uint256) {
        return word | RELEASED;
    }
}
