// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDLBC} from "../../../contracts/interfaces/IDLBC.sol";
import {Rig} from "./Rig.sol";

/// @notice Bad input and bad luck: nothing, the largest number, one too much, and two things at once.
contract CallsTest is Rig {
    uint256 private constant MAX = type(uint256).max;

    /* NOTHING AND TOO MUCH */

    function test_every_call__with_nothing__reverts_or_is_harmless() external {
        _open();
        _sendAll(_calls(0, address(0), false));
    }

    function test_every_call__with_the_largest_numbers__reverts_or_is_harmless() external {
        _open();
        _sendAll(_calls(MAX, address(type(uint160).max), true));
    }

    /// @dev A number that does not fit its type is refused before anything is read of it.
    function test_every_call__with_dirty_high_bits__reverts() external {
        bytes4[17] memory selectors = [
            IDLBC.openRound.selector,
            IDLBC.pause.selector,
            IDLBC.setOperator.selector,
            IDLBC.claimModel.selector,
            IDLBC.enlist.selector,
            IDLBC.challengeVote.selector,
            IDLBC.submitTask.selector,
            IDLBC.cancelTask.selector,
            IDLBC.revealKey.selector,
            IDLBC.finalize.selector,
            IDLBC.appeal.selector,
            IDLBC.releaseLocks.selector,
            IDLBC.showKey.selector,
            ICommittee.leaveSeat.selector,
            ICommittee.commitVote.selector,
            ICommittee.revealVote.selector,
            ICommittee.openLeaf.selector
        ];
        bytes memory dirty = new bytes(40 * 32);
        for (uint256 i; i < dirty.length; ++i) {
            dirty[i] = 0xff;
        }
        for (uint256 i; i < selectors.length; ++i) {
            address target = i < 13 ? address(hub) : address(committee);
            (bool done, bytes memory answer) = target.call(abi.encodePacked(selectors[i], dirty));
            vm.assertFalse(done, vm.toString(i));
            // the decoder says nothing, the phase comes first where all that is decoded fits
            vm.assertLe(answer.length, 68, vm.toString(i));
            // and nothing at all
            (done,) = target.call(abi.encodePacked(selectors[i]));
            vm.assertFalse(done, vm.toString(i));
        }
    }

    function test_unknown_calls_and_ether__are_refused() external {
        vm.deal(address(this), 1 ether);
        address[4] memory targets = [address(hub), address(committee), address(token), address(manager)];
        for (uint256 i; i < targets.length; ++i) {
            (bool done,) = targets[i].call(hex"deadbeef");
            vm.assertFalse(done, "a call that does not exist");
            (done,) = targets[i].call{value: 1}("");
            vm.assertFalse(done, "ether");
            (done,) = targets[i].call("");
            vm.assertFalse(done, "nothing");
        }
        (bool deposited,) = address(hub).call{value: 1}(abi.encodeCall(IDLBC.deposit, (1)));
        vm.assertFalse(deposited, "ether with a call");
    }

    /// @dev What is read of a round, a task, a seat that does not exist is empty, and never an error.
    function test_views__of_what_does_not_exist__are_empty() external {
        uint256[2] memory ids = [uint256(0), MAX];
        for (uint256 i; i < 2; ++i) {
            uint256 id = ids[i];
            vm.assertTrue(hub.task(id).status == TaskStatus.None, "no task");
            vm.assertEq(hub.round(id).commitEnd, 0, "no round");
            vm.assertTrue(_phase(id) == Phase.None, "no phase");
            vm.assertEq(hub.candidates(id).length, 0, "no candidates");
            vm.assertEq(hub.appealsOf(id).length, 0, "no appeals");
            (int256 score, int256 base) = hub.rank(id);
            vm.assertEq(score, 0, "no rank");
            vm.assertEq(base, 0, "no difficulty");
            (uint40 sequence, bool opened, bool locked) = hub.commitOf(id, stranger);
            vm.assertTrue(sequence == 0 && !opened && !locked, "no commit");
            (Outcome outcome, bytes32 winner,) = hub.preview(id, _spec());
            vm.assertTrue(outcome == Outcome.None && winner == 0, "nothing to decide");
            vm.assertEq(committee.members(id).length, 0, "no committee");
            vm.assertEq(committee.ballot(id).sealBlock, 0, "no ballot");
            vm.assertEq(committee.votes(id).size, 0, "no votes");
            vm.assertEq(committee.seat(uint32(id)).owner, address(0), "no seat");
        }
        vm.assertEq(hub.roundInSlot(type(uint8).max), 0, "no slot");
        (, Economy memory economy,) = hub.parametersOf(type(uint8).max);
        vm.assertEq(economy.feeUnit, 0, "no parameters");
    }

    /* NUMBERS THAT WOULD WRAP */

    /// @dev The longest training time, kept in 24 bits.
    function test_truncation__longest_training__is_kept_whole() external {
        (Timing memory timing, Economy memory economy, Limits memory limits) = hub.parametersOf(1);
        limits.maxTrainSecs = 30 days;
        limits.unbondSecs = 60 days;
        hub.setParams(timing, economy, limits);
        TaskSpec memory spec = _spec();
        spec.flops = type(uint64).max;
        spec.trainSecs = 30 days;
        (uint256 floor,) = hub.floors(spec);
        (spec.fee, spec.bond) = (uint96(floor), uint96(floor));
        uint256 roundId = _open(spec);
        Round memory round = hub.round(roundId);
        vm.assertEq(round.commitEnd - round.commitStart, 30 days, "all of it");
        vm.assertLt(uint256(30 days), uint256(1 << 24), "it fits");
    }

    /// @dev The largest score, claimed, voted and won; the widest tolerance.
    function test_truncation__largest_score__wins_as_itself() external {
        TaskSpec memory spec = _spec();
        spec.scoreMax = (1 << 35) - 2;
        spec.minScore = spec.scoreMax;
        spec.tol = uint32(spec.scoreMax / 10);
        spec.tieTol = spec.tol / 2;
        uint256 roundId = _judged(spec, _scores(spec.scoreMax, spec.scoreMax));
        (, bytes32 winner, uint40 score) = hub.preview(roundId, spec);
        vm.assertEq(score, spec.scoreMax, "the median");
        vm.assertTrue(winner != 0, "a winner");
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        spec = _spec();
        spec.scoreMax = (1 << 35) - 1;
        vm.prank(requester);
        vm.expectPartialRevert(ScoreOutOfRange.selector);
        hub.submitTask(spec);
    }

    /// @dev The number of commits ends at 24 bits: the next one is refused, it does not begin again.
    function test_truncation__commits__do_not_wrap() external {
        uint256 roundId = _open();
        _setCommits(roundId, (1 << 24) - 2);
        _commit(roundId, miners[0]);
        ModelCommitment memory next = _model(roundId, miners[1]);
        bytes32 announced = _announced(next);
        vm.prank(miners[1]);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        hub.commitModel(roundId, miners[1], announced, next.artifact, next.artifactBytes, next.anchor, next.specHash);
        (uint40 sequence,,) = hub.commitOf(roundId, miners[0]);
        vm.assertEq(sequence, (1 << 24) - 1, "the last number");
    }

    /// @dev A request of 2^128 more than nothing is not nothing.
    function test_truncation__amounts_beyond_their_field__revert() external {
        uint256[4] memory amounts = [MAX, 1 << 128, (1 << 128) + 1, uint256(1) << 104];
        for (uint256 i; i < amounts.length; ++i) {
            vm.startPrank(stranger);
            vm.expectRevert();
            hub.deposit(amounts[i]);
            vm.expectPartialRevert(InsufficientCredit.selector);
            hub.withdraw(amounts[i]);
            vm.expectPartialRevert(InsufficientCredit.selector);
            hub.stake(amounts[i]);
            vm.expectPartialRevert(InsufficientStake.selector);
            hub.requestUnbond(amounts[i]);
            vm.stopPrank();
        }
        vm.assertEq(_wealth(stranger), CREDIT + STAKE, "nothing moved");
    }

    /// @dev All that there is: the whole supply goes in, is staked, unbonded and withdrawn.
    function test_truncation__the_whole_supply__goes_in_and_out() external {
        uint256 all = token.balanceOf(address(this));
        token.approve(address(hub), all);
        hub.deposit(all);
        hub.stake(all);
        hub.requestUnbond(all);
        vm.warp(block.timestamp + 20_000 - 1);
        vm.expectPartialRevert(StillUnbonding.selector);
        hub.unbond();
        vm.warp(block.timestamp + 1);
        hub.unbond();
        hub.withdraw(all);
        vm.assertEq(token.balanceOf(address(this)), all, "all of it is back");
        vm.expectRevert(NothingUnbonding.selector);
        hub.unbond();
    }

    /* TWO THINGS AT ONCE */

    /// @dev Both in one block of the chain below: two blocks of ours, one after the other.
    function test_I34_I35_two_rounds__finalized_in_one_block__are_linked() external {
        uint256 first = _judged(_spec(), _scores(900, 800));
        uint256 second = _judged(_spec(), _scores(700, 600));
        _until(first, Phase.Tally);
        _until(second, Phase.Tally);
        bytes32 genesis = hub.head();
        uint256 time = block.timestamp;
        _finalize(second);
        bytes32 between = hub.head();
        uint128 score = hub.chainScore();
        _finalize(first);
        vm.assertEq(block.timestamp, time, "no time passed");
        vm.assertEq(hub.height(), 2, "two blocks");
        vm.assertTrue(genesis != between && between != hub.head(), "two heads");
        vm.assertGt(hub.chainScore(), score, "the score rises with each");
        vm.assertEq(hub.round(first).anchor, genesis, "both were anchored at the genesis");
        vm.assertEq(hub.round(second).anchor, genesis, "both were anchored at the genesis");
        _release(first);
        _release(second);
        _assertConserved(0);
    }

    /// @dev All slots end in the same second, and are taken again.
    function test_slots__all_at_once__end_and_open_again() external {
        uint256[3] memory rounds = [_open(), _open(), _open()];
        for (uint8 slot; slot < 3; ++slot) {
            vm.expectRevert(abi.encodeWithSelector(SlotBusy.selector, slot, rounds[slot]));
            hub.openRound(slot);
        }
        vm.warp(block.timestamp + 2_000);
        for (uint256 i; i < 3; ++i) {
            vm.assertTrue(_finalize(rounds[i]) == Outcome.NoCommit, "over");
            TaskSpec memory spec = _specOf(rounds[i]);
            ModelCommitment memory none;
            vm.expectRevert(abi.encodeWithSelector(WrongPhase.selector, Phase.Final));
            hub.finalize(rounds[i], spec, none, 0);
        }
        for (uint8 slot; slot < 3; ++slot) {
            _submit(_spec());
            vm.assertEq(hub.openRound(slot), 4 + slot, "a new round in each");
        }
    }

    /* LOOPS */

    /// @dev The work of an end does not grow with the number of those who took part.
    function test_I41_finalize__after_a_hundred_commits__costs_what_it_costs_after_seven() external {
        uint256 few = _gasOfFinalize(7);
        uint256 many = _gasOfFinalize(100);
        vm.assertLt(many, few + 5_000, "no loop over miners");
    }

    function test_releaseLocks__more_than_64__reverts() external {
        uint256 roundId = _judged(_spec(), _scores(900));
        _finalize(roundId);
        address[] memory list = new address[](65);
        for (uint256 i; i < list.length; ++i) {
            list[i] = miners[0];
        }
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, 65, 64));
        hub.releaseLocks(roundId, list);
        // and twice the same is once
        list = new address[](64);
        for (uint256 i; i < list.length; ++i) {
            list[i] = miners[0];
        }
        hub.releaseLocks(roundId, list);
        vm.assertEq(hub.account(miners[0]).locked, 0, "free, once");
        vm.assertEq(hub.account(miners[0]).stake, STAKE, "and whole");
    }

    /* PRIVATE */

    struct Call {
        address target;
        bytes data;
        bool harmless; // goes through, and moves nothing
    }

    /// @dev What the calls are made of.
    struct Parts {
        uint256 n;
        bytes32 word;
        address who;
        bool large;
        TaskSpec spec;
        ModelCommitment commitment;
        ICommittee.Vote vote;
        ICommittee.Leaf leaf;
    }

    /// @dev Every function that is not a view and that anyone may send, with every argument as small or as large as it can be.
    function _calls(uint256 n, address who, bool large) private view returns (Call[] memory calls) {
        Parts memory p;
        (p.n, p.word, p.who, p.large) = (n, bytes32(n), who, large);
        if (large) _enlarge(p);
        calls = new Call[](33);
        _moneyCalls(calls, p);
        _roundCalls(calls, p);
        _committeeCalls(calls, p);
    }

    function _enlarge(Parts memory p) private view {
        TaskSpec memory spec = p.spec;
        (spec.requester, spec.manifest, spec.keyHash, spec.nonce) = (stranger, p.word, p.word, p.n);
        spec.flops = spec.netBytes = spec.dataBytes = type(uint64).max;
        spec.scoreMax = spec.minScore = type(uint40).max;
        spec.tol = spec.tieTol = spec.trainSecs = spec.proveSecs = type(uint32).max;
        spec.modes = type(uint16).max;
        spec.fee = spec.bond = type(uint96).max;
        ModelCommitment memory model = p.commitment;
        (model.roundId, model.miner, model.artifactBytes) = (p.n, p.who, type(uint64).max);
        model.anchor = model.specHash = model.modelHash = model.artifact = p.word;
        model.keyHash = model.parent = model.payloadRoot = model.salt = p.word;
        p.vote = ICommittee.Vote(p.n, type(uint8).max, type(uint8).max, p.who, p.n, p.word, p.word);
        p.leaf = ICommittee.Leaf(type(uint8).max, type(uint64).max, type(int32).max);
    }

    function _moneyCalls(Call[] memory calls, Parts memory p) private view {
        calls[0] = _toHub(abi.encodeCall(IDLBC.deposit, (p.n)));
        calls[1] = _toHub(abi.encodeCall(IDLBC.depositWithPermit, (p.n, p.n, uint8(p.n), p.word, p.word)));
        calls[2] = _toHub(abi.encodeCall(IDLBC.withdraw, (p.n)));
        calls[3] = _toHub(abi.encodeCall(IDLBC.stake, (p.n)));
        calls[4] = _toHub(abi.encodeCall(IDLBC.requestUnbond, (p.n)));
        calls[5] = _toHub(abi.encodeCall(IDLBC.unbond, ()));
        calls[6] = _toHub(abi.encodeCall(IDLBC.setOperator, (p.who)));
        calls[6].harmless = p.large;
        calls[7] = _toHub(abi.encodeCall(IDLBC.submitTask, (p.spec)));
        calls[8] = _toHub(abi.encodeCall(IDLBC.cancelTask, (p.n, p.spec)));
        calls[9] = _toHub(abi.encodeCall(IDLBC.openRound, (uint8(p.n))));
        calls[10] = _toHub(abi.encodeCall(IDLBC.prune, (p.n)));
        calls[10].harmless = true;
        calls[11] = _toHub(abi.encodeCall(IDLBC.post, (p.word)));
        calls[11].harmless = true;
        calls[12] = _toHub(abi.encodeCall(IDLBC.pause, (uint32(p.n))));
    }

    function _roundCalls(Call[] memory calls, Parts memory p) private view {
        address[] memory many = new address[](p.large ? 65 : 0);
        bytes memory signature = new bytes(p.large ? 4_096 : 0);
        calls[13] = _toHub(abi.encodeCall(IDLBC.commitModel, (p.n, p.who, p.word, p.word, uint64(p.n), p.word, p.word)));
        calls[14] = _toHub(abi.encodeCall(IDLBC.revealKey, (p.n, p.spec, p.word)));
        calls[15] = _toHub(abi.encodeCall(IDLBC.claimModel, (p.commitment, uint40(p.n), p.spec, p.n, signature)));
        calls[16] = _toHub(abi.encodeCall(IDLBC.enlist, (p.n, p.who)));
        calls[17] = _toHub(abi.encodeCall(IDLBC.showKey, (p.commitment, p.word)));
        calls[18] = _toHub(abi.encodeCall(IDLBC.appeal, (p.n, p.spec)));
        calls[19] = _toHub(abi.encodeCall(IDLBC.challengeVote, (p.n, uint8(p.n))));
        calls[20] = _toHub(abi.encodeCall(IDLBC.finalize, (p.n, p.spec, p.commitment, p.n)));
        calls[21] = _toHub(abi.encodeCall(IDLBC.releaseLocks, (p.n, many)));
        calls[22] = _toHub(abi.encodeCall(IDLBC.claimCompensation, (p.n)));
    }

    function _committeeCalls(Call[] memory calls, Parts memory p) private view {
        calls[23] = _toHub(abi.encodeCall(IDLBC.lockSeat, (p.who)));
        calls[24] = _toHub(abi.encodeCall(IDLBC.unlockSeat, (p.who, p.n)));
        calls[25] = _toHub(abi.encodeCall(IDLBC.tipDraw, (p.n, p.who)));
        calls[26] = _toCommittee(abi.encodeCall(ICommittee.leaveSeat, (uint32(p.n))));
        calls[27] = _toCommittee(abi.encodeCall(ICommittee.draw, (p.n)));
        calls[28] = _toCommittee(abi.encodeCall(ICommittee.commitVote, (p.n, uint8(p.n), p.word)));
        calls[29] = _toCommittee(abi.encodeCall(ICommittee.revealVote, (p.vote)));
        calls[30] = _toCommittee(abi.encodeCall(ICommittee.openLeaf, (p.vote, p.spec, p.leaf, new bytes32[](0))));
        calls[31] = _toCommittee(abi.encodeCall(ICommittee.challenge, (p.n, uint8(p.n), p.who)));
        calls[32] = _toCommittee(abi.encodeCall(ICommittee.close, (p.n, p.large, 0, 0, 0, uint96(p.n))));
    }

    function _toHub(bytes memory data) private view returns (Call memory) {
        return Call(address(hub), data, false);
    }

    function _toCommittee(bytes memory data) private view returns (Call memory) {
        return Call(address(committee), data, false);
    }

    function _sendAll(Call[] memory calls) private {
        uint256 escrow = 160e18 - 0.02e18;
        for (uint256 i; i < calls.length; ++i) {
            vm.prank(stranger);
            (bool done,) = calls[i].target.call(calls[i].data);
            vm.assertEq(done, calls[i].harmless, string.concat("call ", vm.toString(i)));
        }
        vm.assertEq(_wealth(stranger), CREDIT + STAKE + 0.02e18, "he has what he had, and the tip");
        _assertConserved(escrow);
    }

    /// @dev In the first word of the round, wherever the hub keeps it: the one that begins with its `commitStart`.
    function _setCommits(uint256 roundId, uint256 commits) private {
        uint40 commitStart = hub.round(roundId).commitStart;
        for (uint256 mapping_; mapping_ < 10_000; ++mapping_) {
            bytes32 slot = keccak256(abi.encode(roundId, mapping_));
            uint256 word = uint256(vm.load(address(hub), slot));
            if (uint40(word) != commitStart) continue;
            vm.store(address(hub), slot, bytes32(word | (commits << (40 + 24 + 40 + 40))));
            break;
        }
        vm.assertEq(hub.round(roundId).commits, commits, "the layout of a round changed");
    }

    function _gasOfFinalize(uint256 commits) private returns (uint256) {
        uint256 snapshot = vm.snapshotState();
        uint256 roundId = _open();
        address[] memory crowd = new address[](commits);
        for (uint256 i; i < commits; ++i) {
            crowd[i] = _newcomer(string.concat("one of many ", vm.toString(i)));
            _commit(roundId, crowd[i]);
        }
        _revealKey(roundId);
        for (uint256 i; i < commits; ++i) {
            _claim(roundId, crowd[i], uint40(500 + i));
        }
        _showAll(roundId);
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        _until(roundId, Phase.Tally);
        TaskSpec memory spec = _specOf(roundId);
        ModelCommitment memory winner = _winnerOf(roundId, spec);
        uint256 before = gasleft();
        hub.finalize(roundId, spec, winner, 0);
        uint256 spent = before - gasleft();
        vm.revertToState(snapshot);
        return spent;
    }
}
