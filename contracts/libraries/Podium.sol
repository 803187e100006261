// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BitMask} from "./BitMask.sol";
import {Words} from "./Words.sol";

/// @title Who wins, who is second and third
/// @notice Every qualified candidate within `tieTol` of the best competes, and the earliest commit wins. Commits from the
/// first half of the training time rank equal, and the committee's seed orders them: an early commit of trash gains nothing.
library Podium {
    using BitMask for uint256;
    using Words for uint256[];

    uint256 internal constant NOBODY = type(uint256).max;

    struct Entry {
        bool qualified;
        uint40 median;
        uint40 sequence;
        bytes32 commitment;
    }

    struct Rules {
        uint40 early; // the last sequence number given in the first half
        uint32 tieTol;
        bytes32 seed;
    }

    /// @return places positions in `entries` of winner, second and third; NOBODY where there is none
    function rank(Entry[] memory entries, Rules memory rules) internal pure returns (uint256[3] memory places) {
        (uint256[] memory medians, uint256 left) = _medians(entries);
        for (uint256 place; place < 3; ++place) {
            places[place] = left == 0 ? NOBODY : _best(entries, medians, left, rules);
            if (left != 0) left ^= 1 << places[place];
        }
    }

    /// @notice The entries whose order may depend on their commitments: two early ones that are close. Only theirs need be
    /// known.
    function rivals(Entry[] memory entries, Rules memory rules) internal pure returns (uint256 mask) {
        (uint256[] memory medians, uint256 left) = _medians(entries);
        unchecked {
            for (uint256 i = 1; left >> i != 0; ++i) {
                if (!left.has(i)) continue;
                uint256 median = medians.at(i);
                for (uint256 j; j < i; ++j) {
                    if (!left.has(j)) continue;
                    uint256 other = medians.at(j);
                    if (median > other + rules.tieTol || other > median + rules.tieTol) continue;
                    if (entries[i].sequence <= rules.early && entries[j].sequence <= rules.early) {
                        mask |= (1 << i) | (1 << j);
                    }
                }
            }
        }
    }

    /// @return medians of all entries
    /// @return qualified mask
    function _medians(Entry[] memory entries) private pure returns (uint256[] memory medians, uint256 qualified) {
        medians = new uint256[](entries.length);
        for (uint256 i; i < entries.length; ++i) {
            Entry memory entry = entries[i];
            medians[i] = entry.median;
            if (entry.qualified) qualified |= 1 << i;
        }
    }

    /// @param left mask of those who compete; somebody does
    function _best(Entry[] memory entries, uint256[] memory medians, uint256 left, Rules memory rules)
        private
        pure
        returns (uint256 chosen)
    {
        unchecked {
            uint256 top;
            for (uint256 i; left >> i != 0; ++i) {
                if (left.has(i) && medians.at(i) > top) top = medians.at(i);
            }
            chosen = NOBODY;
            for (uint256 i; left >> i != 0; ++i) {
                if (!left.has(i) || medians.at(i) + rules.tieTol < top) continue;
                if (chosen == NOBODY || _earlier(entries[i], entries[chosen], rules)) chosen = i;
            }
        }
    }

    function _earlier(Entry memory a, Entry memory b, Rules memory rules) private pure returns (bool) {
        if (a.sequence <= rules.early && b.sequence <= rules.early) {
            return keccak256(abi.encode(rules.seed, a.commitment)) < keccak256(abi.encode(rules.seed, b.commitment));
        }
        return a.sequence < b.sequence;
    }
}
