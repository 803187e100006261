// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "./BitMask.sol";
import {Words} from "./Words.sol";

/// @title From vote words to medians and flags, and to the votes that disagree with them
/// @notice Masks over votes are by position in the committee, masks over candidates by position in the list, best claim
/// first. `dlbc/wire/tally.py` says the same.
library Tally {
    using BitMask for uint256;
    using Words for uint256[];

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
    /// @dev The task flag that says that candidate 0's model is the accuser's; those of the others follow.
    uint256 internal constant STOLEN_SHIFT = 9;

    /// @dev So many tolerances off is nobody's device.
    uint256 internal constant FAR = 4;

    uint256 private constant SCORE_MASK = (1 << SCORE_BITS) - 1;

    /// @dev What the votes say of the candidates, and of each other.
    struct Findings {
        ICommittee.Verdict[] verdicts;
        uint256 off; //        votes more than four tolerances off a median on which a quorum agrees
        uint256 incoherent; // votes more than one tolerance off it, or that find no score where a quorum does
        uint256 skipped; //    votes that skip a candidate whom a quorum scores, 16 bits for each
    }

    /// @notice The verdict on each candidate, and the task flags that more than half of the revealed votes raised.
    function verdicts(ICommittee.Votes memory votes, uint256 candidates, uint256 tol)
        internal
        pure
        returns (ICommittee.Verdict[] memory result, uint16 taskFlags)
    {
        result = judge(votes, candidates, type(uint256).max, tol).verdicts;
        taskFlags = taskFaults(votes);
    }

    /// @param shown candidates who showed their keys: only they are judged
    function judge(ICommittee.Votes memory votes, uint256 candidates, uint256 shown, uint256 tol)
        internal
        pure
        returns (Findings memory found)
    {
        found.verdicts = new ICommittee.Verdict[](candidates);
        uint256[] memory scores = new uint256[](votes.words.length);
        for (uint256 i; i < candidates; ++i) {
            if (shown.has(i)) _judge(votes, i, tol, found, scores);
        }
    }

    /// @notice The votes that disagree with the verdicts on which a quorum agrees.
    /// @param placed candidates who take a paid place: nobody may skip them
    /// @return incoherent votes that are not paid; those that are slashed are among them
    function incoherentWith(Findings memory found, uint256 placed) internal pure returns (uint256 incoherent) {
        incoherent = found.incoherent;
        for (uint256 i; placed >> i != 0; ++i) {
            if (placed.has(i)) incoherent |= uint16(found.skipped >> (16 * i));
        }
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

    /// @dev One candidate's lower median over the votes that give him a score, his flags with a strict majority of all
    /// revealed votes, whether a quorum of scores is near the median, and who else is not.
    /// @param scores room for as many as there are votes
    function _judge(
        ICommittee.Votes memory votes,
        uint256 candidate,
        uint256 tol,
        Findings memory found,
        uint256[] memory scores
    ) private pure {
        unchecked {
            uint256 shift = candidate * CANDIDATE_BITS;
            ICommittee.Verdict memory verdict = found.verdicts[candidate];
            (uint256 given, uint256 raised, uint256 skipped, uint256 incoherent) = _collect(votes, shift, scores);
            // most candidates are not flagged by anyone
            if (raised != 0) verdict.flags = uint8(_majorities(votes, shift + SCORE_BITS, raised, shift));
            uint256 far;
            uint256 off;
            if (given != 0) {
                uint256 median = scores.at((given - 1) / 2);
                verdict.median = uint40(median);
                // on most candidates all agree: the scores are in order, and the outermost are near
                if (median - scores.at(0) > tol || scores.at(given - 1) - median > tol) {
                    (far, off) = _distant(votes, shift, median, tol);
                }
            }
            if (given - far.count() < votes.quorum) return;
            verdict.stable = true;
            if (verdict.flags & SCORELESS != 0) return;
            found.off |= off;
            found.incoherent |= incoherent | far;
            found.skipped |= skipped << (16 * candidate);
        }
    }

    /// @dev Reads the votes on one candidate, and puts their scores in order.
    /// @return given how many scores there are
    /// @return raised flags that any vote raises
    /// @return skipped the votes that skip him, as are the next a mask over positions
    /// @return scoreless the votes whose flags leave no score
    function _collect(ICommittee.Votes memory votes, uint256 shift, uint256[] memory scores)
        private
        pure
        returns (uint256 given, uint256 raised, uint256 skipped, uint256 scoreless)
    {
        unchecked {
            uint256[] memory words = votes.words;
            uint256 revealed = votes.revealed;
            for (uint256 pos; pos < words.length; ++pos) {
                if (!revealed.has(pos)) continue;
                uint256 field = (words.at(pos) >> shift) & SKIPPED;
                if (field <= SCORE_MASK) {
                    scores.insert(given++, field);
                } else if (field == SKIPPED) {
                    skipped |= 1 << pos;
                } else {
                    raised |= field >> SCORE_BITS;
                    if ((field >> SCORE_BITS) & SCORELESS != 0) scoreless |= 1 << pos;
                    else scores.insert(given++, field & SCORE_MASK);
                }
            }
        }
    }

    /// @dev Whose scores are not near a candidate's median; masks over positions.
    /// @return far more than one tolerance off it
    /// @return off of those, more than `FAR` tolerances
    function _distant(ICommittee.Votes memory votes, uint256 shift, uint256 median, uint256 tol)
        private
        pure
        returns (uint256 far, uint256 off)
    {
        unchecked {
            for (uint256 pos; pos < votes.words.length; ++pos) {
                if (!uint256(votes.revealed).has(pos)) continue;
                uint256 field = (votes.words.at(pos) >> shift) & SKIPPED;
                if (field == SKIPPED || (field >> SCORE_BITS) & SCORELESS != 0) continue;
                uint256 score = field & SCORE_MASK;
                uint256 distance = score > median ? score - median : median - score;
                if (distance <= tol) continue;
                far |= 1 << pos;
                if (distance > FAR * tol) off |= 1 << pos;
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
}
