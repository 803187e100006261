// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {Cheats} from "../Cheats.sol";
import {Deployed} from "../hub/Deployed.sol";

/// @title One round, played step by step: a test tells only what is special in it
/// @notice Every actor has 1,000 tokens of credit and 500 of stake; seven validators have a seat each. A commitment and a spec are
/// kept here as their owners would keep them.
abstract contract Rig is Deployed, IDLBCTypes {
    uint256 internal constant CREDIT = 1_000e18;
    uint256 internal constant STAKE = 500e18;
    uint40 internal constant SCORE_MAX = 1_000;
    uint40 internal constant MIN_SCORE = 100;
    uint32 internal constant TOL = 10;
    uint256 internal constant SKIPPED = (1 << 40) - 1;
    uint256 internal constant UNAVAILABLE = 1 << 35;
    uint256 internal constant INVALID = 1 << 36;
    uint256 internal constant LINEAGE = 1 << 37;
    uint256 internal constant MARK = 1 << 38;
    uint256 internal constant MISDECLARED = 1 << 242;
    uint256 internal constant MINER_UNIT = 10e18;
    uint256 internal constant SEAT_UNIT = 50e18;
    bytes32 internal constant TEST_KEY = keccak256("test key");

    address internal requester;
    address internal stranger;
    address[8] internal miners;
    address[7] internal validators;
    address[] internal everybody;
    mapping(address owner => uint256) internal keys;

    uint256 internal nonce;
    mapping(bytes32 specHash => TaskSpec) private _specs;
    mapping(uint256 roundId => mapping(address miner => ModelCommitment)) internal commitments;
    mapping(uint256 roundId => mapping(uint256 pos => ICommittee.Vote)) internal votes;

    function setUp() public virtual {
        _deploy(_timing(), _economy(), _limits());
        requester = _newcomer("requester");
        stranger = _newcomer("stranger");
        for (uint256 i; i < miners.length; ++i) {
            miners[i] = _newcomer(string.concat("miner", vm.toString(i)));
        }
        for (uint256 i; i < validators.length; ++i) {
            validators[i] = _newcomer(string.concat("validator", vm.toString(i)));
            vm.prank(validators[i]);
            committee.joinSeat();
        }
        vm.roll(1_000);
        vm.warp(1_000_000);
    }

    /* WHO */

    function _newcomer(string memory name) internal returns (address account) {
        uint256 key;
        (account, key) = actor(name);
        keys[account] = key;
        _fund(account);
    }

    function _fund(address account) internal {
        token.transfer(account, CREDIT + STAKE);
        vm.startPrank(account);
        token.approve(address(hub), type(uint256).max);
        hub.deposit(CREDIT + STAKE);
        hub.stake(STAKE);
        vm.stopPrank();
        everybody.push(account);
    }

    function _credit(address account) internal view returns (uint256) {
        return hub.account(account).credit;
    }

    /// @dev Credit and stake: what somebody owns in the hub.
    function _wealth(address account) internal view returns (uint256) {
        return hub.account(account).credit + hub.account(account).stake;
    }

    /// @dev I01, as an equality: what everybody owns is all that the hub holds, as long as nothing waits or runs.
    function _assertConserved(uint256 besides) internal view {
        uint256 owed = besides;
        for (uint256 i; i < everybody.length; ++i) {
            owed += _wealth(everybody[i]);
        }
        owed += _wealth(address(this));
        vm.assertEq(token.balanceOf(address(hub)), owed, "I01: the hub holds what it owes");
    }

    /* WHEN */

    function _phase(uint256 roundId) internal view returns (Phase phase) {
        (phase,) = hub.phase(roundId);
    }

    /// @dev Lets the clock end one phase after the other.
    function _until(uint256 roundId, Phase wanted) internal {
        for (uint256 i; i < 16; ++i) {
            (Phase phase, uint40 endsAt) = hub.phase(roundId);
            if (phase == wanted) return;
            vm.assertTrue(endsAt != 0, string.concat("the clock ends no phase ", vm.toString(uint256(phase))));
            vm.warp(endsAt);
        }
        vm.assertTrue(false, "the phase never comes");
    }

    /* WHAT THE REQUESTER DOES */

    function _spec() internal returns (TaskSpec memory spec) {
        spec.requester = requester;
        spec.manifest = keccak256("manifest");
        spec.keyHash = keccak256(abi.encode(TEST_KEY));
        spec.flops = 50_000_000;
        spec.netBytes = 400_000;
        spec.dataBytes = 10_000_000;
        spec.scoreMax = SCORE_MAX;
        spec.minScore = MIN_SCORE;
        spec.tol = TOL;
        spec.trainSecs = 600;
        spec.fee = 100e18;
        spec.bond = 60e18;
        spec.nonce = ++nonce;
    }

    function _submit(TaskSpec memory spec) internal returns (uint256 taskId) {
        _specs[hub.hashSpec(spec)] = spec;
        vm.prank(spec.requester);
        taskId = hub.submitTask(spec);
    }

    /// @dev A round in training, in the first free slot.
    function _open(TaskSpec memory spec) internal returns (uint256 roundId) {
        _submit(spec);
        uint8 slot;
        while (hub.roundInSlot(slot) != 0) ++slot;
        vm.prank(stranger);
        roundId = hub.openRound(slot);
        _until(roundId, Phase.Train);
    }

    function _open() internal returns (uint256 roundId) {
        return _open(_spec());
    }

    function _specOf(uint256 roundId) internal view returns (TaskSpec memory) {
        return _specs[hub.round(roundId).specHash];
    }

    function _revealKey(uint256 roundId) internal {
        _until(roundId, Phase.Key);
        hub.revealKey(roundId, _specOf(roundId), TEST_KEY);
    }

    /* WHAT MINERS DO */

    function _modelKey(uint256 roundId, address miner) internal pure returns (bytes32) {
        return keccak256(abi.encode("model key", roundId, miner));
    }

    function _model(uint256 roundId, address miner) internal view returns (ModelCommitment memory commitment) {
        Round memory round = hub.round(roundId);
        commitment.roundId = roundId;
        commitment.anchor = round.anchor;
        commitment.specHash = round.specHash;
        commitment.modelHash = keccak256(abi.encode("model", miner));
        commitment.artifact = keccak256(abi.encode("artifact", miner));
        commitment.artifactBytes = 400_084;
        commitment.keyHash = keccak256(abi.encode(_modelKey(roundId, miner)));
        commitment.watermark = keccak256("watermark");
        commitment.miner = miner;
        commitment.salt = keccak256(abi.encode("salt", roundId, miner));
    }

    function _announced(ModelCommitment memory commitment) internal view returns (bytes32) {
        return keccak256(abi.encode(hub.hashCommitment(commitment), commitment.artifact, commitment.artifactBytes));
    }

    function _commit(ModelCommitment memory commitment) internal {
        commitments[commitment.roundId][commitment.miner] = commitment;
        bytes32 announced = _announced(commitment);
        vm.prank(commitment.miner);
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

    function _commit(uint256 roundId, address miner) internal {
        _commit(_model(roundId, miner));
    }

    function _digest(ModelCommitment memory commitment, uint40 score) internal view returns (bytes32) {
        return hub.hashClaim(ModelClaim(commitment, score));
    }

    function _signed(address signer, bytes32 digest) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[signer], digest);
        return abi.encodePacked(r, s, v);
    }

    function _claim(uint256 roundId, address miner, uint40 score) internal {
        ModelCommitment memory commitment = commitments[roundId][miner];
        bytes memory signature = _signed(miner, _digest(commitment, score));
        hub.claimModel(commitment, score, _specOf(roundId), 0, signature);
    }

    function _show(uint256 roundId, address miner) internal {
        hub.showKey(commitments[roundId][miner], _modelKey(roundId, miner));
    }

    /// @dev A round in which the first miners claimed these scores, in the order of their commits.
    function _claimed(TaskSpec memory spec, uint40[] memory scores) internal returns (uint256 roundId) {
        roundId = _open(spec);
        for (uint256 i; i < scores.length; ++i) {
            _commit(roundId, miners[i]);
        }
        _revealKey(roundId);
        for (uint256 i; i < scores.length; ++i) {
            _claim(roundId, miners[i], scores[i]);
        }
    }

    function _shown(TaskSpec memory spec, uint40[] memory scores) internal returns (uint256 roundId) {
        roundId = _claimed(spec, scores);
        _showAll(roundId);
    }

    function _showAll(uint256 roundId) internal {
        Candidate[] memory list = hub.candidates(roundId);
        for (uint256 i; i < list.length; ++i) {
            if (!list[i].shown) _show(roundId, list[i].miner);
        }
    }

    /* WHAT THE COMMITTEE DOES */

    function _draw(uint256 roundId) internal {
        committee.draw(roundId);
        vm.roll(block.number + 3);
        committee.draw(roundId);
    }

    function _drawn(TaskSpec memory spec, uint40[] memory scores) internal returns (uint256 roundId) {
        roundId = _shown(spec, scores);
        _draw(roundId);
    }

    /// @dev These fields, candidate by candidate.
    function _word(uint256[] memory fields) internal pure returns (uint256 word) {
        for (uint256 i; i < fields.length; ++i) {
            word |= fields[i] << (40 * i);
        }
    }

    /// @dev What everybody claimed.
    function _believing(uint256 roundId) internal view returns (uint256 word) {
        Candidate[] memory list = hub.candidates(roundId);
        for (uint256 i; i < list.length; ++i) {
            word |= uint256(list[i].score) << (40 * i);
        }
    }

    function _vote(uint256 roundId, uint8 pos, uint256 word) internal view returns (ICommittee.Vote memory) {
        return ICommittee.Vote({
            roundId: roundId,
            epoch: hub.round(roundId).epoch,
            pos: pos,
            validator: committee.members(roundId)[pos].owner,
            word: word,
            evalRoot: keccak256(abi.encode("root", roundId, pos)),
            salt: keccak256(abi.encode("vote", roundId, pos))
        });
    }

    function _commitVote(ICommittee.Vote memory vote) internal {
        votes[vote.roundId][vote.pos] = vote;
        bytes32 hash = committee.hashVote(vote);
        vm.prank(vote.validator);
        committee.commitVote(vote.roundId, vote.pos, hash);
    }

    /// @dev One word for each position; who has none is absent.
    function _judge(uint256 roundId, uint256[] memory words) internal {
        for (uint8 pos; pos < words.length; ++pos) {
            _commitVote(_vote(roundId, pos, words[pos]));
        }
        _until(roundId, Phase.VoteReveal);
        for (uint8 pos; pos < words.length; ++pos) {
            committee.revealVote(votes[roundId][pos]);
        }
    }

    /// @dev All of the committee say the same.
    function _judge(uint256 roundId, uint256 word) internal {
        uint256[] memory words = new uint256[](committee.members(roundId).length);
        for (uint256 i; i < words.length; ++i) {
            words[i] = word;
        }
        _judge(roundId, words);
    }

    function _judged(TaskSpec memory spec, uint40[] memory scores) internal returns (uint256 roundId) {
        roundId = _drawn(spec, scores);
        _judge(roundId, _believing(roundId));
    }

    /* THE END */

    function _finalize(uint256 roundId) internal returns (Outcome outcome) {
        _until(roundId, Phase.Tally);
        TaskSpec memory spec = _specOf(roundId);
        ModelCommitment memory winner = _winnerOf(roundId, spec);
        hub.finalize(roundId, spec, winner, 0);
        return hub.round(roundId).outcome;
    }

    function _winnerOf(uint256 roundId, TaskSpec memory spec) internal view returns (ModelCommitment memory winner) {
        (Outcome outcome, bytes32 hash,) = hub.preview(roundId, spec);
        if (outcome != Outcome.Block) return winner;
        Candidate[] memory list = hub.candidates(roundId);
        for (uint256 i; i < list.length; ++i) {
            if (list[i].commitment == hash) return commitments[roundId][list[i].miner];
        }
    }

    function _release(uint256 roundId) internal {
        for (uint256 i; i < miners.length; ++i) {
            (uint40 sequence,,) = hub.commitOf(roundId, miners[i]);
            if (sequence == 0) continue;
            address[] memory one = new address[](1);
            one[0] = miners[i];
            hub.releaseLocks(roundId, one);
        }
    }

    /* SMALL THINGS */

    /// @dev Why the epoch ended that ended since `vm.recordLogs`.
    function _cause() internal returns (EpochCause cause) {
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != EpochEnded.selector) continue;
            (, cause) = abi.decode(logs[i].data, (uint8, EpochCause));
            return cause;
        }
        vm.assertTrue(false, "no epoch ended");
    }

    /// @dev The header of the only block since `vm.recordLogs`.
    function _appended() internal returns (BlockHeader memory header) {
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == BlockAppended.selector) return abi.decode(logs[i].data, (BlockHeader));
        }
        vm.assertTrue(false, "no block");
    }

    /// @dev The first four bytes of what a call reverted with.
    function _selector(bytes memory answer) internal pure returns (bytes4) {
        return answer.length < 4 ? bytes4(0) : bytes4(answer);
    }

    function _scores(uint40 a) internal pure returns (uint40[] memory list) {
        list = new uint40[](1);
        list[0] = a;
    }

    function _scores(uint40 a, uint40 b) internal pure returns (uint40[] memory list) {
        list = new uint40[](2);
        (list[0], list[1]) = (a, b);
    }

    function _scores(uint40 a, uint40 b, uint40 c) internal pure returns (uint40[] memory list) {
        list = new uint40[](3);
        (list[0], list[1], list[2]) = (a, b, c);
    }

    function _words(uint256 a, uint256 b, uint256 c) internal pure returns (uint256[] memory list) {
        list = new uint256[](3);
        (list[0], list[1], list[2]) = (a, b, c);
    }

    function _words(uint256 a, uint256 b) internal pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (a, b);
    }
}
