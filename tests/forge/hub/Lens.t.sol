// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ILens} from "../../../contracts/interfaces/ILens.sol";
import {Rig} from "../attacks/Rig.sol";

/// @notice The lens says in one call what hub and committee say in many.
contract LensTest is Rig {
    uint256 private constant PAGE = 64;

    ILens private lens;

    function setUp() public override {
        super.setUp();
        lens = ILens(vm.deployCode("Lens.sol:Lens", abi.encode(hub)));
    }

    function test_lens__deployed__reads_the_hub_and_its_committee() external view {
        vm.assertEq(lens.hub(), address(hub), "the hub");
        vm.assertEq(lens.committee(), address(committee), "its committee");
    }

    /* ROUNDS */

    function test_round__to_its_end__is_what_hub_and_committee_say() external {
        uint256 roundId = _shown(_spec(), _scores(900, 800));
        _assertSame(roundId);
        _draw(roundId);
        _assertSame(roundId);
        _judge(roundId, _believing(roundId));
        _assertSame(roundId);
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(stranger);
        hub.appeal(roundId, spec);
        _assertSame(roundId);
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        _finalize(roundId);
        _assertSame(roundId);
    }

    /// @dev The second half of the phase is for the answer to a challenge.
    function test_round__in_appeal__says_until_when_votes_are_disputed() external {
        uint256 roundId = _drawn(_spec(), _scores(900));
        vm.assertEq(lens.round(roundId).appealUntil, 0, "nothing to dispute yet");
        _judge(roundId, _believing(roundId));
        ILens.RoundView memory found = lens.round(roundId);
        vm.assertEq(found.appealUntil, found.round.phaseEndsAt, "the end of the phase");
        vm.assertEq(found.challengeUntil, found.appealUntil - _timing().appealSecs / 2, "and its half");
    }

    /// @dev The first is scored far below his claim, the second a little; the third does not show his key.
    function test_judgedRound__of_open_votes__says_who_qualifies_and_who_wins() external {
        TaskSpec memory spec = _spec();
        uint256 roundId = _claimed(spec, _scores(900, 850, 800));
        _show(roundId, miners[0]);
        _show(roundId, miners[1]);
        _until(roundId, Phase.Seal);
        _draw(roundId);
        _judge(roundId, 700 | (840 << 40) | (SKIPPED << 80));
        (ILens.RoundView memory found, ILens.Judgement memory judgement) = lens.judgedRound(roundId, spec);
        (Outcome outcome, bytes32 winner, uint40 score) = hub.preview(roundId, spec);
        vm.assertEq(keccak256(abi.encode(found)), keccak256(abi.encode(lens.round(roundId))), "the round");
        vm.assertTrue(judgement.overclaimed[0] && !judgement.qualified[0], "claimed too much");
        vm.assertTrue(!judgement.overclaimed[1] && judgement.qualified[1], "within the tolerance");
        vm.assertTrue(!judgement.overclaimed[2] && !judgement.qualified[2], "not judged");
        vm.assertTrue(judgement.outcome == outcome && judgement.winner == winner, "as the hub previews");
        vm.assertEq(winner, hub.hashCommitment(commitments[roundId][miners[1]]), "the second");
        vm.assertEq(judgement.score, score, "his median");
    }

    function test_judgedRound__of_another_spec__reverts() external {
        uint256 roundId = _judged(_spec(), _scores(900));
        TaskSpec memory other = _specOf(roundId);
        ++other.tol;
        vm.expectRevert(
            abi.encodeWithSelector(ILens.SpecMismatch.selector, hub.hashSpec(other), hub.round(roundId).specHash)
        );
        lens.judgedRound(roundId, other);
    }

    /* TASKS */

    function test_task__waiting__has_parts_that_add_up_to_its_rank() external {
        uint256 taskId = _submit(_spec());
        vm.warp(block.timestamp + 500);
        ILens.TaskView memory found = lens.task(taskId);
        (int256 rank,) = hub.rank(taskId);
        vm.assertEq(keccak256(abi.encode(found.task)), keccak256(abi.encode(hub.task(taskId))), "the task");
        ILens.Score memory score = found.score;
        vm.assertEq(score.flops, int256(2 * uint256(found.factors.lgFlops)) << 24, "weight times logarithm");
        vm.assertEq(score.net, int256(uint256(found.factors.lgNet)) << 24, "likewise");
        vm.assertEq(score.data, int256(uint256(found.factors.lgData)) << 24, "likewise");
        vm.assertEq(score.fee, int256(4 * uint256(found.factors.lgFee)) << 24, "likewise");
        vm.assertEq(score.flops + score.net + score.data + score.fee + score.ageing, rank, "the rank");
        vm.assertEq(score.total, rank, "and the total");
        vm.assertGe(score.ageing, int256(500 * uint256(_limits().alpha)), "it aged");
    }

    function test_task__that_does_not_exist__has_no_score() external view {
        vm.assertEq(lens.task(1).score.total, 0, "nothing");
    }

    /// @dev A cancelled task stays in its place; parameters that changed in between weigh only what comes later.
    function test_queue__page_by_page__is_in_the_order_of_the_ranks() external {
        for (uint64 i = 1; i <= 5; ++i) {
            TaskSpec memory spec = _spec();
            spec.flops = 10_000_000 * (1 + (i * 3) % 5);
            if (i == 3) {
                Limits memory limits = _limits();
                limits.weightFlops = 9;
                hub.setParams(_timing(), _economy(), limits);
            }
            uint256 taskId = _submit(spec);
            if (i != 4) continue;
            vm.prank(requester);
            hub.cancelTask(taskId, spec);
        }
        uint256[3] memory sizes = [uint256(1), 2, PAGE];
        for (uint256 i; i < sizes.length; ++i) {
            _assertPages(sizes[i]);
        }
        (ILens.TaskView[] memory page, uint256 next) = lens.queue(0, 0);
        vm.assertTrue(page.length == 0 && next == 0, "an empty page");
    }

    function test_queue__with_a_page_too_long__reverts() external {
        vm.expectRevert(abi.encodeWithSelector(ILens.TooMany.selector, PAGE + 1, PAGE));
        lens.queue(0, PAGE + 1);
    }

    /* ACCOUNTS AND THE NETWORK */

    function test_account__of_a_miner_with_a_seat__has_all_that_is_his() external {
        vm.startPrank(miners[0]);
        hub.withdraw(5e18);
        hub.setOperator(stranger);
        uint32 seatId = committee.joinSeat();
        vm.stopPrank();
        uint256 roundId = _claimed(_spec(), _scores(900, 50));
        ILens.AccountView memory found = lens.account(miners[0], roundId);
        vm.assertEq(keccak256(abi.encode(found.account)), keccak256(abi.encode(hub.account(miners[0]))), "in the hub");
        vm.assertEq(found.operator, stranger, "who works for him");
        vm.assertEq(found.balance, 5e18, "outside it");
        vm.assertEq(found.allowance, token.allowance(miners[0], address(hub)), "what the hub may take");
        vm.assertTrue(found.seatCount == 1 && found.seats[0].seatId == seatId, "his seat");
        vm.assertEq(found.seats[0].seat.owner, miners[0], "which is his");
        vm.assertTrue(found.commit.sequence == 1 && found.commit.opened && found.commit.locked, "his claim");
        vm.assertEq(lens.account(miners[0], 0).commit.sequence, 0, "only where it is asked for");
    }

    function test_network__with_a_live_round__is_what_hub_and_token_say() external {
        uint256 roundId = _open();
        uint256 waiting = _submit(_spec());
        hub.post(keccak256("item"));
        ILens.NetworkView memory found = lens.network();
        vm.assertEq(found.head, hub.head(), "head");
        vm.assertEq(found.supply, token.totalSupply(), "supply");
        vm.assertTrue(found.tasks == 2 && found.rounds == 1 && found.waiting == 1, "tasks");
        vm.assertEq(found.nextTask, waiting, "what would open");
        vm.assertEq(found.seats, validators.length, "seats");
        vm.assertEq(found.inbox.posted, 1, "the inbox");
        vm.assertEq(found.slots.length, _economy().slots, "a slot each");
        vm.assertTrue(found.slots[0].roundId == roundId && found.slots[0].phase == Phase.Train, "the live one");
        vm.assertEq(found.slots[1].roundId, 0, "a free one");
    }

    /// @dev A round goes on in a slot that later parameters no longer have.
    function test_network__with_fewer_slots__shows_the_round_that_still_runs() external {
        for (uint8 slot; slot < 3; ++slot) {
            _open();
        }
        Economy memory economy = _economy();
        economy.slots = 1;
        hub.setParams(_timing(), economy, _limits());
        vm.assertEq(lens.network().slots.length, 3, "all that run");
        vm.assertEq(lens.network().slots[2].slot, 2, "also in the last");
    }

    /* PRIVATE */

    function _assertSame(uint256 roundId) private view {
        ILens.RoundView memory found = lens.round(roundId);
        bytes32 seen = keccak256(
            abi.encode(found.round, found.candidates, found.ballot, found.members, found.appeals)
        );
        bytes32 said = keccak256(
            abi.encode(
                hub.round(roundId),
                hub.candidates(roundId),
                committee.ballot(roundId),
                committee.members(roundId),
                hub.appealsOf(roundId)
            )
        );
        vm.assertEq(seen, said, "another round");
    }

    /// @dev Reads five tasks, page by page.
    function _assertPages(uint256 size) private view {
        uint256 below;
        uint256 seen;
        int256 least = type(int256).max;
        do {
            ILens.TaskView[] memory page;
            (page, below) = lens.queue(below, size);
            for (uint256 i; i < page.length; ++i) {
                (int256 rank,) = hub.rank(page[i].taskId);
                vm.assertEq(page[i].score.total, rank, "its rank");
                vm.assertLe(rank, least, "no better than the one before");
                least = rank;
                ++seen;
            }
        } while (below != 0);
        vm.assertEq(seen, 5, "each once");
    }
}
