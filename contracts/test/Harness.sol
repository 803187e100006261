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
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {VoteTree} from "../libraries/VoteTree.sol";

/// @title The internal libraries, opened for tests
contract Harness {
    CandidateList.List private _list;
    uint8 private _listed;

    function lg(uint256 x) external pure returns (uint256) {
        return DifficultyRanking.lg(x);
    }

    function base(int256[4] memory weights, uint256 lgFlops, uint256 lgNet, uint256 lgData, uint256 fee)
        external
        pure
        returns (int64)
    {
        return DifficultyRanking.base(weights, lgFlops, lgNet, lgData, fee);
    }

    function rate(uint256 alpha, uint256 gamma, uint256 waiting) external pure returns (uint256) {
        return DifficultyRanking.rate(alpha, gamma, waiting);
    }

    function key(int64 base_, uint256 clockAtSubmit, uint256 taskId) external pure returns (uint256) {
        return DifficultyRanking.key(base_, clockAtSubmit, taskId);
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

    function verdicts(uint256[] memory words, uint256 candidates)
        external
        pure
        returns (ICommittee.Verdict[] memory result, uint16 taskFlags)
    {
        return Tally.verdicts(words, candidates);
    }

    function podium(Podium.Entry[] memory entries, Podium.Rules memory rules)
        external
        pure
        returns (uint256[3] memory places)
    {
        return Podium.rank(entries, rules);
    }

    function split(IDLBCTypes.Economy memory economy, uint256 fee, uint256 validators, bool second, bool third)
        external
        pure
        returns (FeeSplit.Shares memory shares)
    {
        return FeeSplit.split(economy, fee, validators, second, third);
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

    function insert(address miner, uint40 score, uint40 sequence) external returns (uint256 index, address excluded) {
        CandidateList.Place memory claim = CandidateList.Place(miner, score, sequence, 0, bytes32(0));
        CandidateList.Place memory out;
        (index, out) = CandidateList.insert(_list, _listed, claim);
        if (_listed < CandidateList.SIZE) ++_listed;
        excluded = out.miner;
    }

    function sorted() external view returns (CandidateList.Place[] memory) {
        return CandidateList.sorted(_list, _listed);
    }
}
