// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {DifficultyRanking} from "../libraries/DifficultyRanking.sol";
import {FeeSplit} from "../libraries/FeeSplit.sol";
import {Phases} from "../libraries/Phases.sol";
import {Podium} from "../libraries/Podium.sol";
import {Tally} from "../libraries/Tally.sol";
import {TaskHeap} from "../libraries/TaskHeap.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {VoteTree} from "../libraries/VoteTree.sol";

/// @title The internal libraries, opened for tests
contract Harness {
    CandidateList.List private _list;
    uint256 private _taken;
    TaskHeap.Heap private _heap;
    uint256 private _heaped;

    function lg(uint256 x) external pure returns (uint256) {
        return DifficultyRanking.lg(x);
    }

    function base(int256[4] memory weights, uint256 lgFlops, uint256 lgNet, uint256 lgData, uint256 fee)
        external
        pure
        returns (int64)
    {
        return DifficultyRanking.base(weights, lgFlops, lgNet, lgData, DifficultyRanking.lgOfFee(fee));
    }

    function rate(uint256 alpha, uint256 gamma, uint256 waiting) external pure returns (uint256) {
        return DifficultyRanking.rate(alpha, gamma, waiting);
    }

    function key(int64 base_, uint256 clockAtSubmit, uint256 taskId) external pure returns (uint256) {
        return DifficultyRanking.key(base_, clockAtSubmit, taskId);
    }

    function packed(int64 base_, uint256 clockAtSubmit, uint256 taskId) external pure returns (uint128) {
        return DifficultyRanking.packed(base_, clockAtSubmit, taskId);
    }

    function unpacked(uint128 packed_) external pure returns (uint256) {
        return DifficultyRanking.unpacked(packed_);
    }

    function taskIdOf(uint256 key_) external pure returns (uint256) {
        return DifficultyRanking.taskIdOf(key_);
    }

    function floor(uint256 feeUnit, uint256 lgSum, uint256 queued) external pure returns (uint256) {
        return DifficultyRanking.floor(feeUnit, lgSum, queued);
    }

    function phaseAt(Phases.Facts memory facts, uint256 time)
        external
        pure
        returns (IDLBCTypes.Phase phase, uint40 endsAt)
    {
        return Phases.phaseAt(facts, time);
    }

    function verdicts(ICommittee.Votes memory votes, uint256 candidates, uint256 tol)
        external
        pure
        returns (ICommittee.Verdict[] memory result, uint16 taskFlags)
    {
        return Tally.verdicts(votes, candidates, tol);
    }

    function qualifies(ICommittee.Verdict memory found, uint256 claim, uint256 minScore, uint256 tol)
        external
        pure
        returns (bool)
    {
        return Tally.qualifies(found, claim, minScore, tol);
    }

    function overclaimed(ICommittee.Verdict memory found, uint256 claim, uint256 tol) external pure returns (bool) {
        return Tally.overclaimed(found, claim, tol);
    }

    function dissent(
        ICommittee.Votes memory votes,
        uint256 candidates,
        uint256 shown,
        uint256 placed,
        uint256 tol
    ) external pure returns (uint256 off, uint256 incoherent) {
        Tally.Findings memory found = Tally.judge(votes, candidates, shown, tol);
        return (found.off, Tally.incoherentWith(found, placed));
    }

    function podium(Podium.Entry[] memory entries, Podium.Rules memory rules)
        external
        pure
        returns (uint256[3] memory places)
    {
        return Podium.rank(entries, rules);
    }

    function split(
        IDLBCTypes.Economy memory economy,
        uint256 fee,
        uint256 advanced,
        FeeSplit.Sharers memory sharers
    ) external pure returns (FeeSplit.Shares memory shares) {
        return FeeSplit.split(economy, fee, advanced, sharers);
    }

    function advance(IDLBCTypes.Economy memory economy, uint256 fee, uint256 advanced, uint256 validators)
        external
        pure
        returns (uint256 perValidator)
    {
        return FeeSplit.advance(economy, fee, advanced, validators);
    }

    function emission(IDLBCTypes.Economy memory economy, uint256 elapsed, uint256 burned, uint256 left)
        external
        pure
        returns (uint256)
    {
        return FeeSplit.emission(economy, elapsed, burned, left);
    }

    function voteRoot(bytes32[] memory voteHashes) external pure returns (bytes32) {
        return VoteTree.root(voteHashes);
    }

    function climb(bytes memory leaf, uint256 index, uint256 count, bytes32[] calldata proof)
        external
        pure
        returns (bytes32)
    {
        (bytes32 node, bool whole) = VoteTree.climb(leaf, index, count, proof);
        return whole ? node : bytes32(0);
    }

    function announced(bytes32 commitmentHash, bytes32 artifact, uint64 artifactBytes)
        external
        pure
        returns (bytes32)
    {
        return TypedHashes.announced(commitmentHash, artifact, artifactBytes);
    }

    function commitSlot(uint256 sequence, bytes32 commitment) external pure returns (uint256) {
        return CommitSlot.make(sequence, commitment);
    }

    /* THE CANDIDATE LIST, WITH STORAGE OF ITS OWN */

    function insert(address miner, uint40 score, uint24 sequence) external returns (uint256 index, address excluded) {
        CandidateList.Place memory claim = CandidateList.Place(miner, score, sequence, 0);
        CandidateList.Place memory out;
        (index, out) = CandidateList.insert(_list, _taken, claim);
        if (index != CandidateList.NOT_LISTED) _taken |= 1 << index;
        excluded = out.miner;
    }

    /// @dev As where the committee disqualifies him.
    function remove(uint256 index) external {
        _taken &= ~(1 << index);
    }

    function sorted() external view returns (CandidateList.Place[] memory places) {
        uint256[] memory keys = CandidateList.ranked(_list, _taken);
        places = new CandidateList.Place[](keys.length);
        for (uint256 i; i < keys.length; ++i) {
            places[i] = _list.places[CandidateList.indexOf(keys[i])];
        }
    }

    /* THE HEAP OF TASKS, WITH STORAGE OF ITS OWN */

    function pushKeys(uint128[] calldata keys) external {
        for (uint256 i; i < keys.length; ++i) {
            TaskHeap.insert(_heap, _heaped++, keys[i]);
        }
    }

    function popKeys(uint256 n) external returns (uint128[] memory keys) {
        keys = new uint128[](n);
        for (uint256 i; i < n; ++i) {
            keys[i] = TaskHeap.top(_heap);
            TaskHeap.removeTop(_heap, _heaped--);
        }
    }

    function heapKeys() external view returns (uint128[] memory keys) {
        keys = new uint128[](_heaped);
        for (uint256 i; i < keys.length; ++i) {
            keys[i] = TaskHeap.keyAt(_heap, i);
        }
    }
}
