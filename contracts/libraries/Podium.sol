// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Words} from "./Words.sol";

/// @title Who wins, who is second and third
/// @notice Every qualified candidate within `tieTol` of the best competes, and the earliest commit wins. Commits from the
/// first half of the training time rank equal, and the committee's seed orders them: an early commit of trash gains nothing.
library Podium {
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
        uint256[] memory standing = _standing(entries);
        for (uint256 place; place < 3; ++place) {
            uint256 chosen = _best(entries, standing, rules);
            places[place] = chosen;
            if (chosen != NOBODY) standing[chosen] = 0;
        }
    }

    /// @notice The entries whose order may depend on their commitments: early ones that are close. Only theirs need be known.
    function rivals(Entry[] memory entries, Rules memory rules) internal pure returns (uint256 mask) {
        uint256[] memory standing = _standing(entries);
        uint256 tieTol = rules.tieTol;
        unchecked {
            for (uint256 i = 1; i < standing.length; ++i) {
                uint256 high = standing.at(i) + tieTol;
                for (uint256 j; j < i; ++j) {
                    // one comparison for both directions: what is too far above wraps around
                    if (high - standing.at(j) > 2 * tieTol) continue;
                    if (_isEarly(entries[i], rules) && _isEarly(entries[j], rules)) mask |= (1 << i) | (1 << j);
                }
            }
        }
    }

    /// @return standing the median and one, or 0 for who does not compete
    function _standing(Entry[] memory entries) private pure returns (uint256[] memory standing) {
        standing = new uint256[](entries.length);
        for (uint256 i; i < entries.length; ++i) {
            Entry memory entry = entries[i];
            if (entry.qualified) standing[i] = uint256(entry.median) + 1;
        }
    }

    function _best(Entry[] memory entries, uint256[] memory standing, Rules memory rules)
        private
        pure
        returns (uint256 chosen)
    {
        unchecked {
            uint256 least;
            for (uint256 i; i < standing.length; ++i) {
                if (standing.at(i) > least) least = standing.at(i);
            }
            chosen = NOBODY;
            if (least == 0) return chosen;
            least = least > rules.tieTol ? least - rules.tieTol : 1;
            for (uint256 i; i < standing.length; ++i) {
                if (standing.at(i) < least) continue;
                if (chosen == NOBODY || _earlier(entries[i], entries[chosen], rules)) chosen = i;
            }
        }
    }

    function _isEarly(Entry memory entry, Rules memory rules) private pure returns (bool) {
        return entry.qualified && entry.sequence <= rules.early;
    }

    function _earlier(Entry memory a, Entry memory b, Rules memory rules) private pure returns (bool) {
        if (a.sequence <= rules.early && b.sequence <= rules.early) {
            return keccak256(abi.encode(rules.seed, a.commitment)) < keccak256(abi.encode(rules.seed, b.commitment));
        }
        return a.sequence < b.sequence;
    }
}
