// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A heap of task ranks: the largest key lies on top
/// @notice Four children to a node, and two keys to a word: a node's children are two whole words, so that a heap of 4,096
/// keys is six levels deep and each level costs two reads and a write. The caller keeps the length.
library TaskHeap {
    uint256 internal constant CAPACITY = 4_096;
    uint256 private constant ARITY = 4;
    /// @dev Where the root lies: it puts the children of every node at a multiple of four.
    uint256 private constant ROOT = 3;

    /// @dev What lies beyond the length means nothing, and is not cleared: the next key to come overwrites it for less.
    struct Heap {
        uint128[CAPACITY + ROOT] keys;
    }

    function top(Heap storage self) internal view returns (uint128) {
        return self.keys[ROOT];
    }

    function keyAt(Heap storage self, uint256 index) internal view returns (uint128) {
        return self.keys[ROOT + index];
    }

    /// @param length before the insertion, below `CAPACITY`
    function insert(Heap storage self, uint256 length, uint128 key) internal {
        uint256 hole = length;
        while (hole != 0) {
            uint256 parent = (hole - 1) / ARITY;
            uint128 above = self.keys[ROOT + parent];
            if (above > key) break;
            self.keys[ROOT + hole] = above;
            hole = parent;
        }
        self.keys[ROOT + hole] = key;
    }

    /// @param length before the removal, not zero
    function removeTop(Heap storage self, uint256 length) internal {
        uint256 last = length - 1;
        if (last == 0) return;
        uint128 key = self.keys[ROOT + last];
        uint256 hole;
        for (uint256 child = 1; child < last; child = ARITY * hole + 1) {
            uint256 end = child + ARITY < last ? child + ARITY : last;
            uint128 largest;
            uint256 chosen;
            for (uint256 i = child; i < end; ++i) {
                uint128 candidate = self.keys[ROOT + i];
                if (candidate > largest) (largest, chosen) = (candidate, i);
            }
            if (largest < key) break;
            self.keys[ROOT + hole] = largest;
            hole = chosen;
        }
        self.keys[ROOT + hole] = key;
    }
}
