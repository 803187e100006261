// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CommitSlot} from "../../../contracts/libraries/CommitSlot.sol";
import {Proof} from "../Proof.sol";

/// @notice The word of a miner's commit.
contract CommitSlotTest is Proof {
    using CommitSlot for uint256;

    function test_make__of_any_commit__contains_it_and_no_flag(uint256 sequence, bytes32 commitment) external pure {
        sequence = within(sequence, 1, type(uint24).max);
        uint256 word = CommitSlot.make(sequence, commitment);
        vm.assertEq(word.sequence(), sequence, "sequence");
        vm.assertEq(bytes32(word.commitment()), bytes32(bytes27(commitment)), "commitment");
        vm.assertFalse(word.opened(), "opened");
        vm.assertFalse(word.released(), "released");
        vm.assertNotEq(word, 0, "a commit looks like none");
    }

    function test_I19_open__of_any_commit__marks_it_and_keeps_its_sequence(
        uint256 sequence,
        bytes32 commitment,
        bytes32[2] memory hashes,
        uint8[2] memory indices,
        bool release
    ) external pure {
        sequence = within(sequence, 1, type(uint24).max);
        uint256 word = CommitSlot.make(sequence, commitment);
        if (release) word = word.release();
        for (uint256 i; i < 2; ++i) {
            indices[i] %= 64;
            word = word.open(hashes[i], indices[i]);
            vm.assertTrue(word.opened(), "not opened");
            vm.assertEq(word.released(), release, "released");
            vm.assertEq(word.sequence(), sequence, "sequence");
            vm.assertEq(word.commitmentHash(CommitSlot.topOf(hashes[i])), hashes[i], "hash");
            vm.assertEq(word.index(), indices[i], "index");
        }
    }

    function test_I42_release__of_any_commit__marks_it_and_keeps_the_rest(uint256 sequence, bytes32 commitment)
        external
        pure
    {
        sequence = within(sequence, 1, type(uint24).max);
        uint256 word = CommitSlot.make(sequence, commitment).release();
        vm.assertTrue(word.released(), "not released");
        vm.assertFalse(word.opened(), "opened");
        vm.assertEq(word.sequence(), sequence, "sequence");
        vm.assertEq(bytes32(word.commitment()), bytes32(bytes27(commitment)), "commitment");
    }
}
