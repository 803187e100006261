// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title One storage word for a committee's work on one epoch of a round
/// @notice `roundId(32) | epoch(8) | stage(8) | size(8) | quorum(8) | committed(16) | revealed(16) | challenged(16) |
/// opened(16) | voteStart(40) | commitSecs(24) | revealSecs(24) | sealBlock(40)`, from the lowest bit. The four sets are
/// masks over positions. The hub reads it as well: all that a phase needs of the committee lies here.
library BallotWord {
    uint256 internal constant NONE = 0;
    uint256 internal constant SEALED = 1;
    uint256 internal constant DRAWN = 2;
    uint256 internal constant FAILED = 3;

    uint256 private constant EPOCH = 32;
    uint256 private constant STAGE = 40;
    uint256 private constant SIZE = 48;
    uint256 private constant QUORUM = 56;
    uint256 private constant COMMITTED = 64;
    uint256 private constant REVEALED = 80;
    uint256 private constant CHALLENGED = 96;
    uint256 private constant OPENED = 112;
    uint256 private constant VOTE_START = 128;
    uint256 private constant COMMIT_SECS = 168;
    uint256 private constant REVEAL_SECS = 192;
    uint256 private constant SEAL_BLOCK = 216;

    /* READ */

    function roundId(uint256 word) internal pure returns (uint256) {
        return uint32(word);
    }

    function epoch(uint256 word) internal pure returns (uint8) {
        return uint8(word >> EPOCH);
    }

    function stage(uint256 word) internal pure returns (uint256) {
        return uint8(word >> STAGE);
    }

    /// @dev A block for the seed was fixed, whatever came then.
    function isSealed(uint256 word) internal pure returns (bool) {
        return stage(word) != NONE;
    }

    function isDrawn(uint256 word) internal pure returns (bool) {
        return stage(word) == DRAWN;
    }

    /// @dev Too few seats were eligible.
    function failed(uint256 word) internal pure returns (bool) {
        return stage(word) == FAILED;
    }

    function size(uint256 word) internal pure returns (uint256) {
        return uint8(word >> SIZE);
    }

    function quorum(uint256 word) internal pure returns (uint256) {
        return uint8(word >> QUORUM);
    }

    function committed(uint256 word) internal pure returns (uint256) {
        return uint16(word >> COMMITTED);
    }

    function revealed(uint256 word) internal pure returns (uint256) {
        return uint16(word >> REVEALED);
    }

    function challenged(uint256 word) internal pure returns (uint256) {
        return uint16(word >> CHALLENGED);
    }

    /// @dev Challenged, and the leaf was opened.
    function opened(uint256 word) internal pure returns (uint256) {
        return uint16(word >> OPENED);
    }

    /// @dev 0 before the draw, as are the two ends.
    function voteStart(uint256 word) internal pure returns (uint256) {
        return uint40(word >> VOTE_START);
    }

    function commitEnd(uint256 word) internal pure returns (uint256) {
        unchecked {
            return voteStart(word) + uint24(word >> COMMIT_SECS);
        }
    }

    function revealEnd(uint256 word) internal pure returns (uint256) {
        unchecked {
            return commitEnd(word) + uint24(word >> REVEAL_SECS);
        }
    }

    function sealBlock(uint256 word) internal pure returns (uint256) {
        return word >> SEAL_BLOCK;
    }

    /* WRITE */

    /// @dev Nothing but the round and the epoch that it waits for.
    function empty(uint256 roundId_, uint256 epoch_) internal pure returns (uint256) {
        return roundId_ | (epoch_ << EPOCH);
    }

    function seal(uint256 roundId_, uint256 epoch_, uint256 sealBlock_) internal pure returns (uint256) {
        return empty(roundId_, epoch_) | (SEALED << STAGE) | (sealBlock_ << SEAL_BLOCK);
    }

    /// @dev Of a sealed word.
    function fail(uint256 word) internal pure returns (uint256) {
        return word ^ ((SEALED ^ FAILED) << STAGE);
    }

    /// @dev Of a sealed word.
    function draw(
        uint256 word,
        uint256 size_,
        uint256 quorum_,
        uint256 voteStart_,
        uint256 commitSecs,
        uint256 revealSecs
    ) internal pure returns (uint256) {
        return (word ^ ((SEALED ^ DRAWN) << STAGE)) | (size_ << SIZE) | (quorum_ << QUORUM)
            | (voteStart_ << VOTE_START) | (commitSecs << COMMIT_SECS) | (revealSecs << REVEAL_SECS);
    }

    /// @param pos below `size`, as is the next
    function commit(uint256 word, uint256 pos) internal pure returns (uint256) {
        unchecked {
            return word | (1 << (COMMITTED + pos));
        }
    }

    function reveal(uint256 word, uint256 pos) internal pure returns (uint256) {
        unchecked {
            return word | (1 << (REVEALED + pos));
        }
    }

    function challenge(uint256 word, uint256 pos) internal pure returns (uint256) {
        return word | (1 << (CHALLENGED + pos));
    }

    function open(uint256 word, uint256 pos) internal pure returns (uint256) {
        return word | (1 << (OPENED + pos));
    }

    /// @dev Nobody is left to commit; the time to reveal stays as long as it was.
    function endCommit(uint256 word, uint256 time) internal pure returns (uint256) {
        return (word & ~(uint256(type(uint24).max) << COMMIT_SECS)) | ((time - voteStart(word)) << COMMIT_SECS);
    }

    /// @dev Nobody is left to reveal.
    function endReveal(uint256 word, uint256 time) internal pure returns (uint256) {
        return (word & ~(uint256(type(uint24).max) << REVEAL_SECS)) | ((time - commitEnd(word)) << REVEAL_SECS);
    }

    function full(uint256 word) internal pure returns (uint256) {
        unchecked {
            return (1 << size(word)) - 1;
        }
    }
}
