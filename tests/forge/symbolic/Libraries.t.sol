// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {BallotWord} from "../../../contracts/libraries/BallotWord.sol";
import {Bench} from "../../../contracts/libraries/Bench.sol";
import {CandidateList} from "../../../contracts/libraries/CandidateList.sol";
import {CommitSlot} from "../../../contracts/libraries/CommitSlot.sol";
import {DifficultyRanking} from "../../../contracts/libraries/DifficultyRanking.sol";
import {FeeSplit} from "../../../contracts/libraries/FeeSplit.sol";
import {Phases} from "../../../contracts/libraries/Phases.sol";
import {Tally} from "../../../contracts/libraries/Tally.sol";
import {Proof} from "../Proof.sol";

/// @notice What holds for all inputs: Halmos executes each `check_*` once with symbols for its arguments. The logarithm is not
/// among it: eight squarings are beyond the solver, and fuzzing and the comparison with the programs have to do.
contract LibrariesCheck is Proof {
    uint256 private constant SKIPPED = (1 << 40) - 1;

    /* MONEY */

    /// @dev With the shares of the standard profile: products of two symbols are beyond the solver.
    function check_I05_split_adds_up(uint96 fee, uint96 advanced, bool second, bool third, bool parent, bool any)
        external
        pure
    {
        IDLBCTypes.Economy memory economy = _economy();
        vm.assume(advanced <= FeeSplit.part(fee, economy.validatorBps));
        FeeSplit.Sharers memory sharers = FeeSplit.Sharers(any ? 7 : 0, second, third, parent);
        FeeSplit.Shares memory shares = FeeSplit.split(economy, fee, advanced, sharers);
        assert(
            advanced + shares.burned + 7 * shares.perValidator + shares.second + shares.third + shares.parent
                    + shares.winner == fee
        );
        assert(any || shares.perValidator == 0);
    }

    function check_I04_emission_is_within_kappa_and_cap(uint96 burned, uint96 left) external pure {
        IDLBCTypes.Economy memory economy = _economy();
        uint256 emission = FeeSplit.emission(economy, 3 * uint256(economy.halvingSecs), burned, left);
        assert(emission <= FeeSplit.part(burned, economy.kappaBps));
        assert(emission <= left && emission <= economy.initialEmission / 8);
    }

    /* PHASES */

    function check_I16_phase_is_one_that_ends_later(Phases.Facts memory facts, uint40 time) external pure {
        (IDLBCTypes.Phase phase, uint40 endsAt) = Phases.phaseAt(facts, time);
        assert(endsAt == 0 || endsAt > time);
        assert(phase != IDLBCTypes.Phase.Prove || (facts.drawn && facts.shown != 0));
    }

    function check_I12_final_phase_stays(Phases.Facts memory facts, uint40 time, uint40 later) external pure {
        (IDLBCTypes.Phase phase,) = Phases.phaseAt(facts, time);
        (IDLBCTypes.Phase next,) = Phases.phaseAt(facts, later);
        if (phase == IDLBCTypes.Phase.Final) assert(next == IDLBCTypes.Phase.Final);
    }

    /* RANKING */

    function check_I24_key_orders_as_scores_do(
        int32[2] memory bases,
        uint40[2] memory submitted,
        uint16[2] memory ids,
        uint40 time
    ) external pure {
        vm.assume(ids[0] != ids[1] && time >= submitted[0] && time >= submitted[1]);
        int256 first = DifficultyRanking.score(bases[0], submitted[0], time);
        int256 second = DifficultyRanking.score(bases[1], submitted[1], time);
        bool before = first > second || (first == second && ids[0] < ids[1]);
        uint256 key = DifficultyRanking.key(bases[0], submitted[0], ids[0]);
        uint256 other = DifficultyRanking.key(bases[1], submitted[1], ids[1]);
        assert((key > other) == before);
    }

    function check_I24_packed_key_orders_as_key_does(
        int48[2] memory bases,
        uint72[2] memory submitted,
        uint32[2] memory ids
    ) external pure {
        uint256 key = DifficultyRanking.key(bases[0], submitted[0], ids[0]);
        uint256 other = DifficultyRanking.key(bases[1], submitted[1], ids[1]);
        uint128 packed = DifficultyRanking.packed(bases[0], submitted[0], ids[0]);
        uint128 otherPacked = DifficultyRanking.packed(bases[1], submitted[1], ids[1]);
        assert((packed > otherPacked) == (key > other));
        assert(DifficultyRanking.unpacked(packed) == key && packed != 0);
        assert(DifficultyRanking.packedTaskId(packed) == ids[0] && DifficultyRanking.taskIdOf(key) == ids[0]);
    }

    /* DECISIONS */

    /// @dev Two honest votes of three, the third of any bits at any position.
    function check_I29_median_is_within_the_honest_range(uint40 a, uint40 b, uint40 stranger, uint32 tol)
        external
        pure
    {
        vm.assume(a <= b && b < (1 << 35) - 1);
        ICommittee.Votes memory votes = ICommittee.Votes(3, 2, 7, 0, false, 0, 0, new uint256[](3));
        votes.words[0] = stranger;
        votes.words[1] = a;
        votes.words[2] = b;
        ICommittee.Verdict memory found = Tally.judge(votes, 1, 1, tol).verdicts[0];
        assert(found.median >= a && found.median <= b && found.flags == 0);
    }

    function check_I33_no_claim_within_four_tolerances_is_slashed(uint40 claim, uint40 median, uint32 tol, bool stable)
        external
        pure
    {
        ICommittee.Verdict memory found = ICommittee.Verdict(median, 0, stable);
        if (claim <= uint256(median) + 4 * uint256(tol)) assert(!Tally.overclaimed(found, claim, tol));
        if (Tally.qualifies(found, claim, 1, tol)) assert(!Tally.overclaimed(found, claim, tol));
    }

    function check_I32_better_is_a_strict_order(uint40[3] memory scores, uint40[3] memory sequences) external pure {
        bool ab = CandidateList.better(scores[0], sequences[0], scores[1], sequences[1]);
        bool ba = CandidateList.better(scores[1], sequences[1], scores[0], sequences[0]);
        bool bc = CandidateList.better(scores[1], sequences[1], scores[2], sequences[2]);
        bool ac = CandidateList.better(scores[0], sequences[0], scores[2], sequences[2]);
        assert(!(ab && ba));
        assert(ab || ba || (scores[0] == scores[1] && sequences[0] == sequences[1]));
        assert(!ab || !bc || ac);
    }

    /* WORDS */

    function check_I19_commit_opens_once_and_keeps_its_sequence(
        uint24 sequence,
        bytes32 commitment,
        bytes32 commitmentHash
    ) external pure {
        uint256 word = CommitSlot.make(sequence, commitment);
        assert(!CommitSlot.opened(word) && !CommitSlot.released(word));
        assert(CommitSlot.commitment(word) == bytes27(commitment));
        word = CommitSlot.open(CommitSlot.release(word), commitmentHash, 5);
        assert(CommitSlot.opened(word) && CommitSlot.released(word));
        assert(CommitSlot.sequence(word) == sequence && CommitSlot.index(word) == 5);
        assert(CommitSlot.commitmentHash(word, CommitSlot.topOf(commitmentHash)) == commitmentHash);
    }

    /// @dev That it finds nothing else is fuzzed: that way round is beyond the solver.
    function check_I28_seat_is_found_where_it_is(uint224 word, uint8 pos) external pure {
        vm.assume(pos < 8);
        uint256 seatId = Bench.seatAt(word, pos);
        assert(Bench.has(word, seatId));
    }

    function check_I18_ballot_keeps_its_fields_apart(uint256 word, uint8 pos) external pure {
        vm.assume(pos < 16);
        uint256 next = BallotWord.reveal(word, pos);
        assert(BallotWord.revealed(next) == BallotWord.revealed(word) | (1 << pos));
        assert(BallotWord.committed(next) == BallotWord.committed(word));
        assert(BallotWord.challenged(next) == BallotWord.challenged(word));
        assert(BallotWord.revealEnd(next) == BallotWord.revealEnd(word));
        next = BallotWord.commit(word, pos);
        assert(BallotWord.committed(next) == BallotWord.committed(word) | (1 << pos));
        assert(BallotWord.revealed(next) == BallotWord.revealed(word));
        assert(BallotWord.quorum(next) == BallotWord.quorum(word));
    }

    function _economy() private pure returns (IDLBCTypes.Economy memory economy) {
        economy.burnBps = 1_000;
        economy.validatorBps = 1_000;
        economy.secondBps = 500;
        economy.thirdBps = 500;
        economy.parentBps = 300;
        economy.kappaBps = 9_000;
        economy.halvingSecs = 365 days;
        economy.initialEmission = 50e18;
    }
}
