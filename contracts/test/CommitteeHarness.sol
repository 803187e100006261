// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Committee} from "../Committee.sol";
import {IDLBC} from "../interfaces/IDLBC.sol";
import {RosterWord} from "../libraries/RosterWord.sol";
import {SeatPool} from "../libraries/SeatPool.sol";

/// @title A committee that draws as often as a test likes
contract CommitteeHarness is Committee {
    using RosterWord for uint256;
    using SeatPool for SeatPool.Pool;

    constructor(IDLBC hub_) Committee(hub_) {}

    /// @notice Opens seats of made-up owners, past the hub's locks.
    /// @param step from one's address to the next one's; 0: all belong to the first
    function seatMany(uint160 from, uint160 step, uint256 count) external {
        for (uint256 i; i < count; ++i) {
            uint256 place = _roster.pooled();
            _roster = _roster.join();
            _pool.set(place, _roster.seats());
            _seats[_roster.seats()] = SeatState(address(from + step * uint160(i)), 50e18, uint16(place));
        }
    }

    /// @notice How often each seat is drawn by the seeds after `seed`.
    function draws(uint256 roundId, uint256 wanted, uint256 seed, uint256 times)
        external
        view
        returns (uint256[] memory counts, uint256 size)
    {
        (Members[] memory atWork,) = _atWork(_roster.drawn());
        uint256 pooled = _roster.pooled();
        counts = new uint256[](_roster.seats() + 1);
        for (uint256 i; i < times; ++i) {
            (uint32[] memory seatIds,) = _pick(roundId, wanted, keccak256(abi.encode(seed, i)), pooled, atWork);
            size = seatIds.length;
            for (uint256 j; j < size; ++j) {
                ++counts[seatIds[j]];
            }
        }
    }
}
