// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDLBC} from "../../../contracts/interfaces/IDLBC.sol";
import {Rig} from "./Rig.sol";

/// @notice What admin, governor and guardian may try. This contract is all three.
contract GoverningTest is Rig {
    uint64 private constant PUBLIC_ROLE = type(uint64).max;

    /* PARAMETERS */

    /// @dev The same round twice, once with the worst parameters that the bounds allow set in the middle of it: everybody ends with
    /// the same money.
    function test_I37_worst_parameters__set_at_any_moment__reach_no_round_and_no_waiting_task() external {
        for (uint256 moment; moment < 6; ++moment) {
            uint256 snapshot = vm.snapshotState();
            bytes32 calm = _play(type(uint256).max);
            vm.revertToState(snapshot);
            snapshot = vm.snapshotState();
            bytes32 disturbed = _play(moment);
            vm.assertEq(hub.version(), 2, "they were set");
            vm.revertToState(snapshot);
            vm.assertEq(disturbed, calm, string.concat("moment ", vm.toString(moment)));
        }
    }

    /// @dev A task submitted afterwards goes by them.
    function test_worst_parameters__are_those_of_what_is_submitted_later() external {
        _setWorst();
        TaskSpec memory spec = _spec();
        (spec.fee, spec.bond) = (10_000e18, 10_000e18);
        _enrichRequester();
        _submit(spec);
        uint256 roundId = hub.openRound(0);
        vm.assertEq(hub.round(roundId).version, 2, "the new version");
    }

    function test_I38_setParams__out_of_bounds__reverts_whoever_asks() external {
        (Timing memory timing, Economy memory economy, Limits memory limits) = hub.parametersOf(1);
        economy.tip = economy.feeUnit / 8 + 1;
        _refuse(timing, economy, limits, "tip");
        (timing, economy, limits) = hub.parametersOf(1);
        economy.burnBps = 9_999;
        _refuse(timing, economy, limits, "feeSplit");
        (timing, economy, limits) = hub.parametersOf(1);
        economy.slots = 0;
        _refuse(timing, economy, limits, "slots");
        (timing, economy, limits) = hub.parametersOf(1);
        limits.unbondSecs = type(uint32).max;
        _refuse(timing, economy, limits, "unbondSecs");
        (timing, economy, limits) = hub.parametersOf(1);
        limits.unbondSecs = 3_600;
        _refuse(timing, economy, limits, "unbondSecs");
        (timing, economy, limits) = hub.parametersOf(1);
        timing.claimSecs = type(uint32).max;
        _refuse(timing, economy, limits, "claimSecs");
        (timing, economy, limits) = hub.parametersOf(1);
        economy.quorum = 1;
        _refuse(timing, economy, limits, "quorum");
        vm.assertEq(hub.version(), 1, "nothing was set");
    }

    /// @dev A version is one byte: the last one stays for ever, and nothing wraps.
    function test_versions__are_255() external {
        (Timing memory timing, Economy memory economy, Limits memory limits) = hub.parametersOf(1);
        for (uint256 i = 1; i < 255; ++i) {
            hub.setParams(timing, economy, limits);
        }
        vm.assertEq(hub.version(), 255, "the last");
        _refuse(timing, economy, limits, "version");
        _finalize(_judged(_spec(), _scores(900, 800)));
    }

    /* PAUSE */

    /// @dev Paused from the end of training on: the round ends as ever, and everybody takes home what is his.
    function test_I09_I39_pause__blocks_three_beginnings_and_no_exit() external {
        uint256 roundId = _open();
        TaskSpec memory waits = _spec();
        uint256 waiting = _submit(waits);
        _commit(roundId, miners[0]);
        _commit(roundId, miners[1]);
        hub.pause(7 days);
        uint256 until = hub.pausedUntil();
        _assertBeginningsBlocked(roundId, until);
        // every exit
        vm.startPrank(stranger);
        hub.withdraw(1e18);
        hub.stake(1e18);
        hub.deposit(1e18);
        hub.requestUnbond(1e18);
        hub.setOperator(address(this));
        hub.post(bytes32(0));
        vm.stopPrank();
        vm.prank(requester);
        hub.cancelTask(waiting, waits);
        vm.prank(validators[0]);
        committee.leaveSeat(1);
        vm.prank(validators[0]);
        committee.joinSeat();
        hub.prune(1);
        // every later phase, an appeal among them
        _revealKey(roundId);
        _claim(roundId, miners[0], 900);
        _claim(roundId, miners[1], 800);
        _showAll(roundId);
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        vm.prank(stranger);
        hub.challengeVote(roundId, 0);
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(stranger);
        hub.appeal(roundId, spec);
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        _release(roundId);
        vm.assertLt(block.timestamp, until, "still paused");
        for (uint256 i; i < everybody.length; ++i) {
            uint256 credit = _credit(everybody[i]);
            if (credit == 0) continue;
            vm.prank(everybody[i]);
            hub.withdraw(credit);
        }
        _assertConserved(0);
        // and it ends by itself
        vm.warp(until);
        vm.prank(requester);
        hub.deposit(160e18);
        _open();
    }

    function test_pause__in_the_second_of_its_end__is_over() external {
        uint256 roundId = _open();
        hub.pause(100);
        TaskSpec memory spec = _spec();
        ModelCommitment memory commitment = _model(roundId, miners[0]);
        bytes32 announced = _announced(commitment);
        bytes memory reason = abi.encodeWithSelector(Paused.selector, hub.pausedUntil());
        vm.warp(hub.pausedUntil() - 1);
        vm.prank(requester);
        vm.expectRevert(reason);
        hub.submitTask(spec);
        vm.prank(miners[0]);
        vm.expectRevert(reason);
        hub.commitModel(
            roundId,
            miners[0],
            announced,
            commitment.artifact,
            commitment.artifactBytes,
            commitment.anchor,
            commitment.specHash
        );
        vm.warp(hub.pausedUntil());
        _submit(spec);
        _commit(commitment);
    }

    function test_pause__again_and_again__leaves_as_much_time_between() external {
        vm.expectRevert(abi.encodeWithSelector(PauseTooLong.selector, 7 days + 1, 7 days));
        hub.pause(7 days + 1);
        hub.pause(7 days);
        uint256 end = hub.pausedUntil();
        vm.expectRevert(abi.encodeWithSelector(PauseTooSoon.selector, end + 7 days));
        hub.pause(1);
        vm.warp(end + 7 days - 1);
        vm.expectRevert(abi.encodeWithSelector(PauseTooSoon.selector, end + 7 days));
        hub.pause(1);
        vm.warp(end + 7 days);
        hub.pause(7 days);
        // ended early, the time between runs from its end
        hub.pause(0);
        vm.expectRevert(abi.encodeWithSelector(PauseTooSoon.selector, block.timestamp + 7 days));
        hub.pause(1);
    }

    /* ROLES */

    function test_every_guarded_call__by_everybody_else__is_refused() external {
        (Timing memory timing, Economy memory economy, Limits memory limits) = hub.parametersOf(1);
        bytes[8] memory guarded = [
            abi.encodeCall(IDLBC.setParams, (timing, economy, limits)),
            abi.encodeCall(IDLBC.pause, (1)),
            abi.encodeCall(IDLBC.pause, (0)),
            abi.encodeCall(IDLBC.lockSeat, (stranger)),
            abi.encodeCall(IDLBC.unlockSeat, (stranger, 0)),
            abi.encodeCall(IDLBC.tipDraw, (1, stranger)),
            abi.encodeCall(ICommittee.challenge, (1, 0, stranger)),
            abi.encodeCall(ICommittee.close, (1, false, 10_000, 0, 0, 1))
        ];
        address[4] memory callers = [stranger, requester, address(token), address(manager)];
        for (uint256 i; i < guarded.length; ++i) {
            for (uint256 j; j < callers.length; ++j) {
                vm.prank(callers[j]);
                (bool done, bytes memory answer) = (i < 6 ? address(hub) : address(committee)).call(guarded[i]);
                vm.assertFalse(done, vm.toString(i));
                bytes4 expected = i < 6 ? Unauthorized.selector : ICommittee.NotHub.selector;
                vm.assertEq(answer, abi.encodeWithSelector(expected, callers[j]), vm.toString(i));
            }
        }
        // whoever governs is no committee and no hub either
        for (uint256 i = 3; i < guarded.length; ++i) {
            (bool done,) = (i < 6 ? address(hub) : address(committee)).call(guarded[i]);
            vm.assertFalse(done, vm.toString(i));
        }
    }

    /// @dev Nobody but the hub mints, and it does so in `finalize` alone.
    function test_I40_mint__by_anyone_and_in_any_other_call__never() external {
        address[5] memory callers = [stranger, requester, address(this), address(committee), address(manager)];
        for (uint256 i; i < callers.length; ++i) {
            vm.prank(callers[i]);
            (bool minted,) = address(token).call(abi.encodeWithSignature("mint(address,uint256)", callers[i], 1));
            vm.assertFalse(minted, vm.toString(i));
        }
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        vm.assertEq(token.totalSupply(), GENESIS_SUPPLY, "nothing was minted up to Tally");
        _finalize(roundId);
        uint256 burned = (100e18 - 3 * 0.02e18) / 10;
        vm.assertEq(hub.emitted(), (burned * 9_000) / 10_000, "then the emission");
        vm.assertEq(token.totalSupply(), GENESIS_SUPPLY + hub.emitted() - burned, "and what is burned");
        _release(roundId);
        vm.assertEq(token.totalSupply(), GENESIS_SUPPLY + hub.emitted() - burned, "no more");
    }

    /// @dev The manager decides about two functions. Whatever else its admin does to the hub is nothing, or harms his own power.
    function test_admin__of_the_manager__reaches_no_money() external {
        address target = address(hub);
        // another authority: the hub has no such function
        (bool moved,) = address(manager).call(abi.encodeCall(IAccessManager.updateAuthority, (target, stranger)));
        vm.assertFalse(moved, "the authority is immutable");
        // everybody may call everything, by the manager's book: the hub asks it about two functions only
        bytes4[] memory selectors = new bytes4[](4);
        selectors[0] = IDLBC.withdraw.selector;
        selectors[1] = IDLBC.lockSeat.selector;
        selectors[2] = IDLBC.unlockSeat.selector;
        selectors[3] = IDLBC.tipDraw.selector;
        manager.setTargetFunctionRole(target, selectors, PUBLIC_ROLE);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, stranger));
        hub.unlockSeat(validators[0], 1);
        // through the manager he is the manager: a stranger without credit
        bytes memory data = abi.encodeCall(IDLBC.withdraw, (1));
        vm.expectRevert(abi.encodeWithSelector(InsufficientCredit.selector, 0, 1));
        manager.execute(target, data);
        // closed to everybody: nobody governs, all else goes on
        manager.setTargetClosed(target, true);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        hub.pause(1);
        vm.assertTrue(_finalize(_judged(_spec(), _scores(900, 800))) == Outcome.Block, "a block");
    }

    /* PRIVATE */

    /// @dev One round, at one moment of which the worst is set.
    /// @return digest of what everybody owns at its end, and of the chain
    function _play(uint256 moment) private returns (bytes32 digest) {
        TaskSpec memory spec = _spec();
        _submit(spec);
        if (moment == 0) _setWorst();
        uint256 roundId = hub.openRound(0);
        _until(roundId, Phase.Train);
        for (uint256 i; i < 3; ++i) {
            _commit(roundId, miners[i]);
        }
        if (moment == 1) _setWorst();
        _revealKey(roundId);
        _claim(roundId, miners[0], 900);
        if (moment == 2) _setWorst();
        _claim(roundId, miners[1], 800);
        _until(roundId, Phase.Show);
        _showAll(roundId);
        if (moment == 3) _setWorst();
        committee.draw(roundId);
        vm.roll(block.number + 3);
        vm.setBlockhash(committee.ballot(roundId).sealBlock, keccak256("the sealed block"));
        committee.draw(roundId);
        if (moment == 4) _setWorst();
        _judge(roundId, _words(_believing(roundId), _believing(roundId)));
        _until(roundId, Phase.Tally);
        if (moment == 5) _setWorst();
        _finalize(roundId);
        _release(roundId);
        uint256[] memory owned = new uint256[](everybody.length);
        for (uint256 i; i < owned.length; ++i) {
            owned[i] = _wealth(everybody[i]);
        }
        digest = keccak256(abi.encode(owned, hub.head(), hub.emitted(), token.totalSupply()));
    }

    /// @dev As bad for everybody as the bounds allow.
    function _setWorst() private {
        Timing memory timing = Timing(0, 0, 1, 1, 1, 1, 1, 1);
        (, Economy memory economy, Limits memory limits) = hub.parametersOf(1);
        economy.feeUnit = 100e18;
        economy.minerUnit = 1_000_000e18;
        economy.seatUnit = 1_000e18;
        (economy.burnBps, economy.validatorBps, economy.secondBps) = (9_999, 0, 0);
        (economy.thirdBps, economy.parentBps, economy.kappaBps) = (0, 0, 0);
        economy.tip = 12.5e18;
        economy.appealBond = type(uint96).max;
        economy.slots = 1;
        (economy.committeeSize, economy.quorum) = (1, 1);
        (limits.minTrainSecs, limits.maxTrainSecs, limits.unbondSecs) = (1, 30 days, 53 days + 3_600);
        limits.slotFeePerSec = type(uint96).max;
        (limits.alpha, limits.gamma) = (type(uint32).max, type(uint32).max);
        hub.setParams(timing, economy, limits);
    }

    function _refuse(Timing memory timing, Economy memory economy, Limits memory limits, bytes32 name) private {
        vm.expectRevert(abi.encodeWithSelector(BadParameter.selector, name));
        hub.setParams(timing, economy, limits);
    }

    function _assertBeginningsBlocked(uint256 roundId, uint256 until) private {
        TaskSpec memory spec = _spec();
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(Paused.selector, until));
        hub.submitTask(spec);
        vm.expectRevert(abi.encodeWithSelector(Paused.selector, until));
        hub.openRound(1);
        ModelCommitment memory late = _model(roundId, miners[2]);
        bytes32 announced = _announced(late);
        vm.prank(miners[2]);
        vm.expectRevert(abi.encodeWithSelector(Paused.selector, until));
        hub.commitModel(roundId, miners[2], announced, late.artifact, late.artifactBytes, late.anchor, late.specHash);
    }

    function _enrichRequester() private {
        token.transfer(requester, 50_000e18);
        vm.prank(requester);
        hub.deposit(50_000e18);
    }
}
