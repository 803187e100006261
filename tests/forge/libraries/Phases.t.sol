// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {Phases} from "../../../contracts/libraries/Phases.sol";
import {Proof} from "../Proof.sol";

/// @notice The phase of a round, from any facts at any time.
contract PhasesTest is Proof {
    function test_I16_phaseAt__of_any_facts__is_one_phase_that_ends_later(Phases.Facts memory facts, uint40 time)
        external
        pure
    {
        (IDLBCTypes.Phase phase, uint40 endsAt) = Phases.phaseAt(facts, time);
        if (endsAt == 0) return;
        vm.assertGt(endsAt, time, "a phase that has ended");
        // nothing but the clock ends it, and not before
        (IDLBCTypes.Phase last,) = Phases.phaseAt(facts, endsAt - 1);
        vm.assertEq(uint8(last), uint8(phase), "the phase ends before its end");
        (IDLBCTypes.Phase next,) = Phases.phaseAt(facts, endsAt);
        vm.assertNotEq(uint8(next), uint8(phase), "the phase outlasts its end");
    }

    /// @dev Each phase told on its own, by what it needs: of all of these exactly one holds, and it is the phase.
    function test_I16_phaseAt__of_any_facts__is_the_only_one_whose_needs_are_met(uint256 seed) external pure {
        for (uint256 i; i < 40; ++i) {
            (Phases.Facts memory facts, uint40 time) = _round(draw(seed, i));
            bool[16] memory holds = _holding(facts, time);
            uint256 met;
            for (uint256 phase; phase < 16; ++phase) {
                if (holds[phase]) ++met;
            }
            vm.assertEq(met, 1, "no phase, or two");
            (IDLBCTypes.Phase found, uint40 endsAt) = Phases.phaseAt(facts, time);
            vm.assertTrue(holds[uint8(found)], "another phase");
            vm.assertEq(endsAt, _end(facts, found), "another end");
        }
    }

    function test_I16_phaseAt__as_time_goes_by__never_goes_back(Phases.Facts memory facts, uint40 time, uint40 later)
        external
        pure
    {
        _inOrder(facts);
        if (time > later) (time, later) = (later, time);
        (IDLBCTypes.Phase phase,) = Phases.phaseAt(facts, time);
        (IDLBCTypes.Phase next,) = Phases.phaseAt(facts, later);
        vm.assertGe(uint8(next), uint8(phase), "the clock led to an earlier phase");
    }

    function test_I13_phaseAt__when_all_times_are_over__is_one_that_a_transaction_ends(Phases.Facts memory facts)
        external
        pure
    {
        _inOrder(facts);
        (IDLBCTypes.Phase phase, uint40 endsAt) = Phases.phaseAt(facts, type(uint40).max);
        vm.assertEq(endsAt, 0, "waits for the clock for ever");
        vm.assertTrue(
            phase == IDLBCTypes.Phase.Seal || phase == IDLBCTypes.Phase.Draw || phase == IDLBCTypes.Phase.Tally
                || phase == IDLBCTypes.Phase.Final || phase == IDLBCTypes.Phase.None,
            "nobody can end it"
        );
    }

    function test_I17_phaseAt__of_any_facts__has_what_the_phase_needs(Phases.Facts memory facts, uint40 time)
        external
        pure
    {
        _inOrder(facts);
        (IDLBCTypes.Phase phase,) = Phases.phaseAt(facts, time);
        if (phase == IDLBCTypes.Phase.Train) vm.assertLt(time, facts.commitEnd, "commits after the deadline");
        if (phase == IDLBCTypes.Phase.Key) vm.assertGe(time, facts.commitEnd, "the test key before the deadline");
        if (phase >= IDLBCTypes.Phase.Claim && phase <= IDLBCTypes.Phase.Appeal) {
            vm.assertTrue(facts.keyAt != 0, "claims without the test key");
            vm.assertTrue(facts.commits != 0, "claims without commits");
        }
        if (phase >= IDLBCTypes.Phase.Show && phase <= IDLBCTypes.Phase.Appeal) {
            vm.assertGe(time, facts.claimEnd, "model keys before the list");
            vm.assertTrue(facts.listed != 0, "model keys without a list");
        }
        if (phase >= IDLBCTypes.Phase.Seal && phase <= IDLBCTypes.Phase.Appeal) {
            vm.assertTrue(facts.shown != 0, "a draw without a model");
        }
        if (phase >= IDLBCTypes.Phase.Prove && phase <= IDLBCTypes.Phase.Appeal) {
            vm.assertTrue(facts.drawn && !facts.drawFailed, "votes before the draw");
        }
        if (phase == IDLBCTypes.Phase.VoteCommit) vm.assertGe(time, facts.voteStart, "votes before the proofs");
        if (phase == IDLBCTypes.Phase.VoteReveal) vm.assertGe(time, facts.voteCommitEnd, "votes shown too early");
    }

    function test_I12_phaseAt__of_a_final_round__is_final_for_ever(Phases.Facts memory facts, uint40 time)
        external
        pure
    {
        facts.isFinal = true;
        (IDLBCTypes.Phase phase,) = Phases.phaseAt(facts, time);
        vm.assertTrue(phase == (facts.commitStart == 0 ? IDLBCTypes.Phase.None : IDLBCTypes.Phase.Final), "left Final");
    }

    function _holding(Phases.Facts memory facts, uint40 time) private pure returns (bool[16] memory holds) {
        bool there = facts.commitStart != 0;
        bool live = there && !facts.isFinal;
        bool closed = live && time >= facts.commitEnd;
        bool keyed = closed && facts.commits != 0 && facts.keyAt != 0;
        bool claimed = keyed && time >= facts.claimEnd && facts.listed != 0;
        bool keysOut = facts.shown == facts.listed || time >= facts.showEnd;
        bool models = claimed && keysOut && facts.shown != 0;
        bool voting = models && facts.drawn && !facts.drawFailed;
        bool drawing = models && !facts.drawn && !facts.drawFailed;
        bool proven = voting && time >= facts.voteStart;
        bool voted = proven && time >= facts.voteRevealEnd && time >= facts.appealEnd;
        holds[uint8(IDLBCTypes.Phase.None)] = !there;
        holds[uint8(IDLBCTypes.Phase.Final)] = there && facts.isFinal;
        holds[uint8(IDLBCTypes.Phase.Settle)] = live && time < facts.commitStart;
        holds[uint8(IDLBCTypes.Phase.Train)] = live && time >= facts.commitStart && time < facts.commitEnd;
        bool keyless = closed && facts.commits != 0 && facts.keyAt == 0;
        holds[uint8(IDLBCTypes.Phase.Guard)] = keyless && time < facts.keyFrom;
        holds[uint8(IDLBCTypes.Phase.Key)] = keyless && time >= facts.keyFrom && time < facts.keyUntil;
        holds[uint8(IDLBCTypes.Phase.Claim)] = keyed && time < facts.claimEnd && facts.epoch == 0;
        holds[uint8(IDLBCTypes.Phase.Enlist)] = keyed && time < facts.claimEnd && facts.epoch != 0;
        holds[uint8(IDLBCTypes.Phase.Show)] = claimed && !keysOut;
        holds[uint8(IDLBCTypes.Phase.Seal)] = drawing && !facts.isSealed;
        holds[uint8(IDLBCTypes.Phase.Draw)] = drawing && facts.isSealed;
        holds[uint8(IDLBCTypes.Phase.Prove)] = voting && time < facts.voteStart;
        holds[uint8(IDLBCTypes.Phase.VoteCommit)] = proven && time < facts.voteCommitEnd;
        holds[uint8(IDLBCTypes.Phase.VoteReveal)] = proven && time >= facts.voteCommitEnd && time < facts.voteRevealEnd;
        holds[uint8(IDLBCTypes.Phase.Appeal)] = proven && time >= facts.voteRevealEnd && time < facts.appealEnd;
        holds[uint8(IDLBCTypes.Phase.Tally)] = (closed && facts.commits == 0) || (keyless && time >= facts.keyUntil)
            || (keyed && time >= facts.claimEnd && facts.listed == 0) || (claimed && keysOut && facts.shown == 0)
            || (models && facts.drawFailed) || voted;
    }

    function _end(Phases.Facts memory facts, IDLBCTypes.Phase phase) private pure returns (uint40) {
        if (phase == IDLBCTypes.Phase.Settle) return facts.commitStart;
        if (phase == IDLBCTypes.Phase.Train) return facts.commitEnd;
        if (phase == IDLBCTypes.Phase.Guard) return facts.keyFrom;
        if (phase == IDLBCTypes.Phase.Key) return facts.keyUntil;
        if (phase == IDLBCTypes.Phase.Claim || phase == IDLBCTypes.Phase.Enlist) return facts.claimEnd;
        if (phase == IDLBCTypes.Phase.Show) return facts.showEnd;
        if (phase == IDLBCTypes.Phase.Prove) return facts.voteStart;
        if (phase == IDLBCTypes.Phase.VoteCommit) return facts.voteCommitEnd;
        if (phase == IDLBCTypes.Phase.VoteReveal) return facts.voteRevealEnd;
        if (phase == IDLBCTypes.Phase.Appeal) return facts.appealEnd;
        return 0;
    }

    /// @dev A round that got somewhere, at a time close to its ends. All of it as the hub and the committee can bring about:
    /// times in order, keys of listed candidates only, a draw that failed or not, votes after a draw.
    function _round(uint256 random) private pure returns (Phases.Facts memory facts, uint40 time) {
        uint40[11] memory ends;
        for (uint256 i; i < 11; ++i) {
            ends[i] = (i == 0 ? 1 : ends[i - 1]) + uint40((random >> (8 * i)) % 3);
        }
        random >>= 88;
        // one in sixteen is not what it mostly is
        facts.commitStart = random & 15 == 0 ? 0 : ends[0];
        facts.isFinal = (random >> 4) & 15 == 0;
        facts.commits = (random >> 8) & 15 == 0 ? 0 : 3;
        facts.keyAt = (random >> 12) & 7 == 0 ? 0 : ends[3];
        facts.epoch = uint8((random >> 16) & 1);
        facts.listed = uint8((random >> 20) & 7);
        facts.shown = facts.listed & uint8((random >> 24) & 7);
        uint256 stage = (random >> 28) & 7;
        facts.isSealed = stage != 0;
        facts.drawFailed = stage == 1;
        facts.drawn = stage > 2 || (stage == 1 && (random >> 32) & 1 == 1);
        facts.commitEnd = ends[1];
        facts.keyFrom = ends[2];
        facts.keyUntil = ends[4];
        facts.claimEnd = ends[5];
        facts.showEnd = ends[6];
        facts.voteStart = (random >> 34) & 1 == 0 ? 0 : ends[7];
        facts.voteCommitEnd = ends[8];
        facts.voteRevealEnd = ends[9];
        facts.appealEnd = (random >> 33) & 1 == 0 ? 0 : ends[10];
        time = uint40((random >> 40) % (ends[10] + 2));
    }

    /// @dev Times as the hub sets them: each no earlier than the one before. Small ones come close to each other.
    function _inOrder(Phases.Facts memory facts) private pure {
        uint40 most = facts.epoch % 2 == 0 ? type(uint40).max : 64;
        uint256 t = within(facts.commitStart, 0, most);
        facts.commitStart = uint40(t);
        facts.commitEnd = uint40(t = within(facts.commitEnd, t, most));
        facts.keyFrom = uint40(t = within(facts.keyFrom, t, most));
        facts.keyUntil = uint40(within(facts.keyUntil, t, most));
        facts.claimEnd = uint40(t = within(facts.claimEnd, t, most));
        facts.showEnd = uint40(t = within(facts.showEnd, t, most));
        facts.voteStart = uint40(t = within(facts.voteStart, t, most));
        facts.voteCommitEnd = uint40(t = within(facts.voteCommitEnd, t, most));
        facts.voteRevealEnd = uint40(t = within(facts.voteRevealEnd, t, most));
        facts.appealEnd = uint40(facts.appealEnd % 2 == 0 ? 0 : within(facts.appealEnd, t, most));
    }
}
