// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BitMask} from "./BitMask.sol";

/// @title The six best claims of a round
/// @notice Kept unsorted: a claim costs the same in any order, and readers sort. Better is: higher claim, then earlier commit.
/// Which places are taken is a bit mask that the round keeps.
library CandidateList {
    using BitMask for uint256;

    uint256 internal constant SIZE = 6;
    uint256 internal constant FULL = (1 << SIZE) - 1;
    uint256 internal constant NOT_LISTED = type(uint8).max;

    struct Place {
        address miner;
        uint40 score;
        uint40 sequence;
        uint8 index; // in storage
        bytes32 commitment;
    }

    struct List {
        Place[SIZE] places;
    }

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
        claim.index = uint8(index);
        self.places[index] = claim;
    }

    /// @notice The list, best first.
    function sorted(List storage self, uint256 taken) internal view returns (Place[] memory places) {
        places = new Place[](taken.count());
        uint256 length;
        for (uint256 index; taken >> index != 0; ++index) {
            if (!taken.has(index)) continue;
            Place memory place = self.places[index];
            uint256 to = length++;
            for (; to > 0 && better(place.score, place.sequence, places[to - 1].score, places[to - 1].sequence); --to) {
                places[to] = places[to - 1];
            }
            places[to] = place;
        }
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
