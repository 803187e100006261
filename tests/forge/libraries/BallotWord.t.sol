// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BallotWord} from "../../../contracts/libraries/BallotWord.sol";
import {BitMask} from "../../../contracts/libraries/BitMask.sol";
import {Proof} from "../Proof.sol";

/// @notice The word of a committee's ballot: no field disturbs another.
contract BallotWordTest is Proof {
    using BallotWord for uint256;

    struct Ballot {
        uint32 roundId;
        uint8 epoch;
        uint8 size;
        uint8 quorum;
        uint40 voteStart;
        uint24 commitSecs;
        uint24 revealSecs;
        uint40 sealBlock;
    }

    function test_draw__of_any_ballot__contains_it(Ballot memory ballot) external pure {
        uint256 word = _drawn(ballot);
        _check(word, ballot);
        vm.assertTrue(word.isDrawn() && word.isSealed() && !word.failed(), "stage");
        vm.assertEq(word.commitEnd(), uint256(ballot.voteStart) + ballot.commitSecs, "commitEnd");
        vm.assertEq(word.revealEnd(), uint256(ballot.voteStart) + ballot.commitSecs + ballot.revealSecs, "revealEnd");
        vm.assertEq(word.committed() | word.revealed() | word.challenged() | word.opened(), 0, "somebody acted");
    }

    function test_fail__of_any_sealed_ballot__is_neither_drawn_nor_open(Ballot memory ballot) external pure {
        uint256 word = BallotWord.seal(ballot.roundId, ballot.epoch, ballot.sealBlock);
        vm.assertTrue(word.isSealed() && !word.isDrawn() && !word.failed(), "stage of a sealed ballot");
        word = word.fail();
        vm.assertTrue(word.isSealed() && !word.isDrawn() && word.failed(), "stage of a failed ballot");
        vm.assertEq(word.roundId(), ballot.roundId, "round");
        vm.assertEq(word.epoch(), ballot.epoch, "epoch");
        vm.assertEq(word.sealBlock(), ballot.sealBlock, "sealBlock");
        vm.assertEq(word.voteStart(), 0, "voteStart");
        vm.assertFalse(BallotWord.empty(ballot.roundId, ballot.epoch).isSealed(), "an empty ballot is sealed");
    }

    /// @dev Any acts in any order: each set has exactly who acted, and nothing else changes.
    function test_I18_acts__in_any_order__are_remembered_apart(Ballot memory ballot, uint16[24] memory acts)
        external
        pure
    {
        uint256 word = _drawn(ballot);
        uint256[4] memory sets;
        for (uint256 i; i < acts.length; ++i) {
            uint256 pos = acts[i] % 16;
            uint256 act = (acts[i] >> 4) % 4;
            sets[act] |= 1 << pos;
            if (act == 0) word = word.commit(pos);
            else if (act == 1) word = word.reveal(pos);
            else if (act == 2) word = word.challenge(pos);
            else word = word.open(pos);
        }
        vm.assertEq(word.committed(), sets[0], "committed");
        vm.assertEq(word.revealed(), sets[1], "revealed");
        vm.assertEq(word.challenged(), sets[2], "challenged");
        vm.assertEq(word.opened(), sets[3], "opened");
        _check(word, ballot);
    }

    function test_end__of_a_phase_before_its_time__moves_what_follows(
        Ballot memory ballot,
        uint24 sooner,
        uint24 reveal
    ) external pure {
        sooner = uint24(within(sooner, 0, ballot.commitSecs));
        reveal = uint24(within(reveal, 0, ballot.revealSecs));
        uint256 word = _drawn(ballot).endCommit(uint256(ballot.voteStart) + sooner);
        vm.assertEq(word.commitEnd(), uint256(ballot.voteStart) + sooner, "commitEnd");
        vm.assertEq(word.revealEnd(), word.commitEnd() + ballot.revealSecs, "time to reveal");
        word = word.endReveal(word.commitEnd() + reveal);
        vm.assertEq(word.commitEnd(), uint256(ballot.voteStart) + sooner, "commitEnd moved");
        vm.assertEq(word.revealEnd(), word.commitEnd() + reveal, "revealEnd");
        _check(word, ballot);
    }

    function test_full__of_any_size__counts_it(uint8 size) external pure {
        size = uint8(within(size, 0, 16));
        uint256 word = BallotWord.seal(1, 0, 1).draw(size, 1, 1, 1, 1);
        vm.assertEq(BitMask.count(word.full()), size, "full");
    }

    function _drawn(Ballot memory ballot) private pure returns (uint256) {
        return BallotWord.seal(ballot.roundId, ballot.epoch, ballot.sealBlock)
            .draw(ballot.size, ballot.quorum, ballot.voteStart, ballot.commitSecs, ballot.revealSecs);
    }

    function _check(uint256 word, Ballot memory ballot) private pure {
        vm.assertEq(word.roundId(), ballot.roundId, "round");
        vm.assertEq(word.epoch(), ballot.epoch, "epoch");
        vm.assertEq(word.size(), ballot.size, "size");
        vm.assertEq(word.quorum(), ballot.quorum, "quorum");
        vm.assertEq(word.voteStart(), ballot.voteStart, "voteStart");
        vm.assertEq(word.sealBlock(), ballot.sealBlock, "sealBlock");
    }
}
