// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDLBC} from "../interfaces/IDLBC.sol";
import {Bench} from "../libraries/Bench.sol";
import {RosterWord} from "../libraries/RosterWord.sol";
import {SeatPool} from "../libraries/SeatPool.sol";

/// @title Who may be drawn
/// @notice A seat is in the pool until it leaves, also while it serves. Its stake lies in the hub, locked.
abstract contract Seats is ICommittee {
    using RosterWord for uint256;
    using SafeCast for uint256;
    using SeatPool for SeatPool.Pool;

    /// @dev One word. A seat's owner never changes, and its number is never used again.
    struct SeatState {
        address owner;
        uint80 bonded;
        uint16 place; // in the pool, or LEFT
    }

    uint16 internal constant LEFT = type(uint16).max;

    IDLBC internal immutable HUB;

    uint256 internal _roster; // see `RosterWord`
    SeatPool.Pool internal _pool;
    mapping(uint256 seatId => SeatState) internal _seats;

    constructor(IDLBC hub_) {
        HUB = hub_;
    }

    /// @inheritdoc ICommittee
    function joinSeat() external returns (uint32 seatId) {
        _requireNoDrawDue();
        uint256 roster = _roster;
        uint256 place = roster.pooled();
        if (place == SeatPool.MAX || roster.seats() == Bench.MAX_SEAT) revert SeatsFull(place);
        roster = roster.join();
        seatId = uint32(roster.seats());
        _roster = roster;
        _pool.set(place, seatId);
        emit SeatJoined(seatId, msg.sender);
        _seats[seatId] = SeatState(msg.sender, uint256(HUB.lockSeat(msg.sender)).toUint80(), uint16(place));
    }

    /// @inheritdoc ICommittee
    function leaveSeat(uint32 seatId) external {
        SeatState memory state = _seats[seatId];
        if (state.owner != msg.sender) revert NotSeatOwner(seatId, msg.sender);
        if (state.place == LEFT) revert SeatAlreadyLeft(seatId);
        _requireNoDrawDue();
        _roster = _retire(_roster, seatId, state);
        // the stake of one that serves is freed when its ballot closes
        if (_servedBy(seatId) == 0) _release(state);
        _seats[seatId] = state;
    }

    /// @inheritdoc ICommittee
    function hub() external view returns (address) {
        return address(HUB);
    }

    /// @inheritdoc ICommittee
    function seat(uint32 seatId) external view returns (Seat memory) {
        SeatState memory state = _seats[seatId];
        return Seat(state.owner, state.bonded, state.place == LEFT, _servedBy(seatId));
    }

    /// @inheritdoc ICommittee
    function seatCount() external view returns (uint32) {
        return uint32(_roster.seats());
    }

    /// @dev The round that a seat serves, or 0.
    function _servedBy(uint256 seatId) internal view virtual returns (uint256 roundId);

    /// @dev Once the hash of a sealed block can be read, and until `draw` has used it, seats neither come nor go: whoever
    /// knows the seed could choose the committee with them.
    function _requireNoDrawDue() internal view virtual;

    /// @dev Out of the pool, whose last seat takes the place. The caller stores `state`, and the roster that is returned.
    function _retire(uint256 roster, uint256 seatId, SeatState memory state) internal returns (uint256) {
        roster = roster.retire();
        uint256 end = roster.pooled();
        if (state.place != end) {
            uint32 last = _pool.seatAt(end);
            _pool.set(state.place, last);
            _seats[last].place = state.place;
        }
        state.place = LEFT;
        emit SeatLeft(uint32(seatId), state.owner);
        return roster;
    }

    /// @dev The caller stores `state`.
    function _release(SeatState memory state) internal {
        uint256 amount = state.bonded;
        state.bonded = 0;
        // The hub only counts, and calls nobody; of a committee's seats there are fifteen at most.
        // slither-disable-next-line reentrancy-no-eth,calls-loop
        HUB.unlockSeat(state.owner, amount);
    }
}
