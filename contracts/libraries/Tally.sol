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
            result[i] = verdict(words, i);
        }
        for (uint256 bit; bit < 16; ++bit) {
            if (majority(words, TASK_SHIFT + bit)) taskFlags |= uint16(1 << bit);
        }
    }

    function verdict(uint256[] memory words, uint256 candidate)
        internal
        pure
        returns (ICommittee.Verdict memory result)
    {
        uint256 shift = candidate * CANDIDATE_BITS;
        uint256[] memory scores = new uint256[](words.length);
        uint256[5] memory raised;
        uint256 counted;
        for (uint256 i; i < words.length; ++i) {
            uint256 field = (words[i] >> shift) & SKIPPED;
            if (field == SKIPPED) continue;
            _insert(scores, counted++, field & ((1 << SCORE_BITS) - 1));
            for (uint256 bit; bit < 5; ++bit) {
                raised[bit] += (field >> (SCORE_BITS + bit)) & 1;
            }
        }
        // a candidate that everyone skipped has no median: nobody takes him for a winner
        if (counted != 0) result.median = uint40(scores[(counted - 1) / 2]);
        for (uint256 bit; bit < 5; ++bit) {
            if (2 * raised[bit] > words.length) result.flags |= uint8(1 << bit);
        }
    }

    function majority(uint256[] memory words, uint256 bit) internal pure returns (bool) {
        uint256 count;
        for (uint256 i; i < words.length; ++i) {
            count += (words[i] >> bit) & 1;
        }
        return 2 * count > words.length;
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
