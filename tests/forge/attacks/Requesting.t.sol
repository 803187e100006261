// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBC} from "../../../contracts/interfaces/IDLBC.sol";
import {Rig} from "./Rig.sol";

/// @notice What a requester may try: to get models cheaply, to earn from his own task, to be in the way of others. With the exact
/// price of each.
contract RequestingTest is Rig {
    uint256 private constant FEE = 100e18;
    uint256 private constant BOND = 60e18;
    uint256 private constant TIP = 0.02e18;
    uint256 private constant SLOT_FEE = 0.0001e18 * 600;

    /* MODELS FOR NOTHING */

    /// @dev He opens no model: keys are shown after the test key, and only then.
    function test_withheld_key__costs_the_bond_and_shows_no_model() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        _commit(roundId, miners[1]);
        ModelCommitment memory model = commitments[roundId][miners[0]];
        bytes32 key = _modelKey(roundId, miners[0]);
        vm.expectPartialRevert(WrongPhase.selector);
        hub.showKey(model, key);
        uint256 supply = token.totalSupply();
        vm.assertTrue(_finalize(roundId) == Outcome.KeyWithheld, "nobody showed the key");
        // the cap for each committer is what he locked: 10 of the 15 that half of the bond would give
        vm.assertEq(hub.round(roundId).compensation, MINER_UNIT, "capped at the lock");
        vm.assertEq(supply - token.totalSupply(), BOND - 2 * MINER_UNIT, "the rest of the bond is burned");
        vm.assertEq(_credit(requester), CREDIT - BOND - 2 * TIP, "he lost the bond");
        for (uint256 i; i < 2; ++i) {
            vm.prank(miners[i]);
            hub.claimCompensation(roundId);
            vm.assertEq(_credit(miners[i]), CREDIT + MINER_UNIT, "each is paid for his time");
            vm.prank(miners[i]);
            vm.expectPartialRevert(NothingToCollect.selector);
            hub.claimCompensation(roundId);
        }
        _release(roundId);
        vm.assertEq(hub.account(miners[0]).locked, 0, "and free");
        _assertConserved(0);
    }

    /// @dev A threshold that nobody reaches: no key is shown, so no model is learned.
    function test_unreachable_threshold__shows_no_model_and_costs_the_slot() external {
        TaskSpec memory spec = _spec();
        spec.minScore = SCORE_MAX;
        uint256 roundId = _claimed(spec, _scores(900, 800));
        ModelCommitment memory model = commitments[roundId][miners[0]];
        bytes32 key = _modelKey(roundId, miners[0]);
        vm.expectPartialRevert(WrongPhase.selector);
        hub.showKey(model, key);
        vm.assertTrue(_finalize(roundId) == Outcome.BelowThreshold, "nobody reached it");
        vm.assertEq(_credit(requester), CREDIT - SLOT_FEE - 2 * TIP, "the slot and the tips");
        vm.assertEq(_wealth(miners[0]), CREDIT + STAKE, "no miner loses anything");
    }

    /// @dev Labels flipped between training and test set, so that medians fall below the threshold: models were opened, and he
    /// pays for them.
    function test_flipped_labels__that_void_the_round__refund_no_miners_share() external {
        uint256 roundId = _drawn(_spec(), _scores(105, 104));
        // within the tolerance of the claim, below the threshold
        uint256[] memory fields = new uint256[](2);
        (fields[0], fields[1]) = (98, 98);
        _judge(roundId, _word(fields));
        vm.assertTrue(_finalize(roundId) == Outcome.BelowThreshold, "no median reached it");
        uint256 fee = FEE - 3 * TIP;
        vm.assertEq(_credit(requester), CREDIT - FEE, "he gets the bond alone");
        uint256 share = (fee - fee / 10 - (fee / 10 / 3) * 3) / 2;
        vm.assertEq(_credit(miners[0]), CREDIT + share / 2, "half of the miners' share, in equal parts");
        vm.assertEq(_credit(miners[1]), CREDIT + share / 2, "for both");
    }

    /// @dev Garbage instead of a test set, or data that nobody can have, or a declared difficulty that is not the task's.
    function test_garbage_or_misdeclared_task__costs_fee_and_bond() external {
        for (uint256 flag = 240; flag <= 242; ++flag) {
            uint256 before = _credit(requester);
            uint256 snapshot = vm.snapshotState();
            uint256 roundId = _drawn(_spec(), _scores(900, 800));
            _judge(roundId, _believing(roundId) | (1 << flag));
            vm.assertTrue(_finalize(roundId) == Outcome.TaskFault, "the task is at fault");
            vm.assertEq(_credit(requester), before - FEE - BOND, "all of it is gone");
            vm.assertEq(_wealth(miners[0]), _wealth(miners[1]), "both miners are paid alike");
            vm.assertGt(_wealth(miners[0]), CREDIT + STAKE, "and not slashed");
            vm.revertToState(snapshot);
        }
    }

    /// @dev One flag of three is no majority: a single validator cannot take a requester's bond.
    function test_task_flag__of_a_minority__costs_nobody() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        uint256 word = _believing(roundId);
        _judge(roundId, _words(word, word | MISDECLARED, word));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "the round goes on");
    }

    /* MONEY FROM ONE'S OWN TASK */

    /// @dev He is requester and every miner, and withholds the key: he cannot farm his bond.
    function test_I07_own_compensation__farmed_by_ones_own_miners__burns_most_of_the_bond() external {
        TaskSpec memory spec = _spec();
        spec.bond = 200e18;
        uint256 roundId = _open(spec);
        for (uint256 i; i < 8; ++i) {
            _commit(roundId, miners[i]);
        }
        uint256 before = _coalition();
        _finalize(roundId);
        for (uint256 i; i < 8; ++i) {
            vm.prank(miners[i]);
            hub.claimCompensation(roundId);
        }
        // the fee back less tips, and of the bond half at most
        vm.assertLe(_coalition(), before + FEE + spec.bond / 2, "half of the bond is burned at least");
    }

    /// @dev Wash tasks, or labels leaked to oneself: requester, all miners and all validators are one. Emission is nine tenths of
    /// what is burned at most, so each round costs him a hundredth of the fee at least, and the tips of strangers.
    function test_I07_wash_task__of_a_coalition_of_everybody__loses() external {
        uint256 before = _coalition() + _credit(stranger) + _credit(address(this));
        uint256 roundId = _judged(_spec(), _scores(900, 800, 700));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        _release(roundId);
        uint256 fee = FEE - 3 * TIP;
        uint256 burned = fee / 10;
        uint256 emitted = hub.emitted();
        vm.assertEq(emitted, (burned * 9_000) / 10_000, "kappa of what was burned");
        uint256 left = _coalition() + _credit(stranger) + _credit(address(this));
        vm.assertEq(before - left, burned - emitted, "the coalition loses the difference");
        _assertConserved(0);
    }

    /// @dev The same with a single miner of his: nothing is emitted where fewer than `minMiners` claimed.
    function test_wash_task__with_one_miner__emits_nothing() external {
        uint256 roundId = _judged(_spec(), _scores(900));
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(hub.emitted(), 0, "no emission");
    }

    /// @dev With the labels his own miner wins: his fee returns less what is burned, what validators, second and third get.
    function test_leaked_labels__to_ones_own_miner__cost_a_fifth_to_a_third_of_the_fee() external {
        uint256 roundId = _judged(_spec(), _scores(1_000, 900, 800));
        uint256 before = _wealth(requester) + _wealth(miners[0]);
        _finalize(roundId);
        uint256 fee = FEE - 3 * TIP;
        uint256 emission = (fee / 10 * 9_000) / 10_000;
        uint256 back = _wealth(requester) + _wealth(miners[0]) - before - BOND - emission;
        // rounding of the validators' thirds goes to the winner
        vm.assertEq(back, fee - fee / 10 - (fee / 10 / 3) * 3 - 2 * (fee / 20), "70 % of the fee comes back");
        vm.assertLt(back + emission, FEE, "also with what is emitted he pays");
    }

    /* DIFFICULTY */

    /// @dev Fee floor and bond grow with what is declared, so that declaring more is not free.
    function test_overdeclared_difficulty__costs_a_higher_floor() external {
        TaskSpec memory small = _spec();
        TaskSpec memory large = _spec();
        large.flops = type(uint64).max;
        large.dataBytes = type(uint64).max;
        (uint256 low,) = hub.floors(small);
        (uint256 high, uint256 bond) = hub.floors(large);
        vm.assertGt(high, low + 30e18, "doublings of flops and bytes, half a token each");
        large.fee = uint96(high - 1);
        large.bond = uint96(bond);
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(FeeTooLow.selector, high - 1, high));
        hub.submitTask(large);
        large.fee = uint96(high);
        large.bond = uint96(bond - 1);
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(BondTooLow.selector, bond - 1, bond));
        hub.submitTask(large);
    }

    /// @dev Who declares little gets little time.
    function test_underdeclared_difficulty__gets_no_time_to_train() external {
        TaskSpec memory spec = _spec();
        spec.flops = 0;
        spec.trainSecs = 61;
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(TrainSecsOutOfRange.selector, 61, 60, 60));
        hub.submitTask(spec);
        spec.flops = 1;
        spec.trainSecs = 120;
        vm.prank(requester);
        hub.submitTask(spec);
    }

    /* IN THE WAY OF OTHERS */

    /// @dev Each 512 entries of the heap double the floor, cancelled ones included: the queue is never full for a high fee.
    function test_queue_flood__doubles_the_floor_each_512() external {
        (uint256 floor,) = hub.floors(_spec());
        TaskSpec memory cheap = _spec();
        cheap.fee = uint96(floor);
        cheap.bond = uint96(floor);
        _enrich(requester, 100_000e18);
        for (uint256 i; i < 512; ++i) {
            cheap.nonce = ++nonce;
            vm.prank(requester);
            uint256 taskId = hub.submitTask(cheap);
            // cancelled tasks stay in the heap, and still count
            if (i % 2 == 0) continue;
            vm.prank(requester);
            hub.cancelTask(taskId, cheap);
        }
        (uint256 after512,) = hub.floors(cheap);
        vm.assertEq(after512, 2 * floor, "twice the floor");
        cheap.nonce = ++nonce;
        vm.prank(requester);
        vm.expectRevert(abi.encodeWithSelector(FeeTooLow.selector, floor, after512));
        hub.submitTask(cheap);
        // a task that pays more is not behind the flood
        TaskSpec memory rich = _spec();
        (rich.fee, rich.bond) = (900e18, 100e18);
        uint256 richId = _submit(rich);
        vm.assertEq(hub.nextTask(), richId, "it opens next");
    }

    function test_cancel_spam__burns_a_tenth_of_the_floor_each_time() external {
        TaskSpec memory spec = _spec();
        (uint256 floor,) = hub.floors(spec);
        for (uint256 i; i < 10; ++i) {
            spec.nonce = ++nonce;
            uint256 taskId = _submit(spec);
            vm.prank(requester);
            hub.cancelTask(taskId, spec);
        }
        vm.assertEq(_credit(requester), CREDIT - floor, "ten tenths of the floor");
        vm.assertEq(hub.queueLength(), 0, "nothing waits");
        // tombstones cost the next one at most eight pops a call
        hub.prune(2);
        uint256 good = _submit(_spec());
        uint256 roundId = hub.openRound(0);
        vm.assertEq(hub.round(roundId).taskId, good, "the good task opens as if they were not there");
    }

    /// @dev A task that nobody wants holds a slot for its training time, and pays for it; so does one whose own miner commits,
    /// shows the test key and never claims, or never shows his key.
    function test_slot_squatting__costs_the_slot_fee_in_every_way_there_is() external {
        uint256 snapshot = vm.snapshotState();
        uint256 roundId = _open();
        vm.assertTrue(_finalize(roundId) == Outcome.NoCommit, "nobody commits");
        vm.assertEq(_credit(requester), CREDIT - SLOT_FEE - 2 * TIP, "NoCommit");
        vm.revertToState(snapshot);

        snapshot = vm.snapshotState();
        roundId = _open();
        _commit(roundId, miners[0]);
        _revealKey(roundId);
        vm.assertTrue(_finalize(roundId) == Outcome.NoClaim, "nobody claims");
        vm.assertEq(_credit(requester), CREDIT - SLOT_FEE - 2 * TIP, "NoClaim");
        _release(roundId);
        vm.assertEq(_wealth(miners[0]), CREDIT + STAKE - MINER_UNIT / 10, "and the miner a tenth of his lock");
        vm.revertToState(snapshot);

        roundId = _claimed(_spec(), _scores(900));
        vm.assertTrue(_finalize(roundId) == Outcome.NoModel, "nobody shows a key");
        vm.assertEq(_credit(requester), CREDIT - SLOT_FEE - 2 * TIP, "NoModel");
        vm.assertEq(_wealth(miners[0]), CREDIT + STAKE - MINER_UNIT / 2, "and the miner half of his lock");
    }

    /* PRIVATE */

    /// @dev Requester, all miners and all validators, as one purse.
    function _coalition() private view returns (uint256 sum) {
        sum = _wealth(requester);
        for (uint256 i; i < miners.length; ++i) {
            sum += _wealth(miners[i]);
        }
        for (uint256 i; i < validators.length; ++i) {
            sum += _wealth(validators[i]);
        }
    }

    function _enrich(address account, uint256 amount) private {
        token.transfer(account, amount);
        vm.prank(account);
        hub.deposit(amount);
    }
}
