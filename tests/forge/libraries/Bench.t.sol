// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bench} from "../../../contracts/libraries/Bench.sol";
import {Proof} from "../Proof.sol";

/// @notice Fifteen seats and a seed in two words.
contract BenchTest is Proof {
    function test_I28_pack__of_any_seats__contains_them(bytes32 seed, uint32[15] memory given, uint8 count)
        external
        pure
    {
        uint32[] memory seatIds = _seats(given, count);
        (uint256 first, uint256 second) = Bench.pack(seed, seatIds);
        vm.assertEq(Bench.count(first), seatIds.length, "count");
        vm.assertEq(Bench.seed(first), bytes32(bytes7(seed)), "seed");
        for (uint256 pos; pos < 15; ++pos) {
            uint256 found = pos < Bench.FIRST ? Bench.seatAt(first, pos) : Bench.seatAt(second, pos - Bench.FIRST);
            vm.assertEq(found, pos < seatIds.length ? seatIds[pos] : 0, "seat");
        }
        if (seatIds.length <= Bench.FIRST) vm.assertEq(second, 0, "a second word without need");
    }

    function test_has__of_any_seat__finds_it_where_it_is_alone(
        bytes32 seed,
        uint32[15] memory given,
        uint8 count,
        uint32 other,
        uint8 which
    ) external pure {
        uint32[] memory seatIds = _seats(given, count);
        uint32 seatId = uint32(within(other, 1, Bench.MAX_SEAT));
        // as often one of them, or a neighbour of one, as any
        if (which % 4 < 3 && seatIds.length != 0) seatId = seatIds[which % seatIds.length];
        if (which % 4 == 1) seatId = uint32(within(seatId ^ 1, 1, Bench.MAX_SEAT));
        if (which % 4 == 2) seatId = uint32(within(uint256(seatId) + 1, 1, Bench.MAX_SEAT));
        (uint256 first, uint256 second) = Bench.pack(seed, seatIds);
        bool inFirst;
        bool inSecond;
        for (uint256 pos; pos < seatIds.length; ++pos) {
            if (seatIds[pos] != seatId) continue;
            if (pos < Bench.FIRST) inFirst = true;
            else inSecond = true;
        }
        vm.assertEq(Bench.has(Bench.seats(first), seatId), inFirst, "in the first word");
        vm.assertEq(Bench.has(second, seatId), inSecond, "in the second word");
    }

    function _seats(uint32[15] memory given, uint8 count) private pure returns (uint32[] memory seatIds) {
        seatIds = new uint32[](count % 16);
        for (uint256 pos; pos < seatIds.length; ++pos) {
            seatIds[pos] = uint32(within(given[pos], 1, Bench.MAX_SEAT));
        }
    }
}
