// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The six best claims of a round
/// @notice Kept unsorted: a claim costs the same in any order, and readers sort. Better is: higher claim, then earlier commit.
library CandidateList {
    uint256 internal constant SIZE = 6;
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

    /// @return index where the claim went, or NOT_LISTED
    /// @return excluded the claim that has no place because of it: itself, one that it replaced, or none
    function insert(List storage self, uint256 listed, Place memory claim)
        internal
        returns (uint256 index, Place memory excluded)
    {
        if (listed < SIZE) {
            claim.index = uint8(listed);
            self.places[listed] = claim;
            return (listed, excluded);
        }
        index = _worst(self);
        Place memory worst = self.places[index];
        if (!better(claim.score, claim.sequence, worst.score, worst.sequence)) return (NOT_LISTED, claim);
        claim.index = uint8(index);
        self.places[index] = claim;
        excluded = worst;
    }

    /// @notice The list, best first.
    function sorted(List storage self, uint256 listed) internal view returns (Place[] memory places) {
        places = new Place[](listed);
        for (uint256 i; i < listed; ++i) {
            Place memory place = self.places[i];
            uint256 to = i;
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

    /// @notice How many bits of a mask are set.
    function count(uint8 mask) internal pure returns (uint8 bits) {
        for (; mask != 0; mask &= mask - 1) {
            ++bits;
        }
    }

    function _worst(List storage self) private view returns (uint256 index) {
        for (uint256 i = 1; i < SIZE; ++i) {
            Place storage lowest = self.places[index];
            Place storage place = self.places[i];
            if (better(lowest.score, lowest.sequence, place.score, place.sequence)) index = i;
        }
    }
}
