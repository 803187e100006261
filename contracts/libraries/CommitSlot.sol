// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title One storage word for a miner's commit
/// @notice `uint40 sequence ‖ 27 bytes of the commitment`. The two highest bits are flags; once the commitment was opened
/// its bytes have served, and the list index takes their place.
library CommitSlot {
    uint256 private constant OPENED = 1 << 255;
    uint256 private constant RELEASED = 1 << 254;
    uint256 private constant SEQUENCE_SHIFT = 216;
    uint256 private constant SEQUENCE_MASK = (1 << 38) - 1;
    uint256 private constant HIGH = ~((1 << SEQUENCE_SHIFT) - 1);

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

    function index(uint256 word) internal pure returns (uint256) {
        return uint8(word);
    }

    function open(uint256 word, uint256 index_) internal pure returns (uint256) {
        return (word & HIGH) | OPENED | index_;
    }

    function release(uint256 word) internal pure returns (uint256) {
        return word | RELEASED;
    }
}
