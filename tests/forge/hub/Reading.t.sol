// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC6372} from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import {DifficultyRanking} from "../../../contracts/libraries/DifficultyRanking.sol";
import {Rig} from "../attacks/Rig.sol";

/// @notice What the hub says of itself, of its queue and of its inbox.
contract ReadingTest is Rig {
    function test_hub__as_deployed__names_its_parts_and_parameters() external {
        vm.assertEq(hub.token(), address(token), "token");
        vm.assertEq(hub.committee(), address(committee), "committee");
        vm.assertEq(hub.authority(), address(manager), "authority");
        vm.assertEq(committee.hub(), address(hub), "and the committee its hub");
        vm.assertEq(keccak256(abi.encode(hub.timing())), keccak256(abi.encode(_timing())), "timing");
        vm.assertEq(keccak256(abi.encode(hub.economy())), keccak256(abi.encode(_economy())), "economy");
        vm.assertEq(keccak256(abi.encode(hub.limits())), keccak256(abi.encode(_limits())), "limits");
    }

    function test_clock__is_the_chains_time() external view {
        vm.assertEq(IERC6372(address(hub)).clock(), block.timestamp, "seconds");
        vm.assertEq(IERC6372(address(hub)).CLOCK_MODE(), "mode=timestamp", "and says so");
    }

    function test_task__submitted__is_found_by_its_spec_and_counted() external {
        TaskSpec memory spec = _spec();
        bytes32 specHash = hub.hashSpec(spec);
        vm.assertEq(hub.taskIdOf(specHash), 0, "nobody submitted it");
        vm.assertEq(hub.nextTask(), 0, "nothing waits");
        uint256 taskId = _submit(spec);
        vm.assertEq(hub.taskIdOf(specHash), taskId, "by its hash");
        vm.assertEq(hub.taskCount(), 1, "that there ever were");
        vm.assertEq(hub.queueLength(), 1, "that wait");
        vm.assertEq(hub.nextTask(), taskId, "the only one");
    }

    function test_round_and_rank__of_what_there_is_not__are_empty() external {
        _submit(_spec());
        vm.warp(vm.getBlockTimestamp() + 1_000);
        Round memory none;
        vm.assertEq(abi.encode(hub.round(999)), abi.encode(none), "no round");
        (int256 score, int256 base) = hub.rank(999);
        vm.assertEq(score, 0, "no score");
        vm.assertEq(base, 0, "no base");
    }

    /// @dev More tasks were cancelled than one call drops: it ends without a round, and the next one goes on.
    function test_queue__under_tombstones__opens_at_the_second_call() external {
        _enrichRequester();
        TaskSpec memory worst = _spec();
        worst.flops = 1_000_000;
        worst.trainSecs = 60;
        uint256 waits = _submit(worst);
        for (uint256 i; i < 9; ++i) {
            TaskSpec memory spec = _spec();
            uint256 taskId = _submit(spec);
            vm.prank(requester);
            hub.cancelTask(taskId, spec);
        }
        uint256[] memory keys = hub.queueKeys();
        vm.assertEq(keys.length, 10, "tombstones lie in the heap");
        vm.assertNotEq(DifficultyRanking.taskIdOf(keys[0]), waits, "one of them on top");
        vm.assertEq(hub.nextTask(), waits, "what would open lies below");
        vm.assertEq(hub.openRound(0), 0, "too many to drop in one call");
        uint256 roundId = hub.openRound(0);
        vm.assertEq(hub.round(roundId).taskId, waits, "then it opens");
        vm.assertEq(hub.queueKeys().length, 0, "and nothing is left");
        vm.expectRevert(QueueEmpty.selector);
        hub.openRound(1);
    }

    function test_queueClock__while_a_task_waits__advances_with_time() external {
        _submit(_spec());
        uint256 clock = hub.queueClock();
        vm.warp(block.timestamp + 100);
        vm.assertEq(
            hub.queueClock() - clock,
            100 * DifficultyRanking.rate(_limits().alpha, _limits().gamma, 1),
            "by its rate"
        );
    }

    function test_inbox__of_what_is_posted__is_a_chain_of_hashes() external {
        bytes32 head;
        for (uint256 i = 1; i <= 3; ++i) {
            bytes32 item = keccak256(abi.encode(i));
            vm.assertEq(hub.post(item), i, "its number");
            head = keccak256(abi.encode(head, address(this), item));
            vm.assertEq(hub.inbox().head, head, "bound to all before");
        }
        vm.assertEq(hub.inbox().posted, 3, "three");
        vm.assertEq(hub.inbox().carried, 0, "none of them in a block yet");
    }

    function test_operatorOf__whoever_named_one__is_whom_he_named() external {
        vm.prank(miners[0]);
        hub.setOperator(stranger);
        vm.assertEq(hub.operatorOf(miners[0]), stranger, "his");
        vm.assertEq(hub.operatorOf(miners[1]), address(0), "nobody's");
    }

    function test_committed__of_miners__is_a_mask_of_sixteen_at_most() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        address[] memory owners = new address[](3);
        (owners[0], owners[1], owners[2]) = (stranger, miners[0], miners[1]);
        vm.assertEq(hub.committed(roundId, owners), 2, "the second");
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, 17, 16));
        hub.committed(roundId, new address[](17));
    }

    function _enrichRequester() private {
        token.transfer(requester, 5_000e18);
        vm.prank(requester);
        hub.deposit(5_000e18);
    }
}
