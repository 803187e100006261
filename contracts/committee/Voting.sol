// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BallotWord} from "../libraries/BallotWord.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {Ballots} from "./Ballots.sol";

/// @title Hidden votes: committed, then revealed
abstract contract Voting is Ballots {
    using BallotWord for uint256;
    using BitMask for uint256;

    /// @inheritdoc ICommittee
    function commitVote(uint256 roundId, uint8 pos, bytes32 voteHash) external {
        (uint256 slot, uint256 ballot_) = _requireWorking(roundId);
        if (block.timestamp < ballot_.voteStart() || block.timestamp >= ballot_.commitEnd()) _revertPhase(roundId);
        address owner = _seats[_seatAt(slot, ballot_, pos)].owner;
        if (msg.sender != owner && (owner == address(0) || msg.sender != HUB.operatorOf(owner))) {
            revert NotDrawn(roundId, msg.sender);
        }
        if (ballot_.committed().has(pos)) revert AlreadyVoted(roundId, pos);

        ballot_ = ballot_.commit(pos);
        // nobody is left to wait for; slither takes the masks for times, which are in the same word
        // slither-disable-next-line incorrect-equality
        if (ballot_.committed() == ballot_.full()) ballot_ = ballot_.endCommit(block.timestamp);
        _ballots[slot] = ballot_;
        // who reveals is compared with the owner without a look at seats
        _votes[slot][pos] = VoteState(voteHash, uint160(owner));
        emit VoteCommitted(roundId, owner, ballot_.epoch(), pos, voteHash);
    }

    /// @inheritdoc ICommittee
    function revealVote(Vote calldata vote) external {
        uint256 roundId = vote.roundId;
        uint8 pos = vote.pos;
        address validator = vote.validator;
        (uint256 slot, uint256 ballot_) = _requireWorking(roundId);
        if (block.timestamp < ballot_.commitEnd() || block.timestamp >= ballot_.revealEnd()) _revertPhase(roundId);
        if (pos >= ballot_.size()) revert NotDrawn(roundId, validator);
        if (ballot_.revealed().has(pos)) revert AlreadyVoted(roundId, pos);
        bytes32 found = TypedHashes.vote(vote);
        if (!ballot_.committed().has(pos)) revert VoteMismatch(found, 0);
        VoteState storage state = _votes[slot][pos];
        if (address(uint160(state.word)) != validator) revert NotDrawn(roundId, validator);
        bytes32 expected = state.voteHash;
        uint8 epoch = ballot_.epoch();
        // a vote of an earlier epoch judges nothing in this one
        if (found != expected || vote.epoch != epoch) revert VoteMismatch(found, expected);

        ballot_ = ballot_.reveal(pos);
        // slither-disable-next-line incorrect-equality: masks, likewise
        if (ballot_.revealed() == ballot_.full()) ballot_ = ballot_.endReveal(block.timestamp);
        _ballots[slot] = ballot_;
        state.word = vote.word;
        emit VoteRevealed(roundId, validator, epoch, pos, vote.word, vote.evalRoot, vote.salt);
    }

    /// @inheritdoc ICommittee
    function hashVote(Vote calldata vote) external pure returns (bytes32) {
        return TypedHashes.vote(vote);
    }
}
