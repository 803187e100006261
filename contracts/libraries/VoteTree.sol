// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Merkle trees over ordered leaves, with tags that keep leaves and nodes apart
/// @notice leaf = keccak256(0x00 ‖ data), node = keccak256(0x01 ‖ left ‖ right); an odd last node moves up unchanged, which
/// gives the tree of RFC 6962. `dlbc/wire/merkle.py` says the same.
library VoteTree {
    /// @notice The root over these leaves; 0 where there are none.
    function root(bytes32[] memory data) internal pure returns (bytes32) {
        uint256 width = data.length;
        if (width == 0) return 0;
        bytes32[] memory level = new bytes32[](width);
        unchecked {
            for (uint256 i; i < width; ++i) {
                level[i] = _leaf(data[i]);
            }
            while (width > 1) {
                uint256 half = width / 2;
                for (uint256 i; i < half; ++i) {
                    level[i] = _node(level[2 * i], level[2 * i + 1]);
                }
                // an odd last node moves up unchanged
                if (width % 2 == 1) level[half] = level[width - 1];
                width = half + (width % 2);
            }
        }
        return level[0];
    }

    /// @notice The node that a proof leads to from leaf `index` of `count`, which must be more than `index`.
    /// @param proof the siblings from the leaf upwards: index and count decide which levels have one
    /// @return node of the last level that the proof reaches
    /// @return whole it is the root: the proof has neither too few siblings nor too many
    function climb(bytes memory leaf, uint256 index, uint256 count, bytes32[] calldata proof)
        internal
        pure
        returns (bytes32 node, bool whole)
    {
        node = keccak256(abi.encodePacked(bytes1(0x00), leaf));
        uint256 used;
        for (; count > 1; count = (count + 1) / 2) {
            // slither-disable-next-line incorrect-exp: the exclusive or is meant, which gives the sibling
            if (index ^ 1 < count) {
                if (used == proof.length) return (node, false);
                bytes32 sibling = proof[used++];
                node = index % 2 == 1 ? _node(sibling, node) : _node(node, sibling);
            }
            index /= 2;
        }
        whole = used == proof.length;
    }

    function _leaf(bytes32 data) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore8(0, 0)
            mstore(1, data)
            result := keccak256(0, 33)
        }
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            // beyond what is in use: nothing is kept
            let start := mload(0x40)
            mstore8(start, 1)
            mstore(add(start, 1), left)
            mstore(add(start, 33), right)
            result := keccak256(start, 65)
        }
    }
}
