// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {FeeSplit} from "../libraries/FeeSplit.sol";
import {Podium} from "../libraries/Podium.sol";
import {Tally} from "../libraries/Tally.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {Epochs} from "./Epochs.sol";
import {Parents} from "./Parents.sol";

/// @title How a round ends: who won, and who is paid
/// @notice The rows of the money table in docs/protocol.md. Fee, bond and what was slashed are paid out or burned to the last unit.
abstract contract Settlement is Epochs, Parents, ReentrancyGuardTransient {
    using BitMask for uint256;
    using CommitSlot for uint256;

    uint256 internal constant MAX_RELEASES = 64;

    /// @dev What is settled, and by which numbers.
    struct Docket {
        uint256 fee; //      less the tips
        uint256 advanced; // of it, in earlier epochs
        Economy economy;
    }

    /// @dev Specified by `IDLBC.finalize`; runs for the hub.
    function finalize(
        uint256 roundId,
        TaskSpec calldata spec,
        ModelCommitment calldata winner,
        uint256 parentRound
    ) external nonReentrant {
        (RoundState storage r, ICommittee.Votes memory votes) = _requireVotes(roundId, Phase.Tally);
        _requireSpec(r, spec);
        Case memory c = _case(roundId, spec, votes);
        _decide(r, c);
        _tip(roundId, r, msg.sender);
        uint256 burned;
        uint256 emission;
        if (c.outcome == Outcome.None) {
            burned = _endEpoch(r, c, spec.fee);
        } else {
            r.outcome = c.outcome;
            _tasks[r.taskId].status = c.outcome == Outcome.Block ? TaskStatus.Done : TaskStatus.Failed;
            Docket memory docket;
            docket.economy = _parameters(r.version).economy;
            docket.fee = spec.fee - uint256(r.tips) * docket.economy.tip;
            // most rounds have one epoch only, and a word less to read
            if (r.epoch != 0) docket.advanced = r.advanced;
            if (c.outcome == Outcome.Block) {
                (burned, emission) = _settleBlock(docket, r, spec, winner, parentRound, c);
            } else if (c.voted) {
                burned = _settleVoided(docket, r, spec, c);
            } else {
                burned = _settleUnjudged(docket, r, spec, c);
            }
            emit RoundFinalized(roundId, r.taskId, c.outcome, burned);
        }
        if (emission != 0) TOKEN.mint(address(this), emission);
        if (burned != 0) TOKEN.burn(burned);
    }

    /// @dev Specified by `IDLBC.releaseLocks`; runs for the hub.
    function releaseLocks(uint256 roundId, address[] calldata miners) external nonReentrant {
        RoundState storage r = _rounds[roundId];
        if (r.outcome == Outcome.None) revert NotFinal(roundId);
        if (miners.length > MAX_RELEASES) revert TooMany(miners.length, MAX_RELEASES);
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
        _commits[roundId][msg.sender] = word.open(bytes32(0), CandidateList.NOT_LISTED);
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
        Case memory c = _case(roundId, spec, ICommittee(COMMITTEE).votes(roundId));
        _decide(r, c);
        (outcome, commitmentHash) = (c.outcome, c.winner);
        if (outcome == Outcome.Block) score = c.found.verdicts[c.podium[0]].median;
    }

    /* THE ENDS OF A ROUND; each returns what is to be burned */

    function _settleBlock(
        Docket memory docket,
        RoundState storage r,
        TaskSpec calldata spec,
        ModelCommitment calldata winner,
        uint256 parentRound,
        Case memory c
    ) private returns (uint256 burned, uint256 emission) {
        _requireWinner(winner, c.winner);
        (uint256 off, Jury memory jury) = _coherent(c);
        ICommittee.Closing memory closing;
        (closing, burned) = _closeRound(docket, c, off);
        FeeSplit.Shares memory shares = FeeSplit.split(
            docket.economy,
            docket.fee,
            docket.advanced,
            FeeSplit.Sharers({
                validators: jury.served.count(),
                second: c.podium[1] != Podium.NOBODY,
                third: c.podium[2] != Podium.NOBODY,
                parent: winner.parent != 0
            })
        );
        if (r.claims >= docket.economy.minMiners) {
            emission = FeeSplit.emission(docket.economy, _elapsed(), shares.burned, _emissionLeft());
        }
        burned += shares.burned;
        _credit(winner.miner, shares.winner + emission);
        emit Paid(c.roundId, winner.miner, Payment.Winner, shares.winner);
        if (emission != 0) emit Paid(c.roundId, winner.miner, Payment.Emission, emission);
        if (shares.second != 0) {
            _pay(c.roundId, _place(c, c.podium[1]).miner, Payment.Second, shares.second);
        }
        if (shares.third != 0) {
            _pay(c.roundId, _place(c, c.podium[2]).miner, Payment.Third, shares.third);
        }
        if (winner.parent != 0) {
            _pay(c.roundId, _parentsMiner(winner.parent, parentRound), Payment.Parent, shares.parent);
        }
        burned += _payJudges(docket, r, c, closing, jury, shares.perValidator);
        _pay(c.roundId, spec.requester, Payment.Bond, spec.bond);
        _append(docket, r, spec, winner, c, closing.voteRoot, emission);
    }

    /// @dev TaskFault, NoQuorum, and BelowThreshold after keys were shown: models were opened, so their miners are paid.
    function _settleVoided(Docket memory docket, RoundState storage r, TaskSpec calldata spec, Case memory c)
        private
        returns (uint256 burned)
    {
        Jury memory jury;
        uint256 off;
        if (c.judged) {
            (off, jury) = _coherent(c);
        } else if (c.outcome == Outcome.TaskFault) {
            jury = Jury(c.votes.revealed, c.votes.unopened, c.votes.unopened);
        }
        ICommittee.Closing memory closing;
        (closing, burned) = _closeRound(docket, c, off);
        FeeSplit.Shares memory shares = FeeSplit.split(
            docket.economy,
            docket.fee,
            docket.advanced,
            FeeSplit.Sharers(jury.served.count(), false, false, false)
        );
        burned += _payJudges(docket, r, c, closing, jury, shares.perValidator);

        address[] memory paid = _entitled(c);
        uint256 refund;
        uint256 bond = spec.bond;
        if (c.outcome == Outcome.NoQuorum) {
            // a committee without quorum did not do its work: what it would have been paid or burned goes back
            refund = docket.fee - docket.advanced;
            uint256 miners = docket.fee - shares.burned - FeeSplit.part(docket.fee, docket.economy.validatorBps);
            refund -= _payEach(c.roundId, paid, miners);
        } else {
            burned += shares.burned;
            uint256 rest = shares.winner;
            if (c.outcome == Outcome.TaskFault) {
                rest += bond;
                bond = 0;
            }
            // where every opened model was refused, the requester got nothing for it
            if (paid.length == 0) refund = rest;
            else burned += rest - _payEach(c.roundId, paid, rest / 2);
        }
        _pay(c.roundId, spec.requester, Payment.Refund, refund);
        _pay(c.roundId, spec.requester, Payment.Bond, bond);
    }

    /// @dev NoCommit, KeyWithheld, NoClaim, NoModel, and BelowThreshold before any key was shown.
    function _settleUnjudged(
        Docket memory docket,
        RoundState storage r,
        TaskSpec calldata spec,
        Case memory c
    ) private returns (uint256 burned) {
        uint256 refund = docket.fee - docket.advanced;
        uint256 bond = spec.bond;
        if (c.outcome == Outcome.KeyWithheld) {
            uint256 each = bond / 2 / r.commits;
            if (each > docket.economy.minerUnit) each = docket.economy.minerUnit;
            r.compensation = uint96(each);
            // slither-disable-next-line divide-before-multiply: what equal parts leave is burned
            burned = bond - each * r.commits;
            bond = 0;
        } else {
            // a slot that was reserved in vain
            burned = uint256(_parameters(r.version).limits.slotFeePerSec) * r.trainSecs;
            if (burned > refund) burned = refund;
            refund -= burned;
            burned += _slashCandidates(c, docket.economy.minerUnit);
        }
        burned += _decideDisputes(r, c);
        _pay(c.roundId, spec.requester, Payment.Refund, refund);
        _pay(c.roundId, spec.requester, Payment.Bond, bond);
    }

    /* PARTS OF THEM */

    /// @dev Ends the last epoch: slashes candidates and seats.
    function _closeRound(Docket memory docket, Case memory c, uint256 off)
        private
        returns (ICommittee.Closing memory closing, uint256 slashed)
    {
        uint256 taken = _slashCandidates(c, docket.economy.minerUnit);
        (closing, slashed) = _closeBallot(c, false, off, docket.economy.seatUnit);
        slashed += taken;
    }

    /// @dev The last epoch's validators, and the bonds of appeals and challenges.
    /// @return burned what of the bonds cannot be shared
    function _payJudges(
        Docket memory docket,
        RoundState storage r,
        Case memory c,
        ICommittee.Closing memory closing,
        Jury memory jury,
        uint256 each
    ) private returns (uint256 burned) {
        burned = _payJury(c.roundId, closing, jury, each, _challengeBond(docket.economy));
        uint256 lost = _decideDisputes(r, c);
        burned += _shareBonds(c.roundId, closing.owners, jury.served & ~jury.silent, lost);
    }

    function _append(
        Docket memory docket,
        RoundState storage r,
        TaskSpec calldata spec,
        ModelCommitment calldata winner,
        Case memory c,
        bytes32 voteRoot,
        uint256 emission
    ) private {
        uint256 position = c.podium[0];
        BlockHeader memory header;
        header.anchor = winner.anchor;
        header.roundId = c.roundId;
        header.specHash = winner.specHash;
        header.commitment = c.winner;
        header.modelHash = winner.modelHash;
        header.score = c.found.verdicts[position].median;
        header.scoreMax = spec.scoreMax;
        header.voteRoot = voteRoot;
        header.miner = winner.miner;
        header.emission = uint96(emission);
        if (
            winner.payloadRoot != 0 && r.inboxCount != 0
                && !c.taskFlags.has(Tally.PAYLOAD_SHIFT + position)
        ) {
            header.payloadRoot = winner.payloadRoot;
            if (r.inboxTo > _inbox.carried) _inbox.carried = r.inboxTo;
        }
        _appendBlock(header, _tasks[r.taskId].base);
    }

    /// @dev The miners whose keys were shown and, where that was judged, whose claims hold.
    function _entitled(Case memory c) private view returns (address[] memory miners) {
        miners = new address[](c.list.length);
        uint256 count;
        for (uint256 i; i < c.list.length; ++i) {
            if (!c.shown.has(i)) continue;
            if (c.stolen.has(i)) continue;
            // the least score is what nobody reached
            if (c.judged && !Tally.qualifies(c.found.verdicts[i], CandidateList.scoreOf(c.list[i]), 0, c.tol)) continue;
            miners[count++] = _place(c, i).miner;
        }
        assembly ("memory-safe") {
            mstore(miners, count)
        }
    }

    /// @param miners one at least
    /// @return sum of what was paid: `amount` less what equal parts leave
    function _payEach(uint256 roundId, address[] memory miners, uint256 amount) private returns (uint256 sum) {
        uint256 each = amount / miners.length;
        for (uint256 i; i < miners.length; ++i) {
            _pay(roundId, miners[i], Payment.Compensation, each);
        }
        return amount - amount % miners.length;
    }

    function _requireWinner(ModelCommitment calldata winner, bytes32 expected) private pure {
        bytes32 found = TypedHashes.modelCommitment(winner);
        if (found != expected) revert WrongWinner(found, expected);
    }
}
