// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Seats} from "./committee/Seats.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {IDLBC} from "./interfaces/IDLBC.sol";
import {IDLBCTypes} from "./interfaces/IDLBCTypes.sol";
import {SeatPool} from "./libraries/SeatPool.sol";
import {Tally} from "./libraries/Tally.sol";
import {TypedHashes} from "./libraries/TypedHashes.sol";
import {VoteTree} from "./libraries/VoteTree.sol";

/// @title Seats, draw, hidden votes and tally
/// @notice Ballots are kept by the hub's slot, not by round: the next round of a slot writes over the last one's words.
contract Committee is Seats {
    using SeatPool for SeatPool.Pool;

    enum Stage {
        None,
        Sealed,
        Drawn,
        Failed,
        Closed
    }

    struct BallotState {
        uint40 roundId;
        uint8 epoch;
        uint8 size;
        uint16 committed; // bit masks over positions
        uint16 revealed;
        uint40 voteStart;
        uint40 commitEnd;
        uint40 revealEnd;
        uint40 sealBlock;
        Stage stage;
        bytes32 seed;
        uint32[16] seatIds;
    }

    struct VoteState {
        bytes32 voteHash;
        uint256 word;
    }

    uint256 internal constant MAX_SLOTS = 16;
    /// @dev How far ahead the seed's block lies: whoever seals cannot know its hash.
    uint256 internal constant SEAL_BLOCKS = 2;

    mapping(uint256 slot => BallotState) private _ballots;
    mapping(uint256 slot => mapping(uint256 pos => VoteState)) private _votes;

    constructor(IDLBC hub_) Seats(hub_) {}

    modifier onlyHub() {
        if (msg.sender != address(HUB)) revert NotHub(msg.sender);
        _;
    }

    /* DRAW */

    /// @inheritdoc ICommittee
    function draw(uint256 roundId) external {
        (IDLBCTypes.Phase phase,) = HUB.phase(roundId);
        if (phase != IDLBCTypes.Phase.Seal && phase != IDLBCTypes.Phase.Draw) revert WrongPhase(uint8(phase));
        IDLBCTypes.DrawRules memory rules = HUB.drawRules(roundId);
        BallotState storage ballot_ = _ballots[rules.slot];
        if (phase == IDLBCTypes.Phase.Seal) return _seal(ballot_, roundId);
        if (block.number <= ballot_.sealBlock) revert TooEarly(block.number, ballot_.sealBlock + 1);
        bytes32 blockHash = blockhash(ballot_.sealBlock);
        // only the last 256 hashes can be had
        if (blockHash == 0) return _seal(ballot_, roundId);
        _draw(ballot_, roundId, rules, keccak256(abi.encode(blockHash, roundId, ballot_.epoch)));
    }

    function _seal(BallotState storage ballot_, uint256 roundId) private {
        // the slot's last round is over: its words are free
        if (ballot_.roundId != roundId) {
            ballot_.roundId = uint40(roundId);
            ballot_.epoch = 0;
            _clear(ballot_);
        }
        uint40 sealBlock = uint40(block.number + SEAL_BLOCKS);
        ballot_.sealBlock = sealBlock;
        ballot_.stage = Stage.Sealed;
        emit DrawSealed(roundId, ballot_.epoch, sealBlock);
    }

    function _draw(BallotState storage ballot_, uint256 roundId, IDLBCTypes.DrawRules memory rules, bytes32 seed) private {
        uint32[] memory seatIds = _pick(roundId, rules.committeeSize, seed);
        if (seatIds.length < rules.quorum) {
            for (uint256 i; i < seatIds.length; ++i) {
                _pool.push(seatIds[i]);
            }
            // seats that judge other rounds come back: a round is not void because others were drawn before it
            if (seatIds.length + _serving() >= rules.quorum) return _seal(ballot_, roundId);
            ballot_.seed = seed;
            ballot_.stage = Stage.Failed;
            emit CommitteeDrawn(roundId, ballot_.epoch, seed, new uint32[](0), new address[](0), 0);
            return;
        }
        uint40 voteStart = uint40(block.timestamp);
        ballot_.seed = seed;
        ballot_.stage = Stage.Drawn;
        ballot_.size = uint8(seatIds.length);
        ballot_.voteStart = voteStart;
        ballot_.commitEnd = voteStart + rules.voteCommitSecs;
        ballot_.revealEnd = voteStart + rules.voteCommitSecs + rules.voteRevealSecs;
        address[] memory owners = new address[](seatIds.length);
        for (uint256 i; i < seatIds.length; ++i) {
            ballot_.seatIds[i] = seatIds[i];
            owners[i] = _seats[seatIds[i]].owner;
        }
        emit CommitteeDrawn(roundId, ballot_.epoch, seed, seatIds, owners, voteStart);
    }

    /// @dev Takes the largest odd number of seats, up to `size`, out of the pool: each free seat is as likely as any other.
    /// Seats of the round's own miners are passed over; so that nobody can make a draw too dear, a bounded number of times.
    function _pick(uint256 roundId, uint256 size, bytes32 seed) private returns (uint32[] memory seatIds) {
        seatIds = new uint32[](size);
        uint256 remaining = _pool.length();
        uint256 tries = 4 * size + 16;
        uint256 found;
        for (uint256 i; i < tries && found < size && remaining > 0; ++i) {
            uint256 index = uint256(keccak256(abi.encode(seed, i))) % remaining;
            uint32 seatId = _pool.seatAt(index);
            (uint40 sequence,,) = HUB.commitOf(roundId, _seats[seatId].owner);
            if (sequence == 0) {
                _pool.take(index, remaining);
                seatIds[found++] = seatId;
            } else {
                _pool.swap(index, remaining - 1);
            }
            --remaining;
        }
        // an even committee could be split: the last one drawn goes back
        if (found != 0 && found % 2 == 0) _pool.push(seatIds[--found]);
        assembly ("memory-safe") {
            mstore(seatIds, found)
        }
    }

    /* VOTES */

    /// @inheritdoc ICommittee
    function commitVote(uint256 roundId, uint8 pos, bytes32 voteHash) external {
        (uint256 slot, BallotState storage ballot_) = _drawn(roundId);
        if (block.timestamp >= ballot_.commitEnd) _revertPhase(roundId);
        if (_ownerAt(ballot_, pos) != msg.sender) revert NotDrawn(roundId, msg.sender);
        uint16 committed = ballot_.committed;
        if (committed & (1 << pos) != 0) revert AlreadyVoted(roundId, pos);

        committed |= uint16(1 << pos);
        ballot_.committed = committed;
        if (committed == _full(ballot_)) {
            // nobody is left to wait for; the time to reveal stays as long as it was
            ballot_.revealEnd = uint40(block.timestamp) + ballot_.revealEnd - ballot_.commitEnd;
            ballot_.commitEnd = uint40(block.timestamp);
        }
        _votes[slot][pos].voteHash = voteHash;
        emit VoteCommitted(roundId, msg.sender, ballot_.epoch, pos, voteHash);
    }

    /// @inheritdoc ICommittee
    function revealVote(Vote calldata vote) external {
        (uint256 slot, BallotState storage ballot_) = _drawn(vote.roundId);
        if (block.timestamp < ballot_.commitEnd || block.timestamp >= ballot_.revealEnd) _revertPhase(vote.roundId);
        if (_ownerAt(ballot_, vote.pos) != vote.validator) revert NotDrawn(vote.roundId, vote.validator);
        uint16 bit = uint16(1 << vote.pos);
        if (ballot_.revealed & bit != 0) revert AlreadyVoted(vote.roundId, vote.pos);
        VoteState storage state = _votes[slot][vote.pos];
        bytes32 expected = ballot_.committed & bit == 0 ? bytes32(0) : state.voteHash;
        bytes32 found = TypedHashes.vote(vote);
        // a vote of an earlier epoch judges nothing in this one
        if (found != expected || vote.epoch != ballot_.epoch) revert VoteMismatch(found, expected);

        uint16 revealed = ballot_.revealed | bit;
        ballot_.revealed = revealed;
        if (revealed == _full(ballot_)) ballot_.revealEnd = uint40(block.timestamp);
        state.word = vote.word;
        emit VoteRevealed(
            vote.roundId, vote.validator, vote.epoch, vote.pos, vote.word, vote.evalRoot, vote.salt
        );
    }

    /* FOR THE HUB ALONE */

    /// @inheritdoc ICommittee
    function close(uint256 roundId, bool again, uint96 penalty, uint96 minBond)
        external
        onlyHub
        returns (address[] memory voters, address[] memory absent, bytes32 voteRoot)
    {
        uint256 slot = HUB.slotOf(roundId);
        BallotState storage ballot_ = _ballots[slot];
        uint256 size = ballot_.size;
        voters = new address[](size);
        absent = new address[](size);
        bytes32[] memory hashes = new bytes32[](size);
        uint256 present;
        for (uint256 pos; pos < size; ++pos) {
            SeatState storage state = _seats[ballot_.seatIds[pos]];
            if (ballot_.committed & (1 << pos) != 0) hashes[pos] = _votes[slot][pos].voteHash;
            if (ballot_.revealed & (1 << pos) != 0) {
                voters[present++] = state.owner;
            } else {
                absent[pos - present] = state.owner;
                state.bonded -= uint88(penalty);
                // what has too little left to lose judges no more
                if (!state.leaving && state.bonded < minBond) _retire(ballot_.seatIds[pos], state);
            }
            if (state.leaving) _release(state);
            else _pool.push(ballot_.seatIds[pos]);
        }
        assembly ("memory-safe") {
            mstore(voters, present)
            mstore(absent, sub(size, present))
        }
        voteRoot = VoteTree.root(hashes);
        if (again) {
            ++ballot_.epoch;
            _clear(ballot_);
        } else {
            ballot_.stage = Stage.Closed;
        }
    }

    /* VIEWS */

    /// @inheritdoc ICommittee
    function hub() external view returns (address) {
        return address(HUB);
    }

    /// @inheritdoc ICommittee
    function seat(uint32 seatId) external view returns (Seat memory) {
        SeatState storage state = _seats[seatId];
        return Seat(state.owner, state.bonded, state.leaving, _servedBy(seatId));
    }

    /// @inheritdoc ICommittee
    function ballot(uint256 roundId) external view returns (Ballot memory result) {
        (, BallotState storage state) = _ballotOf(roundId);
        if (state.roundId != roundId) return result;
        result.epoch = state.epoch;
        result.size = state.size;
        result.committed = _count(state.committed);
        result.revealed = _count(state.revealed);
        result.voteStart = state.voteStart;
        result.commitEnd = state.commitEnd;
        result.revealEnd = state.revealEnd;
        result.sealBlock = state.sealBlock;
        result.seed = state.seed;
        result.failed = state.stage == Stage.Failed;
    }

    /// @inheritdoc ICommittee
    function members(uint256 roundId) external view returns (Member[] memory result) {
        (uint256 slot, BallotState storage state) = _ballotOf(roundId);
        if (state.roundId != roundId) return result;
        result = new Member[](state.size);
        for (uint256 pos; pos < result.length; ++pos) {
            result[pos].seatId = state.seatIds[pos];
            result[pos].owner = _ownerAt(state, pos);
            if (state.committed & (1 << pos) != 0) result[pos].voteHash = _votes[slot][pos].voteHash;
            result[pos].revealed = state.revealed & (1 << pos) != 0;
            if (result[pos].revealed) result[pos].word = _votes[slot][pos].word;
        }
    }

    /// @inheritdoc ICommittee
    function verdicts(uint256 roundId, uint8 candidates)
        external
        view
        returns (Verdict[] memory result, uint16 taskFlags)
    {
        (uint256 slot, BallotState storage state) = _ballotOf(roundId);
        uint256 revealed = state.roundId == roundId ? state.revealed : 0;
        uint256[] memory words = new uint256[](_count(revealed));
        uint256 next;
        for (uint256 pos; revealed >> pos != 0; ++pos) {
            if (revealed & (1 << pos) != 0) words[next++] = _votes[slot][pos].word;
        }
        (result, taskFlags) = Tally.verdicts(words, candidates);
        for (uint256 i; i < candidates; ++i) {
            // a minority must not make a winner of a model that the others could not score in time
            if (2 * _scored(words, i * Tally.CANDIDATE_BITS) <= words.length) result[i].median = 0;
        }
    }

    /// @inheritdoc ICommittee
    function hashVote(Vote calldata vote) external pure returns (bytes32) {
        return TypedHashes.vote(vote);
    }

    /* PRIVATE */

    function _ballotOf(uint256 roundId) private view returns (uint256 slot, BallotState storage state) {
        slot = HUB.slotOf(roundId);
        state = _ballots[slot];
    }

    /// @dev The ballot, if it belongs to this round and votes may come.
    function _drawn(uint256 roundId) private view returns (uint256 slot, BallotState storage state) {
        (slot, state) = _ballotOf(roundId);
        if (state.roundId != roundId || state.stage != Stage.Drawn) _revertPhase(roundId);
    }

    function _revertPhase(uint256 roundId) private view {
        (IDLBCTypes.Phase phase,) = HUB.phase(roundId);
        revert WrongPhase(uint8(phase));
    }

    /// @dev Nobody for a position that does not exist.
    function _ownerAt(BallotState storage state, uint256 pos) private view returns (address) {
        return pos < state.size ? _seats[state.seatIds[pos]].owner : address(0);
    }

    function _clear(BallotState storage state) private {
        state.size = 0;
        state.committed = 0;
        state.revealed = 0;
        state.voteStart = 0;
        state.commitEnd = 0;
        state.revealEnd = 0;
        state.sealBlock = 0;
        state.stage = Stage.None;
    }

    function _servedBy(uint32 seatId) private view returns (uint256) {
        for (uint256 slot; slot < MAX_SLOTS; ++slot) {
            BallotState storage state = _ballots[slot];
            if (state.stage != Stage.Drawn) continue;
            for (uint256 pos; pos < state.size; ++pos) {
                if (state.seatIds[pos] == seatId) return state.roundId;
            }
        }
        return 0;
    }

    /// @dev How many seats judge a round now.
    function _serving() private view returns (uint256 seats) {
        for (uint256 slot; slot < MAX_SLOTS; ++slot) {
            BallotState storage state = _ballots[slot];
            if (state.stage == Stage.Drawn) seats += state.size;
        }
    }

    /// @dev See `Seats`.
    function _requireNoDrawDue() internal view override {
        for (uint256 slot; slot < MAX_SLOTS; ++slot) {
            BallotState storage state = _ballots[slot];
            // a hash that is out of range is nobody's seed any more
            if (state.stage == Stage.Sealed && block.number > state.sealBlock && blockhash(state.sealBlock) != 0) {
                revert WrongPhase(uint8(IDLBCTypes.Phase.Draw));
            }
        }
    }

    function _full(BallotState storage state) private view returns (uint16) {
        return uint16((1 << state.size) - 1);
    }

    /// @dev How many votes did not skip the candidate whose field begins at `shift`.
    function _scored(uint256[] memory words, uint256 shift) private pure returns (uint256 votes) {
        for (uint256 i; i < words.length; ++i) {
            if ((words[i] >> shift) & Tally.SKIPPED != Tally.SKIPPED) ++votes;
        }
    }

    function _count(uint256 mask) private pure returns (uint8 bits) {
        for (; mask != 0; mask &= mask - 1) {
            ++bits;
        }
    }
}
