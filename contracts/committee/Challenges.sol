// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";
import {BallotWord} from "../libraries/BallotWord.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {Tally} from "../libraries/Tally.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {VoteTree} from "../libraries/VoteTree.sol";
import {Ballots} from "./Ballots.sol";

/// @title One leaf of a validator's work, asked for and opened
/// @notice Who copied a score has no predictions to open.
abstract contract Challenges is Ballots {
    using BallotWord for uint256;
    using BitMask for uint256;

    /// @dev Which leaves a vote has, and which of them is asked for.
    struct Asked {
        uint256 count;
        uint256 index;
        uint8 candidate;
        uint64 sample;
    }

    uint256 private constant CHALLENGER_BITS = 160;

    /// @dev The challenger, and above him 96 bits that choose the leaf.
    uint256[MAX_SIZE][MAX_SLOTS] private _challenges;

    /// @inheritdoc ICommittee
    function challenge(uint256 roundId, uint8 pos, address challenger) external onlyHub {
        (uint256 slot, uint256 ballot_) = _requireWorking(roundId);
        if (!ballot_.revealed().has(pos)) revert NotRevealed(roundId, pos);
        if (ballot_.challenged().has(pos)) revert IDLBCTypes.AlreadyChallenged(roundId, pos);
        if (_evaluated(_votes[slot][pos].word, HUB.round(roundId).listed) == 0) revert NothingEvaluated(roundId, pos);
        _ballots[slot] = ballot_.challenge(pos);
        // nobody knew it when the vote was committed
        bytes32 seed = keccak256(abi.encode(blockhash(block.number - 1), roundId, ballot_.epoch(), pos));
        _challenges[slot][pos] = (uint256(seed) << CHALLENGER_BITS) | uint160(challenger);
    }

    /// @inheritdoc ICommittee
    function openLeaf(
        Vote calldata vote,
        IDLBCTypes.TaskSpec calldata spec,
        Leaf calldata leaf,
        bytes32[] calldata proof
    ) external {
        // slither-disable-next-line unused-return: the phase's end is not asked for
        (IDLBCTypes.Phase phase,) = HUB.phase(vote.roundId);
        if (phase != IDLBCTypes.Phase.Appeal) revert WrongPhase(uint8(phase));
        (uint256 slot, uint256 ballot_) = _requireWorking(vote.roundId);
        uint8 pos = vote.pos;
        _requireUnopened(vote.roundId, ballot_, pos);
        bytes32 voteHash = TypedHashes.vote(vote);
        if (voteHash != _votes[slot][pos].voteHash) revert VoteMismatch(voteHash, _votes[slot][pos].voteHash);
        Asked memory asked = _asked(vote.roundId, slot, pos, spec);
        if (leaf.candidate != asked.candidate || leaf.sample != asked.sample) {
            revert WrongLeaf(leaf.candidate, leaf.sample, asked.candidate, asked.sample);
        }
        bytes memory data = abi.encodePacked(vote.salt, leaf.candidate, leaf.sample, leaf.prediction);
        (bytes32 found, bool whole) = VoteTree.climb(data, asked.index, asked.count, proof);
        if (!whole || found != vote.evalRoot) revert WrongProof(found, vote.evalRoot);

        _ballots[slot] = ballot_.open(pos);
        emit LeafOpened(vote.roundId, vote.validator, vote.epoch, pos, leaf);
    }

    /// @inheritdoc ICommittee
    function challengedLeaf(uint256 roundId, uint8 pos, IDLBCTypes.TaskSpec calldata spec)
        external
        view
        returns (uint8 candidate, uint64 sample)
    {
        (uint256 slot, uint256 ballot_) = _requireWorking(roundId);
        _requireUnopened(roundId, ballot_, pos);
        Asked memory asked = _asked(roundId, slot, pos, spec);
        return (asked.candidate, asked.sample);
    }

    function _challengerOf(uint256 slot, uint256 pos) internal view returns (address) {
        return address(uint160(_challenges[slot][pos]));
    }

    function _requireUnopened(uint256 roundId, uint256 ballot_, uint8 pos) private pure {
        if (!ballot_.challenged().has(pos) || ballot_.opened().has(pos)) revert NotChallenged(roundId, pos);
    }

    /// @dev A vote has leaves for each sample of each candidate that it evaluated, in this order.
    function _asked(uint256 roundId, uint256 slot, uint256 pos, IDLBCTypes.TaskSpec calldata spec)
        private
        view
        returns (Asked memory asked)
    {
        IDLBCTypes.Round memory round = HUB.round(roundId);
        bytes32 specHash = TypedHashes.spec(spec);
        if (specHash != round.specHash) revert SpecMismatch(specHash, round.specHash);
        uint256 evaluated = _evaluated(_votes[slot][pos].word, round.listed);
        uint256 samples = spec.scoreMax;
        asked.count = evaluated.count() * samples;
        asked.index = (_challenges[slot][pos] >> CHALLENGER_BITS) % asked.count;
        asked.sample = uint64(asked.index % samples);
        uint256 earlier = asked.index / samples;
        for (; earlier != 0; --earlier) {
            evaluated &= evaluated - 1;
        }
        while (!evaluated.has(asked.candidate)) ++asked.candidate;
    }

    /// @dev Which of the listed candidates a vote scores.
    function _evaluated(uint256 word, uint256 listed) private pure returns (uint256 mask) {
        for (uint256 i; i < listed; ++i) {
            uint256 field = (word >> (i * Tally.CANDIDATE_BITS)) & Tally.SKIPPED;
            if (field != Tally.SKIPPED && (field >> Tally.SCORE_BITS) & Tally.SCORELESS == 0) mask |= 1 << i;
        }
    }
}
