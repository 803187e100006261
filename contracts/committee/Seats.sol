// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDLBC} from "../interfaces/IDLBC.sol";
import {SeatPool} from "../libraries/SeatPool.sol";

/// @title Who may be drawn
/// @notice A seat is in the pool, or serves a round, or has ended. Its stake lies in the hub, locked.
abstract contract Seats is ICommittee {
    using SeatPool for SeatPool.Pool;

    struct SeatState {
        address owner; // never changes: a seat that ends is not given to anyone else
        uint88 bonded;
        bool leaving;
    }

    /// @dev Of free seats: bounds the search when one leaves. Those that serve come back to the pool even so.
    uint256 internal constant MAX_SEATS = 4_096;

    IDLBC internal immutable HUB;

    /// @inheritdoc ICommittee
    uint32 public seatCount;
    SeatPool.Pool internal _pool;
    mapping(uint256 seatId => SeatState) internal _seats;
    /// @dev Also those that ended. By owner, so that nobody can make another one's list too long to read.
    mapping(address owner => uint32[]) private _seatsOf;

    constructor(IDLBC hub_) {
        HUB = hub_;
    }

    /// @inheritdoc ICommittee
    function joinSeat() external returns (uint32 seatId) {
        _requireNoDrawDue();
        uint256 available = _pool.length();
        if (available >= MAX_SEATS) revert SeatsFull(available);
        seatId = ++seatCount;
        _pool.push(seatId);
        _seatsOf[msg.sender].push(seatId);
        emit SeatJoined(seatId, msg.sender);
        _seats[seatId] = SeatState(msg.sender, uint88(HUB.lockSeat(msg.sender)), false);
    }

    /// @inheritdoc ICommittee
    function leaveSeat(uint32 seatId) external {
        SeatState storage state = _seats[seatId];
        if (state.owner != msg.sender) revert NotSeatOwner(seatId, msg.sender);
        if (state.leaving) revert SeatAlreadyLeft(seatId);
        _requireNoDrawDue();
        _retire(seatId, state);
        // a seat that serves is not in the pool: it is freed when its ballot closes
        if (_pool.remove(seatId)) _release(state);
    }

    /// @inheritdoc ICommittee
    function availableSeats() external view returns (uint256) {
        return _pool.length();
    }

    /// @inheritdoc ICommittee
    function seatsOf(address owner) external view returns (uint32[] memory seatIds) {
        seatIds = _seatsOf[owner];
        uint256 found;
        for (uint256 i; i < seatIds.length; ++i) {
            if (_seats[seatIds[i]].bonded != 0) seatIds[found++] = seatIds[i];
        }
        assembly ("memory-safe") {
            mstore(seatIds, found)
        }
    }

    /// @dev Once the hash of a sealed block can be read, and until `draw` has used it, seats neither come nor go: whoever
    /// knows the seed could choose the committee with them.
    function _requireNoDrawDue() internal view virtual;

    function _retire(uint32 seatId, SeatState storage state) internal {
        state.leaving = true;
        emit SeatLeft(seatId, state.owner);
    }

    function _release(SeatState storage state) internal {
        uint256 amount = state.bonded;
        state.bonded = 0;
        HUB.unlockSeat(state.owner, amount);
    }
}
