// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Merkle root over ordered leaves, with tags that keep leaves and nodes apart
library VoteTree {
    function root(bytes32[] memory data) internal pure returns (bytes32) {
        uint256 width = data.length;
        if (width == 0) return 0;
        bytes32[] memory level = new bytes32[](width);
        for (uint256 i; i < width; ++i) {
            level[i] = keccak256(abi.encodePacked(bytes1(0x00), data[i]));
        }
        while (width > 1) {
            uint256 half = width / 2;
            for (uint256 i; i < half; ++i) {
                level[i] = keccak256(abi.encodePacked(bytes1(0x01), level[2 * i], level[2 * i + 1]));
            }
            // an odd last node moves up unchanged
            if (width % 2 == 1) level[half] = level[width - 1];
            width = half + (width % 2);
        }
        return level[0];
    }
}
