// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Podium} from "../../../contracts/libraries/Podium.sol";
import {Proof} from "../Proof.sol";

/// @notice Who wins.
contract PodiumTest is Proof {
    function test_I31_rank__of_any_candidates__lets_nobody_earlier_and_as_good_behind(uint256 seed, uint8 count)
        external
        pure
    {
        (Podium.Entry[] memory entries, Podium.Rules memory rules) = _contest(seed, count);
        uint256[3] memory places = Podium.rank(entries, rules);
        uint256 placed;
        for (uint256 place; place < 3; ++place) {
            uint256 chosen = places[place];
            for (uint256 i; i < entries.length; ++i) {
                if (!entries[i].qualified || (placed >> i) & 1 == 1 || i == chosen) continue;
                vm.assertTrue(chosen != Podium.NOBODY, "a place is empty though somebody qualifies");
                uint256 reach = uint256(entries[chosen].median) + rules.tieTol;
                vm.assertLe(entries[i].median, reach, "somebody better, by more than the tolerance, is behind");
                if (_close(entries, placed, i, rules)) {
                    vm.assertTrue(_earlier(entries[chosen], entries[i], rules), "somebody earlier is behind");
                }
            }
            if (chosen == Podium.NOBODY) continue;
            vm.assertTrue(entries[chosen].qualified, "a place for somebody who does not qualify");
            vm.assertEq((placed >> chosen) & 1, 0, "two places for one");
            placed |= 1 << chosen;
        }
    }

    function test_I30_rank__in_another_order__places_the_same(uint256 seed, uint8 count) external pure {
        (Podium.Entry[] memory entries, Podium.Rules memory rules) = _contest(seed, count);
        bytes32[3] memory before = _commitments(entries, Podium.rank(entries, rules));
        for (uint256 i = entries.length; i > 1; --i) {
            uint256 j = draw(seed, 500 + i) % i;
            (entries[i - 1], entries[j]) = (entries[j], entries[i - 1]);
        }
        bytes32[3] memory later = _commitments(entries, Podium.rank(entries, rules));
        vm.assertEq(abi.encode(before), abi.encode(later), "the order of claims decides");
    }

    /// @dev Who is early and within the tolerance of another early one; all others' commitments may stay unknown.
    function test_rivals__of_any_candidates__are_the_early_ones_that_are_close(uint256 seed, uint8 count) external pure {
        (Podium.Entry[] memory entries, Podium.Rules memory rules) = _contest(seed, count);
        uint256 expected;
        for (uint256 i; i < entries.length; ++i) {
            for (uint256 j; j < entries.length; ++j) {
                if (i == j || !entries[i].qualified || !entries[j].qualified) continue;
                if (entries[i].sequence > rules.early || entries[j].sequence > rules.early) continue;
                if (entries[i].median > uint256(entries[j].median) + rules.tieTol) continue;
                if (entries[j].median > uint256(entries[i].median) + rules.tieTol) continue;
                expected |= (1 << i) | (1 << j);
            }
        }
        vm.assertEq(Podium.rivals(entries, rules), expected, "rivals");
    }

    function _contest(uint256 seed, uint8 count)
        private
        pure
        returns (Podium.Entry[] memory entries, Podium.Rules memory rules)
    {
        entries = new Podium.Entry[](count % 7);
        uint256 first = draw(seed, 1) % 7;
        for (uint256 i; i < entries.length; ++i) {
            uint256 random = draw(seed, 10 + i);
            entries[i] = Podium.Entry({
                qualified: random % 4 != 0,
                median: uint40((random >> 8) % 10),
                sequence: uint40(1 + (first + i) % 7), // distinct
                commitment: bytes32(random)
            });
        }
        rules = Podium.Rules(uint40(draw(seed, 2) % 8), uint32(draw(seed, 3) % 4), bytes32(draw(seed, 4)));
    }

    /// @dev Within the tolerance of the best that is left.
    function _close(Podium.Entry[] memory entries, uint256 placed, uint256 which, Podium.Rules memory rules)
        private
        pure
        returns (bool)
    {
        for (uint256 i; i < entries.length; ++i) {
            if (!entries[i].qualified || (placed >> i) & 1 == 1) continue;
            if (uint256(entries[which].median) + rules.tieTol < entries[i].median) return false;
        }
        return true;
    }

    function _earlier(Podium.Entry memory a, Podium.Entry memory b, Podium.Rules memory rules)
        private
        pure
        returns (bool)
    {
        bool early = a.sequence <= rules.early;
        if (early != (b.sequence <= rules.early)) return early;
        if (!early) return a.sequence < b.sequence;
        return keccak256(abi.encode(rules.seed, a.commitment)) < keccak256(abi.encode(rules.seed, b.commitment));
    }

    function _commitments(Podium.Entry[] memory entries, uint256[3] memory places)
        private
        pure
        returns (bytes32[3] memory found)
    {
        for (uint256 i; i < 3; ++i) {
            if (places[i] != Podium.NOBODY) found[i] = entries[places[i]].commitment;
        }
    }
}
