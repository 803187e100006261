// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title One storage word that a draw, a vote, and a seat that comes or goes all need
/// @notice `seats(32) | pooled(16) | slots(8) | drawn(16) | tags(16 x 11)`, from the lowest bit. `seats`: that there ever were.
/// `pooled`: in the pool now. `slots`: those behind them never had a ballot. `drawn`: whose committees are at work, as a
/// mask. `tags`: the lowest bits of the round that each slot's committee was drawn for.
library RosterWord {
    uint256 private constant POOLED = 32;
    uint256 private constant SLOTS = 48;
    uint256 private constant DRAWN = 56;
    uint256 private constant TAGS = 72;
    uint256 private constant TAG_BITS = 11;
    uint256 private constant TAG_MASK = (1 << TAG_BITS) - 1;

    function seats(uint256 word) internal pure returns (uint256) {
        return uint32(word);
    }

    function pooled(uint256 word) internal pure returns (uint256) {
        return uint16(word >> POOLED);
    }

    function slots(uint256 word) internal pure returns (uint256) {
        return uint8(word >> SLOTS);
    }

    function drawn(uint256 word) internal pure returns (uint256) {
        return uint16(word >> DRAWN);
    }

    /// @dev Whether the slot's committee is at work, and drawn for a round with the same lowest bits.
    function mayServe(uint256 word, uint256 slot, uint256 roundId) internal pure returns (bool) {
        unchecked {
            uint256 tag = word >> (TAGS + TAG_BITS * slot);
            return (word >> (DRAWN + slot)) & 1 == 1 && (tag ^ roundId) & TAG_MASK == 0;
        }
    }

    /// @dev A seat more than there ever were, at the end of the pool.
    function join(uint256 word) internal pure returns (uint256) {
        return word + 1 + (1 << POOLED);
    }

    /// @dev One less in the pool.
    function retire(uint256 word) internal pure returns (uint256) {
        return word - (1 << POOLED);
    }

    /// @dev Of a slot behind the others.
    function openSlot(uint256 word, uint256 slot) internal pure returns (uint256) {
        return word + ((slot + 1 - slots(word)) << SLOTS);
    }

    function startWork(uint256 word, uint256 slot, uint256 roundId) internal pure returns (uint256) {
        unchecked {
            uint256 shift = TAGS + TAG_BITS * slot;
            return (word & ~(TAG_MASK << shift)) | ((roundId & TAG_MASK) << shift) | (1 << (DRAWN + slot));
        }
    }

    function endWork(uint256 word, uint256 slot) internal pure returns (uint256) {
        return word & ~(1 << (DRAWN + slot));
    }
}
