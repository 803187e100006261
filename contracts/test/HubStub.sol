// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";
import {BallotWord} from "../libraries/BallotWord.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {Phases} from "../libraries/Phases.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";

/// @title A hub that believes what a test tells it
/// @notice So that a committee can be tried with a thousand seats and sixteen slots without playing every round up to its draw.
contract HubStub is IDLBCTypes {
    using BallotWord for uint256;

    struct Stub {
        Phase phase; // by what the hub alone knows
        uint8 slot;
        uint8 epoch;
        uint8 listed;
        bytes32 specHash;
    }

    event DrawTipped(uint256 roundId, address caller);
    event BallotClosed(ICommittee.Closing closing);

    ICommittee public committee;
    uint96 public seatUnit = 50e18;
    uint32 public appealSecs = 60;
    DrawRules private _rules = DrawRules(0, 0, 3, 3, 2, 0, 60, 60);
    mapping(uint256 roundId => Stub) private _stubs;
    mapping(uint256 roundId => mapping(address owner => bool)) public hasCommitted;
    mapping(address owner => address) public operatorOf;
    mapping(address owner => uint256) public locked;

    /* WHAT A TEST SAYS */

    function setCommittee(ICommittee committee_) external {
        committee = committee_;
    }

    function setRules(uint8 wanted, uint8 committeeSize, uint8 quorum) external {
        (_rules.wanted, _rules.committeeSize, _rules.quorum) = (wanted, committeeSize, quorum);
    }

    function setSeatUnit(uint96 seatUnit_) external {
        seatUnit = seatUnit_;
    }

    function setRound(uint256 roundId, Phase phase_, uint8 slot, uint8 epoch, uint8 listed, bytes32 specHash) external {
        _stubs[roundId] = Stub(phase_, slot, epoch, listed, specHash);
    }

    function setCommitted(uint256 roundId, address owner) external {
        hasCommitted[roundId][owner] = true;
    }

    function setOperator(address operator) external {
        operatorOf[msg.sender] = operator;
    }

    /* WHAT A HUB ASKS */

    function close(
        uint256 roundId,
        bool again,
        uint16 absentBps,
        uint16 offMask,
        uint16 offBps,
        uint96 seatUnit_
    ) external returns (ICommittee.Closing memory closing) {
        closing = committee.close(roundId, again, absentBps, offMask, offBps, seatUnit_);
        emit BallotClosed(closing);
        for (uint256 i; i < closing.penalties.length; ++i) {
            locked[closing.owners[i]] -= closing.penalties[i];
        }
        if (again) ++_stubs[roundId].epoch;
        else _stubs[roundId].phase = Phase.Final;
    }

    function challenge(uint256 roundId, uint8 pos) external {
        committee.challenge(roundId, pos, msg.sender);
    }

    function hashSpec(TaskSpec calldata spec) external pure returns (bytes32) {
        return TypedHashes.spec(spec);
    }

    /* WHAT A COMMITTEE ASKS */

    function lockSeat(address owner) external returns (uint96) {
        locked[owner] += seatUnit;
        return seatUnit;
    }

    function unlockSeat(address owner, uint256 amount) external {
        locked[owner] -= amount;
    }

    function tipDraw(uint256 roundId, address caller) external {
        emit DrawTipped(roundId, caller);
    }

    function slotOf(uint256 roundId) external view returns (uint8) {
        return _stubs[roundId].slot;
    }

    function drawPhase(uint256 roundId) external view returns (Phase, uint8 slot, uint8 epoch) {
        return (_stubs[roundId].phase, _stubs[roundId].slot, _stubs[roundId].epoch);
    }

    function drawRules(uint256 roundId) external view returns (DrawRules memory rules) {
        rules = _rules;
        (rules.slot, rules.epoch) = (_stubs[roundId].slot, _stubs[roundId].epoch);
    }

    function committed(uint256 roundId, address[] calldata owners) external view returns (uint256 mask) {
        for (uint256 i; i < owners.length; ++i) {
            if (hasCommitted[roundId][owners[i]]) mask |= 1 << i;
        }
    }

    function phase(uint256 roundId) public view returns (Phase current, uint40 endsAt) {
        Stub storage stub = _stubs[roundId];
        if (stub.phase != Phase.Seal) return (stub.phase, 0);
        uint256 ballot = committee.ballotWord(roundId, stub.slot);
        Phases.Facts memory facts;
        facts.isSealed = ballot.isSealed();
        facts.drawn = ballot.isDrawn();
        facts.drawFailed = ballot.failed();
        facts.voteStart = uint40(ballot.voteStart());
        facts.voteCommitEnd = uint40(ballot.commitEnd());
        facts.voteRevealEnd = uint40(ballot.revealEnd());
        if (BitMask.count(ballot.revealed()) >= ballot.quorum()) facts.appealEnd = facts.voteRevealEnd + appealSecs;
        return Phases.afterShow(facts, block.timestamp);
    }

    function round(uint256 roundId) external view returns (Round memory result) {
        (result.listed, result.specHash) = (_stubs[roundId].listed, _stubs[roundId].specHash);
    }
}
