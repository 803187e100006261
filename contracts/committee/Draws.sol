// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";
import {BallotWord} from "../libraries/BallotWord.sol";
import {Bench} from "../libraries/Bench.sol";
import {RosterWord} from "../libraries/RosterWord.sol";
import {SeatPool} from "../libraries/SeatPool.sol";
import {Ballots} from "./Ballots.sol";

/// @title Who judges a round
/// @notice Each eligible seat is as likely as any other, whoever sent the draw: the seed is the hash of a block that lay in the
/// future when it was fixed.
abstract contract Draws is Ballots {
    using BallotWord for uint256;
    using RosterWord for uint256;
    using SeatPool for SeatPool.Pool;
    using SeatPool for SeatPool.Sample;

    /// @dev How far ahead the seed's block lies: whoever seals cannot know its hash.
    uint256 internal constant SEAL_BLOCKS = 2;
    /// @dev So that nobody can make a draw too dear with seats that are not eligible.
    uint256 internal constant MAX_TRIES = 128;

    /// @inheritdoc ICommittee
    function draw(uint256 roundId) external {
        (IDLBCTypes.Phase phase, uint256 slot, uint256 epoch) = HUB.drawPhase(roundId);
        if (phase != IDLBCTypes.Phase.Seal) revert WrongPhase(uint8(phase));
        uint256 ballot_ = _ballots[slot];
        // slither-disable-start incorrect-equality: a ballot's word has times in it, but none is compared here
        // what the slot's last round left, or an earlier epoch, is over
        if (ballot_.roundId() != roundId || ballot_.epoch() != epoch || ballot_.stage() == BallotWord.NONE) {
            if (ballot_ == 0) _openSlot(slot);
            return _seal(slot, roundId, epoch);
        }
        // slither-disable-end incorrect-equality
        if (ballot_.stage() != BallotWord.SEALED) _revertPhase(roundId);
        uint256 sealBlock = ballot_.sealBlock();
        if (block.number <= sealBlock) revert TooEarly(block.number, sealBlock + 1);
        bytes32 blockHash = blockhash(sealBlock);
        // only the last 256 hashes can be had: of an older one the chain says 0
        // slither-disable-next-line incorrect-equality
        if (blockHash == 0) return _seal(slot, roundId, epoch);
        _draw(roundId, slot, ballot_, bytes7(keccak256(abi.encode(blockHash, roundId, epoch))));
    }

    /// @dev The first ballot of a slot: it has to be looked at from now on.
    function _openSlot(uint256 slot) private {
        if (slot >= _roster.slots()) _roster = _roster.openSlot(slot);
    }

    function _seal(uint256 slot, uint256 roundId, uint256 epoch) private {
        uint256 sealBlock = block.number + SEAL_BLOCKS;
        _ballots[slot] = BallotWord.seal(roundId, epoch, sealBlock);
        emit DrawSealed(roundId, uint8(epoch), uint64(sealBlock));
    }

    function _draw(uint256 roundId, uint256 slot, uint256 ballot_, bytes32 seed) private {
        IDLBCTypes.DrawRules memory rules = HUB.drawRules(roundId);
        uint256 roster = _roster;
        (Members[] memory atWork, uint256 serving) = _atWork(roster.drawn());
        (uint32[] memory seatIds, address[] memory owners) =
            _pick(roundId, rules.wanted, seed, roster.pooled(), atWork);
        uint256 size = seatIds.length;
        if (size < rules.quorum) {
            // seats that judge other rounds come back: a round is not void because others were drawn before it
            if (size + serving >= rules.quorum) return _seal(slot, roundId, ballot_.epoch());
            _ballots[slot] = ballot_.fail();
            emit CommitteeDrawn(roundId, ballot_.epoch(), seed, new uint32[](0), new address[](0), 0);
        } else {
            _roster = roster.startWork(slot, roundId);
            (uint256 first, uint256 second) = Bench.pack(seed, seatIds);
            _benches[slot][0] = first;
            if (second != 0) _benches[slot][1] = second;
            // two thirds of a larger committee: those of an appeal
            uint256 quorum = size <= rules.committeeSize ? rules.quorum : 2 * size / 3 + 1;
            uint256 voteStart = block.timestamp + rules.proveSecs;
            _ballots[slot] = ballot_.draw(size, quorum, voteStart, rules.voteCommitSecs, rules.voteRevealSecs);
            emit CommitteeDrawn(roundId, ballot_.epoch(), seed, seatIds, owners, uint40(voteStart));
        }
        HUB.tipDraw(roundId, msg.sender);
    }

    /// @dev The largest odd number of eligible seats, up to `wanted`: in the pool, not at work, and not of an owner who committed
    /// a model in this round.
    function _pick(uint256 roundId, uint256 wanted, bytes32 seed, uint256 pooled, Members[] memory atWork)
        internal
        view
        returns (uint32[] memory seatIds, address[] memory owners)
    {
        seatIds = new uint32[](wanted);
        owners = new address[](wanted);
        SeatPool.Sample memory sample = SeatPool.sample(pooled);
        uint256 found;
        uint256 tries;
        unchecked {
            while (found < wanted && tries < MAX_TRIES && sample.remaining != 0) {
                uint256 free = found;
                while (free < wanted && tries < MAX_TRIES && sample.remaining != 0) {
                    uint256 random = uint256(Hashes.efficientKeccak256(seed, bytes32(tries++)));
                    uint32 seatId = _pool.seatAt(sample.next(random));
                    if (_isAtWork(atWork, seatId)) continue;
                    seatIds[free] = seatId;
                    owners[free++] = _seats[seatId].owner;
                }
                found = _dropMiners(roundId, seatIds, owners, found, free);
            }
            // an even committee could be split
            if (found % 2 == 0 && found != 0) --found;
        }
        assembly ("memory-safe") {
            mstore(seatIds, found)
            mstore(owners, found)
        }
    }

    /// @dev Takes those from `from` up to `to` out whose owners committed, and closes the gaps.
    function _dropMiners(
        uint256 roundId,
        uint32[] memory seatIds,
        address[] memory owners,
        uint256 from,
        uint256 to
    ) private view returns (uint256 found) {
        unchecked {
            address[] memory asked = owners;
            // most draws ask once, for all
            if (to - from != owners.length) {
                asked = new address[](to - from);
                for (uint256 i; i < asked.length; ++i) {
                    asked[i] = owners[from + i];
                }
            }
            // slither-disable-next-line calls-loop: a view, and again only where miners were among those drawn
            uint256 miners = HUB.committed(roundId, asked);
            if (miners == 0) return to;
            found = from;
            for (uint256 i = from; i < to; ++i) {
                if ((miners >> (i - from)) & 1 == 1) continue;
                seatIds[found] = seatIds[i];
                owners[found++] = owners[i];
            }
        }
    }

    function _isAtWork(Members[] memory atWork, uint256 seatId) private pure returns (bool) {
        for (uint256 i; i < atWork.length; ++i) {
            if (_has(atWork[i], seatId)) return true;
        }
        return false;
    }
}
