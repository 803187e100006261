// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {Cheats} from "../Cheats.sol";
import {Deployed} from "./Deployed.sol";

/// @title A market in which everybody does everything that is allowed, in any order
/// @notice The handler of the campaign: `step` draws one action that is possible now and sends it; it must not revert. What the
/// contracts do not remember is remembered here (ghosts): models behind commitments, who was honest, bonds on their way.
/// Honest miners claim what their model scores, honest validators vote it, both within half of `tol`. Dishonest validators are
/// half of a quorum at most in each epoch; everything else is allowed to be dishonest.
contract Market is Deployed, IDLBCTypes {
    uint256 internal constant ACTORS = 18;
    uint256 internal constant DEPOSIT = 20_000e18;
    uint40 internal constant SCORE_MAX = 1_000;
    uint32 internal constant TOL = 10;
    bytes32 internal constant TEST_KEY = keccak256("test key");

    /// @dev A commitment and what lies behind it.
    struct Model {
        ModelCommitment commitment;
        bytes32 hash;
        uint40 score; //   what a perfect device would measure
        uint40 claimed;
        bool claims; //    was claimed
        bool honest; //    its miner claims what it measures
    }

    struct Cast {
        ICommittee.Vote vote;
        bool honest;
    }

    address[] public actors;
    mapping(address => uint256) internal _keys;

    TaskSpec[] internal _specs; //                                 by task number, from 1
    mapping(uint256 roundId => address[]) internal _miners;
    mapping(uint256 roundId => mapping(address miner => Model)) internal _models;
    mapping(bytes32 ballot => mapping(uint256 pos => Cast)) internal _cast;
    mapping(bytes32 ballot => uint256) internal _dishonest; //      votes of an epoch
    mapping(bytes32 ballot => address[]) internal _drawnOwners;
    mapping(bytes32 ballot => address[16]) internal _challengers;

    uint256 public steps;

    /* GHOSTS THAT THE INVARIANTS COMPARE WITH */

    uint256 public deposited;
    uint256 public withdrawn;
    uint256 public challengeBonds; //  locked by challenges of live epochs
    uint256 public uncollected; //     compensation that committers have not collected
    uint256 public blocks;
    uint256 public sumEmission;
    bytes32 public lastHead;
    uint128 public lastChainScore;
    bytes32[] public commitments; //   of every model ever claimed
    bytes32 public inboxHead;
    uint32 public posted;
    bool public honestSlashed;
    Model[] internal _winners; //       of blocks: whoever made one may accuse with it once
    mapping(bytes32 leaf => bool) internal _shownLeaves;
    string public fault; //            of what an action found wrong; empty where nothing was
    mapping(uint256 roundId => mapping(address => mapping(uint8 reason => uint256))) internal _slashes;
    mapping(string => uint256) public calls; // how often each action was taken: shown when a campaign ends

    constructor() {
        _deploy(_timing(), _economy(), _limits());
        _specs.push();
        lastHead = hub.head();
        for (uint256 i; i < ACTORS; ++i) {
            (address account, uint256 key) = actor(string.concat("actor", vm.toString(i)));
            actors.push(account);
            _keys[account] = key;
            token.transfer(account, DEPOSIT + 1_000e18);
            vm.startPrank(account);
            token.approve(address(hub), type(uint256).max);
            hub.deposit(DEPOSIT);
            hub.stake(DEPOSIT / 2);
            if (i < 10) committee.joinSeat();
            vm.stopPrank();
            deposited += DEPOSIT;
        }
        vm.roll(1_000);
        vm.warp(1_000_000);
    }

    function contracts() external view returns (address, address, address) {
        return (address(token), address(hub), address(committee));
    }

    function specOf(uint256 taskId) external view returns (TaskSpec memory) {
        return _specs[taskId];
    }

    function taskTotal() external view returns (uint256) {
        return _specs.length - 1;
    }

    function minersOf(uint256 roundId) external view returns (address[] memory) {
        return _miners[roundId];
    }

    function modelOf(uint256 roundId, address miner) external view returns (Model memory) {
        return _models[roundId][miner];
    }

    function actorCount() external view returns (uint256) {
        return actors.length;
    }

    /* THE ONE ENTRY */

    /// @notice Takes one possible action. Most of them move a live round.
    function step(uint256 seed) external {
        // the same number twice is two actions
        seed = draw(seed, ++steps);
        uint256 balance = token.balanceOf(address(hub));
        uint256 supply = token.totalSupply();
        uint256 moved = deposited - withdrawn;
        vm.recordLogs();
        _act(seed);
        _read(vm.getRecordedLogs());
        // I08: what leaves the hub was withdrawn or burned, what comes was deposited or minted
        int256 tokens = int256(token.balanceOf(address(hub))) - int256(balance);
        int256 expected = int256(deposited - withdrawn) - int256(moved) + int256(token.totalSupply()) - int256(supply);
        if (tokens != expected) _blame("I08: tokens left the hub by no withdrawal and no burn");
        // I06, I07: all actors are one coalition here; the supply is all that they own
        if (token.totalSupply() > supply) _blame("I06: the wealth of all together rose");
    }

    function _act(uint256 seed) private {
        uint256 kind = draw(seed, 0) % 100;
        if (kind < 8) return _submit(seed);
        if (kind < 10) return _cancel(seed);
        if (kind < 17) return _open(seed);
        if (kind < 24) return _money(seed);
        if (kind < 28) return _seat(seed);
        if (kind < 30) return _post(seed);
        if (kind < 32) return _govern(seed);
        if (kind < 40) return _release(seed);
        _play(seed);
    }

    /// @notice Brings every live round to its end by calls that anyone may make (I13), and frees what can be freed (I42).
    function finish() external {
        // all of them in turn: one may wait for seats that serve another
        for (uint256 i; i < 60; ++i) {
            for (uint256 roundId = 1; roundId <= hub.roundCount(); ++roundId) {
                if (hub.round(roundId).outcome == Outcome.None) _push(roundId);
            }
        }
        for (uint256 roundId = 1; roundId <= hub.roundCount(); ++roundId) {
            if (hub.round(roundId).outcome == Outcome.None) _blame("I13: a round does not end");
            hub.releaseLocks(roundId, _miners[roundId]);
        }
        for (uint256 i; i < actors.length; ++i) {
            uint32[] memory seats = committee.seatsOf(actors[i]);
            for (uint256 j; j < seats.length; ++j) {
                if (committee.seat(seats[j]).leaving) continue;
                vm.prank(actors[i]);
                committee.leaveSeat(seats[j]);
            }
            if (hub.account(actors[i]).locked != 0) _blame("I42: a lock outlives all rounds");
        }
    }

    /// @dev The clock, or the call that the round waits for.
    function _push(uint256 roundId) private {
        (Phase phase, uint40 endsAt) = hub.phase(roundId);
        if (phase == Phase.Seal || phase == Phase.Draw) {
            vm.roll(block.number + 3);
            committee.draw(roundId);
        } else if (phase == Phase.Tally) {
            _finalize(roundId);
        } else {
            vm.warp(endsAt);
        }
    }

    /* TASKS */

    function _submit(uint256 seed) private {
        if (hub.pausedUntil() > block.timestamp || hub.queueLength() > 12) return _pass(seed);
        TaskSpec memory spec;
        spec.requester = _actor(seed, 1);
        spec.manifest = bytes32(draw(seed, 2));
        spec.keyHash = keccak256(abi.encode(TEST_KEY));
        spec.flops = uint64(1e7 + draw(seed, 3) % 1e12);
        spec.netBytes = uint64(draw(seed, 4) % 1e9);
        spec.dataBytes = uint64(draw(seed, 5) % 1e10);
        spec.scoreMax = SCORE_MAX;
        spec.minScore = uint40(1 + draw(seed, 6) % 600);
        spec.tol = TOL;
        spec.tieTol = uint32(draw(seed, 7) % (TOL / 2 + 1));
        spec.trainSecs = uint32(60 + draw(seed, 11) % 600);
        if (draw(seed, 12) % 4 == 0) {
            (spec.modes, spec.proveSecs) = (1, uint32(1 + draw(seed, 13) % (spec.trainSecs / 8 + 60)));
        }
        spec.nonce = draw(seed, 8);
        (uint256 fee, uint256 bond) = hub.floors(spec);
        spec.fee = uint96(fee + draw(seed, 9) % (3 * fee));
        spec.bond = uint96(bond + draw(seed, 10) % bond);
        if (hub.account(spec.requester).credit < uint256(spec.fee) + spec.bond) return _pass(seed);
        vm.prank(spec.requester);
        uint256 taskId = hub.submitTask(spec);
        if (taskId != _specs.length) _blame("task numbers skip");
        _specs.push(spec);
        ++calls["submitTask"];
    }

    function _cancel(uint256 seed) private {
        for (uint256 i; i < 4 && _specs.length > 1; ++i) {
            uint256 taskId = 1 + draw(seed, 1 + i) % (_specs.length - 1);
            if (hub.task(taskId).status != TaskStatus.Queued) continue;
            vm.prank(_specs[taskId].requester);
            hub.cancelTask(taskId, _specs[taskId]);
            ++calls["cancelTask"];
            return;
        }
        hub.prune(draw(seed, 9) % 4);
        ++calls["prune"];
    }

    function _open(uint256 seed) private {
        if (hub.pausedUntil() > block.timestamp || hub.queueLength() == 0) return _submit(seed);
        for (uint8 slot; slot < hub.economy().slots; ++slot) {
            if (hub.roundInSlot(slot) != 0) continue;
            uint256 best = _bestWaiting();
            if (hub.nextTask() != best) _blame("I23: nextTask is not the best that waits");
            vm.prank(_actor(seed, 1));
            uint256 roundId = hub.openRound(slot);
            // more tombstones than one call drops lie on top
            if (roundId == 0) return;
            if (hub.round(roundId).taskId != best) _blame("I23: another task was opened than the best that waits");
            ++calls["openRound"];
            return;
        }
        _play(seed);
    }

    /* ROUNDS */

    /// @dev One possible action in one of the live rounds, or the clock. Mostly in the most urgent.
    function _play(uint256 seed) private {
        uint256 chosen;
        uint256 soonest = type(uint256).max;
        for (uint8 slot; slot < 3; ++slot) {
            uint256 roundId = hub.roundInSlot(slot);
            if (roundId == 0) continue;
            (, uint256 endsAt) = hub.phase(roundId);
            if (draw(seed, 20 + slot) % 4 == 0) endsAt = draw(seed, 24 + slot) % block.timestamp;
            if (endsAt < soonest) (chosen, soonest) = (roundId, endsAt);
        }
        if (chosen == 0) _open(draw(seed, 21));
        else _move(chosen, seed);
    }

    function _move(uint256 roundId, uint256 seed) private {
        (Phase phase, uint40 endsAt) = hub.phase(roundId);
        // now and then nobody does what he should
        bool lazy = draw(seed, 22) % 40 == 0;
        if (phase == Phase.Seal || phase == Phase.Draw) return _draw(roundId, seed);
        if (phase == Phase.Tally) return _finalize(roundId);
        if (lazy || phase == Phase.Settle || phase == Phase.Guard) {
            return _wait(draw(seed, 23) % 3 == 0 ? endsAt - 1 : endsAt);
        }
        if (phase == Phase.Train) return _commit(roundId, endsAt, seed);
        if (phase == Phase.Key) return _revealKey(roundId);
        if (phase == Phase.Claim) return _claim(roundId, endsAt, seed);
        if (phase == Phase.Enlist) return _enlist(roundId, endsAt);
        if (phase == Phase.Show) return _show(roundId, endsAt, seed);
        if (phase == Phase.Prove) return _prove(roundId, endsAt, seed);
        if (phase == Phase.VoteCommit) return _commitVote(roundId, endsAt, seed);
        if (phase == Phase.VoteReveal) return _revealVote(roundId, endsAt, seed);
        if (phase == Phase.Appeal) return _appeal(roundId, endsAt, seed);
        _blame("I16: a live round in no phase");
    }

    function _commit(uint256 roundId, uint40 endsAt, uint256 seed) private {
        address miner = _actor(seed, 30);
        (uint40 sequence,,) = hub.commitOf(roundId, miner);
        Account memory account = hub.account(miner);
        bool poor = account.stake - account.locked - account.unbonding < hub.economy().minerUnit;
        // few miners in one round, many in another
        uint256 commits = _miners[roundId].length;
        bool enough = _crowded(roundId) ? commits > 9 : draw(seed, 31) % (2 + draw(roundId, 0) % 16) == 0;
        if (enough || hub.pausedUntil() > block.timestamp) return _wait(endsAt);
        if (sequence != 0 || poor) return _pass(0);
        Round memory round = hub.round(roundId);
        ModelCommitment memory commitment;
        commitment.roundId = roundId;
        commitment.anchor = round.anchor;
        commitment.specHash = round.specHash;
        commitment.modelHash = bytes32(draw(seed, 32));
        commitment.artifact = bytes32(draw(seed, 33));
        commitment.artifactBytes = uint64(draw(seed, 34));
        commitment.keyHash = keccak256(abi.encode(_modelKey(roundId, miner)));
        commitment.payloadRoot = draw(seed, 35) % 2 == 0 ? bytes32(0) : bytes32(draw(seed, 36));
        commitment.watermark = keccak256(abi.encodePacked(uint8(0), _markLeaf(roundId, miner)));
        commitment.miner = miner;
        commitment.salt = bytes32(draw(seed, 37));
        Model storage model = _models[roundId][miner];
        model.commitment = commitment;
        model.hash = hub.hashCommitment(commitment);
        model.score = uint40(draw(seed, 38) % (SCORE_MAX + 1));
        model.honest = draw(seed, 39) % 4 == 0 == _crowded(roundId);
        _miners[roundId].push(miner);
        bytes32 announced = keccak256(abi.encode(model.hash, commitment.artifact, commitment.artifactBytes));
        vm.prank(miner);
        hub.commitModel(
            roundId,
            miner,
            announced,
            commitment.artifact,
            commitment.artifactBytes,
            commitment.anchor,
            commitment.specHash
        );
        if (block.timestamp >= round.commitEnd) _blame("I17: a commit at or after the deadline");
        ++calls["commitModel"];
    }

    function _revealKey(uint256 roundId) private {
        hub.revealKey(roundId, _spec(roundId), TEST_KEY);
        if (block.timestamp < hub.round(roundId).commitEnd) _blame("I17: the test key before the deadline");
        ++calls["revealKey"];
    }

    function _claim(uint256 roundId, uint40 endsAt, uint256 seed) private {
        (address miner, bool found) = _unclaimed(roundId, seed);
        if (!found || (!_crowded(roundId) && draw(seed, 40) % 15 == 0)) return _wait(endsAt);
        Model storage model = _models[roundId][miner];
        uint40 score = uint40(draw(seed, 42) % (SCORE_MAX + 1));
        if (model.honest) score = _measure(model.score, draw(seed, 41));
        else if (_crowded(roundId)) score = SCORE_MAX;
        (model.claimed, model.claims) = (score, true);
        hub.claimModel(model.commitment, score, _spec(roundId), 0, _sign(model, score));
        commitments.push(model.hash);
        _checkList(roundId);
        ++calls["claimModel"];
    }

    function _enlist(uint256 roundId, uint40 endsAt) private {
        address[] storage miners = _miners[roundId];
        address best;
        uint256 top;
        for (uint256 i; i < miners.length; ++i) {
            (bytes32 hash, uint40 score) = hub.excludedOf(roundId, miners[i]);
            if (hash == 0 || (best != address(0) && score <= top)) continue;
            (best, top) = (miners[i], score);
        }
        Candidate[] memory list = hub.candidates(roundId);
        // one who is too weak for a full list stays outside
        if (best == address(0) || (list.length == 6 && list[5].score >= top)) return _wait(endsAt);
        hub.enlist(roundId, best);
        ++calls["enlist"];
    }

    function _show(uint256 roundId, uint40 endsAt, uint256 seed) private {
        Candidate[] memory list = hub.candidates(roundId);
        for (uint256 i; i < list.length; ++i) {
            Candidate memory candidate = list[(draw(seed, 50) % list.length + i) % list.length];
            if (candidate.shown) continue;
            if (!_models[roundId][candidate.miner].honest && draw(seed, 51) % 3 == 0) break;
            hub.showKey(_models[roundId][candidate.miner].commitment, _modelKey(roundId, candidate.miner));
            ++calls["showKey"];
            return;
        }
        // who is honest has shown his key before the clock runs out
        for (uint256 i; i < list.length; ++i) {
            if (list[i].shown || !_models[roundId][list[i].miner].honest) continue;
            hub.showKey(_models[roundId][list[i].miner].commitment, _modelKey(roundId, list[i].miner));
        }
        (Phase phase,) = hub.phase(roundId);
        if (phase == Phase.Show) _wait(endsAt);
    }

    /* THE COMMITTEE */

    function _draw(uint256 roundId, uint256 seed) private {
        // some wait until the sealed block's hash is out of range
        vm.roll(block.number + (draw(seed, 60) % 20 == 0 ? 300 : 3));
        vm.prank(_actor(seed, 61));
        committee.draw(roundId);
        ++calls["draw"];
        ICommittee.Member[] memory members = committee.members(roundId);
        bytes32 ballot = _ballot(roundId);
        for (uint256 i; i < members.length; ++i) {
            _drawnOwners[ballot].push(members[i].owner);
            (uint40 sequence,,) = hub.commitOf(roundId, members[i].owner);
            if (sequence != 0) _blame("I27: a miner of the round judges it");
            if (committee.seat(members[i].seatId).serving != roundId) _blame("I27: a drawn seat does not serve");
            for (uint256 j; j < i; ++j) {
                if (members[j].seatId == members[i].seatId) _blame("I27: a seat was drawn twice");
            }
        }
        if (members.length != 0 && members.length % 2 == 0) _blame("I27: an even committee");
    }

    function _prove(uint256 roundId, uint40 endsAt, uint256 seed) private {
        Candidate[] memory list = hub.candidates(roundId);
        Candidate memory one = list[draw(seed, 97) % list.length];
        if (one.shown && draw(seed, 98) % 3 != 0) {
            vm.prank(one.miner);
            hub.showTrajectory(roundId, one.miner, bytes32(seed), uint64(seed));
            ++calls["showTrajectory"];
        } else {
            _wait(endsAt);
        }
    }

    function _commitVote(uint256 roundId, uint40 endsAt, uint256 seed) private {
        ICommittee.Member[] memory members = committee.members(roundId);
        bytes32 ballot = _ballot(roundId);
        for (uint256 i; i < members.length; ++i) {
            uint256 pos = (draw(seed, 70) % members.length + i) % members.length;
            if (members[pos].voteHash != 0) continue;
            if (draw(seed, 71) % 8 == 0) break;
            Cast storage cast = _cast[ballot][pos];
            cast.honest = draw(seed, 72) % 3 != 0 || _dishonest[ballot] >= committee.ballot(roundId).quorum / 2;
            if (!cast.honest) ++_dishonest[ballot];
            cast.vote = ICommittee.Vote({
                roundId: roundId,
                epoch: hub.round(roundId).epoch,
                pos: uint8(pos),
                validator: members[pos].owner,
                word: _word(roundId, cast.honest, draw(seed, 73)),
                evalRoot: bytes32(draw(seed, 74)),
                salt: bytes32(draw(seed, 75))
            });
            bytes32 hash = committee.hashVote(cast.vote);
            vm.prank(members[pos].owner);
            committee.commitVote(roundId, uint8(pos), hash);
            ++calls["commitVote"];
            return;
        }
        _wait(endsAt);
    }

    function _revealVote(uint256 roundId, uint40 endsAt, uint256 seed) private {
        ICommittee.Member[] memory members = committee.members(roundId);
        for (uint256 i; i < members.length; ++i) {
            uint256 pos = (draw(seed, 80) % members.length + i) % members.length;
            if (members[pos].voteHash == 0 || members[pos].revealed) continue;
            if (draw(seed, 81) % 10 == 0) break;
            committee.revealVote(_cast[_ballot(roundId)][pos].vote);
            ++calls["revealVote"];
            return;
        }
        _wait(endsAt);
    }

    function _appeal(uint256 roundId, uint40 endsAt, uint256 seed) private {
        address who = _actor(seed, 90);
        uint256 bond = hub.economy().appealBond;
        if (hub.account(who).credit < bond) return _wait(endsAt);
        uint256 kind = draw(seed, 91) % 10;
        bytes32 ballot = _ballot(roundId);
        if (kind > 6 && _accuse(roundId, seed)) {
            _settleChallenges(ballot);
            ++calls["accuse"];
        } else if (kind < 2 && hub.appealsOf(roundId).length == 0 && hub.round(roundId).epoch < 2) {
            TaskSpec memory spec = _spec(roundId);
            vm.prank(who);
            hub.appeal(roundId, spec);
            _settleChallenges(ballot);
            ++calls["appeal"];
        } else if (kind < 5 && block.timestamp < endsAt - 50) {
            ICommittee.Member[] memory members = committee.members(roundId);
            uint256 pos = draw(seed, 92) % members.length;
            if (!members[pos].revealed || _challengers[ballot][pos] != address(0)) return _wait(endsAt - 40);
            // a word that scores nobody has no leaf to open
            if (!_scores(members[pos].word, hub.candidates(roundId).length)) return _wait(endsAt - 40);
            vm.prank(who);
            hub.challengeVote(roundId, uint8(pos));
            _challengers[ballot][pos] = who;
            challengeBonds += bond / 3;
            ++calls["challengeVote"];
        } else {
            _wait(endsAt);
        }
    }

    /// @dev By somebody who made a block before, against any candidate; false where that is not possible.
    function _accuse(uint256 roundId, uint256 seed) private returns (bool) {
        if (_winners.length == 0 || hub.accusationOf(roundId).accuser != address(0)) return false;
        ModelCommitment storage earlier = _winners[draw(seed, 93) % _winners.length].commitment;
        if (!_mayAccuse(roundId, earlier)) return false;
        Candidate[] memory list = hub.candidates(roundId);
        Candidate memory accused = list[draw(seed, 94) % list.length];
        if (!accused.shown) return false;
        _sendAccusation(roundId, _models[roundId][accused.miner].commitment, earlier);
        return true;
    }

    function _mayAccuse(uint256 roundId, ModelCommitment storage earlier) private view returns (bool) {
        Round memory round = hub.round(roundId);
        return round.epoch < 2 && hub.round(earlier.roundId).commitEnd <= round.openedAt
            && !_shownLeaves[_markLeaf(earlier.roundId, earlier.miner)]
            && hub.account(earlier.miner).credit >= hub.economy().appealBond;
    }

    function _sendAccusation(uint256 roundId, ModelCommitment storage accused, ModelCommitment storage earlier)
        private
    {
        TaskSpec memory spec = _spec(roundId);
        MarkKey memory key = MarkKey(0, 1, _markSecret(earlier.roundId, earlier.miner));
        _shownLeaves[_markLeaf(earlier.roundId, earlier.miner)] = true;
        vm.prank(earlier.miner);
        hub.accuse(roundId, spec, accused, earlier, key, new bytes32[](0));
    }

    /* THE END */

    function _finalize(uint256 roundId) private {
        TaskSpec memory spec = _spec(roundId);
        (Outcome outcome, bytes32 winner,) = hub.preview(roundId, spec);
        _checkWinner(roundId, spec, outcome, winner);
        ModelCommitment memory commitment;
        if (outcome == Outcome.Block) {
            for (uint256 i; i < _miners[roundId].length; ++i) {
                Model storage model = _models[roundId][_miners[roundId][i]];
                if (model.hash != winner) continue;
                commitment = model.commitment;
                _winners.push(model);
            }
        }
        bytes32 ballot = _ballot(roundId);
        hub.finalize(roundId, spec, commitment, 0);
        _settleChallenges(ballot);
        Round memory round = hub.round(roundId);
        if (round.outcome != outcome) _blame("preview and finalize disagree");
        if (round.outcome == Outcome.KeyWithheld) uncollected += uint256(round.compensation) * round.commits;
        ++calls[
            outcome == Outcome.None
                ? "finalize: next epoch"
                : string.concat("finalize: outcome ", vm.toString(uint256(outcome)))
        ];
    }

    function _release(uint256 seed) private {
        if (hub.roundCount() == 0) return _play(seed);
        uint256 roundId = 1 + draw(seed, 100) % hub.roundCount();
        Round memory round = hub.round(roundId);
        if (round.outcome == Outcome.None || round.commits == 0) return _play(seed);
        if (round.compensation != 0) {
            address miner = _miners[roundId][draw(seed, 101) % _miners[roundId].length];
            (, bool opened,) = hub.commitOf(roundId, miner);
            if (!opened) {
                vm.prank(miner);
                hub.claimCompensation(roundId);
                uncollected -= round.compensation;
                ++calls["claimCompensation"];
                return;
            }
        }
        address[] memory some = new address[](1);
        some[0] = _miners[roundId][draw(seed, 102) % _miners[roundId].length];
        vm.prank(_actor(seed, 103));
        hub.releaseLocks(roundId, some);
        ++calls["releaseLocks"];
    }

    /* MONEY, SEATS, INBOX, GOVERNANCE */

    function _money(uint256 seed) private {
        address who = _actor(seed, 110);
        Account memory account = hub.account(who);
        uint256 kind = draw(seed, 111) % 5;
        uint256 free = account.stake - account.locked - account.unbonding;
        vm.startPrank(who);
        if (kind == 0 && token.balanceOf(who) != 0) {
            uint256 amount = 1 + draw(seed, 112) % token.balanceOf(who);
            hub.deposit(amount);
            deposited += amount;
            ++calls["deposit"];
        } else if (kind == 1 && account.credit != 0) {
            uint256 amount = 1 + draw(seed, 113) % (account.credit / 4 + 1);
            hub.withdraw(amount);
            withdrawn += amount;
            ++calls["withdraw"];
        } else if (kind == 2 && account.credit != 0) {
            hub.stake(1 + draw(seed, 114) % (account.credit / 8 + 1));
            ++calls["stake"];
        } else if (kind == 3 && free != 0) {
            hub.requestUnbond(1 + draw(seed, 115) % (free / 8 + 1));
            ++calls["requestUnbond"];
        } else if (account.unbonding != 0 && (block.timestamp >= account.unbondAt || draw(seed, 116) % 8 == 0)) {
            // now and then everybody sleeps for long
            if (block.timestamp < account.unbondAt) vm.warp(account.unbondAt);
            hub.unbond();
            ++calls["unbond"];
        }
        vm.stopPrank();
    }

    function _seat(uint256 seed) private {
        address who = _actor(seed, 120);
        // while a seed is known and not used, seats stand still
        for (uint8 slot; slot < 3; ++slot) {
            uint256 roundId = hub.roundInSlot(slot);
            if (roundId == 0) continue;
            (Phase phase,) = hub.phase(roundId);
            if (phase == Phase.Draw) return _draw(roundId, seed);
        }
        uint32[] memory seats = committee.seatsOf(who);
        Account memory account = hub.account(who);
        vm.startPrank(who);
        if (seats.length > 1 && !committee.seat(seats[0]).leaving) {
            committee.leaveSeat(seats[0]);
            ++calls["leaveSeat"];
        } else if (account.stake - account.locked - account.unbonding >= hub.economy().seatUnit) {
            committee.joinSeat();
            ++calls["joinSeat"];
        }
        vm.stopPrank();
    }

    function _post(uint256 seed) private {
        address who = _actor(seed, 130);
        vm.prank(who);
        posted = hub.post(bytes32(seed));
        inboxHead = keccak256(abi.encode(inboxHead, who, bytes32(seed)));
        ++calls["post"];
    }

    function _govern(uint256 seed) private {
        if (draw(seed, 140) % 2 == 0) {
            uint256 until = hub.pausedUntil();
            if (until != 0 && block.timestamp < until + 7 days) return _play(seed);
            hub.pause(uint32(1 + draw(seed, 141) % 200));
            ++calls["pause"];
            return;
        }
        if (hub.version() > 50) return _play(seed);
        Economy memory economy = _economy();
        economy.burnBps = uint16(draw(seed, 142) % 3_000);
        economy.validatorBps = uint16(draw(seed, 143) % 3_000);
        economy.parentBps = uint16(draw(seed, 144) % 1_000);
        economy.kappaBps = uint16(draw(seed, 145) % 9_001);
        economy.tip = uint96(draw(seed, 146) % (economy.feeUnit / 8 + 1));
        Limits memory limits = _limits();
        limits.alpha = uint32(1 + draw(seed, 147) % (1 << 26));
        hub.setParams(_timing(), economy, limits);
        ++calls["setParams"];
    }

    /* WHAT THE LOGS SAY */

    bytes32 private constant SLASHED = keccak256("Slashed(uint256,address,uint8,uint256)");

    function _read(Cheats.Log[] memory logs) private {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == SLASHED) _readSlash(logs[i]);
            else if (logs[i].topics[0] == BlockAppended.selector) _readBlock(logs[i]);
        }
    }

    function _readSlash(Cheats.Log memory entry) private {
        uint256 roundId = uint256(entry.topics[1]);
        address who = address(uint160(uint256(entry.topics[2])));
        (Reason reason, uint256 amount) = abi.decode(entry.data, (Reason, uint256));
        if (amount == 0) _blame("I10: slashed by nothing");
        uint256 times = ++_slashes[roundId][who][uint8(reason)];
        bool minersFault = reason != Reason.Absent && reason != Reason.OffMedian;
        if (minersFault && times > 1) _blame("I10: one fault, slashed twice");
        if (reason == Reason.Overclaimed && _models[roundId][who].honest) honestSlashed = true;
        if (reason == Reason.OffMedian && _onlyHonestVotes(roundId, who)) honestSlashed = true;
    }

    function _readBlock(Cheats.Log memory entry) private {
        BlockHeader memory header = abi.decode(entry.data, (BlockHeader));
        ++blocks;
        if (uint256(entry.topics[1]) != blocks || header.height != blocks) _blame("I34: the height skips");
        if (hub.hashHeader(header) != entry.topics[2] || hub.head() != entry.topics[2]) {
            _blame("I34: the header's hash is not the head");
        }
        if (header.parent != lastHead) _blame("I35: the parent is not the last head");
        if (header.chainScore <= lastChainScore) _blame("I36: the chain's score does not rise");
        if (header.anchor != hub.round(header.roundId).anchor) _blame("I35: the anchor is not the round's");
        (lastHead, lastChainScore) = (entry.topics[2], header.chainScore);
        sumEmission += header.emission;
        (, Economy memory economy,) = hub.parametersOf(hub.round(header.roundId).version);
        TaskSpec memory spec = _spec(header.roundId);
        uint256 fee = spec.fee - uint256(hub.round(header.roundId).tips) * economy.tip;
        uint256 burned = (fee * economy.burnBps) / 10_000;
        if (header.emission > (burned * economy.kappaBps) / 10_000) _blame("I04: more emitted than kappa allows");
        if (header.emission > economy.initialEmission) _blame("I04: more emitted than the schedule allows");
    }

    /* CHECKS THAT NEED THE MOMENT */

    /// @dev I32: in the first epoch the list holds the six best claims, sorted.
    function _checkList(uint256 roundId) private {
        Candidate[] memory list = hub.candidates(roundId);
        uint40 minScore = _spec(roundId).minScore;
        uint256 eligible;
        for (uint256 i; i < _miners[roundId].length; ++i) {
            Model storage model = _models[roundId][_miners[roundId][i]];
            if (!model.claims || model.claimed < minScore) continue;
            ++eligible;
            bool listed;
            for (uint256 j; j < list.length; ++j) {
                if (list[j].commitment == model.hash) listed = true;
            }
            (uint40 sequence,,) = hub.commitOf(roundId, _miners[roundId][i]);
            if (!listed && list.length < 6) _blame("I32: a place is free and a claim is outside");
            if (!listed && _better(model.claimed, sequence, list[list.length - 1])) {
                _blame("I32: a better claim is outside");
            }
        }
        if (list.length != (eligible < 6 ? eligible : 6)) _blame("I32: the list's length");
        for (uint256 i = 1; i < list.length; ++i) {
            if (_better(list[i].score, list[i].sequence, list[i - 1])) _blame("I32: the list is not sorted");
        }
    }

    /// @dev I31, by brute force from the verdicts: the winner qualifies, and nobody who does and committed earlier, outside the
    /// first half of the training time, is better or as good.
    function _checkWinner(uint256 roundId, TaskSpec memory spec, Outcome outcome, bytes32 winner) private {
        if (outcome != Outcome.Block) return;
        Candidate[] memory list = hub.candidates(roundId);
        (ICommittee.Verdict[] memory verdicts, uint256 flags) =
            committee.verdicts(roundId, uint8(list.length), spec.tol);
        Accusation memory accusation = hub.accusationOf(roundId);
        uint256 best;
        uint256 chosen = type(uint256).max;
        for (uint256 i; i < list.length; ++i) {
            // an accusation that is not decided, and a majority that agrees
            bool stolen = accusation.bond != 0 && list[i].commitment == accusation.accused;
            if (stolen && (flags >> (9 + i)) & 1 == 1) verdicts[i].flags = 1;
            if (list[i].commitment == winner) chosen = i;
            if (_qualifies(list[i], verdicts[i], spec) && verdicts[i].median > best) best = verdicts[i].median;
        }
        if (chosen == type(uint256).max || !_qualifies(list[chosen], verdicts[chosen], spec)) {
            return _blame("I31: the winner does not qualify");
        }
        if (verdicts[chosen].median + spec.tieTol < best) _blame("I31: a better candidate lost");
    }

    function _qualifies(Candidate memory candidate, ICommittee.Verdict memory verdict, TaskSpec memory spec)
        private
        pure
        returns (bool)
    {
        return candidate.shown && verdict.flags == 0 && verdict.stable && verdict.median >= spec.minScore
            && candidate.score <= verdict.median + spec.tol;
    }

    /* SMALL THINGS */

    function _settleChallenges(bytes32 ballot) private {
        for (uint256 pos; pos < 16; ++pos) {
            if (_challengers[ballot][pos] == address(0)) continue;
            challengeBonds -= uint256(_economy().appealBond) / 3;
            delete _challengers[ballot][pos];
        }
    }

    /// @dev Scores within half a tolerance of the truth where the voter is honest.
    function _word(uint256 roundId, bool honest, uint256 seed) private view returns (uint256 word) {
        Candidate[] memory list = hub.candidates(roundId);
        for (uint256 i; i < list.length; ++i) {
            uint256 field;
            Model storage model = _models[roundId][list[i].miner];
            if (honest) field = list[i].shown ? _measure(model.score, draw(seed, i)) : 1 << 35;
            else if (draw(seed, 20 + i) % 4 == 0) field = (1 << 40) - 1;
            else field = (draw(seed, i) % (SCORE_MAX + 1)) | ((draw(seed, 10 + i) % 32) << 35);
            word |= field << (40 * i);
        }
        if (!honest) word |= (draw(seed, 30) % (1 << 15)) << 240;
        // half of the accused are thieves, and honest validators see it
        else if (draw(roundId, 3) % 2 == 0) word |= _accusedFlag(roundId, list);
        // some tasks are not what they say, and honest validators see it
        if (honest && draw(roundId, 2) % 6 == 0) word |= 2 << 240;
    }

    function _accusedFlag(uint256 roundId, Candidate[] memory list) private view returns (uint256) {
        bytes32 accused = hub.accusationOf(roundId).accused;
        for (uint256 i; i < list.length; ++i) {
            if (accused != 0 && list[i].commitment == accused) return 1 << (249 + i);
        }
        return 0;
    }

    function _scores(uint256 word, uint256 candidates) private pure returns (bool) {
        for (uint256 i; i < candidates; ++i) {
            uint256 field = (word >> (40 * i)) & ((1 << 40) - 1);
            if (field != (1 << 40) - 1 && (field >> 35) & 3 == 0) return true;
        }
        return false;
    }

    function _measure(uint40 score, uint256 seed) private pure returns (uint40) {
        uint256 noise = seed % (TOL / 2 + 1);
        if (seed >> 128 & 1 == 0) return score > noise ? uint40(score - noise) : 0;
        return score + noise > SCORE_MAX ? SCORE_MAX : uint40(score + noise);
    }

    function _sign(Model storage model, uint40 score) private view returns (bytes memory) {
        bytes32 digest = hub.hashClaim(ModelClaim(model.commitment, score));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[model.commitment.miner], digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev In some rounds those who claim too much are so many that they crowd out the honest.
    function _crowded(uint256 roundId) private pure returns (bool) {
        return draw(roundId, 1) % 3 == 0;
    }

    function _unclaimed(uint256 roundId, uint256 seed) private view returns (address miner, bool found) {
        address[] storage miners = _miners[roundId];
        for (uint256 i; i < miners.length; ++i) {
            miner = miners[(draw(seed, 43) % miners.length + i) % miners.length];
            if (!_models[roundId][miner].claims) return (miner, true);
        }
    }

    function _onlyHonestVotes(uint256 roundId, address who) private view returns (bool) {
        for (uint8 epoch; epoch < 3; ++epoch) {
            bytes32 ballot = keccak256(abi.encode(roundId, epoch));
            for (uint256 pos; pos < _drawnOwners[ballot].length; ++pos) {
                Cast storage cast = _cast[ballot][pos];
                if (cast.vote.validator == who && !cast.honest) return false;
            }
        }
        return true;
    }

    function _bestWaiting() private view returns (uint256 best) {
        uint256 top;
        for (uint256 taskId = 1; taskId < _specs.length; ++taskId) {
            Task memory task = hub.task(taskId);
            if (task.status == TaskStatus.Queued && task.key > top) (best, top) = (taskId, task.key);
        }
    }

    function _better(uint256 score, uint256 sequence, Candidate memory other) private pure returns (bool) {
        return score > other.score || (score == other.score && sequence < other.sequence);
    }

    function _ballot(uint256 roundId) private view returns (bytes32) {
        return keccak256(abi.encode(roundId, hub.round(roundId).epoch));
    }

    function _spec(uint256 roundId) private view returns (TaskSpec memory) {
        return _specs[hub.round(roundId).taskId];
    }

    function _markSecret(uint256 roundId, address miner) private pure returns (bytes32) {
        return keccak256(abi.encode("mark", roundId, miner));
    }

    function _markLeaf(uint256 roundId, address miner) private pure returns (bytes32) {
        return sha256(
            abi.encodePacked("DLBC/watermark/leaf/1", uint8(0), uint8(0), uint8(1), _markSecret(roundId, miner))
        );
    }

    function _modelKey(uint256 roundId, address miner) private pure returns (bytes32) {
        return keccak256(abi.encode("model key", roundId, miner));
    }

    function _actor(uint256 seed, uint256 n) private view returns (address) {
        return actors[draw(seed, n) % actors.length];
    }

    /// @dev Until then, or until the first of all deadlines: no round misses its own because another one waits.
    function _wait(uint256 until) private {
        for (uint8 slot; slot < 3; ++slot) {
            uint256 roundId = hub.roundInSlot(slot);
            if (roundId == 0) continue;
            (, uint40 endsAt) = hub.phase(roundId);
            if (endsAt != 0 && endsAt < until) until = endsAt;
        }
        if (until <= block.timestamp) until = block.timestamp + 1;
        vm.warp(until);
        vm.roll(block.number + 1);
        ++calls["wait"];
    }

    function _pass(uint256 seed) private {
        vm.warp(block.timestamp + 1 + draw(seed, 150) % 3);
        vm.roll(block.number + 1);
        ++calls["wait"];
    }

    function _blame(string memory what) private {
        if (bytes(fault).length == 0) fault = what;
    }
}
