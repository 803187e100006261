// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {Cheats} from "../Cheats.sol";
import {Rig} from "./Rig.sol";

/// @notice What each verb writes down: accounts, headers, appeals, what was burned. No attacker needs books that are wrong by
/// themselves.
contract BooksTest is Rig {
    uint256 private constant EMISSION_CAP = 100_000_000e18;
    uint256 private constant FEE = 100e18;
    uint256 private constant TIP = 0.02e18;
    uint96 private constant APPEAL_BOND = 3e18;

    /* ACCOUNTS */

    function test_unbond__after_its_time__moves_the_stake_into_credit() external {
        vm.startPrank(stranger);
        hub.requestUnbond(60e18);
        hub.requestUnbond(40e18);
        vm.assertEq(hub.account(stranger).unbonding, 100e18, "both requests");
        vm.warp(hub.account(stranger).unbondAt);
        hub.unbond();
        vm.stopPrank();
        Account memory account = hub.account(stranger);
        vm.assertEq(account.credit, CREDIT + 100e18, "credit");
        vm.assertEq(account.stake, STAKE - 100e18, "stake");
        vm.assertEq(account.unbonding, 0, "nothing is on its way any more");
        vm.assertEq(account.unbondAt, 0, "and nothing waits for a time");
    }

    function test_setOperator__named__commits_for_the_owner_until_another_is() external {
        uint256 roundId = _open();
        ModelCommitment memory commitment = _model(roundId, miners[0]);
        bytes32 announced = _announced(commitment);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, stranger));
        _send(commitment, announced);
        vm.prank(miners[0]);
        hub.setOperator(stranger);
        vm.assertEq(hub.operatorOf(miners[0]), stranger, "named");
        vm.prank(stranger);
        _send(commitment, announced);
        vm.assertEq(hub.account(miners[0]).locked, MINER_UNIT, "the owner's stake is behind it");
        vm.startPrank(miners[0]);
        vm.expectRevert(abi.encodeWithSelector(SameOperator.selector, stranger));
        hub.setOperator(stranger);
        vm.expectRevert(abi.encodeWithSelector(SameOperator.selector, miners[0]));
        hub.setOperator(miners[0]);
        hub.setOperator(address(0));
        vm.stopPrank();
        vm.assertEq(hub.operatorOf(miners[0]), address(0), "taken back");
    }

    /* BLOCKS */

    function test_I36_genesis__header__is_empty_but_for_version_and_time() external view {
        BlockHeader memory genesis;
        genesis.version = 1;
        genesis.timestamp = 1;
        vm.assertEq(hub.head(), hub.hashHeader(genesis), "the head");
        vm.assertEq(hub.height(), 0, "the height");
    }

    function test_I34_I35_I36_header__of_each_block__says_what_it_stands_on() external {
        for (uint64 height = 1; height < 3; ++height) {
            uint256 roundId = _judged(_spec(), _scores(900, 800));
            bytes32 parent = hub.head();
            uint128 score = hub.chainScore();
            uint256 emitted = hub.emitted();
            vm.recordLogs();
            _finalize(roundId);
            BlockHeader memory header = _appended();
            ModelCommitment memory winner = commitments[roundId][miners[0]];
            (, int256 base) = hub.rank(hub.round(roundId).taskId);
            vm.assertEq(header.version, 1, "version");
            vm.assertEq(header.height, height, "height");
            vm.assertEq(header.parent, parent, "parent");
            vm.assertEq(header.anchor, winner.anchor, "anchor");
            vm.assertEq(header.roundId, roundId, "round");
            vm.assertEq(header.specHash, winner.specHash, "spec");
            vm.assertEq(header.commitment, hub.hashCommitment(winner), "commitment");
            vm.assertEq(header.modelHash, winner.modelHash, "model");
            vm.assertEq(header.score, 900, "score");
            vm.assertEq(header.scoreMax, SCORE_MAX, "greatest score");
            vm.assertTrue(header.voteRoot != 0, "votes");
            vm.assertEq(header.miner, miners[0], "miner");
            vm.assertEq(header.payloadRoot, 0, "no payload");
            vm.assertEq(header.emission, hub.emitted() - emitted, "emission");
            vm.assertEq(header.chainScore, uint256(score) + uint256(base), "chain score");
            vm.assertEq(header.timestamp, block.timestamp, "time");
            vm.assertEq(hub.hashHeader(header), hub.head(), "the head is its hash");
            vm.assertEq(hub.height(), height, "height of the chain");
            vm.assertEq(hub.chainScore(), header.chainScore, "score of the chain");
        }
    }

    /// @dev A task without any difficulty still makes the chain longer by one.
    function test_I36_chain_score__of_a_task_without_weight__rises_by_one() external {
        Limits memory limits = _limits();
        (limits.weightFlops, limits.weightNet, limits.weightData, limits.weightFee) = (0, 0, 0, 0);
        hub.setParams(_timing(), _economy(), limits);
        _finalize(_judged(_spec(), _scores(900, 800)));
        vm.assertEq(hub.chainScore(), 1, "one");
    }

    /// @dev The schedule goes by the time since the genesis block: at the deployment's second 1, the halving is at 1 and a period.
    function test_I04_emission__at_the_halving__is_halved_from_that_second_on() external {
        Economy memory economy = _economy();
        (economy.initialEmission, economy.halvingSecs) = (1e18, 2_000_000);
        hub.setParams(_timing(), economy, _limits());
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        _until(roundId, Phase.Tally);
        uint256 snapshot = vm.snapshotState();
        vm.warp(2_000_000);
        _finalize(roundId);
        vm.assertEq(hub.emitted(), 1e18, "the second before");
        vm.revertToState(snapshot);
        vm.warp(2_000_001);
        _finalize(roundId);
        vm.assertEq(hub.emitted(), 0.5e18, "the second of the halving");
    }

    function test_I03_emission__one_unit_below_the_cap__is_that_unit() external {
        // the ledger's sums before the first block: nothing but the genesis' time, 1, in the highest 40 bits
        uint256 slot;
        while (uint256(vm.load(address(hub), bytes32(slot))) != 1 << 216) ++slot;
        vm.store(address(hub), bytes32(slot), bytes32((uint256(1) << 216) | ((EMISSION_CAP - 1) << 128)));
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        uint256 supply = token.totalSupply();
        _finalize(roundId);
        vm.assertEq(hub.emitted(), EMISSION_CAP, "all that there ever is");
        vm.assertEq(supply - token.totalSupply(), (FEE - 3 * TIP) / 10 - 1, "one unit was minted");
    }

    /* APPEALS */

    function test_appeal__of_another_spec__is_refused() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        TaskSpec memory other = _specOf(roundId);
        other.fee -= 1;
        vm.prank(stranger);
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.appeal(roundId, other);
    }

    function test_appeal__is_kept__with_what_it_is_against() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(stranger);
        hub.appeal(roundId, spec);
        AppealCase[] memory cases = hub.appealsOf(roundId);
        vm.assertEq(cases.length, 1, "one appeal");
        vm.assertEq(cases[0].appellant, stranger, "appellant");
        vm.assertEq(cases[0].bond, APPEAL_BOND, "bond");
        vm.assertTrue(cases[0].outcome == Outcome.Block, "what was decided");
        vm.assertEq(cases[0].winner, hub.hashCommitment(commitments[roundId][miners[0]]), "and for whom");
        vm.assertEq(hub.round(roundId).epoch, 1, "another epoch");
        vm.assertEq(hub.round(roundId).appeals, 1, "by appeal");
    }

    /// @dev One of three did not vote: the other two are paid, his hundredth of a seat is burned there and then.
    function test_appeal__of_an_epoch_with_an_absent_validator__burns_what_he_loses() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        address absent = committee.members(roundId)[2].owner;
        _judge(roundId, _words(_believing(roundId), _believing(roundId)));
        _until(roundId, Phase.Appeal);
        TaskSpec memory spec = _specOf(roundId);
        uint256 supply = token.totalSupply();
        vm.prank(stranger);
        hub.appeal(roundId, spec);
        vm.assertEq(_wealth(absent), CREDIT + STAKE - SEAT_UNIT / 100, "a hundredth of a seat");
        vm.assertEq(supply - token.totalSupply(), SEAT_UNIT / 100, "burned");
    }

    /// @dev There are three epochs: in the last one nobody appeals.
    function test_appeal__in_the_last_epoch__reverts() external {
        uint256 roundId = _shown(_spec(), _scores(900, 800));
        for (uint256 epoch; epoch < 2; ++epoch) {
            _draw(roundId);
            _judge(roundId, new uint256[](0));
            _finalize(roundId);
        }
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NoAppealLeft.selector, 2, 0));
        hub.appeal(roundId, spec);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "the last word");
    }

    /// @dev Who voted is paid at once, half of the validators' share, whatever the next committee says.
    function test_appeal__pays_those_who_judged__half_of_their_share() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        ICommittee.Member[] memory members = committee.members(roundId);
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(miners[7]);
        hub.appeal(roundId, spec);
        // seven tips at most are kept apart
        uint256 each = (FEE - 7 * TIP) / 10 / 2 / 3;
        for (uint256 pos; pos < 3; ++pos) {
            vm.assertEq(_credit(members[pos].owner), CREDIT + each, "a third of it");
        }
        vm.assertEq(hub.round(roundId).advanced, 3 * each, "advanced of the fee");
    }

    /* WHAT A SILENT VALIDATOR LOSES WHEN AN EPOCH ENDS */

    /// @dev The epoch ends because an over-claimer held a place that another deserved; one of the judges was challenged, and silent.
    function test_excluded_epoch__with_a_silent_validator__burns_his_share_but_for_a_tenth() external {
        uint40[] memory scores = new uint40[](7);
        for (uint256 i; i < 6; ++i) {
            scores[i] = SCORE_MAX;
        }
        scores[6] = 605;
        uint256 roundId = _drawn(_spec(), scores);
        uint256 word;
        for (uint256 i; i < 6; ++i) {
            word |= 500 << (40 * i);
        }
        _judge(roundId, word);
        ICommittee.Member[] memory members = committee.members(roundId);
        vm.prank(miners[7]);
        hub.challengeVote(roundId, 1);
        vm.assertEq(_credit(miners[7]), CREDIT - APPEAL_BOND / 3, "the challenge has its bond");
        uint256 supply = token.totalSupply();
        vm.assertTrue(_finalize(roundId) == Outcome.None, "another epoch");
        uint256 each = (FEE - 7 * TIP) / 10 / 2 / 3;
        vm.assertEq(supply - token.totalSupply(), 6 * MINER_UNIT + each - each / 10, "locks, and the silent one's share");
        vm.assertEq(_credit(members[0].owner), CREDIT + each, "who judged is paid");
        vm.assertEq(_credit(members[1].owner), CREDIT, "who is silent is not");
        vm.assertEq(_credit(miners[7]), CREDIT + each / 10, "the challenger has a tenth, and his bond back");
    }

    /// @dev What the events say is what readers have: the emission is named where there is one, and nothing is paid in nothings.
    function test_paid__at_the_end_of_a_round__names_each_amount_once() external {
        for (uint256 claims = 1; claims <= 4; ++claims) {
            uint40[] memory scores = new uint40[](claims);
            for (uint256 i; i < claims; ++i) {
                scores[i] = uint40(900 - i);
            }
            uint256 roundId = _drawn(_spec(), scores);
            // the last is the task's fault: then there is no bond to give back
            _judge(roundId, _believing(roundId) | (claims == 4 ? MISDECLARED : 0));
            uint256 before = hub.emitted();
            vm.recordLogs();
            vm.assertTrue(_finalize(roundId) == (claims == 4 ? Outcome.TaskFault : Outcome.Block), "its end");
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            uint256 named;
            for (uint256 i; i < logs.length; ++i) {
                if (logs[i].topics[0] != Paid.selector) continue;
                (Payment kind, uint256 amount) = abi.decode(logs[i].data, (Payment, uint256));
                vm.assertGt(amount, 0, "nothing is paid");
                if (kind == Payment.Emission) named += amount;
            }
            vm.assertEq(named, hub.emitted() - before, "the emission");
            _release(roundId);
        }
    }

    function test_modelClaimed__says_whether_the_claim_is_on_the_list() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        _commit(roundId, miners[1]);
        _revealKey(roundId);
        vm.recordLogs();
        _claim(roundId, miners[0], 900);
        _claim(roundId, miners[1], MIN_SCORE - 1);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        uint256 seen;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != ModelClaimed.selector) continue;
            (,, bool listed,) = abi.decode(logs[i].data, (uint24, uint40, bool, ModelCommitment));
            vm.assertEq(listed, seen++ == 0, "below the minimum there is no place");
        }
        vm.assertEq(seen, 2, "two claims");
    }

    function test_preview__of_another_spec__reverts() external {
        uint256 roundId = _judged(_spec(), _scores(900));
        TaskSpec memory spec = _specOf(roundId);
        ++spec.minScore;
        vm.expectPartialRevert(SpecMismatch.selector);
        hub.preview(roundId, spec);
    }

    /* PRIVATE */

    function _send(ModelCommitment memory commitment, bytes32 announced) private {
        hub.commitModel(
            commitment.roundId,
            commitment.miner,
            announced,
            commitment.artifact,
            commitment.artifactBytes,
            commitment.anchor,
            commitment.specHash
        );
    }
}
