// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "./ICommittee.sol";
import {IDLBCTypes} from "./IDLBCTypes.sol";

/// @title What a person or a program wants to see at once
/// @notice Reads the hub and the committee, one call a page; holds nothing, changes nothing, and nothing depends on it.
/// The work of a call is bounded whatever others do: lists are cut at `MAX_PAGE`, and say how long they are.
interface ILens {
    /// @notice A round with all that is known of it on chain.
    struct RoundView {
        IDLBCTypes.Round round;
        IDLBCTypes.Candidate[] candidates; // best claim first: votes number them so
        ICommittee.Ballot ballot; //     of the present epoch, or the last
        ICommittee.Member[] members;
        IDLBCTypes.AppealCase[] appeals; // oldest first
        uint40 challengeUntil; //        in phase Appeal: until when a vote may be challenged; else 0
        uint40 appealUntil; //           in phase Appeal: when it ends; else 0
    }

    /// @notice What the votes that are open say. Nothing is final before the round is.
    struct Judgement {
        ICommittee.Verdict[] verdicts; // by candidate
        bool[] qualified; //             by candidate: may win
        bool[] overclaimed; //           by candidate: is slashed for his claim
        uint16 taskFlags; //             those that a strict majority raised
        IDLBCTypes.Outcome outcome; //   as `IDLBC.preview` says
        bytes32 winner; //               his commitment hash, or 0
        uint40 score; //                 his median, or 0
    }

    /// @notice A score in parts that add up to it, in the units of `IDLBC.rank`.
    struct Score {
        int256 total;
        int256 flops; // each a weight times a logarithm
        int256 net;
        int256 data;
        int256 fee;
        int256 ageing; // by how much the queue's clock advanced since the submission
    }

    struct TaskView {
        uint256 taskId;
        IDLBCTypes.Task task;
        IDLBCTypes.Factors factors;
        Score score;
    }

    /// @notice A miner's part in one round.
    struct Commit {
        uint40 sequence; // 0: none
        bool opened;
        bool locked;
        bytes32 excluded; // commitment hash of a claim that has no place on the list, or 0
        uint40 excludedScore;
    }

    struct SeatView {
        uint32 seatId;
        ICommittee.Seat seat;
    }

    struct AccountView {
        IDLBCTypes.Account account;
        address operator;
        uint256 balance; //   tokens that are not in the hub
        uint256 allowance; // how many of them the hub may take
        uint256 seatCount;
        SeatView[] seats; //  the first `MAX_PAGE` of them
        Commit commit; //     in the round asked for
    }

    struct SlotView {
        uint8 slot;
        uint256 roundId; //   0: free
        uint256 taskId;
        IDLBCTypes.Phase phase;
        uint40 phaseEndsAt; // 0 where only a transaction ends it
    }

    struct NetworkView {
        bytes32 head;
        uint64 height;
        uint128 chainScore;
        uint256 supply;
        uint256 emitted;
        uint8 version; //     of the parameters for what is submitted now
        uint40 pausedUntil;
        uint256 tasks; //     ever submitted
        uint256 rounds; //    ever opened
        uint256 waiting; //   tasks in the queue
        uint256 nextTask; //  the one that would open now, or 0
        uint256 seats; //     that a draw could choose now
        IDLBCTypes.Inbox inbox;
        SlotView[] slots; //  those of the present parameters, and others where a round still runs
    }

    error TooMany(uint256 found, uint256 most);
    error SpecMismatch(bytes32 specHash, bytes32 expected);

    /// @notice The hub that is read.
    function hub() external view returns (address);
    function committee() external view returns (address);

    /// @notice Without the task's spec, which the chain keeps as a hash only: see `judgedRound`.
    function round(uint256 roundId) external view returns (RoundView memory);

    /// @notice A round, and how it stands by the votes open so far.
    function judgedRound(uint256 roundId, IDLBCTypes.TaskSpec calldata spec)
        external
        view
        returns (RoundView memory, Judgement memory);

    function task(uint256 taskId) external view returns (TaskView memory);

    /// @notice A page of the queue by rank, cancelled tasks included as long as they lie in the heap.
    /// @param below 0 for the first page, then `next` of the page before: what came or went in between moves nothing
    /// @param n entries a page, `MAX_PAGE` at most
    /// @return page in the order in which they would open
    /// @return next where the following page begins, or 0
    function queue(uint256 below, uint256 n) external view returns (TaskView[] memory page, uint256 next);

    /// @param roundId for `commit`; 0 if that is of no interest
    function account(address owner, uint256 roundId) external view returns (AccountView memory);

    function network() external view returns (NetworkView memory);
}
