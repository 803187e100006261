// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RosterWord} from "../../../contracts/libraries/RosterWord.sol";
import {Proof} from "../Proof.sol";

/// @notice Five numbers in one word, beside the same numbers kept apart.
contract RosterWordTest is Proof {
    using RosterWord for uint256;

    uint256 private constant SLOTS = 16;

    struct Plain {
        uint256 seats;
        uint256 pooled;
        uint256 slots;
        uint256 drawn;
        uint256[SLOTS] rounds;
    }

    function test_word__after_any_acts__holds_what_they_made(uint256 seed, uint32 seats, uint16 pooled) external pure {
        Plain memory plain;
        plain.seats = within(seats, 1, type(uint32).max - 64);
        plain.pooled = within(pooled, 64, type(uint16).max - 64);
        uint256 word = plain.seats | (plain.pooled << 32);
        for (uint256 step; step < 12; ++step) {
            word = _act(plain, word, draw(seed, step));
            _assertSame(plain, word);
        }
    }

    function _act(Plain memory plain, uint256 word, uint256 chance) private pure returns (uint256) {
        uint256 slot = (chance >> 8) % SLOTS;
        uint256 roundId = uint32(chance >> 16);
        uint256 act = chance % 5;
        if (act == 0) {
            ++plain.seats;
            ++plain.pooled;
            return word.join();
        }
        if (act == 1) {
            --plain.pooled;
            return word.retire();
        }
        if (act == 2) {
            if (slot < plain.slots) return word;
            plain.slots = slot + 1;
            return word.openSlot(slot);
        }
        if (act == 3) {
            plain.drawn |= 1 << slot;
            plain.rounds[slot] = roundId;
            return word.startWork(slot, roundId);
        }
        plain.drawn &= ~(1 << slot);
        return word.endWork(slot);
    }

    function _assertSame(Plain memory plain, uint256 word) private pure {
        vm.assertEq(word.seats(), plain.seats, "seats");
        vm.assertEq(word.pooled(), plain.pooled, "pooled");
        vm.assertEq(word.slots(), plain.slots, "slots");
        vm.assertEq(word.drawn(), plain.drawn, "drawn");
        for (uint256 slot; slot < SLOTS; ++slot) {
            bool works = plain.drawn & (1 << slot) != 0;
            uint256 roundId = plain.rounds[slot];
            vm.assertEq(word.mayServe(slot, roundId), works, "its own round");
            // its lowest eleven bits tell rounds apart
            vm.assertEq(word.mayServe(slot, roundId + (1 << 11)), works, "a round with the same lowest bits");
            for (uint256 bit; bit < 11; ++bit) {
                vm.assertFalse(word.mayServe(slot, roundId ^ (1 << bit)), "another round");
            }
        }
    }
}
