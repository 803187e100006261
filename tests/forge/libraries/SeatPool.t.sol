// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SeatPool} from "../../../contracts/libraries/SeatPool.sol";
import {Proof} from "../Proof.sol";

/// @notice The pool that committees are drawn from.
contract SeatPoolTest is Proof {
    using SeatPool for SeatPool.Pool;

    SeatPool.Pool private _pool;
    mapping(uint32 seatId => uint256) private _found;

    /// @dev As a draw does it: each seat that is taken came from those that were left, and the rest are still there, once each.
    function test_I27_take__any_number_of_seats__leaves_each_of_the_others_once(uint256 seed, uint8 size, uint8 taken)
        external
    {
        taken = uint8(within(taken, 0, size));
        _fill(size);
        uint256 remaining = size;
        for (uint256 i; i < taken; ++i) {
            uint256 index = draw(seed, i) % remaining;
            uint32 seatId = _pool.seatAt(index);
            _pool.take(index, remaining--);
            vm.assertEq(_found[seatId]++, 0, "a seat drawn twice");
        }
        vm.assertEq(_pool.length(), size - taken, "length");
        _checkEachOnce(size);
    }

    /// @dev A draw passes over a seat by moving it behind those that are left; it stays in the pool.
    function test_I27_swap__then_take_before_it__leaves_those_behind(uint256 seed, uint8 size, uint8 passed) external {
        size = uint8(within(size, 1, 255));
        passed = uint8(within(passed, 0, size - 1));
        _fill(size);
        uint256 remaining = size;
        for (uint256 i; i < passed; ++i) {
            uint256 index = draw(seed, i) % remaining;
            _pool.swap(index, --remaining);
        }
        uint256 chosen = draw(seed, size) % remaining;
        uint32 seatId = _pool.seatAt(chosen);
        _pool.take(chosen, remaining);
        ++_found[seatId];
        vm.assertEq(_pool.length(), size - 1, "length");
        _checkEachOnce(size);
    }

    function test_remove__a_seat_that_is_there_or_not__removes_it_alone(uint8 size, uint32 seatId) external {
        seatId = uint32(within(seatId, 0, uint256(size) + 1));
        _fill(size);
        bool there = seatId >= 1 && seatId <= size;
        vm.assertEq(_pool.remove(seatId), there, "whether it was there");
        if (there) ++_found[seatId];
        vm.assertEq(_pool.length(), there ? size - 1 : size, "length");
        _checkEachOnce(size);
        vm.assertFalse(_pool.remove(seatId), "removed twice");
    }

    function _fill(uint256 size) private {
        for (uint32 seatId = 1; seatId <= size; ++seatId) {
            _pool.push(seatId);
        }
    }

    function _checkEachOnce(uint256 size) private {
        for (uint256 i; i < _pool.length(); ++i) {
            ++_found[_pool.seatAt(i)];
        }
        for (uint32 seatId = 1; seatId <= size; ++seatId) {
            vm.assertEq(_found[seatId], 1, "a seat is lost or doubled");
        }
    }
}
