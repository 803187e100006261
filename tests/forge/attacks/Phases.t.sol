// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDLBC} from "../../../contracts/interfaces/IDLBC.sol";
import {Rig} from "./Rig.sol";

/// @notice Every call of a round in every phase of a round, at the first and the last second of each: it goes through where it
/// belongs, and says WrongPhase anywhere else. What reverts changes nothing.
/// @dev Each call is made so that only its phase can be wrong: the miner who is to commit has stake and has not committed, and so on.
contract PhasesTest is Rig {
    enum Verb {
        CommitModel,
        RevealKey,
        ClaimModel,
        Enlist,
        ShowKey,
        ShowTrajectory,
        Draw,
        CommitVote,
        RevealVote,
        Appeal,
        ChallengeVote,
        OpenLeaf,
        Finalize,
        ReleaseLocks,
        ClaimCompensation
    }

    string[16] private NAMES = [
        "None",
        "Settle",
        "Train",
        "Guard",
        "Key",
        "Claim",
        "Enlist",
        "Show",
        "Seal",
        "Draw",
        "Prove",
        "VoteCommit",
        "VoteReveal",
        "Appeal",
        "Tally",
        "Final"
    ];

    uint256 private seen; // phases, as a mask

    function test_I17_every_call__in_every_phase__goes_through_only_in_its_own() external {
        // six who claim too much, an honest one outside, one who never claims, and all have to prove their training: all phases
        // there are, in two epochs
        TaskSpec memory spec = _spec();
        (spec.modes, spec.proveSecs) = (1, 135);
        _submit(spec);
        uint256 roundId = hub.openRound(0);
        _check(roundId, Phase.Settle);
        _until(roundId, Phase.Train);
        for (uint256 i; i < 8; ++i) {
            _commit(roundId, miners[i]);
        }
        _check(roundId, Phase.Train);
        _until(roundId, Phase.Guard);
        _check(roundId, Phase.Guard);
        _until(roundId, Phase.Key);
        _check(roundId, Phase.Key);
        _revealKey(roundId);
        for (uint256 i; i < 6; ++i) {
            _claim(roundId, miners[i], SCORE_MAX);
        }
        _claim(roundId, miners[6], 605);
        _check(roundId, Phase.Claim);
        _until(roundId, Phase.Show);
        for (uint256 i = 1; i < 6; ++i) {
            _show(roundId, miners[i]);
        }
        _check(roundId, Phase.Show);
        _until(roundId, Phase.Seal);
        _judgeAndCheck(roundId, 500 * (1 + (1 << 40) + (1 << 80) + (1 << 120) + (1 << 160) + (1 << 200)));
        _finalize(roundId);
        vm.assertEq(hub.round(roundId).epoch, 1, "the second epoch");
        _check(roundId, Phase.Enlist);
        hub.enlist(roundId, miners[6]);
        _check(roundId, Phase.Show);
        _show(roundId, miners[6]);
        _judgeAndCheck(roundId, 605);
        _finalize(roundId);
        _check(roundId, Phase.Final);
        vm.warp(block.timestamp + 365 days);
        _check(roundId, Phase.Final);
        // all but None, which has its own test
        vm.assertEq(seen, 0xfffe, "every phase was seen");
    }

    function test_every_call__for_a_round_that_is_none__is_refused() external {
        uint256 roundId = _open();
        _commit(roundId, miners[0]);
        _refuseAll(0);
        _refuseAll(roundId + 1);
        _refuseAll(type(uint256).max);
    }

    /// @dev Where a phase ended early because nobody was left to wait for, what belongs to it is refused as well.
    function test_phases__that_end_early__are_over() external {
        uint256 roundId = _claimed(_spec(), _scores(900, 800));
        vm.assertTrue(_phase(roundId) == Phase.Show, "all have claimed");
        _show(roundId, miners[0]);
        _show(roundId, miners[1]);
        vm.assertTrue(_phase(roundId) == Phase.Seal, "all have shown");
        _draw(roundId);
        for (uint8 pos; pos < 3; ++pos) {
            _commitVote(_vote(roundId, pos, _believing(roundId)));
        }
        vm.assertTrue(_phase(roundId) == Phase.VoteReveal, "all have voted");
        for (uint8 pos; pos < 3; ++pos) {
            committee.revealVote(votes[roundId][pos]);
        }
        vm.assertTrue(_phase(roundId) == Phase.Appeal, "all have revealed");
        ICommittee.Vote memory vote = votes[roundId][0];
        vm.expectPartialRevert(ICommittee.WrongPhase.selector);
        committee.revealVote(vote);
    }

    /// @dev The other half of the phase is for the answer.
    /// @dev Without a judgement there is nothing to dispute: the next epoch can begin at once.
    function test_phase__after_too_few_votes__is_Tally_without_an_appeal() external {
        uint256 roundId = _drawn(_spec(), _scores(900, 800));
        _judge(roundId, new uint256[](0));
        (, uint40 endsAt) = hub.phase(roundId);
        vm.warp(endsAt);
        vm.assertTrue(_phase(roundId) == Phase.Tally, "nothing but finalize is left");
    }

    function test_challengeVote__in_the_second_half_of_the_phase__reverts() external {
        uint256 roundId = _judged(_spec(), _scores(900));
        (, uint40 end) = hub.phase(roundId);
        vm.warp(end - 51);
        uint256 snapshot = vm.snapshotState();
        hub_challenge(roundId);
        vm.revertToState(snapshot);
        vm.warp(end - 50);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(WrongPhase.selector, Phase.Appeal));
        hub.challengeVote(roundId, 0);
    }

    /* PRIVATE */

    function hub_challenge(uint256 roundId) private {
        vm.prank(stranger);
        hub.challengeVote(roundId, 0);
    }

    /// @dev From Seal to Tally: two of three vote.
    function _judgeAndCheck(uint256 roundId, uint256 word) private {
        _check(roundId, Phase.Seal);
        committee.draw(roundId);
        _check(roundId, Phase.Draw);
        vm.roll(block.number + 3);
        _check(roundId, Phase.Draw);
        committee.draw(roundId);
        _check(roundId, Phase.Prove);
        _until(roundId, Phase.VoteCommit);
        _commitVote(_vote(roundId, 0, word));
        _commitVote(_vote(roundId, 1, word));
        _check(roundId, Phase.VoteCommit);
        _until(roundId, Phase.VoteReveal);
        _check(roundId, Phase.VoteReveal);
        committee.revealVote(votes[roundId][0]);
        committee.revealVote(votes[roundId][1]);
        _until(roundId, Phase.Appeal);
        _check(roundId, Phase.Appeal);
        _until(roundId, Phase.Tally);
        _check(roundId, Phase.Tally);
    }

    function _check(uint256 roundId, Phase expected) private {
        (Phase phase, uint40 endsAt) = hub.phase(roundId);
        vm.assertTrue(phase == expected, string.concat("it is ", NAMES[uint256(phase)]));
        seen |= 1 << uint256(phase);
        _checkNow(roundId, phase, true);
        if (endsAt == 0) return;
        uint256 now_ = vm.getBlockTimestamp();
        vm.warp(endsAt - 1);
        _checkNow(roundId, phase, false);
        vm.warp(endsAt);
        vm.assertTrue(_phase(roundId) != phase, "and then it is over");
        vm.warp(now_);
    }

    function _checkNow(uint256 roundId, Phase phase, bool begun) private {
        for (uint256 i; i <= uint256(type(Verb).max); ++i) {
            Verb verb = Verb(i);
            uint256 snapshot = vm.snapshotState();
            (bool done, bytes memory answer) = _send(roundId, verb);
            vm.revertToState(snapshot);
            string memory where = string.concat("call ", vm.toString(i), " in ", NAMES[uint256(phase)]);
            if (_belongs(verb, phase)) {
                // the last second is too late for a challenge, and a seed's block may not have come
                bool mayWait = (verb == Verb.ChallengeVote && !begun) || (verb == Verb.Draw && phase == Phase.Draw);
                vm.assertTrue(done || mayWait || _found(verb, answer), where);
            } else {
                vm.assertFalse(done, where);
                bytes4 expected = verb < Verb.ReleaseLocks ? WrongPhase.selector : NotFinal.selector;
                vm.assertEq(bytes32(_selector(answer)), bytes32(expected), where);
                if (expected == WrongPhase.selector) {
                    vm.assertEq(answer, abi.encodeWithSelector(expected, phase), where);
                }
            }
        }
    }

    function _belongs(Verb verb, Phase phase) private pure returns (bool) {
        if (verb == Verb.CommitModel) return phase == Phase.Train;
        if (verb == Verb.RevealKey) return phase == Phase.Key;
        if (verb == Verb.ClaimModel) return phase == Phase.Claim;
        if (verb == Verb.Enlist) return phase == Phase.Enlist;
        if (verb == Verb.ShowKey) return phase == Phase.Show;
        if (verb == Verb.ShowTrajectory) return phase == Phase.Prove;
        if (verb == Verb.Draw) return phase == Phase.Seal || phase == Phase.Draw;
        if (verb == Verb.CommitVote) return phase == Phase.VoteCommit;
        if (verb == Verb.RevealVote) return phase == Phase.VoteReveal;
        if (verb == Verb.Finalize) return phase == Phase.Tally;
        if (verb == Verb.ReleaseLocks || verb == Verb.ClaimCompensation) return phase == Phase.Final;
        return phase == Phase.Appeal;
    }

    /// @dev Calls that get past the phase here and find what they need is not there.
    function _found(Verb verb, bytes memory answer) private pure returns (bool) {
        bytes4 error_ = _selector(answer);
        if (verb == Verb.OpenLeaf) return error_ == ICommittee.NotChallenged.selector;
        return verb == Verb.ClaimCompensation && error_ == NothingToCollect.selector;
    }

    function _refuseAll(uint256 roundId) private {
        for (uint256 i; i <= uint256(type(Verb).max); ++i) {
            uint256 snapshot = vm.snapshotState();
            (bool done, bytes memory answer) = _send(roundId, Verb(i));
            vm.revertToState(snapshot);
            bytes4 expected = Verb(i) < Verb.ReleaseLocks ? WrongPhase.selector : NotFinal.selector;
            vm.assertFalse(done, vm.toString(i));
            vm.assertEq(bytes32(_selector(answer)), bytes32(expected), vm.toString(i));
        }
    }

    /// @dev Each by somebody who may.
    function _send(uint256 roundId, Verb verb) private returns (bool, bytes memory) {
        bytes memory data = _call(roundId, verb);
        bool ofCommittee =
            verb == Verb.Draw || verb == Verb.CommitVote || verb == Verb.RevealVote || verb == Verb.OpenLeaf;
        address sender = stranger;
        if (verb == Verb.CommitVote) {
            ICommittee.Member[] memory members = committee.members(roundId);
            if (members.length != 0) sender = members[2].owner;
        }
        if (verb == Verb.ShowTrajectory) sender = _prover(roundId);
        if (verb == Verb.ClaimCompensation) sender = miners[0];
        vm.prank(sender);
        return (ofCommittee ? address(committee) : address(hub)).call(data);
    }

    function _call(uint256 roundId, Verb verb) private returns (bytes memory) {
        TaskSpec memory spec = _specOf(roundId);
        if (verb == Verb.CommitModel) {
            ModelCommitment memory mine = _model(roundId, stranger);
            return abi.encodeCall(
                IDLBC.commitModel,
                (roundId, stranger, _announced(mine), mine.artifact, mine.artifactBytes, mine.anchor, mine.specHash)
            );
        }
        if (verb == Verb.RevealKey) return abi.encodeCall(IDLBC.revealKey, (roundId, spec, TEST_KEY));
        if (verb == Verb.ClaimModel) {
            ModelCommitment memory late = commitments[roundId][miners[7]];
            late.roundId = roundId;
            bytes memory signature = _signed(miners[7], _digest(late, 700));
            return abi.encodeCall(IDLBC.claimModel, (late, 700, spec, 0, signature));
        }
        if (verb == Verb.Enlist) return abi.encodeCall(IDLBC.enlist, (roundId, miners[6]));
        if (verb == Verb.ShowKey) {
            address miner = hub.round(roundId).epoch == 0 ? miners[0] : miners[6];
            ModelCommitment memory commitment = commitments[roundId][miner];
            commitment.roundId = roundId;
            return abi.encodeCall(IDLBC.showKey, (commitment, _modelKey(roundId, miner)));
        }
        if (verb == Verb.ShowTrajectory) {
            return abi.encodeCall(IDLBC.showTrajectory, (roundId, _prover(roundId), keccak256("states"), 1_000));
        }
        if (verb == Verb.Draw) return abi.encodeCall(ICommittee.draw, (roundId));
        if (verb == Verb.CommitVote) return abi.encodeCall(ICommittee.commitVote, (roundId, 2, keccak256("vote")));
        ICommittee.Vote memory vote = votes[roundId][0];
        vote.roundId = roundId;
        if (verb == Verb.RevealVote) return abi.encodeCall(ICommittee.revealVote, (vote));
        if (verb == Verb.Appeal) return abi.encodeCall(IDLBC.appeal, (roundId, spec));
        if (verb == Verb.ChallengeVote) return abi.encodeCall(IDLBC.challengeVote, (roundId, 0));
        if (verb == Verb.OpenLeaf) {
            return abi.encodeCall(ICommittee.openLeaf, (vote, spec, ICommittee.Leaf(0, 0, 0), new bytes32[](0)));
        }
        if (verb == Verb.Finalize) {
            return abi.encodeCall(IDLBC.finalize, (roundId, spec, _winnerOf(roundId, spec), 0));
        }
        if (verb == Verb.ReleaseLocks) return abi.encodeCall(IDLBC.releaseLocks, (roundId, _one(miners[7])));
        return abi.encodeCall(IDLBC.claimCompensation, (roundId));
    }

    /// @dev One who has shown his key.
    function _prover(uint256 roundId) private view returns (address) {
        return miners[hub.round(roundId).epoch == 0 ? 1 : 6];
    }

    function _one(address account) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = account;
    }
}
