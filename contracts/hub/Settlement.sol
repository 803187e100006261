// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ICommittee} from "../interfaces/ICommittee.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {FeeSplit} from "../libraries/FeeSplit.sol";
import {Podium} from "../libraries/Podium.sol";
import {Tally} from "../libraries/Tally.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {Decision} from "./Decision.sol";

/// @title How a round ends: who won, who is paid, who is slashed
/// @notice The rows of the money table in docs/protocol.md, one function each.
abstract contract Settlement is Decision, ReentrancyGuardTransient {
    using CommitSlot for uint256;

    uint256 internal constant FAULT_BPS = 5_000; //    unavailable or invalid, of the commit's lock
    uint256 internal constant UNOPENED_BPS = 1_000; // a commit that was never claimed
    uint256 internal constant FINDER_BPS = 1_000; //   of what was slashed, to the caller who pointed it out
    uint256 internal constant ABSENT_BPS = 100; //     of a seat
    uint256 internal constant ABSENT_FAILED_BPS = 1_000; // where too few votes voided the epoch

    /// @dev Specified by `IDLBC.finalize`; runs for the hub.
    function finalize(uint256 roundId, TaskSpec calldata spec, ModelCommitment calldata winner)
        external
        nonReentrant
    {
        RoundState storage r = _requirePhase(roundId, Phase.Tally);
        _requireSpec(r, spec);
        Result memory result = _decide(roundId, r, spec);
        if (result.retry) {
            uint256 slashed = _retry(roundId, r);
            if (slashed != 0) TOKEN.burn(slashed);
            return;
        }

        r.outcome = result.outcome;
        _tasks[r.taskId].status = result.outcome == Outcome.Block ? TaskStatus.Done : TaskStatus.Failed;
        uint256 burned;
        uint256 emission;
        if (result.outcome == Outcome.Block) (burned, emission) = _settleBlock(roundId, r, spec, winner, result);
        else if (result.hasBallot) burned = _settleVoided(roundId, r, spec, result);
        else burned = _settleUnjudged(roundId, r, spec, result);
        emit RoundFinalized(roundId, r.taskId, result.outcome, burned);
        if (emission != 0) TOKEN.mint(address(this), emission);
        if (burned != 0) TOKEN.burn(burned);
    }

    /// @dev Specified by `IDLBC.releaseLocks`; runs for the hub.
    function releaseLocks(uint256 roundId, address[] calldata miners) external nonReentrant {
        RoundState storage r = _rounds[roundId];
        if (r.outcome == Outcome.None) revert NotFinal(roundId);
        uint256 unit = _parameters(r.version).economy.minerUnit;
        // where nobody could claim, nobody failed to
        bool claimable = r.keyAt != 0;
        uint256 burned;
        for (uint256 i; i < miners.length; ++i) {
            address miner = miners[i];
            uint256 word = _commits[roundId][miner];
            if (word == 0) revert NotCommitted(miner);
            if (word.released()) continue;
            _commits[roundId][miner] = word.release();
            if (word.opened() || !claimable) _unlock(miner, unit);
            else burned += _slashUnopened(roundId, miner, unit);
            emit LockReleased(roundId, miner);
        }
        if (burned != 0) TOKEN.burn(burned);
    }

    /// @dev Specified by `IDLBC.claimCompensation`; runs for the hub.
    function claimCompensation(uint256 roundId) external {
        RoundState storage r = _rounds[roundId];
        if (r.outcome == Outcome.None) revert NotFinal(roundId);
        uint256 word = _commits[roundId][msg.sender];
        // without a test key nothing was ever opened: the mark is free to say "collected"
        if (r.compensation == 0 || word == 0 || word.opened()) revert NothingToCollect(msg.sender);
        _commits[roundId][msg.sender] = word.open(CandidateList.NOT_LISTED);
        _pay(roundId, msg.sender, Payment.Compensation, r.compensation);
    }

    /// @dev Specified by `IDLBC.preview`; runs for the hub.
    function preview(uint256 roundId, TaskSpec calldata spec)
        external
        view
        returns (Outcome outcome, bytes32 commitmentHash, uint40 score)
    {
        RoundState storage r = _rounds[roundId];
        if (!_isLive(r)) return (r.outcome, 0, 0);
        _requireSpec(r, spec);
        Result memory result = _decide(roundId, r, spec);
        outcome = result.outcome;
        if (outcome == Outcome.Block) {
            uint256 first = result.podium[0];
            (commitmentHash, score) = (result.places[first].commitment, result.verdicts[first].median);
        }
    }

    /* THE ENDS OF A ROUND; each returns what it burned */

    function _retry(uint256 roundId, RoundState storage r) private returns (uint256 burned) {
        emit EpochFailed(roundId, r.epoch);
        ++r.epoch;
        (,, burned) = _closeBallot(roundId, r, true, ABSENT_FAILED_BPS);
    }

    function _settleBlock(
        uint256 roundId,
        RoundState storage r,
        TaskSpec calldata spec,
        ModelCommitment calldata winner,
        Result memory result
    ) private returns (uint256 burned, uint256 emission) {
        CandidateList.Place memory first = result.places[result.podium[0]];
        _requireWinner(winner, first.commitment);
        burned = _slashFaults(roundId, r, result);
        (address[] memory voters, bytes32 voteRoot, uint256 slashed) =
            _closeBallot(roundId, r, false, ABSENT_BPS);

        Economy memory economy_ = _parameters(r.version).economy;
        FeeSplit.Shares memory shares = FeeSplit.split(
            economy_,
            spec.fee,
            voters.length,
            result.podium[1] != Podium.NOBODY,
            result.podium[2] != Podium.NOBODY
        );
        if (r.claims >= economy_.minMiners) {
            emission = FeeSplit.emission(economy_, block.timestamp - DEPLOYED_AT, shares.burned, _emissionLeft());
        }
        _pay(roundId, first.miner, Payment.Winner, shares.winner);
        _pay(roundId, first.miner, Payment.Emission, emission);
        if (shares.second != 0) {
            _pay(roundId, result.places[result.podium[1]].miner, Payment.Second, shares.second);
        }
        if (shares.third != 0) {
            _pay(roundId, result.places[result.podium[2]].miner, Payment.Third, shares.third);
        }
        _payEach(roundId, voters, Payment.Validator, shares.perValidator);
        _pay(roundId, spec.requester, Payment.Bond, spec.bond);
        burned += shares.burned + slashed;

        BlockHeader memory header;
        header.anchor = r.anchor;
        header.roundId = roundId;
        header.specHash = r.specHash;
        header.commitment = first.commitment;
        header.modelHash = winner.modelHash;
        header.score = result.verdicts[result.podium[0]].median;
        header.scoreMax = spec.scoreMax;
        header.voteRoot = voteRoot;
        header.miner = first.miner;
        header.payloadRoot = winner.payloadRoot;
        header.emission = uint96(emission);
        _appendBlock(header, _tasks[r.taskId].base);
    }

    /// @dev TaskFault, NoQuorum, and BelowThreshold after keys were shown: models were opened, so their miners are paid.
    function _settleVoided(uint256 roundId, RoundState storage r, TaskSpec calldata spec, Result memory result)
        private
        returns (uint256 burned)
    {
        bool noQuorum = result.outcome == Outcome.NoQuorum;
        bool taskFault = result.outcome == Outcome.TaskFault;
        burned = _slashFaults(roundId, r, result);
        (address[] memory voters,, uint256 slashed) =
            _closeBallot(roundId, r, false, noQuorum ? ABSENT_FAILED_BPS : ABSENT_BPS);
        burned += slashed;

        // a committee without quorum did not do its work: its share goes back
        FeeSplit.Shares memory shares =
            FeeSplit.split(_parameters(r.version).economy, spec.fee, noQuorum ? 0 : voters.length, false, false);
        address[] memory paid = _opened(r, result);
        uint256 minersShare = noQuorum
            ? spec.fee - shares.burned - FeeSplit.part(spec.fee, _parameters(r.version).economy.validatorBps)
            : shares.winner;
        uint256 refund = noQuorum ? spec.fee - minersShare : 0;
        uint256 bond = spec.bond;
        if (!noQuorum) {
            _payEach(roundId, voters, Payment.Validator, shares.perValidator);
            burned += shares.burned;
        }
        if (taskFault) {
            minersShare += bond;
            bond = 0;
        }
        if (paid.length == 0) {
            // every opened model was refused: the requester got nothing for it
            refund += minersShare;
        } else {
            uint256 each = (noQuorum ? minersShare : minersShare / 2) / paid.length;
            _payEach(roundId, paid, Payment.Compensation, each);
            uint256 rest = minersShare - each * paid.length;
            if (noQuorum) refund += rest;
            else burned += rest;
        }
        _pay(roundId, spec.requester, Payment.Refund, refund);
        _pay(roundId, spec.requester, Payment.Bond, bond);
    }

    /// @dev NoCommit, KeyWithheld, NoClaim, NoModel, and BelowThreshold before any key was shown.
    function _settleUnjudged(uint256 roundId, RoundState storage r, TaskSpec calldata spec, Result memory result)
        private
        returns (uint256 burned)
    {
        uint256 refund = spec.fee;
        uint256 bond = spec.bond;
        if (result.outcome == Outcome.KeyWithheld) {
            uint256 each = bond / 2 / r.commits;
            uint256 unit = _parameters(r.version).economy.minerUnit;
            if (each > unit) each = unit;
            r.compensation = uint96(each);
            burned = bond - each * r.commits;
            bond = 0;
        } else if (result.outcome == Outcome.NoModel) {
            burned = _slashFaults(roundId, r, result);
        } else if (result.outcome != Outcome.NoClaim) {
            uint256 slotFee = uint256(_parameters(r.version).limits.slotFeePerSec) * r.trainSecs;
            burned = slotFee < refund ? slotFee : refund;
            refund -= burned;
        }
        _pay(roundId, spec.requester, Payment.Refund, refund);
        _pay(roundId, spec.requester, Payment.Bond, bond);
    }

    /* SLASHING */

    /// @dev Listed candidates without their key; and where the committee judged the models, those that it found unavailable
    /// or invalid. The rest of their lock is freed.
    function _slashFaults(uint256 roundId, RoundState storage r, Result memory result)
        private
        returns (uint256 burned)
    {
        bool judged = result.outcome == Outcome.Block || result.outcome == Outcome.BelowThreshold;
        uint256 unit = _parameters(r.version).economy.minerUnit;
        uint256 amount = FeeSplit.part(unit, FAULT_BPS);
        for (uint256 i; i < result.places.length; ++i) {
            CandidateList.Place memory place = result.places[i];
            Reason reason = Reason.Unavailable;
            if (_hasShown(r, place)) {
                uint8 flags = judged ? result.verdicts[i].flags & (Tally.UNAVAILABLE | Tally.INVALID) : 0;
                if (flags == 0) continue;
                if (flags & Tally.INVALID != 0) reason = Reason.Invalid;
            }
            _commits[roundId][place.miner] = _commits[roundId][place.miner].release();
            _unlock(place.miner, unit - amount);
            _slash(place.miner, amount);
            burned += amount;
            emit Slashed(roundId, place.miner, reason, amount);
            emit LockReleased(roundId, place.miner);
        }
    }

    function _slashUnopened(uint256 roundId, address miner, uint256 unit) private returns (uint256 burned) {
        burned = FeeSplit.part(unit, UNOPENED_BPS);
        _unlock(miner, unit - burned);
        _slash(miner, burned);
        emit Slashed(roundId, miner, Reason.Unopened, burned);
        // nobody is paid for finding himself
        if (msg.sender != miner) {
            uint256 found = FeeSplit.part(burned, FINDER_BPS);
            burned -= found;
            _pay(roundId, msg.sender, Payment.Finder, found);
        }
    }

    function _closeBallot(uint256 roundId, RoundState storage r, bool again, uint256 absentBps)
        private
        returns (address[] memory voters, bytes32 voteRoot, uint256 burned)
    {
        uint96 seatUnit = _parameters(r.version).economy.seatUnit;
        uint256 penalty = FeeSplit.part(seatUnit, absentBps);
        address[] memory absent;
        (voters, absent, voteRoot) = ICommittee(COMMITTEE).close(roundId, again, uint96(penalty), seatUnit / 2);
        for (uint256 i; i < absent.length; ++i) {
            _slash(absent[i], penalty);
            emit Slashed(roundId, absent[i], Reason.Absent, penalty);
        }
        burned = penalty * absent.length;
    }

    /* PAYMENTS */

    /// @dev The miners whose keys were shown and whom the committee did not disqualify.
    function _opened(RoundState storage r, Result memory result) private view returns (address[] memory miners) {
        miners = new address[](result.places.length);
        uint256 count;
        bool judged = result.outcome == Outcome.BelowThreshold;
        for (uint256 i; i < result.places.length; ++i) {
            if (!_hasShown(r, result.places[i]) || (judged && result.verdicts[i].flags != 0)) continue;
            miners[count++] = result.places[i].miner;
        }
        assembly ("memory-safe") {
            mstore(miners, count)
        }
    }

    function _payEach(uint256 roundId, address[] memory accounts, Payment kind, uint256 amount) private {
        for (uint256 i; i < accounts.length; ++i) {
            _pay(roundId, accounts[i], kind, amount);
        }
    }

    function _pay(uint256 roundId, address to, Payment kind, uint256 amount) private {
        if (amount == 0) return;
        _credit(to, amount);
        emit Paid(roundId, to, kind, amount);
    }

    function _requireWinner(ModelCommitment calldata winner, bytes32 expected) private pure {
        bytes32 found = TypedHashes.modelCommitment(winner);
        if (found != expected) revert WrongWinner(found, expected);
    }
}
