// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BitMask} from "./BitMask.sol";
import {Words} from "./Words.sol";

/// @title The six best claims of a round
/// @notice Kept unsorted: a claim costs the same in any order, and readers sort. Better is: higher claim, then earlier commit.
/// Which places are taken is a bit mask that the round keeps.
library CandidateList {
    using BitMask for uint256;
    using Words for uint256[];

    uint256 internal constant SIZE = 6;
    uint256 internal constant FULL = (1 << SIZE) - 1;
    /// @dev As large as `CommitSlot` has room for.
    uint256 internal constant NOT_LISTED = (1 << 6) - 1;

    /// @dev One word. The rest of the commitment's hash lies in the miner's commit: see `CommitSlot`.
    struct Place {
        address miner;
        uint40 score;
        uint24 sequence;
        uint32 hashTop;
    }

    struct List {
        Place[SIZE] places;
    }

    uint256 private constant SCORE_SHIFT = 48;
    uint256 private constant SEQUENCE_SHIFT = 8;

    /// @param taken mask of the places that hold a claim; the caller sets the bit of the returned index
    /// @return index where the claim went, or NOT_LISTED
    /// @return excluded the claim that has no place because of it: itself, one that it replaced, or none
    function insert(List storage self, uint256 taken, Place memory claim)
        internal
        returns (uint256 index, Place memory excluded)
    {
        if (taken == FULL) {
            index = _worst(self);
            Place memory worst = self.places[index];
            if (!better(claim.score, claim.sequence, worst.score, worst.sequence)) return (NOT_LISTED, claim);
            excluded = worst;
        } else {
            while (taken.has(index)) ++index;
        }
        self.places[index] = claim;
    }

    /// @notice The list without the miners, whom few readers need.
    /// @return keys best first: the score's complement, the sequence, the index
    function ranked(List storage self, uint256 taken) internal view returns (uint256[] memory keys) {
        unchecked {
            keys = new uint256[](taken.count());
            uint256 length;
            for (uint256 index; taken >> index != 0; ++index) {
                if (!taken.has(index)) continue;
                Place storage place = self.places[index];
                uint256 key = (uint256(type(uint40).max - place.score) << SCORE_SHIFT)
                    | (uint256(place.sequence) << SEQUENCE_SHIFT) | index;
                keys.insert(length++, key);
            }
        }
    }

    function scoreOf(uint256 key) internal pure returns (uint256) {
        return type(uint40).max - (key >> SCORE_SHIFT);
    }

    function sequenceOf(uint256 key) internal pure returns (uint40) {
        return uint40(key >> SEQUENCE_SHIFT);
    }

    /// @notice The place's index in storage.
    function indexOf(uint256 key) internal pure returns (uint256) {
        return uint8(key);
    }

    function better(uint256 score, uint256 sequence, uint256 otherScore, uint256 otherSequence)
        internal
        pure
        returns (bool)
    {
        return score > otherScore || (score == otherScore && sequence < otherSequence);
    }

    /// @dev Of a full list.
    function _worst(List storage self) private view returns (uint256 index) {
        for (uint256 i = 1; i < SIZE; ++i) {
            Place storage lowest = self.places[index];
            Place storage place = self.places[i];
            if (better(lowest.score, lowest.sequence, place.score, place.sequence)) index = i;
        }
    }
}
