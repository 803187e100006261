// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SeatPool} from "../../../contracts/libraries/SeatPool.sol";
import {Proof} from "../Proof.sol";

/// @notice The pool that committees are drawn from.
contract SeatPoolTest is Proof {
    using SeatPool for SeatPool.Pool;
    using SeatPool for SeatPool.Sample;

    SeatPool.Pool private _pool;

    function test_set__of_any_places__changes_no_other(uint32[24] memory seats, uint8[24] memory places) external {
        uint32[256] memory expected;
        for (uint256 i; i < seats.length; ++i) {
            expected[places[i]] = seats[i];
            _pool.set(places[i], seats[i]);
        }
        for (uint256 place; place < 256; ++place) {
            vm.assertEq(_pool.seatAt(place), expected[place], "a seat that nobody put there");
        }
    }

    function test_I27_next__as_often_as_there_are_places__finds_each_once(uint256 seed, uint16 count) external pure {
        count = uint16(within(count, 1, 300));
        bool[] memory found = new bool[](count);
        SeatPool.Sample memory sample = SeatPool.sample(count);
        for (uint256 i; i < count; ++i) {
            vm.assertEq(sample.remaining, count - i, "remaining");
            uint256 place = sample.next(draw(seed, i));
            vm.assertLt(place, count, "a place beyond the pool");
            vm.assertFalse(found[place], "a place found twice");
            found[place] = true;
        }
    }

    /// @dev Each random number leads to a place of its own among those that are left: no place is likelier than another.
    function test_I27_next__after_any_draws__reaches_every_place_that_is_left(uint256 seed, uint8 count, uint8 before)
        external
        pure
    {
        count = uint8(within(count, 1, 40));
        before = uint8(within(before, 0, count - 1));
        bool[] memory found = new bool[](count);
        for (uint256 choice; choice < count - before; ++choice) {
            SeatPool.Sample memory sample = SeatPool.sample(count);
            for (uint256 i; i < before; ++i) {
                sample.next(draw(seed, i));
            }
            uint256 place = sample.next(choice);
            vm.assertFalse(found[place], "two random numbers, one place");
            found[place] = true;
        }
    }
}
