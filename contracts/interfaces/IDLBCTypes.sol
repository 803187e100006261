// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The hub's structs, events and errors
/// @notice Apart from `IDLBC` so that the hub's parts can use them without having to be the whole hub.
interface IDLBCTypes {
    /* TYPES: WHAT IS SIGNED, HASHED AND STORED (EIP-712; see docs/protocol.md, "Wire formats") */

    /// @notice What a requester registers. Its EIP-712 hashStruct is the `specHash`.
    struct TaskSpec {
        address requester; //  who escrows fee and bond, and who shows the test key
        bytes32 manifest; //   sha2-256 digest of the manifest's CIDv0
        bytes32 keyHash; //    keccak256 of the 32-byte test key
        uint64 flops; //       one sample's forward pass
        uint64 netBytes; //    bytes of one serialised model: what every submission and every check moves
        uint64 dataBytes; //   bytes of training and test data
        uint40 scoreMax; //    number of distinct test samples; at most 2^35 - 2
        uint40 minScore; //    a claim below it is not listed; at least 1
        uint32 tol; //         honest devices differ by at most this much; a tenth of scoreMax at most
        uint32 tieTol; //      candidates this close to the best compete by commit order; at most tol / 2
        uint16 modes; //       bit field; bit 0 TRAJECTORY: miners prove how they trained
        uint32 trainSecs;
        uint32 proveSecs; //   of phase Prove, and as much more to vote; 0 without TRAJECTORY
        uint96 fee;
        uint96 bond;
        uint256 nonce; //      of the requester's choosing; makes two equal tasks differ
    }

    /// @notice What a miner commits to. Contains his address and the hash of his model key: a copy cannot be opened.
    struct ModelCommitment {
        uint256 roundId;
        bytes32 anchor; //        the DLBC head when the round opened
        bytes32 specHash;
        bytes32 modelHash; //     sha-256 of the model file's plain bytes
        bytes32 artifact; //      sha2-256 digest of the ciphertext's CIDv0
        uint64 artifactBytes; //  size of the ciphertext
        bytes32 keyHash; //       keccak256 of the 32-byte model key
        bytes32 watermark; //     Merkle root of the private watermark keys, or 0
        bytes32 trajectory; //    root of the trajectory, or 0
        bytes32 parent; //        commitment hash of a declared earlier model, whose miner shares the fee, or 0
        bytes32 payloadRoot; //   Merkle root of the round's inbox batch, or 0 to carry nothing
        address miner;
        bytes32 salt;
    }

    /// @notice What the miner signs (EIP-712, this contract's domain) to claim a score for his commitment.
    struct ModelClaim {
        ModelCommitment commitment;
        uint40 score;
    }

    /// @notice The header of a DLBC block; its EIP-712 digest is the block's hash and the next block's `parent`.
    struct BlockHeader {
        uint16 version;
        uint64 height;
        bytes32 parent;
        bytes32 anchor;
        uint256 roundId;
        bytes32 specHash;
        bytes32 commitment;
        bytes32 modelHash;
        uint40 score; //      the committee's median
        uint40 scoreMax;
        bytes32 voteRoot; //  Merkle root of the committee's vote hashes, by position
        address miner;
        bytes32 payloadRoot;
        uint96 emission;
        uint128 chainScore; // the sum of all blocks' task difficulty
        uint40 timestamp;
    }

    /* TYPES: WHAT CAN BE READ */

    enum TaskStatus {
        None,
        Queued,
        Open,
        Done,
        Failed,
        Cancelled
    }

    /// @notice Computed from time and facts, never stored. See `Phases` for the graph.
    enum Phase {
        None,
        Settle,
        Train,
        Guard, //      commits are closed; nobody shows the test key before the chain is final
        Key,
        Claim,
        Enlist, //     a later epoch: claims that found no place on the list may take those of the disqualified
        Show,
        Seal,
        Draw,
        Prove, //      tasks with TRAJECTORY: candidates open what the draw's seed asks of their trajectories
        VoteCommit,
        VoteReveal,
        Appeal,
        Tally, //      nothing is left but `finalize`
        Final
    }

    enum Outcome {
        None,
        Block, //          a winner, a block
        NoCommit,
        KeyWithheld,
        NoClaim,
        BelowThreshold, // no claim, or no median, reached `minScore`
        NoModel, //        listed candidates, but none showed his key
        TaskFault, //      the committee flags the task itself
        NoQuorum
    }

    enum Reason {
        Unopened, //    a commit that was never claimed
        Unavailable, // a listed candidate without his key, or whose model cannot be had
        Invalid, //     a model that is not what was committed
        Absent, //      a drawn validator who did not vote
        Overclaimed, // a claim above the committee's median by more than four tolerances
        OffMedian, //   a vote as far from it, in either direction
        Stolen //       another miner's mark is in the model
    }

    enum Payment {
        Refund,
        Bond,
        Winner,
        Second,
        Third,
        Parent,
        Validator,
        Emission,
        Compensation,
        Finder, //      who pointed out a fault
        Tip, //         who sent a call that the round was waiting for
        AppealBond, //  back to the appellant, or to the validators who judged again in vain
        ChallengeBond, // back to the challenger, or to the validator who opened his leaf
        AccusationBond // back to the accuser, or to the validators who judged again in vain
    }

    enum EpochCause {
        NoQuorum,
        Appeal,
        Excluded,
        Accusation
    }

    struct Account {
        uint256 credit; //     free to withdraw, stake or escrow
        uint256 stake; //      including what is locked and what is unbonding
        uint256 locked; //     behind live commits and seats
        uint256 unbonding;
        uint40 unbondAt; //    when `unbond` becomes possible
    }

    struct Task {
        bytes32 specHash;
        address requester;
        uint32 trainSecs;
        TaskStatus status;
        uint40 submittedAt;
        uint256 key; //        rank in the queue: larger opens earlier
        uint256 roundId; //    0 until opened
    }

    struct Round {
        uint256 taskId;
        bytes32 specHash;
        bytes32 anchor;
        uint8 slot;
        uint8 epoch;
        Outcome outcome;
        Phase phase;
        uint40 phaseEndsAt; // when the clock alone ends this phase; 0 where only a transaction does
        uint40 openedAt;
        uint40 commitStart;
        uint40 commitEnd;
        uint40 keyFrom; //     earliest time to show the test key
        uint40 keyUntil; //    latest
        uint40 keyAt; //       when it was shown, or 0
        uint40 claimEnd; //    end of Claim, or of this epoch's Enlist; 0 until the key is shown
        uint40 showEnd; //     0 until the key is shown
        uint32 commits;
        uint32 claims;
        uint8 listed;
        uint8 shown;
        uint8 appeals;
        uint8 tips; //         paid so far, each of `Economy.tip`
        uint8 version; //      of the parameters: those under which the task was submitted
        uint32 excluded; //    claims of at least minScore that have no place on the list
        uint40 bestExcluded; //the best of them that there ever was, or 0
        uint32 inboxFrom; //   the first inbox item (from 1) of the batch that this round's block may carry
        uint32 inboxTo; //     the last; inboxTo < inboxFrom: there is nothing to carry
        uint96 compensation; //each committer's, where the test key was withheld
        uint96 advanced; //    what earlier epochs' validators were paid of the fee
        uint32 proveSecs; //   0 where the task asks for no trajectories
    }

    /// @notice How a task's difficulty comes about: each part is a weight times a logarithm (UQ8.8).
    struct Factors {
        uint16 lgFlops;
        uint16 lgNet;
        uint16 lgData;
        uint16 lgFee;
        uint8 version; //      of the parameters that hold the weights
        int64 base; //         the weighted sum
        uint128 clockAtSubmit;
    }

    /// @notice The inbox: a hash chain of posted items, of which each block may carry the next batch.
    struct Inbox {
        bytes32 head;
        uint32 posted; //      items ever posted
        uint32 carried; //     of them, in blocks
    }

    /// @notice What was decided when somebody appealed.
    struct AppealCase {
        address appellant;
        uint96 bond; //        0 once the next judgement decided on it
        bytes32 winner; //     commitment hash, 0 where there was none; where another epoch was due, who qualified (bit mask)
        Outcome outcome; //    None: another epoch was due
    }

    /// @notice A private watermark key: a leaf of the tree whose root is a commitment's `watermark`.
    struct MarkKey {
        uint8 index; //    of the leaf, from 0
        uint8 shares; //   leaves of the tree; the key marks every `shares`-th weight from `index` on
        bytes32 secret; // what its chips are expanded from
    }

    /// @notice That a candidate's model is an earlier one of somebody else's.
    struct Accusation {
        address accuser; // the earlier model's miner; 0: nobody was accused
        uint96 bond; //     0 once the next judgement decided on it
        bytes32 accused; // commitment hash
    }

    /// @notice A listed claim. Votes number candidates by their position in `candidates`, best claim first.
    struct Candidate {
        address miner;
        uint40 score; //       as claimed
        uint40 sequence; //    of the commit, from 1
        bool shown;
        bytes32 commitment; // hashStruct of the ModelCommitment
    }

    /// @notice Seconds of each phase, and of unbonding.
    struct Timing {
        uint32 settleSecs;
        uint32 guardSecs;
        uint32 keySecs;
        uint32 claimSecs;
        uint32 showSecs;
        uint32 voteCommitSecs;
        uint32 voteRevealSecs;
        uint32 appealSecs;
    }

    /// @notice Money. Basis points are of the fee less the tips, unless said otherwise. The order packs it into three words.
    struct Economy {
        uint96 feeUnit; //        fee floor per doubling of difficulty
        uint96 minerUnit; //      stake locked by each commit
        uint32 halvingSecs;
        uint8 minMiners; //       distinct claimants without whom nothing is emitted
        uint8 slots; //           rounds that may run at once, 16 at most
        uint8 committeeSize; //   odd, 15 at most; an appeal doubles it and adds one
        uint8 quorum; //          of a committee of that size or smaller; of a larger one two thirds, rounded down, and one
        uint96 seatUnit; //       stake locked by each seat
        uint96 initialEmission; // ceiling of one block's emission before the first halving
        uint16 burnBps;
        uint16 validatorBps;
        uint16 kappaBps; //       emission <= kappa * fee burned; 9000 at most but on development chains
        uint16 parentBps;
        uint96 tip; //            to the caller of openRound, of the draw, of finalize; at most feeUnit / 8
        uint96 appealBond; //     of an appeal; a challenge of one vote costs appealBond / committeeSize
        uint16 secondBps;
        uint16 thirdBps;
    }

    /// @notice What a task may ask, and how the queue weighs it.
    struct Limits {
        uint32 minTrainSecs;
        uint32 maxTrainSecs;
        uint32 secsPerMegaflop; // trainSecs <= min(max, min + secsPerMegaflop * ceil(flops / 1e6))
        uint32 unbondSecs;
        uint96 slotFeePerSec; //   burned for a slot reserved in vain
        int32 weightFlops;
        int32 weightNet;
        int32 weightData;
        int32 weightFee;
        uint32 alpha; //           the virtual clock's rate with an empty queue, in 2^-24 units of `base` a second
        uint32 gamma; //           and its growth per doubling of the queue, in 2^-24/256 units
    }

    /// @notice What the committee must know of a round to draw and to time its votes.
    struct DrawRules {
        uint8 slot;
        uint8 epoch; //         of the round; the ballot takes it over
        uint8 wanted; //        seats of this draw: `committeeSize`, more after an appeal
        uint8 committeeSize;
        uint8 quorum; //        of a committee of `committeeSize` or smaller
        uint32 proveSecs; //    before the votes
        uint32 voteCommitSecs;
        uint32 voteRevealSecs;
    }

    /* EVENTS */

    event Deposited(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);
    event Staked(address indexed account, uint256 amount);
    event UnbondRequested(address indexed account, uint256 amount, uint40 unbondAt);
    event Unbonded(address indexed account, uint256 amount);
    /// @param operator zero: nobody acts for the account any more
    event OperatorSet(address indexed account, address indexed operator);

    event TaskSubmitted(
        uint256 indexed taskId, address indexed requester, bytes32 indexed specHash, TaskSpec spec, uint256 key
    );
    event TaskCancelled(uint256 indexed taskId, uint256 refunded, uint256 burned);
    event RoundOpened(
        uint256 indexed roundId,
        uint256 indexed taskId,
        bytes32 indexed specHash,
        uint8 slot,
        bytes32 anchor,
        uint40 openedAt,
        uint40 commitStart,
        uint40 commitEnd
    );
    event ModelCommitted(
        uint256 indexed roundId,
        address indexed miner,
        uint40 sequence,
        bytes32 commitment,
        bytes32 artifact,
        uint64 artifactBytes
    );
    event TestKeyRevealed(uint256 indexed roundId, bytes32 key);
    event ModelClaimed(
        uint256 indexed roundId,
        address indexed miner,
        bytes32 indexed commitmentHash,
        uint40 sequence,
        uint40 score,
        bool listed,
        ModelCommitment commitment
    );
    event ModelKeyShown(uint256 indexed roundId, address indexed miner, bytes32 indexed commitmentHash, bytes32 key);
    /// @param artifact sha2-256 digest of the CIDv0 of the opened states, sealed with the model key
    event TrajectoryShown(
        uint256 indexed roundId,
        address indexed miner,
        bytes32 indexed commitmentHash,
        uint8 epoch,
        bytes32 artifact,
        uint64 artifactBytes
    );
    event RoundFinalized(uint256 indexed roundId, uint256 indexed taskId, Outcome outcome, uint256 burned);
    /// @notice The next epoch begins: too few votes, an appeal, or excluded claims that may enter.
    /// @param epoch the one that ended
    event EpochEnded(uint256 indexed roundId, uint8 epoch, EpochCause cause);
    event ClaimEnlisted(uint256 indexed roundId, address indexed miner, bytes32 indexed commitmentHash, uint40 score);
    event CandidateRemoved(uint256 indexed roundId, address indexed miner, bytes32 indexed commitmentHash);
    event Appealed(uint256 indexed roundId, address indexed appellant, uint8 epoch, Outcome outcome, bytes32 winner);
    /// @param earlier the accuser's own commitment, of round `earlierRound`
    /// @param key its mark is to be looked for in the accused model
    event ModelAccused(
        uint256 indexed roundId,
        address indexed accuser,
        bytes32 indexed accused,
        bytes32 earlier,
        uint256 earlierRound,
        MarkKey key
    );
    event VoteChallenged(uint256 indexed roundId, address indexed challenger, uint8 pos);
    event ItemPosted(uint32 indexed index, address indexed sender, bytes32 item, bytes32 head);
    event ParametersSet(uint8 indexed version, Timing timing, Economy economy, Limits limits);
    event PausedUntil(uint40 until, address indexed guardian);
    event BlockAppended(uint64 indexed height, bytes32 indexed head, BlockHeader header);
    event Paid(uint256 indexed roundId, address indexed account, Payment kind, uint256 amount);
    event Slashed(uint256 indexed roundId, address indexed account, Reason reason, uint256 amount);
    event LockReleased(uint256 indexed roundId, address indexed miner);

    /* ERRORS: each carries what was found */

    error ZeroAmount();
    error InsufficientCredit(uint256 available, uint256 needed);
    error InsufficientStake(uint256 available, uint256 needed);
    error NothingUnbonding();
    error StillUnbonding(uint256 unbondAt);
    error Unauthorized(address caller);
    error BadParameter(bytes32 name);

    error NotRequester(address caller, address requester);
    error FeeTooLow(uint256 fee, uint256 floor);
    error BondTooLow(uint256 bond, uint256 floor);
    error TrainSecsOutOfRange(uint256 trainSecs, uint256 min, uint256 max);
    error ScoreOutOfRange(uint256 score, uint256 min, uint256 max);
    error ToleranceOutOfRange(uint256 tol, uint256 min, uint256 max);
    error UnknownMode(uint16 modes);
    error DuplicateTask(bytes32 specHash);
    error QueueFull(uint256 length);
    error QueueEmpty();
    error WrongTaskStatus(uint256 taskId, TaskStatus status);
    error SlotBusy(uint8 slot, uint256 roundId);
    error NoSuchSlot(uint8 slot, uint8 slots);

    error WrongPhase(Phase phase);
    error AnchorMismatch(bytes32 anchor, bytes32 expected);
    error SpecMismatch(bytes32 specHash, bytes32 expected);
    error AlreadyCommitted(address miner);
    error CommitmentMismatch(bytes27 found, bytes27 expected);
    error NotCommitted(address miner);
    error AlreadyClaimed(address miner);
    error BadSignature(address miner);
    error KeyMismatch(bytes32 keyHash, bytes32 expected);
    error NotListed(bytes32 commitmentHash);
    error AlreadyShown(bytes32 commitmentHash);
    error NotShown(address miner);
    error WrongWinner(bytes32 commitmentHash, bytes32 expected);
    error NotFinal(uint256 roundId);
    error NothingToCollect(address account);
    error TooMany(uint256 found, uint256 most);
    error NotExcluded(address miner);
    error UnknownParent(bytes32 commitmentHash, uint256 roundId);
    error AlreadyChallenged(uint256 roundId, uint8 pos);
    error NotOpenedLater(uint256 openedAt, uint256 committedBy);
    error ParentDeclared(bytes32 parent);
    error MarkKeyMismatch(bytes32 root, bytes32 expected);
    error MarkKeyUsed(bytes32 leaf);
    error NoAppealLeft(uint8 epoch, uint8 appeals);
    error Paused(uint256 until);
    error PauseTooSoon(uint256 earliest);
    error PauseTooLong(uint256 secs, uint256 most);
    error SameOperator(address operator);
}
