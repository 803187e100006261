// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Rig} from "../attacks/Rig.sol";

/// @notice What the hub refuses of tasks, commits, claims and keys that are nearly right; and the ends where nothing is left to
/// pay or to tip.
contract RefusalsTest is Rig {
    /* TASKS */

    /// @dev Each field one beyond what it may be.
    function test_submitTask__with_a_field_out_of_bounds__reverts() external {
        TaskSpec memory spec = _spec();
        spec.proveSecs = 1;
        _refuse(spec, BadParameter.selector);
        spec = _spec();
        spec.modes = 2;
        _refuse(spec, UnknownMode.selector);
        spec = _spec();
        spec.scoreMax = 0;
        _refuse(spec, ScoreOutOfRange.selector);
        spec = _spec();
        spec.minScore = 0;
        _refuse(spec, ScoreOutOfRange.selector);
        spec.minScore = SCORE_MAX + 1;
        _refuse(spec, ScoreOutOfRange.selector);
        spec = _spec();
        spec.tol = 1;
        _refuse(spec, ToleranceOutOfRange.selector);
        spec.tol = uint32(SCORE_MAX / 10 + 1);
        _refuse(spec, ToleranceOutOfRange.selector);
        spec = _spec();
        spec.tieTol = TOL / 2 + 1;
        _refuse(spec, ToleranceOutOfRange.selector);
        spec = _spec();
        spec.trainSecs = 59;
        _refuse(spec, TrainSecsOutOfRange.selector);
        spec = _spec();
        (uint256 floor,) = hub.floors(spec);
        spec.fee = uint96(floor - 1);
        _refuse(spec, FeeTooLow.selector);
        spec = _spec();
        spec.bond = uint96(floor - 1);
        _refuse(spec, BondTooLow.selector);
        // at the edges it goes through
        spec = _spec();
        (spec.minScore, spec.tol, spec.tieTol) = (SCORE_MAX, uint32(SCORE_MAX / 10), uint32(SCORE_MAX / 20));
        (spec.fee, spec.bond, spec.trainSecs) = (uint96(floor), uint96(floor), 60);
        _submit(spec);
    }

    function test_submitTask__twice__reverts() external {
        TaskSpec memory spec = _spec();
        _submit(spec);
        _refuse(spec, DuplicateTask.selector);
    }

    /// @dev The queue's counts are one word, in whatever place: the only one of this version with one task in it.
    function test_submitTask__to_a_full_heap__reverts() external {
        _submit(_spec());
        for (uint256 slot; slot < 64; ++slot) {
            uint256 word = uint256(vm.load(address(hub), bytes32(slot)));
            if (word >> 248 != hub.version() || uint32(word >> 144) != 1) continue;
            vm.store(address(hub), bytes32(slot), bytes32(word | (4_096 << 128)));
        }
        TaskSpec memory spec = _spec();
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(QueueFull.selector, 4_097));
        hub.submitTask(spec);
    }

    function test_cancelTask__of_another_or_by_another_spec__reverts() external {
        TaskSpec memory spec = _spec();
        uint256 taskId = _submit(spec);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NotRequester.selector, stranger, requester));
        hub.cancelTask(taskId, spec);
        ++spec.fee;
        vm.prank(requester);
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.cancelTask(taskId, spec);
    }

    /* COMMITS */

    function test_commitModel__for_another_or_twice__reverts() external {
        uint256 roundId = _open();
        ModelCommitment memory model = _model(roundId, miners[0]);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, stranger));
        hub.commitModel(roundId, miners[0], 0, 0, 0, model.anchor, model.specHash);
        vm.prank(miners[0]);
        vm.expectPartialRevert(AnchorMismatch.selector);
        hub.commitModel(roundId, miners[0], 0, 0, 0, keccak256("anchor"), model.specHash);
        vm.prank(miners[0]);
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.commitModel(roundId, miners[0], 0, 0, 0, model.anchor, keccak256("spec"));
        _commit(model);
        vm.prank(miners[0]);
        vm.expectRevert(abi.encodeWithSelector(AlreadyCommitted.selector, miners[0]));
        hub.commitModel(roundId, miners[0], 0, 0, 0, model.anchor, model.specHash);
    }

    function test_revealKey__of_another_spec_or_another_key__reverts() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        _until(roundId, Phase.Key);
        TaskSpec memory spec = _specOf(roundId);
        vm.expectPartialRevert(KeyMismatch.selector);
        hub.revealKey(roundId, spec, keccak256("another key"));
        ++spec.nonce;
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.revealKey(roundId, spec, TEST_KEY);
    }

    /* CLAIMS */

    function test_claimModel__beyond_the_largest_score__reverts() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        _revealKey(roundId);
        ModelCommitment memory commitment = commitments[roundId][miners[0]];
        bytes memory signature = _signed(miners[0], _digest(commitment, SCORE_MAX + 1));
        TaskSpec memory spec = _specOf(roundId);
        vm.expectRevert(abi.encodeWithSelector(ScoreOutOfRange.selector, SCORE_MAX + 1, 0, SCORE_MAX));
        hub.claimModel(commitment, SCORE_MAX + 1, spec, 0, signature);
        _claim(roundId, miners[0], SCORE_MAX);
    }

    /// @dev He committed to a model for another task: the commitment opens, but not here.
    function test_claimModel__of_a_model_for_another_task__reverts() external {
        uint256 roundId = _open();
        ModelCommitment memory model = _model(roundId, miners[0]);
        (bytes32 anchor, bytes32 specHash) = (model.anchor, model.specHash);
        model.specHash = keccak256("another task");
        bytes32 announced = _announced(model);
        vm.prank(miners[0]);
        hub.commitModel(roundId, miners[0], announced, model.artifact, model.artifactBytes, anchor, specHash);
        _revealKey(roundId);
        bytes memory signature = _signed(miners[0], _digest(model, 900));
        TaskSpec memory spec = _specOf(roundId);
        vm.expectRevert(abi.encodeWithSelector(SpecMismatch.selector, model.specHash, specHash));
        hub.claimModel(model, 900, spec, 0, signature);
    }

    function test_showKey__twice__reverts() external {
        uint256 roundId = _claimed(_spec(), _scores(900, 800));
        _show(roundId, miners[0]);
        bytes32 hash = hub.hashCommitment(commitments[roundId][miners[0]]);
        ModelCommitment memory commitment = commitments[roundId][miners[0]];
        bytes32 key = _modelKey(roundId, miners[0]);
        vm.expectRevert(abi.encodeWithSelector(AlreadyShown.selector, hash));
        hub.showKey(commitment, key);
    }

    /// @dev Six honest claims fill the list; one of 50 is above no threshold, one of 200 is excluded. When nobody shows a key the
    /// list empties, and only the excluded may enter.
    function test_enlist__of_a_claim_that_was_not_excluded__reverts() external {
        TaskSpec memory spec = _spec();
        uint40[] memory scores = new uint40[](8);
        for (uint40 i; i < 6; ++i) {
            scores[i] = 900 - i;
        }
        (scores[6], scores[7]) = (50, 200);
        uint256 roundId = _claimed(spec, scores);
        _finalize(roundId);
        vm.assertTrue(_phase(roundId) == Phase.Enlist, "another epoch");
        vm.expectRevert(abi.encodeWithSelector(NotExcluded.selector, miners[6]));
        hub.enlist(roundId, miners[6]);
        vm.expectRevert(abi.encodeWithSelector(NotExcluded.selector, stranger));
        hub.enlist(roundId, stranger);
        hub.enlist(roundId, miners[7]);
        vm.assertTrue(hub.round(roundId).listed == 1 && hub.round(roundId).excluded == 0, "he came in");
    }

    /// @dev One of six is called invalid, and the others fall short of what was excluded: its place is for the better of the two.
    function test_enlist__of_a_claim_worse_than_all_listed__reverts() external {
        uint40[] memory scores = new uint40[](8);
        for (uint256 i; i < 6; ++i) {
            scores[i] = 500;
        }
        (scores[6], scores[7]) = (495, 494);
        uint256 roundId = _drawn(_spec(), scores);
        uint256 word = INVALID;
        for (uint256 i = 1; i < 6; ++i) {
            word |= 490 << (40 * i);
        }
        _judge(roundId, word);
        _finalize(roundId);
        hub.enlist(roundId, miners[6]);
        vm.expectRevert(
            abi.encodeWithSelector(NotListed.selector, hub.hashCommitment(commitments[roundId][miners[7]]))
        );
        hub.enlist(roundId, miners[7]);
    }

    /// @dev The first claim lost its place to the seventh, the second showed no key: neither has a model to prove.
    function test_showTrajectory__of_a_model_that_is_not_shown__reverts() external {
        TaskSpec memory spec = _spec();
        (spec.modes, spec.proveSecs) = (1, 60);
        uint40[] memory scores = new uint40[](7);
        for (uint40 i; i < 7; ++i) {
            scores[i] = 500 + i;
        }
        uint256 roundId = _claimed(spec, scores);
        for (uint256 i = 2; i < 7; ++i) {
            _show(roundId, miners[i]);
        }
        _until(roundId, Phase.Seal);
        _draw(roundId);
        vm.assertTrue(_phase(roundId) == Phase.Prove, "models are proven now");
        vm.assertEq(hub.round(roundId).proveSecs, 60, "for so long");
        for (uint256 i; i < 2; ++i) {
            vm.prank(miners[i]);
            vm.expectRevert(abi.encodeWithSelector(NotShown.selector, miners[i]));
            hub.showTrajectory(roundId, miners[i], keccak256("states"), 1);
        }
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, stranger));
        hub.showTrajectory(roundId, miners[2], keccak256("states"), 1);
        vm.prank(miners[2]);
        hub.showTrajectory(roundId, miners[2], keccak256("states"), 1);
    }

    /* THE END */

    function test_releaseLocks__of_whoever_did_not_commit__reverts() external {
        uint256 roundId = _judged(_spec(), _scores(900));
        _finalize(roundId);
        address[] memory nobody = new address[](1);
        nobody[0] = stranger;
        vm.expectRevert(abi.encodeWithSelector(NotCommitted.selector, stranger));
        hub.releaseLocks(roundId, nobody);
    }

    /// @dev The fee bounds what a slot costs that was reserved in vain.
    function test_finalize__of_a_slot_dearer_than_the_fee__burns_the_fee_and_returns_the_bond() external {
        Limits memory limits = _limits();
        limits.slotFeePerSec = 1e18;
        hub.setParams(_timing(), _economy(), limits);
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        _revealKey(roundId);
        uint256 supply = token.totalSupply();
        vm.assertTrue(_finalize(roundId) == Outcome.NoClaim, "nobody claimed");
        uint256 tips = 2 * 0.02e18;
        vm.assertEq(supply - token.totalSupply(), 100e18 - tips, "all of the fee");
        vm.assertEq(_credit(requester), CREDIT - 100e18, "and nothing of the bond");
        _release(roundId);
        _assertConserved(0);
    }

    function test_round__without_tips__pays_nobody_for_calling() external {
        Economy memory economy = _economy();
        economy.tip = 0;
        hub.setParams(_timing(), economy, _limits());
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        _finalize(roundId);
        vm.assertEq(_credit(stranger), CREDIT, "who opened it");
        vm.assertEq(hub.round(roundId).tips, 0, "no tips");
    }

    /// @dev A pause that is over is not ended again: its end is what the next one is counted from.
    function test_pause__ended_after_its_end__keeps_its_end() external {
        hub.pause(100);
        uint256 end = hub.pausedUntil();
        vm.warp(end + 50);
        hub.pause(0);
        vm.assertEq(hub.pausedUntil(), end, "as it was");
        vm.warp(end + 7 days);
        hub.pause(100);
        hub.pause(0);
        vm.assertEq(hub.pausedUntil(), block.timestamp, "ended now");
    }

    function _refuse(TaskSpec memory spec, bytes4 reason) private {
        vm.prank(requester);
        vm.expectPartialRevert(reason);
        hub.submitTask(spec);
    }
}
