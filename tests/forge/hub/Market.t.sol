// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDLBC} from "../../../contracts/interfaces/IDLBC.sol";
import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {Campaign} from "../Campaign.sol";
import {Market} from "./Market.sol";

/// @notice The protocol's invariants over a whole market, after each of its actions.
contract MarketTest is Campaign, IDLBCTypes {
    uint256 private constant EMISSION_CAP = 100_000_000e18;
    uint256 private constant GENESIS_SUPPLY = 1_000_000e18;

    Market private market;
    IERC20 private token;
    IDLBC private hub;
    ICommittee private committee;

    // what was seen after the last action: none of it may go back
    mapping(uint256 taskId => TaskStatus) private _status;
    mapping(uint256 taskId => uint256) private _key;
    mapping(uint256 roundId => bytes32) private _final;
    mapping(uint256 version => bytes32) private _parameters;
    mapping(bytes32 ballot => bytes32) private _owners;

    function setUp() external {
        market = new Market();
        (address token_, address hub_, address committee_) = market.contracts();
        (token, hub, committee) = (IERC20(token_), IDLBC(hub_), ICommittee(committee_));
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = Market.step.selector;
        _target(address(market), selectors);
    }

    /// @dev When a run is over: every round can be ended, every lock freed, every credit withdrawn.
    function afterInvariant() external {
        market.finish();
        _checkFault();
        _checkMoney();
        _withdrawAll();
    }

    /// @dev One campaign for all of them: Forge runs one for each `invariant_*`.
    /// forge-config: default.invariant.runs = 6
    /// forge-config: default.invariant.depth = 300
    /// forge-config: deep.invariant.runs = 64
    /// forge-config: deep.invariant.depth = 1500
    function invariant_of_the_market() external {
        _I01_the_hub_holds_what_it_owes();
        _I02_I03_supply_is_genesis_and_emission_less_what_was_burned();
        _I09_every_credit_can_be_withdrawn();
        _I10_nobody_is_bound_beyond_his_stake();
        _I11_I24_tasks_move_along_the_arrows_and_keep_their_rank();
        _I12_what_is_final_stays();
        _I14_I15_slots_and_live_rounds_agree();
        _I16_a_live_round_is_in_one_phase();
        _I18_counts_do_not_exceed_what_they_count();
        _I28_owners_are_frozen_from_the_draw();
        _I33_honest_actors_are_never_slashed();
        _I34_I35_I36_blocks_are_linked();
        _the_inbox_is_a_hash_chain();
        _I37_parameters_never_change_once_set();
        _I08_I17_I23_I27_I31_I32_no_action_saw_a_fault();
    }

    event log_named_uint(string name, uint256 value); // Forge prints it

    /// @dev A campaign proves nothing of what it never does.
    function test_a_long_walk__takes_every_action_and_reaches_every_outcome() external {
        for (uint256 i; i < vm.envOr("DLBC_STEPS", 4_000); ++i) {
            market.step(i);
        }
        string[35] memory actions = [
            "submitTask",
            "cancelTask",
            "prune",
            "openRound",
            "commitModel",
            "revealKey",
            "claimModel",
            "enlist",
            "showKey",
            "showTrajectory",
            "draw",
            "commitVote",
            "revealVote",
            "appeal",
            "accuse",
            "challengeVote",
            "claimCompensation",
            "releaseLocks",
            "deposit",
            "withdraw",
            "stake",
            "requestUnbond",
            "unbond",
            "joinSeat",
            "leaveSeat",
            "post",
            "pause",
            "setParams",
            "finalize: next epoch",
            "finalize: outcome 1",
            "finalize: outcome 2",
            "finalize: outcome 3",
            "finalize: outcome 4",
            "finalize: outcome 5",
            "finalize: outcome 7"
        ];
        for (uint256 i; i < actions.length; ++i) {
            emit log_named_uint(actions[i], market.calls(actions[i]));
            vm.assertGt(market.calls(actions[i]), 0, actions[i]);
        }
        _checkFault();
        _checkMoney();
    }

    /* MONEY */

    function _I01_the_hub_holds_what_it_owes() private view {
        _checkMoney();
    }

    function _I02_I03_supply_is_genesis_and_emission_less_what_was_burned() private view {
        vm.assertEq(hub.emitted(), market.sumEmission(), "I02 I03: the headers' emissions are not what was emitted");
        vm.assertLe(hub.emitted(), EMISSION_CAP, "I02 I03: more was emitted than the cap");
        vm.assertLe(token.totalSupply(), GENESIS_SUPPLY + hub.emitted(), "I02 I03: more tokens than were ever made");
    }

    function _I09_every_credit_can_be_withdrawn() private {
        uint256 before = vm.snapshotState();
        _withdrawAll();
        vm.revertToState(before);
    }

    function _I10_nobody_is_bound_beyond_his_stake() private view {
        for (uint256 i; i < market.actorCount(); ++i) {
            Account memory account = hub.account(market.actors(i));
            vm.assertGe(account.stake, account.locked + account.unbonding, "I10: bound beyond the stake");
        }
    }

    /* STATE */

    function _I11_I24_tasks_move_along_the_arrows_and_keep_their_rank() private {
        for (uint256 taskId = 1; taskId <= market.taskTotal(); ++taskId) {
            Task memory task = hub.task(taskId);
            TaskStatus last = _status[taskId];
            bool allowed = task.status == last || last == TaskStatus.None
                || (last == TaskStatus.Queued && task.status != TaskStatus.None)
                || (last == TaskStatus.Open && (task.status == TaskStatus.Done || task.status == TaskStatus.Failed));
            vm.assertTrue(allowed, "I11 I24: a task left the arrows");
            if (last != TaskStatus.None) vm.assertEq(task.key, _key[taskId], "I11 I24: a task's key changed");
            (_status[taskId], _key[taskId]) = (task.status, task.key);
        }
    }

    function _I12_what_is_final_stays() private {
        for (uint256 roundId = 1; roundId <= hub.roundCount(); ++roundId) {
            Round memory round = hub.round(roundId);
            if (round.outcome == Outcome.None) continue;
            vm.assertTrue(round.phase == Phase.Final, "I12: a final round in another phase");
            bytes32 seen = keccak256(abi.encode(round, hub.candidates(roundId)));
            if (_final[roundId] != 0) vm.assertEq(seen, _final[roundId], "I12: a final round changed");
            _final[roundId] = seen;
        }
    }

    function _I14_I15_slots_and_live_rounds_agree() private view {
        uint256 live;
        for (uint256 roundId = 1; roundId <= hub.roundCount(); ++roundId) {
            Round memory round = hub.round(roundId);
            Task memory task = hub.task(round.taskId);
            vm.assertEq(task.roundId, roundId, "I14 I15: two rounds of one task");
            if (round.outcome != Outcome.None) continue;
            ++live;
            vm.assertEq(hub.roundInSlot(round.slot), roundId, "I14 I15: a live round is not in its slot");
            vm.assertTrue(task.status == TaskStatus.Open, "I14 I15: a live round's task is not open");
        }
        uint256 busy;
        for (uint8 slot; slot < 16; ++slot) {
            if (hub.roundInSlot(slot) != 0) ++busy;
        }
        vm.assertEq(busy, live, "I14 I15: slots and live rounds differ");
    }

    function _I16_a_live_round_is_in_one_phase() private view {
        for (uint8 slot; slot < 3; ++slot) {
            uint256 roundId = hub.roundInSlot(slot);
            if (roundId == 0) continue;
            (Phase phase, uint40 endsAt) = hub.phase(roundId);
            vm.assertTrue(phase != Phase.None && phase != Phase.Final, "I16: a live round without a phase");
            bool byCall = phase == Phase.Seal || phase == Phase.Draw || phase == Phase.Tally;
            vm.assertEq(byCall, endsAt == 0, "I16: the clock or a call ends a phase, not both");
            if (endsAt != 0) vm.assertGt(endsAt, block.timestamp, "I16: a phase is over and still holds");
        }
    }

    function _I18_counts_do_not_exceed_what_they_count() private view {
        for (uint256 roundId = 1; roundId <= hub.roundCount(); ++roundId) {
            Round memory round = hub.round(roundId);
            vm.assertLe(round.claims, round.commits, "I18: more claims than commits");
            vm.assertLe(round.listed, 6, "I18: more than six listed");
            vm.assertLe(round.shown, round.listed, "I18: more shown than listed");
            vm.assertLe(round.listed + round.excluded, round.claims, "I18: more listed and excluded than claimed");
            vm.assertLt(round.epoch, 3, "I18: a fourth epoch");
            vm.assertLe(round.tips, 7, "I18: an eighth tip");
            ICommittee.Ballot memory ballot = committee.ballot(roundId);
            vm.assertLe(ballot.revealed, ballot.committed, "I18: more opened than committed");
            vm.assertLe(ballot.committed, ballot.size, "I18: more votes than seats");
            vm.assertLe(ballot.size, 15, "I18: a committee of more than fifteen");
        }
    }

    /* COMMITTEE */

    function _I28_owners_are_frozen_from_the_draw() private {
        for (uint8 slot; slot < 3; ++slot) {
            uint256 roundId = hub.roundInSlot(slot);
            if (roundId == 0) continue;
            ICommittee.Member[] memory members = committee.members(roundId);
            if (members.length == 0) continue;
            address[] memory owners = new address[](members.length);
            for (uint256 i; i < members.length; ++i) {
                owners[i] = members[i].owner;
            }
            bytes32 ballot = keccak256(abi.encode(roundId, committee.ballot(roundId).epoch));
            bytes32 seen = keccak256(abi.encode(owners));
            if (_owners[ballot] != 0) vm.assertEq(seen, _owners[ballot], "I28: a judge was replaced");
            _owners[ballot] = seen;
        }
    }

    function _I33_honest_actors_are_never_slashed() private view {
        vm.assertFalse(market.honestSlashed(), "I33: an honest claim or an honest vote was slashed");
    }

    /* THE CHAIN, THE INBOX, GOVERNANCE */

    function _I34_I35_I36_blocks_are_linked() private view {
        vm.assertEq(hub.height(), market.blocks(), "I34 I35 I36: height and blocks differ");
        vm.assertEq(hub.head(), market.lastHead(), "I34 I35 I36: the head is not the last block");
        vm.assertEq(hub.chainScore(), market.lastChainScore(), "I34 I35 I36: the chain's score is not the last block's");
    }

    function _the_inbox_is_a_hash_chain() private view {
        Inbox memory inbox = hub.inbox();
        vm.assertEq(inbox.head, market.inboxHead(), "the inbox's head");
        vm.assertEq(inbox.posted, market.posted(), "the inbox's length");
        vm.assertLe(inbox.carried, inbox.posted, "more carried than posted");
    }

    function _I37_parameters_never_change_once_set() private {
        for (uint8 version = 1; version <= hub.version(); ++version) {
            (Timing memory timing, Economy memory economy, Limits memory limits) = hub.parametersOf(version);
            bytes32 seen = keccak256(abi.encode(timing, economy, limits));
            if (_parameters[version] != 0) {
                vm.assertEq(seen, _parameters[version], "I37: a version of the parameters changed");
            }
            _parameters[version] = seen;
        }
    }

    function _I08_I17_I23_I27_I31_I32_no_action_saw_a_fault() private view {
        _checkFault();
    }

    /* PRIVATE */

    function _checkFault() private view {
        vm.assertEq(market.fault(), "", "found by an action");
    }

    /// @dev I01, as an equality: nobody donates here.
    function _checkMoney() private view {
        uint256 owed = market.challengeBonds() + market.uncollected();
        for (uint256 i; i < market.actorCount(); ++i) {
            Account memory account = hub.account(market.actors(i));
            owed += account.credit + account.stake;
        }
        // who finishes the rounds at the end gets tips and finder's parts, too
        owed += hub.account(address(market)).credit;
        for (uint256 taskId = 1; taskId <= market.taskTotal(); ++taskId) {
            owed += _escrow(taskId);
        }
        vm.assertEq(token.balanceOf(address(hub)), owed, "the hub's tokens are not what it owes");
    }

    function _escrow(uint256 taskId) private view returns (uint256 amount) {
        Task memory task = hub.task(taskId);
        if (task.status != TaskStatus.Queued && task.status != TaskStatus.Open) return 0;
        TaskSpec memory spec = market.specOf(taskId);
        amount = uint256(spec.fee) + spec.bond;
        if (task.roundId == 0) return amount;
        Round memory round = hub.round(task.roundId);
        (, Economy memory economy,) = hub.parametersOf(round.version);
        amount -= uint256(round.tips) * economy.tip + round.advanced;
        AppealCase[] memory cases = hub.appealsOf(task.roundId);
        for (uint256 i; i < cases.length; ++i) {
            amount += cases[i].bond;
        }
        amount += hub.accusationOf(task.roundId).bond;
    }

    function _withdrawAll() private {
        for (uint256 i; i < market.actorCount(); ++i) {
            address who = market.actors(i);
            uint256 credit = hub.account(who).credit;
            if (credit == 0) continue;
            uint256 before = token.balanceOf(who);
            vm.prank(who);
            hub.withdraw(credit);
            vm.assertEq(token.balanceOf(who), before + credit, "a credit was not paid");
        }
    }
}
