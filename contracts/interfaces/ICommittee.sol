// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "./IDLBCTypes.sol";

/// @title Seats, draw, hidden votes and tally
/// @notice Holds no money: seat stakes lie in the hub, which this contract names immutably, and which names it.
interface ICommittee {
    /// @notice What a validator commits to by its EIP-712 hashStruct. Names its validator: a copied vote opens for nobody.
    struct Vote {
        uint256 roundId;
        uint8 epoch;
        uint8 pos; //          position in the committee, from 0
        address validator;
        uint256 word; //       six scores with flags, and task flags: see docs/protocol.md, "Vote word"
        bytes32 evalRoot; //   Merkle root of the per-sample predictions
        bytes32 salt;
    }

    struct Seat {
        address owner;
        uint96 bonded; //      what is left of `seatUnit`
        bool leaving; //       not drawn any more
        uint256 serving; //    the round it is drawn for, or 0
    }

    /// @notice A committee's work on one round, in its present epoch. Kept until another round in the same slot seals
    /// its draw; the events keep it for good.
    struct Ballot {
        uint8 epoch;
        uint8 size; //         seats drawn; 0 before the draw
        uint8 quorum; //       revealed votes without which nothing is judged; 0 before the draw
        uint8 committed;
        uint8 revealed;
        uint40 voteStart; //   0 before the draw
        uint40 commitEnd; //   when votes may be revealed: the clock, or the last commit
        uint40 revealEnd;
        uint64 sealBlock; //   its hash is the seed; 0 before Seal
        bytes32 seed;
        bool failed; //        drawn, but too few seats were eligible for a quorum
    }

    struct Member {
        uint32 seatId;
        address owner;
        bytes32 voteHash;
        uint256 word;
        bool revealed;
    }

    /// @notice The committee's word on one candidate.
    struct Verdict {
        uint40 median; //      lower median of the votes that give a score
        uint8 flags; //        those that a strict majority of the revealed votes raised
        bool stable; //        a quorum of scores lies within `tol` of the median; if not, it decides nothing
    }

    /// @notice All that a decision needs, in one call.
    struct Votes {
        uint8 size;
        uint8 quorum;
        uint16 revealed; //    bit mask over positions
        uint16 unopened; //    challenged, and the leaf not opened (yet)
        bool failed; //        as in Ballot
        uint40 revealEnd; //   0 before the draw
        bytes32 seed;
        uint256[] words; //    by position, `size` of them; 0 where nothing was revealed
    }

    /// @notice How an epoch's ballot ended, by position.
    struct Closing {
        address[] owners;
        uint96[] penalties; // taken off the seats' bonds: the hub slashes their owners by as much; empty where nobody loses
        address[] challengers; // zero where nobody challenged; empty where nobody challenged anyone
        bytes32 voteRoot;
    }

    /// @notice A leaf of a validator's `evalRoot`, asked for by a challenge.
    struct Leaf {
        uint8 candidate; //    position in the list
        uint64 sample;
        int32 prediction;
    }

    event SeatJoined(uint32 indexed seatId, address indexed owner);
    event SeatLeft(uint32 indexed seatId, address indexed owner);
    event DrawSealed(uint256 indexed roundId, uint8 epoch, uint64 sealBlock);
    event CommitteeDrawn(
        uint256 indexed roundId, uint8 epoch, bytes32 seed, uint32[] seatIds, address[] owners, uint40 voteStart
    );
    event VoteCommitted(uint256 indexed roundId, address indexed validator, uint8 epoch, uint8 pos, bytes32 voteHash);
    event VoteRevealed(
        uint256 indexed roundId,
        address indexed validator,
        uint8 epoch,
        uint8 pos,
        uint256 word,
        bytes32 evalRoot,
        bytes32 salt
    );

    event LeafOpened(uint256 indexed roundId, address indexed validator, uint8 epoch, uint8 pos, Leaf leaf);

    error NotHub(address caller);
    error NotSeatOwner(uint32 seatId, address caller);
    error SeatsFull(uint256 seats);
    error SeatAlreadyLeft(uint32 seatId);
    error NotDrawn(uint256 roundId, address validator);
    error WrongPhase(uint8 phase);
    error TooEarly(uint256 blockNumber, uint256 needed);
    error AlreadyVoted(uint256 roundId, uint8 pos);
    error VoteMismatch(bytes32 found, bytes32 expected);
    error NotRevealed(uint256 roundId, uint8 pos);
    error NotChallenged(uint256 roundId, uint8 pos);
    error NothingEvaluated(uint256 roundId, uint8 pos);
    error WrongLeaf(uint8 candidate, uint64 sample, uint8 expectedCandidate, uint64 expectedSample);
    error WrongProof(bytes32 found, bytes32 expected);
    error SpecMismatch(bytes32 specHash, bytes32 expected);

    /// @notice Locks `seatUnit` of the caller's free stake in the hub and gives him a seat. Refused while a draw's seed is
    /// known but not used: call `draw` first.
    function joinSeat() external returns (uint32 seatId);

    /// @notice The seat is not drawn again; its stake unlocks now, or when the round it serves is final.
    /// Refused while a draw's seed is known but not used, as is `joinSeat`.
    function leaveSeat(uint32 seatId) external;

    /// @notice Called twice, by anyone: in phase Seal fixes a future block; in phase Draw, after that block, takes its hash
    /// as seed and draws. Seals again when the hash is out of range, and when too few seats are free but those that serve
    /// other rounds would do.
    function draw(uint256 roundId) external;

    /// @notice Commits the hash of a vote, sent by the seat's owner or by his operator (`IDLBC.operatorOf`). One vote for each
    /// drawn seat, by position.
    function commitVote(uint256 roundId, uint8 pos, bytes32 voteHash) external;

    /// @notice Opens a vote.
    function revealVote(Vote calldata vote) external;

    /// @notice Answers a challenge (`IDLBC.challengeVote`): the leaf that `challengedLeaf` names, and its Merkle proof up to
    /// `vote.evalRoot`. Anyone who knows it may send it, until phase Appeal ends.
    /// @param proof siblings from the leaf upwards; none where an odd last node moves up unchanged
    function openLeaf(
        Vote calldata vote,
        IDLBCTypes.TaskSpec calldata spec,
        Leaf calldata leaf,
        bytes32[] calldata proof
    ) external;

    /// @notice Which leaf a challenge asks for. Reverts where there is none.
    function challengedLeaf(uint256 roundId, uint8 pos, IDLBCTypes.TaskSpec calldata spec)
        external
        view
        returns (uint8 candidate, uint64 sample);

    function hub() external view returns (address);
    function seat(uint32 seatId) external view returns (Seat memory);
    function seatCount() external view returns (uint32);
    function seatsOf(address owner) external view returns (uint32[] memory);

    /// @notice Seats that a draw could choose now.
    function availableSeats() external view returns (uint256);
    function ballot(uint256 roundId) external view returns (Ballot memory);
    function members(uint256 roundId) external view returns (Member[] memory);

    /// @notice Medians and majority flags of the votes revealed so far, by candidate position; and the task's flags.
    /// @param tol the task's tolerance
    function verdicts(uint256 roundId, uint8 candidates, uint32 tol)
        external
        view
        returns (Verdict[] memory, uint16 taskFlags);

    /// @notice The ballot in one word (see `BallotWord`), or 0 where the slot's ballot is another round's.
    function ballotWord(uint256 roundId, uint8 slot) external view returns (uint256);

    /// @notice Words and masks of the present epoch.
    function votes(uint256 roundId) external view returns (Votes memory);

    function hashVote(Vote calldata vote) external pure returns (bytes32 structHash);

    /* FOR THE HUB ALONE */

    /// @notice Records a challenge of the vote at `pos`, and fixes the leaf it asks for.
    function challenge(uint256 roundId, uint8 pos, address challenger) external;

    /// @notice Ends the ballot and frees its seats.
    /// @param again true: the next epoch begins, with a new draw
    /// @param absentBps what each seat without a revealed vote loses, in basis points of `seatUnit`
    /// @param offMask positions whose votes were far off the median
    /// @param offBps what these lose
    /// @param seatUnit of the round's parameters; no seat loses more than its bond, and one with less than half of
    /// `seatUnit` left is not drawn again
    function close(
        uint256 roundId,
        bool again,
        uint16 absentBps,
        uint16 offMask,
        uint16 offBps,
        uint96 seatUnit
    ) external returns (Closing memory);
}
