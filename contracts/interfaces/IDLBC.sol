// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "./IDLBCTypes.sol";

/// @title The DLBC hub: custody, task registry, rounds, settlement and the chain of blocks
/// @notice This file is the specification; `docs/protocol.md` draws the phase graph and the money table.
/// Structs, events and errors are in `IDLBCTypes.sol`. Amounts are in base units of the DLBC token (18 decimals), times in seconds of `block.timestamp`, sizes in bytes.
/// Specs and commitments are stored as hashes only: callers supply them again as calldata, from the events that carry them.
interface IDLBC is IDLBCTypes {
    /* ACCOUNTS */

    /// @notice Moves `amount` tokens from the caller (who approved them) into his credit.
    function deposit(uint256 amount) external;

    /// @notice The same with an ERC-2612 permit in one call. A permit that somebody else used up before is no obstacle.
    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Lets `operator` commit models and votes, and sign claims, for the caller's account; nothing else. One at a
    /// time; zero takes it back. The operator moves no money and changes no keys.
    function setOperator(address operator) external;

    /// @notice Who may work for `owner` besides himself, or zero.
    function operatorOf(address owner) external view returns (address);

    /// @notice Sends `amount` of the caller's credit to him. Works in every state.
    function withdraw(uint256 amount) external;

    /// @notice Moves credit to stake; each commit locks `minerUnit` of it, each seat `seatUnit`.
    function stake(uint256 amount) external;

    /// @notice Starts unbonding `amount` of free stake; a second request adds to the first and starts its time anew.
    function requestUnbond(uint256 amount) external;

    /// @notice Moves what has finished unbonding to credit.
    function unbond() external;

    function account(address owner) external view returns (Account memory);

    /* TASKS */

    /// @notice Escrows `spec.fee + spec.bond` of the caller's credit and queues the task.
    function submitTask(TaskSpec calldata spec) external returns (uint256 taskId);

    /// @notice Takes a queued task back: fee and bond return to credit less a tenth of the fee floor, which is burned.
    function cancelTask(uint256 taskId, TaskSpec calldata spec) external;

    /// @notice Opens the top task of the queue in a free slot. Anyone may call.
    /// @return roundId 0 where cancelled tasks still lie on top after eight were dropped: what was dropped is kept, nothing
    /// was opened, and the next call goes on
    function openRound(uint8 slot) external returns (uint256 roundId);

    /// @notice Drops up to `n` cancelled tasks from the top of the queue. Anyone may call.
    function prune(uint256 n) external;

    /// @notice The least fee and bond accepted for `spec` at the queue's present length.
    function floors(TaskSpec calldata spec) external view returns (uint256 fee, uint256 bond);

    function task(uint256 taskId) external view returns (Task memory);
    function taskCount() external view returns (uint256);
    function taskIdOf(bytes32 specHash) external view returns (uint256);

    /// @notice Waiting tasks, cancelled ones that still lie in the heap not counted.
    function queueLength() external view returns (uint256);

    /// @notice The task that `openRound` would open now, or 0.
    function nextTask() external view returns (uint256 taskId);

    /// @notice Ranked score at this moment; larger opens earlier. `base` is the static difficulty.
    function rank(uint256 taskId) external view returns (int256 score, int256 base);

    /// @notice What a task's score is made of.
    function factors(uint256 taskId) external view returns (Factors memory);

    /// @notice The virtual clock V now.
    function queueClock() external view returns (uint256);

    /// @notice The keys in the heap, in no order, those of cancelled tasks included. A task's number is
    /// `uint64(~key)`.
    function queueKeys() external view returns (uint256[] memory);

    /* ROUNDS */

    /// @notice Locks `minerUnit` of the miner's stake and records 27 bytes of the commitment with its sequence number.
    /// @param miner the caller, or who made the caller his operator
    /// @param commitment keccak256(abi.encode(hashStruct(ModelCommitment), artifact, artifactBytes))
    /// @param anchor the caller's view of the round's anchor: reverts if a reorganisation changed it
    /// @param specHash likewise
    function commitModel(
        uint256 roundId,
        address miner,
        bytes32 commitment,
        bytes32 artifact,
        uint64 artifactBytes,
        bytes32 anchor,
        bytes32 specHash
    ) external;

    /// @notice Shows the test key. Anyone who holds it may call.
    function revealKey(uint256 roundId, TaskSpec calldata spec, bytes32 key) external;

    /// @notice Opens a commitment and claims a score. Anyone may send it; the signature over ModelClaim of the miner, or of
    /// his operator, decides.
    /// @param parentRound the final round in which the model that `commitment.parent` names was listed and shown; ignored
    /// where no parent is declared
    function claimModel(
        ModelCommitment calldata commitment,
        uint40 score,
        TaskSpec calldata spec,
        uint256 parentRound,
        bytes calldata signature
    ) external;

    /// @notice In phase Enlist: puts a claim that had found no place on the list where the disqualified have left one, by
    /// the same order as ever. Anyone may call.
    function enlist(uint256 roundId, address miner) external;

    /// @notice Shows a listed candidate's model key. Anyone who holds it may call.
    function showKey(ModelCommitment calldata commitment, bytes32 key) external;

    /// @notice In phase Prove: announces the states of his training that the draw's seed asks a candidate to open, who has shown
    /// his key. Sent by the miner or his operator; the last announcement of an epoch counts.
    /// @param artifact sha2-256 digest of the CIDv0 under which they lie, sealed with the model key
    function showTrajectory(uint256 roundId, address miner, bytes32 artifact, uint64 artifactBytes) external;

    /// @notice In phase Appeal, once a round: asks for a larger committee, against a bond. If it judges otherwise (another
    /// winner, another outcome, or others who qualify), the bond returns; else it is shared by those who judged again.
    function appeal(uint256 roundId, TaskSpec calldata spec) external;

    /// @notice In phase Appeal, once a round: the miner of an earlier model, which was shown in a round that is final, says that a
    /// candidate's model is his own. He shows one of his private watermark keys, once for ever, and locks the bond of an appeal; a
    /// larger committee judges again, and looks for that mark. If a majority finds it, the candidate is disqualified and loses his
    /// lock, of which the accuser gets a tenth; the bond returns. Else it is shared by those who judged again.
    /// @param accused the candidate's commitment, which must not declare `earlier` as its parent
    /// @param earlier the caller's; its round's commits were closed before this round opened
    /// @param proof from the key's leaf, sha256("DLBC/watermark/leaf/1", 0, index, shares, secret), to `earlier.watermark`
    function accuse(
        uint256 roundId,
        TaskSpec calldata spec,
        ModelCommitment calldata accused,
        ModelCommitment calldata earlier,
        MarkKey calldata key,
        bytes32[] calldata proof
    ) external;

    /// @notice In the first half of phase Appeal: asks the validator at `pos` to open one leaf of his `evalRoot` before the
    /// phase ends (`ICommittee.openLeaf`), against a bond. If he does, it is his; if not, he is not paid,
    /// and the challenger gets a tenth of his pay.
    function challengeVote(uint256 roundId, uint8 pos) external;

    /// @notice Ends the round: pays, slashes, burns, appends a block where there is a winner; or starts the next epoch,
    /// when too few validators voted, or candidates were disqualified and a better claim than what is left was excluded,
    /// and epochs remain.
    /// @param winner the winner's commitment (`preview` names it); ignored where there is none
    /// @param parentRound as in `claimModel`, for the winner's parent
    function finalize(
        uint256 roundId,
        TaskSpec calldata spec,
        ModelCommitment calldata winner,
        uint256 parentRound
    ) external;

    /// @notice Frees the stake that these miners, 64 at most, locked for a final round; slashes what was never opened.
    function releaseLocks(uint256 roundId, address[] calldata miners) external;

    /// @notice Pays the caller's part of the bond when the test key was withheld.
    function claimCompensation(uint256 roundId) external;

    function round(uint256 roundId) external view returns (Round memory);
    function roundCount() external view returns (uint256);

    /// @notice The live round in `slot`, or 0.
    function roundInSlot(uint8 slot) external view returns (uint256 roundId);

    /// @notice The phase now, and when the clock alone ends it (0 where only a transaction does).
    function phase(uint256 roundId) external view returns (Phase current, uint40 endsAt);

    /// @notice The listed claims, best first, ties by commit sequence. Final once the phase is past Claim.
    function candidates(uint256 roundId) external view returns (Candidate[] memory);

    /// @notice A miner's commit: its sequence number (0 if none), whether it was opened, whether its stake is still locked.
    function commitOf(uint256 roundId, address miner)
        external
        view
        returns (uint40 sequence, bool opened, bool locked);

    /// @notice What `finalize` would decide now: the outcome, and the winner's commitment hash and median score.
    /// Outcome None: another epoch would begin. A final round reports its outcome only.
    function preview(uint256 roundId, TaskSpec calldata spec)
        external
        view
        returns (Outcome outcome, bytes32 commitmentHash, uint40 score);

    /// @notice The commitment of a claim that has no place on the list, or 0.
    function excludedOf(uint256 roundId, address miner) external view returns (bytes32 commitmentHash, uint40 score);

    /// @notice The appeal of a round, if there was one.
    function appealsOf(uint256 roundId) external view returns (AppealCase[] memory);

    /// @notice The accusation of a round, if there was one.
    function accusationOf(uint256 roundId) external view returns (Accusation memory);

    /* THE INBOX */

    /// @notice Extends the inbox's hash chain: `head = keccak256(abi.encode(head, sender, item))`.
    function post(bytes32 item) external returns (uint32 index);

    function inbox() external view returns (Inbox memory);

    /* THE CHAIN OF BLOCKS */

    function head() external view returns (bytes32);
    function height() external view returns (uint64);
    function chainScore() external view returns (uint128);
    function emitted() external view returns (uint256);

    /* GOVERNANCE: whom `authority` (an OpenZeppelin AccessManager) lets; nothing here moves anybody's money */

    /// @notice Sets the parameters for tasks submitted from now on, within the bounds of `ParameterBounds`. Tasks that wait
    /// and rounds that run keep theirs.
    function setParams(Timing calldata timing_, Economy calldata economy_, Limits calldata limits_) external;

    /// @notice Blocks submitTask, openRound and commitModel for `secs` from now, seven days at most; 0 ends a pause. No exit
    /// and no later phase is ever blocked. After a pause as much time as the longest one must pass before the next.
    function pause(uint32 secs) external;

    function pausedUntil() external view returns (uint40);
    function authority() external view returns (address);

    /// @notice The version that `timing`, `economy` and `limits` describe.
    function version() external view returns (uint8);

    function parametersOf(uint8 version_)
        external
        view
        returns (Timing memory, Economy memory, Limits memory);

    /* PARAMETERS AND WIRING */

    function timing() external view returns (Timing memory);
    function economy() external view returns (Economy memory);
    function limits() external view returns (Limits memory);
    function token() external view returns (address);
    function committee() external view returns (address);

    /* HASHES: so that a program can compare its own with the contract's */

    function hashSpec(TaskSpec calldata spec) external view returns (bytes32 specHash);
    function hashCommitment(ModelCommitment calldata commitment) external view returns (bytes32 structHash);
    function hashClaim(ModelClaim calldata claim) external view returns (bytes32 digest);
    function hashHeader(BlockHeader calldata header) external view returns (bytes32 digest);

    /* FOR THE COMMITTEE ALONE */

    /// @notice Locks `seatUnit` of `owner`'s free stake, and says how much that is.
    function lockSeat(address owner) external returns (uint96 amount);

    /// @notice Credits the caller of a draw his tip.
    function tipDraw(uint256 roundId, address caller) external;

    /// @notice Unlocks `amount` of it when a seat ends.
    function unlockSeat(address owner, uint256 amount) external;

    /// @notice The slot that a round runs, or ran, in.
    function slotOf(uint256 roundId) external view returns (uint8 slot);

    /// @notice The phase by what the hub alone knows: Seal wherever the committee has the next word.
    function drawPhase(uint256 roundId) external view returns (Phase current, uint8 slot, uint8 epoch);

    /// @notice Who of these owners, 16 at most, committed a model in the round: they cannot judge it.
    /// @return mask bit i for `owners[i]`
    function committed(uint256 roundId, address[] calldata owners) external view returns (uint256 mask);

    /// @notice What a draw for this round goes by.
    function drawRules(uint256 roundId) external view returns (DrawRules memory);
}
