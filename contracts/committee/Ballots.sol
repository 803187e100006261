// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";
import {BallotWord} from "../libraries/BallotWord.sol";
import {Bench} from "../libraries/Bench.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {RosterWord} from "../libraries/RosterWord.sol";
import {Seats} from "./Seats.sol";

/// @title Where ballots lie, and how they are found
/// @notice Kept by the hub's slot, not by round (decision 0007): the next round of a slot writes over the last one's words,
/// and the masks of `BallotWord` say which words are of this epoch.
abstract contract Ballots is Seats {
    using BallotWord for uint256;
    using BitMask for uint256;
    using RosterWord for uint256;

    struct VoteState {
        bytes32 voteHash;
        uint256 word; // the seat's owner until the vote is revealed
    }

    /// @dev The committee of one ballot, in memory.
    struct Members {
        uint256 size;
        uint256 first;
        uint256 second;
    }

    /// @dev As many as the hub's parameters allow.
    uint256 internal constant MAX_SLOTS = 16;
    uint256 internal constant MAX_SIZE = 15;

    // by slot; arrays, because a mapping costs a hash each time
    uint256[MAX_SLOTS] internal _ballots; //             see `BallotWord`
    uint256[2][MAX_SLOTS] internal _benches; //          see `Bench`; the second word counts only where the first says so
    VoteState[MAX_SIZE][MAX_SLOTS] internal _votes; //   by position

    modifier onlyHub() {
        if (msg.sender != address(HUB)) revert NotHub(msg.sender);
        _;
    }

    /* FINDING */

    /// @dev The committee that works for a round, without a word from the hub: tags leave few slots to look at.
    function _working(uint256 roundId) internal view returns (bool found, uint256 slot, uint256 ballot_) {
        uint256 roster = _roster;
        unchecked {
            for (uint256 slots = roster.slots(); slot < slots; ++slot) {
                if (!roster.mayServe(slot, roundId)) continue;
                ballot_ = _ballots[slot];
                // slither-disable-next-line incorrect-equality: of a number in a word that has times, too
                if (ballot_.roundId() == roundId) return (true, slot, ballot_);
            }
        }
        return (false, 0, 0);
    }

    /// @dev The same where votes, or what follows from them, may come.
    function _requireWorking(uint256 roundId) internal view returns (uint256 slot, uint256 ballot_) {
        bool found;
        (found, slot, ballot_) = _working(roundId);
        if (!found) _revertPhase(roundId);
    }

    /// @dev The round's last ballot, closed or not; 0 once the slot has another.
    function _lastBallot(uint256 roundId) internal view returns (uint256 slot, uint256 ballot_) {
        slot = HUB.slotOf(roundId);
        ballot_ = _ballots[slot];
        if (ballot_.roundId() != roundId) ballot_ = 0;
    }

    function _revertPhase(uint256 roundId) internal view {
        // slither-disable-next-line unused-return: an error names the phase, not its end
        (IDLBCTypes.Phase phase,) = HUB.phase(roundId);
        revert WrongPhase(uint8(phase));
    }

    /* MEMBERS */

    function _members(uint256 slot) internal view returns (Members memory result) {
        uint256 first = _benches[slot][0];
        result.size = Bench.count(first);
        result.first = Bench.seats(first);
        if (result.size > Bench.FIRST) result.second = _benches[slot][1];
    }

    /// @dev 0 for a position that does not exist.
    function _seatAt(uint256 slot, uint256 ballot_, uint256 pos) internal view returns (uint256) {
        if (pos >= ballot_.size()) return 0;
        if (pos < Bench.FIRST) return Bench.seatAt(_benches[slot][0], pos);
        return Bench.seatAt(_benches[slot][1], pos - Bench.FIRST);
    }

    function _memberAt(Members memory members_, uint256 pos) internal pure returns (uint256) {
        if (pos < Bench.FIRST) return Bench.seatAt(members_.first, pos);
        return Bench.seatAt(members_.second, pos - Bench.FIRST);
    }

    function _has(Members memory members_, uint256 seatId) internal pure returns (bool) {
        return Bench.has(members_.first, seatId) || (members_.second != 0 && Bench.has(members_.second, seatId));
    }

    /// @dev The committees at work, of 16 slots at most.
    function _atWork(uint256 drawn) internal view returns (Members[] memory result, uint256 seats) {
        // slither-disable-next-line incorrect-equality: a mask
        if (drawn == 0) return (result, 0);
        result = new Members[](drawn.count());
        uint256 next;
        for (uint256 slot; next < result.length; ++slot) {
            if (!drawn.has(slot)) continue;
            result[next] = _members(slot);
            seats += result[next++].size;
        }
    }

    /// @dev See `Seats`.
    function _servedBy(uint256 seatId) internal view override returns (uint256) {
        uint256 drawn = _roster.drawn();
        for (uint256 slot; drawn >> slot != 0; ++slot) {
            if (drawn.has(slot) && _has(_members(slot), seatId)) return _ballots[slot].roundId();
        }
        return 0;
    }

    /// @dev See `Seats`.
    function _requireNoDrawDue() internal view override {
        uint256 slots = _roster.slots();
        for (uint256 slot; slot < slots; ++slot) {
            uint256 ballot_ = _ballots[slot];
            if (ballot_.stage() != BallotWord.SEALED || block.number <= ballot_.sealBlock()) continue;
            // a hash that is out of range is nobody's seed any more
            if (blockhash(ballot_.sealBlock()) != 0) revert WrongPhase(uint8(IDLBCTypes.Phase.Draw));
        }
    }
}
