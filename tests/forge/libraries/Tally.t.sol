// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {BitMask} from "../../../contracts/libraries/BitMask.sol";
import {Tally} from "../../../contracts/libraries/Tally.sol";
import {Proof} from "../Proof.sol";

/// @notice From votes to verdicts, whatever a minority votes.
contract TallyTest is Proof {
    uint256 private constant SKIPPED = (1 << 40) - 1;

    function test_I29_verdict__with_an_honest_majority__has_its_median_in_their_range(
        uint256 seed,
        uint8 size,
        uint40 truth,
        uint32 spread,
        uint8 candidate
    ) external pure {
        size = uint8(within(size, 1, 15));
        candidate = uint8(within(candidate, 0, 5));
        truth = uint40(within(truth, 0, (1 << 34) - 1));
        ICommittee.Votes memory votes = _strangers(seed, size);
        uint256 honest = size / 2 + 1;
        uint256 lowest = type(uint256).max;
        uint256 highest;
        for (uint256 i; i < honest; ++i) {
            uint256 score = uint256(truth) + draw(seed, 100 + i) % (uint256(spread) + 1);
            if (score < lowest) lowest = score;
            if (score > highest) highest = score;
            votes.words[(i + seed % size) % size] = score << (40 * candidate);
        }
        ICommittee.Verdict memory found = Tally.judge(votes, 6, 1 << candidate, spread).verdicts[candidate];
        vm.assertGe(found.median, lowest, "median below every honest score");
        vm.assertLe(found.median, highest, "median above every honest score");
        vm.assertEq(found.flags, 0, "a minority's flag stands");
    }

    function test_I30_verdicts__with_votes_in_another_order__are_the_same(uint256 seed, uint8 size, uint32 tol)
        external
        pure
    {
        size = uint8(within(size, 1, 15));
        ICommittee.Votes memory votes = _strangers(seed, size);
        votes.revealed = uint16(seed & ((1 << size) - 1));
        votes.quorum = uint8(within(seed >> 16, 1, size));
        (ICommittee.Verdict[] memory before, uint16 flags) = Tally.verdicts(votes, 6, tol);
        for (uint256 i = size; i > 1; --i) {
            _swap(votes, i - 1, draw(seed, 200 + i) % i);
        }
        (ICommittee.Verdict[] memory later, uint16 laterFlags) = Tally.verdicts(votes, 6, tol);
        vm.assertEq(abi.encode(before, flags), abi.encode(later, laterFlags), "the order of votes decides");
    }

    /// @dev What no quorum of scores stands behind decides nothing: nobody wins by it, and nobody loses.
    function test_I33_verdict__of_less_than_a_quorum_of_near_scores__decides_nothing(
        uint256 seed,
        uint8 size,
        uint32 tol,
        uint40 claim,
        uint40 minScore
    ) external pure {
        size = uint8(within(size, 1, 15));
        ICommittee.Votes memory votes = _strangers(seed, size);
        votes.quorum = size / 2 + 1;
        votes.revealed = uint16(seed & ((1 << size) - 1));
        (ICommittee.Verdict[] memory found,) = Tally.verdicts(votes, 6, tol);
        for (uint256 i; i < 6; ++i) {
            uint256 near;
            for (uint256 pos; pos < size; ++pos) {
                uint256 field = (votes.words[pos] >> (40 * i)) & SKIPPED;
                if (!BitMask.has(votes.revealed, pos) || field == SKIPPED || (field >> 35) & 3 != 0) continue;
                uint256 score = field & ((1 << 35) - 1);
                if (score <= found[i].median + uint256(tol) && found[i].median <= score + tol) ++near;
            }
            if (near >= votes.quorum) continue;
            vm.assertFalse(found[i].stable, "stable without a quorum");
            vm.assertFalse(Tally.qualifies(found[i], claim, minScore, tol), "qualifies without a quorum");
            vm.assertFalse(Tally.overclaimed(found[i], claim, tol), "slashed without a quorum");
        }
        uint256 off = Tally.judge(votes, 6, 63, tol).off;
        if (BitMask.count(votes.revealed) < votes.quorum) vm.assertEq(off, 0, "slashed without a quorum");
    }

    /// @dev Devices differ by up to `tol`: votes that close to one truth are never more than 2 * tol apart.
    function test_I33_dissent__of_honest_voters__slashes_none_of_them(
        uint256 seed,
        uint8 size,
        uint40 truth,
        uint32 tol,
        uint8 shown,
        uint8 placed
    ) external pure {
        size = uint8(within(size, 1, 15));
        truth = uint40(within(truth, 0, (1 << 34) - 1));
        ICommittee.Votes memory votes = _strangers(seed, size);
        votes.quorum = size / 2 + 1;
        uint256 honest = seed & ((1 << size) - 1);
        if (BitMask.count(honest) * 2 <= size) honest ^= (1 << size) - 1;
        for (uint256 pos; pos < size; ++pos) {
            if (!BitMask.has(honest, pos)) continue;
            votes.words[pos] = 0;
            for (uint256 i; i < 6; ++i) {
                uint256 score = uint256(truth) + draw(seed, 300 + 6 * pos + i) % (2 * uint256(tol) + 1);
                votes.words[pos] |= (score % (1 << 34)) << (40 * i);
            }
        }
        if (uint256(truth) + 2 * uint256(tol) >= 1 << 34) return;
        (ICommittee.Verdict[] memory found,) = Tally.verdicts(votes, 6, tol);
        Tally.Findings memory judged = Tally.judge(votes, 6, shown, tol);
        (uint256 off, uint256 incoherent) = (judged.off, Tally.incoherentWith(judged, placed));
        vm.assertEq(off & honest, 0, "an honest voter is slashed");
        vm.assertEq(off & ~incoherent, 0, "slashed, yet paid");
        if (BitMask.count(honest) < size) return;
        // and nobody who claims what his own device within the tolerance shows
        for (uint256 i; i < 6; ++i) {
            uint256 claim = uint256(truth) + draw(seed, 400 + i) % (2 * uint256(tol) + 1);
            vm.assertFalse(Tally.overclaimed(found[i], claim, tol), "an honest claim is slashed");
        }
    }

    function test_qualifies__below_the_minimum_or_flagged_or_overclaimed__never(
        ICommittee.Verdict memory found,
        uint40 claim,
        uint40 minScore,
        uint32 tol
    ) external pure {
        bool bad = !found.stable || found.flags != 0 || found.median < minScore || claim > uint256(found.median) + tol;
        vm.assertEq(Tally.qualifies(found, claim, minScore, tol), !bad, "qualifies");
        // and to the last unit, which chance hardly meets
        found.stable = true;
        found.flags = 0;
        uint256 most = uint256(found.median) + tol;
        vm.assertTrue(Tally.qualifies(found, most, found.median, tol), "the least and the most that do");
        vm.assertFalse(Tally.qualifies(found, most + 1, found.median, tol), "one claimed too many");
        vm.assertFalse(Tally.qualifies(found, most, uint256(found.median) + 1, tol), "one short of the minimum");
        uint256 far = uint256(found.median) + 4 * uint256(tol);
        vm.assertFalse(Tally.overclaimed(found, far, tol), "four tolerances");
        vm.assertTrue(Tally.overclaimed(found, far + 1, tol), "more than four");
    }

    /// @dev Against the same said without a trick: every field looked at by itself, and sorted by hand.
    function test_I30_judge__of_any_votes__is_what_counting_says(uint256 seed, uint8 size, uint16 tol, uint8 shown)
        external
        pure
    {
        size = uint8(within(size, 1, 15));
        ICommittee.Votes memory votes = _disputed(seed, size, tol);
        Tally.Findings memory found = Tally.judge(votes, 6, shown, tol);
        Tally.Findings memory wanted;
        wanted.verdicts = new ICommittee.Verdict[](6);
        for (uint256 i; i < 6; ++i) {
            if (shown & (1 << i) != 0) _count(votes, i, tol, wanted);
        }
        vm.assertEq(abi.encode(found.verdicts), abi.encode(wanted.verdicts), "verdicts");
        vm.assertEq(found.off, wanted.off, "off");
        vm.assertEq(found.incoherent, wanted.incoherent, "incoherent");
        // not "skipped": what a failure says must not begin like `vm.skip`, or Forge counts it as none
        vm.assertEq(found.skipped, wanted.skipped, "who skips whom");
        (ICommittee.Verdict[] memory all, uint16 faults) = Tally.verdicts(votes, 6, tol);
        vm.assertEq(faults, Tally.taskFaults(votes), "task flags");
        for (uint256 i; i < 6; ++i) {
            _count(votes, i, tol, wanted);
        }
        vm.assertEq(abi.encode(all), abi.encode(wanted.verdicts), "verdicts on all");
    }

    /// @dev Counted bit by bit, whatever else the votes say.
    function test_taskFaults__of_any_votes__are_what_more_than_half_raise(uint256 seed, uint8 size, uint16 common)
        external
        pure
    {
        size = uint8(within(size, 1, 15));
        ICommittee.Votes memory votes = _strangers(seed, size);
        votes.revealed = uint16(seed & ((1 << size) - 1));
        for (uint256 pos; pos < size; ++pos) {
            // else hardly any flag would have more than half
            if (draw(seed, 500 + pos) % 4 != 0) votes.words[pos] |= uint256(common) << 240;
            if (draw(seed, 600 + pos) % 4 == 0) votes.words[pos] &= type(uint240).max;
        }
        uint256 wanted;
        for (uint256 bit; bit < 16; ++bit) {
            uint256 having;
            for (uint256 pos; pos < size; ++pos) {
                if (BitMask.has(votes.revealed, pos)) having += (votes.words[pos] >> (240 + bit)) & 1;
            }
            if (2 * having > BitMask.count(votes.revealed)) wanted |= 1 << bit;
        }
        vm.assertEq(Tally.taskFaults(votes), wanted, "task flags");
    }

    function test_incoherentWith__of_any_findings__adds_who_skips_a_placed_candidate(
        uint16 incoherent,
        uint96 skipped,
        uint8 placed
    ) external pure {
        Tally.Findings memory found;
        found.incoherent = incoherent;
        found.skipped = skipped;
        uint256 wanted = incoherent;
        for (uint256 i; i < 6; ++i) {
            if (placed & (1 << i) != 0) wanted |= (skipped >> (16 * i)) & type(uint16).max;
        }
        vm.assertEq(Tally.incoherentWith(found, placed % 64), wanted, "incoherent");
    }

    function _count(ICommittee.Votes memory votes, uint256 candidate, uint256 tol, Tally.Findings memory wanted)
        private
        pure
    {
        ICommittee.Verdict memory verdict;
        wanted.verdicts[candidate] = verdict;
        uint256[] memory scores = new uint256[](votes.size);
        uint256 given;
        uint256 skipped;
        uint256 scoreless;
        uint256[5] memory raised;
        for (uint256 pos; pos < votes.size; ++pos) {
            uint256 field = (votes.words[pos] >> (40 * candidate)) & SKIPPED;
            if (!BitMask.has(votes.revealed, pos)) continue;
            if (field == SKIPPED) {
                skipped |= 1 << pos;
                continue;
            }
            for (uint256 bit; bit < 5; ++bit) {
                raised[bit] += (field >> (35 + bit)) & 1;
            }
            if ((field >> 35) & 3 != 0) scoreless |= 1 << pos;
            else scores[given++] = field & ((1 << 35) - 1);
        }
        for (uint256 bit; bit < 5; ++bit) {
            if (2 * raised[bit] > BitMask.count(votes.revealed)) verdict.flags |= uint8(1 << bit);
        }
        for (uint256 i; i < given; ++i) {
            uint256 below;
            for (uint256 j; j < given; ++j) {
                if (scores[j] < scores[i] || (scores[j] == scores[i] && j < i)) ++below;
            }
            if (below == (given - 1) / 2) verdict.median = uint40(scores[i]);
        }
        _disagreeing(votes, candidate, tol, wanted, skipped, scoreless);
    }

    function _disagreeing(
        ICommittee.Votes memory votes,
        uint256 candidate,
        uint256 tol,
        Tally.Findings memory wanted,
        uint256 skipped,
        uint256 scoreless
    ) private pure {
        ICommittee.Verdict memory verdict = wanted.verdicts[candidate];
        uint256 near;
        uint256 far;
        uint256 off;
        for (uint256 pos; pos < votes.size; ++pos) {
            if (!BitMask.has(votes.revealed, pos) || BitMask.has(skipped | scoreless, pos)) continue;
            uint256 score = (votes.words[pos] >> (40 * candidate)) & ((1 << 35) - 1);
            uint256 distance = score > verdict.median ? score - verdict.median : verdict.median - score;
            if (distance <= tol) ++near;
            else far |= 1 << pos;
            if (distance > 4 * tol && distance > tol) off |= 1 << pos;
        }
        verdict.stable = near >= votes.quorum;
        if (!verdict.stable || verdict.flags & 3 != 0) return;
        wanted.off |= off;
        wanted.incoherent |= scoreless | far;
        wanted.skipped |= skipped << (16 * candidate);
    }

    /// @dev Votes near one truth, at the tolerances' very ends, skipped, flagged, or of any bits.
    function _disputed(uint256 seed, uint256 size, uint256 tol) private pure returns (ICommittee.Votes memory votes) {
        votes = _strangers(seed, size);
        votes.revealed = uint16(seed & ((1 << size) - 1)) | uint16(seed >> 240) & uint16((1 << size) - 1);
        votes.quorum = uint8(within(seed >> 16, 1, size));
        uint256 truth = (1 << 20) + (seed >> 24) % (1 << 20);
        for (uint256 pos; pos < size; ++pos) {
            uint256 word = votes.words[pos];
            for (uint256 i; i < 6; ++i) {
                uint256 chance = draw(seed, 700 + 6 * pos + i);
                uint256 kind = chance % 16;
                uint256 field = truth;
                if (kind < 5) field += (chance >> 8) % (tol + 1);
                else if (kind < 7) field += tol + (chance >> 8) % 2;
                else if (kind < 9) field += 4 * tol + (chance >> 8) % 2;
                else if (kind < 10) field -= tol + (chance >> 8) % 2;
                else if (kind < 12) field = SKIPPED;
                else if (kind < 15) field |= ((chance >> 8) % 32) << 35;
                else continue;
                word = (word & ~(SKIPPED << (40 * i))) | (field << (40 * i));
            }
            votes.words[pos] = word;
        }
    }

    /// @dev Words of any bits, all revealed.
    function _strangers(uint256 seed, uint256 size) private pure returns (ICommittee.Votes memory votes) {
        votes.size = uint8(size);
        votes.quorum = uint8(size);
        votes.revealed = uint16((1 << size) - 1);
        votes.words = new uint256[](size);
        for (uint256 pos; pos < size; ++pos) {
            votes.words[pos] = draw(seed, pos);
        }
    }

    function _swap(ICommittee.Votes memory votes, uint256 i, uint256 j) private pure {
        (votes.words[i], votes.words[j]) = (votes.words[j], votes.words[i]);
        uint256 kept = votes.revealed & ~((1 << i) | (1 << j));
        uint256 first = (votes.revealed >> i) & 1;
        uint256 second = (votes.revealed >> j) & 1;
        votes.revealed = uint16(kept | (first << j) | (second << i));
    }
}
