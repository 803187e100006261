// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "./BitMask.sol";

/// @title From vote words to medians and flags, and to the votes that disagree with them
/// @notice Masks over votes are by position in the committee, masks over candidates by position in the list, best claim
/// first. `dlbc/wire/tally.py` says the same.
library Tally {
    using BitMask for uint256;

    uint256 internal constant CANDIDATE_BITS = 40;
    uint256 internal constant SCORE_BITS = 35;
    uint256 internal constant SKIPPED = (1 << CANDIDATE_BITS) - 1;
    uint256 internal constant TASK_SHIFT = 240;

    /// @dev Candidate flags, as they lie above the score.
    uint8 internal constant UNAVAILABLE = 1;
    uint8 internal constant INVALID = 2;
    /// @dev A model that could not be had or run has no score.
    uint8 internal constant SCORELESS = UNAVAILABLE | INVALID;

    /// @dev Task flags that void a round: DATA_UNAVAILABLE, DATA_INVALID, MISDECLARED.
    uint16 internal constant TASK_FAULT = 7;
    /// @dev The task flag against candidate 0's payload; those of the others follow.
    uint256 internal constant PAYLOAD_SHIFT = 3;

    /// @dev So many tolerances off is nobody's device.
    uint256 internal constant FAR = 4;

    uint256 private constant SCORE_MASK = (1 << SCORE_BITS) - 1;

    /// @notice The verdict on each candidate, and the task flags that more than half of the revealed votes raised.
    function verdicts(ICommittee.Votes memory votes, uint256 candidates, uint256 tol)
        internal
        pure
        returns (ICommittee.Verdict[] memory result, uint16 taskFlags)
    {
        result = new ICommittee.Verdict[](candidates);
        for (uint256 i; i < candidates; ++i) {
            result[i] = verdict(votes, i, tol);
        }
        taskFlags = taskFaults(votes);
    }

    /// @notice One candidate's lower median over the votes that give him a score, his flags with a strict majority of all
    /// revealed votes, and whether a quorum of scores agrees with the median.
    function verdict(ICommittee.Votes memory votes, uint256 candidate, uint256 tol)
        internal
        pure
        returns (ICommittee.Verdict memory result)
    {
        uint256 shift = candidate * CANDIDATE_BITS;
        uint256 size = votes.words.length;
        uint256 revealed = votes.revealed;
        uint256[] memory scores = new uint256[](size);
        uint256 given;
        uint256 raised;
        for (uint256 pos; pos < size; ++pos) {
            if (!revealed.has(pos)) continue;
            uint256 field = (votes.words[pos] >> shift) & SKIPPED;
            if (field == SKIPPED) continue;
            uint256 flags = field >> SCORE_BITS;
            raised |= flags;
            if (flags & SCORELESS == 0) _insert(scores, given++, field & SCORE_MASK);
        }
        // most candidates are not flagged by anyone
        if (raised != 0) result.flags = uint8(_majorities(votes, shift + SCORE_BITS, raised, shift));
        if (given == 0) return result;
        uint256 median = scores[(given - 1) / 2];
        uint256 near;
        for (uint256 i; i < given; ++i) {
            if (_distance(scores[i], median) <= tol) ++near;
        }
        result.median = uint40(median);
        result.stable = near >= votes.quorum;
    }

    /// @notice The task flags that more than half of the revealed votes raised.
    function taskFaults(ICommittee.Votes memory votes) internal pure returns (uint16) {
        uint256 raised;
        uint256 revealed = votes.revealed;
        for (uint256 pos; pos < votes.words.length; ++pos) {
            if (revealed.has(pos)) raised |= votes.words[pos] >> TASK_SHIFT;
        }
        return raised == 0 ? 0 : uint16(_majorities(votes, TASK_SHIFT, raised, type(uint256).max));
    }

    /// @notice Whether a candidate who showed his key may take a place.
    /// @dev `stable` excludes that a minority's scores alone make a winner: the quorum is more than half.
    function qualifies(ICommittee.Verdict memory found, uint256 claim, uint256 minScore, uint256 tol)
        internal
        pure
        returns (bool)
    {
        return found.stable && found.flags == 0 && found.median >= minScore && claim <= found.median + tol;
    }

    /// @notice Whether he claimed what no device explains.
    function overclaimed(ICommittee.Verdict memory found, uint256 claim, uint256 tol) internal pure returns (bool) {
        return found.stable && claim > found.median + FAR * tol;
    }

    /// @notice The votes that disagree with the verdicts on which a quorum agrees.
    /// @param shown candidates who showed their keys: only they are judged
    /// @param placed candidates who take a paid place: nobody may skip them
    /// @return off votes more than four tolerances off a median
    /// @return incoherent votes that are not paid, those that are `off` among them
    function dissent(
        ICommittee.Votes memory votes,
        ICommittee.Verdict[] memory found,
        uint256 shown,
        uint256 placed,
        uint256 tol
    ) internal pure returns (uint256 off, uint256 incoherent) {
        uint256 revealed = votes.revealed;
        for (uint256 i; i < found.length; ++i) {
            if (!shown.has(i) || !found[i].stable || found[i].flags & SCORELESS != 0) continue;
            uint256 median = found[i].median;
            uint256 shift = i * CANDIDATE_BITS;
            for (uint256 pos; pos < votes.words.length; ++pos) {
                if (!revealed.has(pos)) continue;
                uint256 field = (votes.words[pos] >> shift) & SKIPPED;
                if (field == SKIPPED) {
                    incoherent |= ((placed >> i) & 1) << pos;
                } else if ((field >> SCORE_BITS) & SCORELESS != 0) {
                    incoherent |= 1 << pos;
                } else {
                    uint256 distance = _distance(field & SCORE_MASK, median);
                    if (distance > tol) incoherent |= 1 << pos;
                    if (distance > FAR * tol) off |= 1 << pos;
                }
            }
        }
    }

    /// @dev Which of the `raised` bits, from `shift` on, more than half of the revealed votes have.
    /// @param field where the candidate's field begins: one that is SKIPPED raises nothing; or no field's place
    function _majorities(ICommittee.Votes memory votes, uint256 shift, uint256 raised, uint256 field)
        private
        pure
        returns (uint256 flags)
    {
        uint256 revealed = votes.revealed;
        uint256 voters = revealed.count();
        for (uint256 bit; raised >> bit != 0; ++bit) {
            uint256 having;
            for (uint256 pos; pos < votes.words.length; ++pos) {
                if (!revealed.has(pos)) continue;
                uint256 word = votes.words[pos];
                // a shift by more than a word leaves 0, which is not SKIPPED
                if ((word >> field) & SKIPPED != SKIPPED) having += (word >> (shift + bit)) & 1;
            }
            if (2 * having > voters) flags |= 1 << bit;
        }
    }

    function _distance(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }

    /// @dev Keeps the first `length` elements sorted.
    function _insert(uint256[] memory sorted, uint256 length, uint256 value) private pure {
        uint256 i = length;
        for (; i > 0 && sorted[i - 1] > value; --i) {
            sorted[i] = sorted[i - 1];
        }
        sorted[i] = value;
    }
}
