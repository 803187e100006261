// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TaskHeap} from "../../../contracts/libraries/TaskHeap.sol";
import {Proof} from "../Proof.sol";

/// @notice The queue's heap, after any sequence of insertions and removals.
contract TaskHeapTest is Proof {
    TaskHeap.Heap private _heap;
    uint128[] private _waiting; // the same keys in no order

    function test_I22_keys__after_any_changes__are_below_their_parents(uint256 seed, uint8 steps) external {
        for (uint256 i; i < steps % 100; ++i) {
            _step(draw(seed, i));
        }
        uint256 length = _waiting.length;
        for (uint256 i = 1; i < length; ++i) {
            vm.assertGt(TaskHeap.keyAt(_heap, (i - 1) / 4), TaskHeap.keyAt(_heap, i), "a key above its parent");
        }
    }

    function test_I23_top__after_any_changes__is_the_largest_of_all(uint256 seed, uint8 steps) external {
        for (uint256 i; i < steps % 100; ++i) {
            _step(draw(seed, i));
            if (_waiting.length != 0) {
                vm.assertEq(TaskHeap.top(_heap), _waiting[_largest()], "the top is not the largest");
            }
        }
        while (_waiting.length != 0) {
            vm.assertEq(TaskHeap.top(_heap), _waiting[_largest()], "the top is not the largest");
            _remove();
        }
    }

    function _step(uint256 random) private {
        if (_waiting.length != 0 && random % 3 == 0) return _remove();
        // distinct, as keys that end in a task's number are; some of them rising, which costs most
        uint256 rank = random % 2 == 0 ? random >> 200 : _waiting.length;
        uint128 key = uint128((rank << 64) | (uint64(random >> 64) << 8) | 1);
        TaskHeap.insert(_heap, _waiting.length, key);
        _waiting.push(key);
    }

    function _remove() private {
        uint256 largest = _largest();
        TaskHeap.removeTop(_heap, _waiting.length);
        _waiting[largest] = _waiting[_waiting.length - 1];
        _waiting.pop();
    }

    function _largest() private view returns (uint256 index) {
        for (uint256 i = 1; i < _waiting.length; ++i) {
            if (_waiting[i] > _waiting[index]) index = i;
        }
    }
}
