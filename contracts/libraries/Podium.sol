// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BitMask} from "./BitMask.sol";

/// @title Who wins, who is second and third
/// @notice Every qualified candidate within `tieTol` of the best competes, and the earliest commit wins. Commits from the
/// first half of the training time rank equal, and the committee's seed orders them: an early commit of trash gains nothing.
library Podium {
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
        uint256 placed;
        for (uint256 place; place < 3; ++place) {
            uint256 chosen = _best(entries, placed, rules);
            places[place] = chosen;
            if (chosen != NOBODY) placed |= 1 << chosen;
        }
    }

    function _best(Entry[] memory entries, uint256 placed, Rules memory rules)
        private
        pure
        returns (uint256 chosen)
    {
        uint256 top;
        for (uint256 i; i < entries.length; ++i) {
            if (_competes(entries, placed, i) && entries[i].median > top) top = entries[i].median;
        }
        chosen = NOBODY;
        for (uint256 i; i < entries.length; ++i) {
            if (!_competes(entries, placed, i) || entries[i].median + uint256(rules.tieTol) < top) continue;
            if (chosen == NOBODY || _earlier(entries[i], entries[chosen], rules)) chosen = i;
        }
    }

    function _competes(Entry[] memory entries, uint256 placed, uint256 i) private pure returns (bool) {
        return entries[i].qualified && !BitMask.has(placed, i);
    }

    function _earlier(Entry memory a, Entry memory b, Rules memory rules) private pure returns (bool) {
        if (a.sequence <= rules.early && b.sequence <= rules.early) {
            return keccak256(abi.encode(rules.seed, a.commitment)) < keccak256(abi.encode(rules.seed, b.commitment));
        }
        return a.sequence < b.sequence;
    }
}
