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
        vm.assertTrue(phase != IDLBCTypes.Phase.Prove, "a phase that no fact leads to");
        if (endsAt == 0) return;
        vm.assertGt(endsAt, time, "a phase that has ended");
        // nothing but the clock ends it, and not before
        (IDLBCTypes.Phase last,) = Phases.phaseAt(facts, endsAt - 1);
        vm.assertEq(uint8(last), uint8(phase), "the phase ends before its end");
        (IDLBCTypes.Phase next,) = Phases.phaseAt(facts, endsAt);
        vm.assertNotEq(uint8(next), uint8(phase), "the phase outlasts its end");
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
        if (phase >= IDLBCTypes.Phase.VoteCommit && phase <= IDLBCTypes.Phase.Appeal) {
            vm.assertTrue(facts.drawn && !facts.drawFailed, "votes before the draw");
        }
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
        facts.voteCommitEnd = uint40(t = within(facts.voteCommitEnd, t, most));
        facts.voteRevealEnd = uint40(t = within(facts.voteRevealEnd, t, most));
        facts.appealEnd = uint40(facts.appealEnd % 2 == 0 ? 0 : within(facts.appealEnd, t, most));
    }
}
