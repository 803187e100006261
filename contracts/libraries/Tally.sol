// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";

/// @title From vote words to medians and flags
library Tally {
    uint256 internal constant CANDIDATE_BITS = 40;
    uint256 internal constant SCORE_BITS = 35;
    uint256 internal constant SKIPPED = (1 << CANDIDATE_BITS) - 1;
    uint256 internal constant TASK_SHIFT = 240;

    /// @dev Candidate flags, as they lie above the score.
    uint8 internal constant UNAVAILABLE = 1;
    uint8 internal constant INVALID = 2;

    /// @dev Task flags that void a round: DATA_UNAVAILABLE, DATA_INVALID, MISDECLARED. PAYLOAD_BAD is reserved.
    uint16 internal constant TASK_FAULT = 7;

    /// @notice Lower medians over the votes that did not skip; flags that more than half of all votes raised.
    function verdicts(uint256[] memory words, uint256 candidates)
        internal
        pure
        returns (ICommittee.Verdict[] memory result, uint16 taskFlags)
    {
        result = new ICommittee.Verdict[](candidates);
        for (uint256 i; i < candidates; ++i) {
            result[i] = verdict(words, i * CANDIDATE_BITS);
        }
        taskFlags = uint16(majorities(words, TASK_SHIFT, 16));
    }

    /// @param shift where the candidate's field begins
    function verdict(uint256[] memory words, uint256 shift) internal pure returns (ICommittee.Verdict memory result) {
        uint256 votes = words.length;
        uint256[] memory scores = new uint256[](votes);
        uint256 counted;
        uint256 raised;
        for (uint256 i; i < votes; ++i) {
            uint256 field = (words[i] >> shift) & SKIPPED;
            if (field == SKIPPED) continue;
            _insert(scores, counted++, field & ((1 << SCORE_BITS) - 1));
            raised |= field >> SCORE_BITS;
        }
        // a candidate that everyone skipped has no median: nobody takes him for a winner
        if (counted != 0) result.median = uint40(scores[(counted - 1) / 2]);
        // most candidates are not flagged by anyone
        if (raised != 0) result.flags = uint8(_raised(words, shift));
    }

    /// @notice Which of `count` bits, from `shift` on, more than half of the words have.
    function majorities(uint256[] memory words, uint256 shift, uint256 count) internal pure returns (uint256 flags) {
        uint256 any;
        for (uint256 i; i < words.length; ++i) {
            any |= words[i] >> shift;
        }
        for (uint256 bit; bit < count && any >> bit != 0; ++bit) {
            uint256 votes;
            for (uint256 i; i < words.length; ++i) {
                votes += (words[i] >> (shift + bit)) & 1;
            }
            if (2 * votes > words.length) flags |= 1 << bit;
        }
    }

    /// @dev The candidate's flags with a strict majority of all votes; one that skipped him raises none.
    function _raised(uint256[] memory words, uint256 shift) private pure returns (uint256) {
        uint256[] memory fields = new uint256[](words.length);
        for (uint256 i; i < words.length; ++i) {
            uint256 field = (words[i] >> shift) & SKIPPED;
            if (field != SKIPPED) fields[i] = field;
        }
        return majorities(fields, SCORE_BITS, 5);
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
