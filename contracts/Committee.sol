// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Challenges} from "./committee/Challenges.sol";
import {Draws} from "./committee/Draws.sol";
import {Seats} from "./committee/Seats.sol";
import {Voting} from "./committee/Voting.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {IDLBC} from "./interfaces/IDLBC.sol";
import {BallotWord} from "./libraries/BallotWord.sol";
import {Bench} from "./libraries/Bench.sol";
import {BitMask} from "./libraries/BitMask.sol";
import {FeeSplit} from "./libraries/FeeSplit.sol";
import {RosterWord} from "./libraries/RosterWord.sol";
import {SeatPool} from "./libraries/SeatPool.sol";
import {Tally} from "./libraries/Tally.sol";
import {VoteTree} from "./libraries/VoteTree.sol";

/// @title Seats, draw, hidden votes and tally
/// @notice How a ballot ends, and what can be read; each file of `committee/` has one concern.
contract Committee is Draws, Voting, Challenges {
    using BallotWord for uint256;
    using BitMask for uint256;
    using RosterWord for uint256;
    using SeatPool for SeatPool.Pool;

    constructor(IDLBC hub_) Seats(hub_) {}

    /// @inheritdoc ICommittee
    function close(
        uint256 roundId,
        bool again,
        uint16 absentBps,
        uint16 offMask,
        uint16 offBps,
        uint96 seatUnit
    ) external onlyHub returns (Closing memory closing) {
        (bool found, uint256 slot, uint256 ballot_) = _working(roundId);
        if (!found) {
            // a draw that failed: nobody serves
            (slot, ballot_) = _lastBallot(roundId);
            if (again && ballot_ != 0) _ballots[slot] = BallotWord.empty(roundId, ballot_.epoch() + 1);
            return closing;
        }
        uint256 roster = _roster;
        Members memory members_ = _members(slot);
        closing.owners = new address[](members_.size);
        uint256[2] memory penalties = [FeeSplit.part(seatUnit, absentBps), FeeSplit.part(seatUnit, offBps)];
        unchecked {
            for (uint256 pos; pos < members_.size; ++pos) {
                uint256 penalty;
                if (!ballot_.revealed().has(pos)) penalty = penalties[0];
                else if (uint256(offMask).has(pos)) penalty = penalties[1];
                (roster, closing.owners[pos], penalty) = _free(roster, _memberAt(members_, pos), penalty, seatUnit / 2);
                if (penalty == 0) continue;
                if (closing.penalties.length == 0) closing.penalties = new uint96[](members_.size);
                closing.penalties[pos] = uint96(penalty);
            }
        }
        if (ballot_.challenged() != 0) closing.challengers = _challengers(slot, ballot_);
        closing.voteRoot = VoteTree.root(_voteHashes(slot, ballot_));
        _roster = roster.endWork(slot);
        // the word of a round's last epoch stays as it is: what is not at work is over
        if (again) _ballots[slot] = BallotWord.empty(roundId, ballot_.epoch() + 1);
    }

    /// @dev A seat comes back from its work, less what it loses.
    /// @return the roster, as it is then
    /// @return owner of the seat
    /// @return lost `penalty`, or all that the seat had
    function _free(uint256 roster, uint256 seatId, uint256 penalty, uint256 least)
        private
        returns (uint256, address owner, uint256 lost)
    {
        SeatState memory state = _seats[seatId];
        owner = state.owner;
        lost = penalty < state.bonded ? penalty : state.bonded;
        bool stays = state.place != LEFT && state.bonded - lost >= least;
        if (stays && lost == 0) return (roster, owner, 0);
        state.bonded -= uint80(lost);
        // what has too little left to lose judges no more
        if (!stays && state.place != LEFT) roster = _retire(roster, seatId, state);
        if (!stays) _release(state);
        _seats[seatId] = state;
        return (roster, owner, lost);
    }

    /* VIEWS */

    /// @inheritdoc ICommittee
    function seatsOf(address owner) external view returns (uint32[] memory seatIds) {
        uint256 pooled = _roster.pooled();
        (Members[] memory atWork, uint256 serving) = _atWork(_roster.drawn());
        seatIds = new uint32[](pooled + serving);
        uint256 found;
        for (uint256 place; place < pooled; ++place) {
            uint32 seatId = _pool.seatAt(place);
            if (_seats[seatId].owner == owner) seatIds[found++] = seatId;
        }
        // those that left, but have to finish their work
        for (uint256 i; i < atWork.length; ++i) {
            for (uint256 pos; pos < atWork[i].size; ++pos) {
                uint256 seatId = _memberAt(atWork[i], pos);
                if (_seats[seatId].owner == owner && _seats[seatId].place == LEFT) seatIds[found++] = uint32(seatId);
            }
        }
        assembly ("memory-safe") {
            mstore(seatIds, found)
        }
    }

    /// @inheritdoc ICommittee
    function availableSeats() external view returns (uint256 available) {
        (Members[] memory atWork,) = _atWork(_roster.drawn());
        available = _roster.pooled();
        for (uint256 i; i < atWork.length; ++i) {
            for (uint256 pos; pos < atWork[i].size; ++pos) {
                if (_seats[_memberAt(atWork[i], pos)].place != LEFT) --available;
            }
        }
    }

    /// @inheritdoc ICommittee
    function ballotWord(uint256 roundId, uint8 slot) external view returns (uint256 ballot_) {
        ballot_ = _ballots[slot];
        if (ballot_.roundId() != roundId) ballot_ = 0;
    }

    /// @inheritdoc ICommittee
    function ballot(uint256 roundId) external view returns (Ballot memory result) {
        (uint256 slot, uint256 ballot_) = _lastBallot(roundId);
        result.epoch = ballot_.epoch();
        result.size = uint8(ballot_.size());
        result.quorum = uint8(ballot_.quorum());
        result.committed = uint8(ballot_.committed().count());
        result.revealed = uint8(ballot_.revealed().count());
        result.voteStart = uint40(ballot_.voteStart());
        result.commitEnd = uint40(ballot_.commitEnd());
        result.revealEnd = uint40(ballot_.revealEnd());
        result.sealBlock = uint64(ballot_.sealBlock());
        if (ballot_.isDrawn()) result.seed = Bench.seed(_benches[slot][0]);
        result.failed = ballot_.failed();
    }

    /// @inheritdoc ICommittee
    function members(uint256 roundId) external view returns (Member[] memory result) {
        (uint256 slot, uint256 ballot_) = _lastBallot(roundId);
        result = new Member[](ballot_.size());
        for (uint256 pos; pos < result.length; ++pos) {
            result[pos].seatId = uint32(_seatAt(slot, ballot_, pos));
            result[pos].owner = _seats[result[pos].seatId].owner;
            if (ballot_.committed().has(pos)) result[pos].voteHash = _votes[slot][pos].voteHash;
            result[pos].revealed = ballot_.revealed().has(pos);
            if (result[pos].revealed) result[pos].word = _votes[slot][pos].word;
        }
    }

    /// @inheritdoc ICommittee
    function votes(uint256 roundId) external view returns (Votes memory) {
        return _votesOf(roundId);
    }

    /// @inheritdoc ICommittee
    function verdicts(uint256 roundId, uint8 candidates, uint32 tol)
        external
        view
        returns (Verdict[] memory, uint16 taskFlags)
    {
        return Tally.verdicts(_votesOf(roundId), candidates, tol);
    }

    /* PRIVATE */

    function _votesOf(uint256 roundId) private view returns (Votes memory result) {
        (bool found, uint256 slot, uint256 ballot_) = _working(roundId);
        if (!found) (slot, ballot_) = _lastBallot(roundId);
        result.failed = ballot_.failed();
        uint256 size = ballot_.size();
        uint256 revealed = ballot_.revealed();
        result.size = uint8(size);
        result.quorum = uint8(ballot_.quorum());
        result.revealed = uint16(revealed);
        result.unopened = uint16(ballot_.challenged() & ~ballot_.opened());
        result.revealEnd = uint40(ballot_.revealEnd());
        result.words = new uint256[](size);
        // slither-disable-next-line incorrect-equality: how many serve, from a word that has times, too
        if (size == 0) return result;
        result.seed = Bench.seed(_benches[slot][0]);
        for (uint256 pos; pos < size; ++pos) {
            if (revealed.has(pos)) result.words[pos] = _votes[slot][pos].word;
        }
    }

    /// @dev By position; 0 where nothing was committed.
    function _voteHashes(uint256 slot, uint256 ballot_) private view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](ballot_.size());
        for (uint256 pos; pos < hashes.length; ++pos) {
            if (ballot_.committed().has(pos)) hashes[pos] = _votes[slot][pos].voteHash;
        }
    }

    function _challengers(uint256 slot, uint256 ballot_) private view returns (address[] memory challengers) {
        challengers = new address[](ballot_.size());
        for (uint256 pos; pos < challengers.length; ++pos) {
            if (ballot_.challenged().has(pos)) challengers[pos] = _challengerOf(slot, pos);
        }
    }
}
