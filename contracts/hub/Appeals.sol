// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ICommittee} from "../interfaces/ICommittee.sol";
import {ParameterBounds} from "../libraries/ParameterBounds.sol";
import {Epochs} from "./Epochs.sol";

/// @title Disputing a judgement, or one vote
abstract contract Appeals is Epochs, ReentrancyGuardTransient {
    /// @dev Specified by `IDLBC.appeal`; runs for the hub.
    function appeal(uint256 roundId, TaskSpec calldata spec) external nonReentrant {
        (RoundState storage r, ICommittee.Votes memory votes) = _requireVotes(roundId, Phase.Appeal);
        _requireSpec(r, spec);
        // a second could use up the epoch in which excluded claims enter
        if (_appeals[roundId].length != 0 || r.epoch + 1 >= ParameterBounds.MAX_EPOCHS) {
            revert NoAppealLeft(r.epoch, r.appeals);
        }
        uint96 bond = _parameters(r.version).economy.appealBond;
        _debit(msg.sender, bond);

        Case memory c = _case(roundId, spec, votes);
        _decide(r, c);
        _appeals[roundId].push(AppealCase(msg.sender, bond, _decided(c), c.outcome));
        ++r.appeals;
        emit Appealed(roundId, msg.sender, r.epoch, c.outcome, c.winner);
        c.cause = EpochCause.Appeal;
        uint256 burned = _endEpoch(r, c, spec.fee);
        if (burned != 0) TOKEN.burn(burned);
    }

    /// @dev The second half of `IDLBC.accuse`, once `Accusations` has written down what it says; runs for the hub.
    function accuse(
        uint256 roundId,
        TaskSpec calldata spec,
        ModelCommitment calldata,
        ModelCommitment calldata,
        MarkKey calldata,
        bytes32[] calldata
    ) external nonReentrant {
        (RoundState storage r, ICommittee.Votes memory votes) = _requireVotes(roundId, Phase.Appeal);
        Case memory c = _case(roundId, spec, votes);
        ++r.appeals;
        c.cause = EpochCause.Accusation;
        uint256 burned = _endEpoch(r, c, spec.fee);
        if (burned != 0) TOKEN.burn(burned);
    }

    /// @dev Specified by `IDLBC.challengeVote`; runs for the hub.
    function challengeVote(uint256 roundId, uint8 pos) external nonReentrant {
        (RoundState storage r, ICommittee.Votes memory votes) = _requireVotes(roundId, Phase.Appeal);
        ParameterSet storage parameters = _parameters(r.version);
        // the other half of the phase is for the answer
        if (block.timestamp >= votes.revealEnd + parameters.timing.appealSecs / 2) revert WrongPhase(Phase.Appeal);
        _debit(msg.sender, _challengeBond(parameters.economy));
        emit VoteChallenged(roundId, msg.sender, pos);
        ICommittee(COMMITTEE).challenge(roundId, pos, msg.sender);
    }

    /// @dev Specified by `IDLBC.appealsOf`; runs for the hub.
    function appealsOf(uint256 roundId) external view returns (AppealCase[] memory) {
        return _appeals[roundId];
    }
}
