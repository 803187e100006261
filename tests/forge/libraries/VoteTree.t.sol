// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VoteTree} from "../../../contracts/libraries/VoteTree.sol";
import {Proof} from "../Proof.sol";

/// @notice The Merkle root of a committee's votes.
contract VoteTreeTest is Proof {
    function test_root__of_any_leaves__is_what_halves_give(bytes32[] memory leaves) external pure {
        _cut(leaves);
        bytes32[] memory kept = abi.decode(abi.encode(leaves), (bytes32[]));
        bytes32 root = VoteTree.root(leaves);
        vm.assertEq(root, leaves.length == 0 ? bytes32(0) : _root(kept, 0, kept.length), "root");
        vm.assertEq(abi.encode(leaves), abi.encode(kept), "the leaves were overwritten");
    }

    function test_root__with_one_leaf_changed__differs(bytes32[] memory leaves, uint256 which, bytes32 other)
        external
        pure
    {
        _cut(leaves);
        vm.assume(leaves.length != 0);
        which %= leaves.length;
        vm.assume(leaves[which] != other);
        bytes32 root = VoteTree.root(leaves);
        leaves[which] = other;
        vm.assertNotEq(root, VoteTree.root(leaves), "another leaf, the same root");
    }

    function test_root__with_one_leaf_more__differs(bytes32[] memory leaves, bytes32 more) external pure {
        _cut(leaves);
        bytes32[] memory longer = new bytes32[](leaves.length + 1);
        for (uint256 i; i < leaves.length; ++i) {
            longer[i] = leaves[i];
        }
        longer[leaves.length] = more;
        vm.assertNotEq(VoteTree.root(leaves), VoteTree.root(longer), "a leaf more, the same root");
    }

    function test_root__of_the_two_nodes_below_it__is_no_root_of_a_tree(bytes32[4] memory leaves) external pure {
        bytes32[] memory four = new bytes32[](4);
        for (uint256 i; i < 4; ++i) {
            four[i] = leaves[i];
        }
        bytes32[] memory nodes = new bytes32[](2);
        nodes[0] = _root(four, 0, 2);
        nodes[1] = _root(four, 2, 4);
        vm.assertNotEq(VoteTree.root(four), VoteTree.root(nodes), "nodes pass for leaves");
    }

    /// @dev To no more than a few committees' votes.
    function _cut(bytes32[] memory leaves) private pure {
        if (leaves.length <= 40) return;
        assembly ("memory-safe") {
            mstore(leaves, 40)
        }
    }

    /// @dev From the top: the left half is the largest power of two below the width, as in RFC 6962.
    function _root(bytes32[] memory leaves, uint256 from, uint256 to) private pure returns (bytes32) {
        uint256 width = to - from;
        if (width == 1) return keccak256(abi.encodePacked(bytes1(0), leaves[from]));
        uint256 half = 1;
        while (half * 2 < width) half *= 2;
        return
            keccak256(abi.encodePacked(bytes1(0x01), _root(leaves, from, from + half), _root(leaves, from + half, to)));
    }
}
