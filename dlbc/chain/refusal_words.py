"""Error name → sentence, with Solidity's argument names in braces; `refusals.Shown` knows their specs."""

from __future__ import annotations

from collections.abc import Mapping

# Completes "the round is in phase Train (…)".
PHASES: Mapping[str, str] = {
    "NONE": "there is no such round",
    "SETTLE": "commits open when the chain has settled",
    "TRAIN": "miners train and commit",
    "GUARD": "commits are closed; the test key may be shown when the guard time is over",
    "KEY": "the test key can be shown, nothing else",
    "CLAIM": "miners claim their scores",
    "ENLIST": "excluded claims take the places of the disqualified",
    "SHOW": "listed miners show their model keys",
    "SEAL": "the committee's seed block is to be fixed",
    "DRAW": "the committee is to be drawn when the seed block is there",
    "PROVE": "miners show their trajectories",
    "VOTE_COMMIT": "validators commit their votes",
    "VOTE_REVEAL": "validators reveal their votes",
    "APPEAL": "the result can be appealed",
    "TALLY": "nothing is left but to finalize it",
    "FINAL": "it is over",
}

TASK_STATUSES: Mapping[str, str] = {
    "NONE": "there is no such task",
    "QUEUED": "it waits for a free slot",
    "OPEN": "its round runs",
    "DONE": "its round ended with a block",
    "FAILED": "its round ended without a block",
    "CANCELLED": "its requester took it back",
}

SENTENCES: Mapping[str, str] = {
    # accounts
    "ZeroAmount": "an amount of 0 changes nothing: give a positive one",
    "InsufficientCredit": "the account has {available:dlbc} of credit, but {needed:dlbc} are needed: "
    "deposit the difference",
    "InsufficientStake": "the account has {available:dlbc} of free stake, but {needed:dlbc} are needed: "
    "stake the difference, or wait until running rounds release theirs",
    "NothingUnbonding": "no stake is unbonding: request it first",
    "StillUnbonding": "the stake can be taken from {unbondAt:time} on",
    "Unauthorized": "{caller} may not do this",
    "BadParameter": "the parameter {name:text} is out of its bounds (docs/protocol.md, Parameters)",
    "SameOperator": "{operator} is the account's operator already",
    "Paused": "new tasks, rounds and commits are paused until {until:time}: try again then; everything else goes on",
    "PauseTooSoon": "the next pause may begin at {earliest:time}, not earlier",
    "PauseTooLong": "a pause of {secs} s is longer than the {most} s allowed",
    # tasks
    "NotRequester": "{caller} is not the task's requester; {requester} is",
    "FeeTooLow": "a fee of {fee:dlbc} is below the floor of {floor:dlbc} for this task and queue",
    "BondTooLow": "a bond of {bond:dlbc} is below the floor of {floor:dlbc} for this task and queue",
    "TrainSecsOutOfRange": "a training time of {trainSecs} s is not between {min} s and {max} s, "
    "which is what a model of this size may ask",
    "ScoreOutOfRange": "a score of {score} is not between {min} and {max}",
    "ToleranceOutOfRange": "a tolerance of {tol} is not between {min} and {max}",
    "UnknownMode": "the task asks for modes {modes} that these contracts do not know",
    "DuplicateTask": "a task with the same specification {specHash} was submitted before: choose another nonce",
    "QueueFull": "the queue is full ({length} tasks): try later",
    "QueueEmpty": "no task waits in the queue",
    "WrongTaskStatus": "task {taskId} is {status:status}",
    "SlotBusy": "slot {slot} is taken by round {roundId}",
    "NoSuchSlot": "there is no slot {slot}: slots are numbered from 0 to below {slots}",
    # rounds
    "WrongPhase": "not possible now: the round is in phase {phase:phase}",
    "AnchorMismatch": "the round's anchor is {expected}, not {anchor}: a reorganisation changed it; "
    "the commitment must be made again",
    "SpecMismatch": "the round's task is {expected}, not {specHash}: a reorganisation changed it, "
    "or the file is of another task",
    "AlreadyCommitted": "{miner} has already committed a model in this round",
    "CommitmentMismatch": "the opened commitment ({found}) is not the one committed ({expected})",
    "NotCommitted": "{miner} has not committed a model in this round",
    "AlreadyClaimed": "{miner} has already claimed a score in this round",
    "BadSignature": "the signature over the claim is neither {miner}'s nor that of {miner}'s operator",
    "KeyMismatch": "the key's hash is {keyHash}, but {expected} was committed",
    "NotListed": "the commitment {commitmentHash} is not among the listed claims",
    "AlreadyShown": "the model key of {commitmentHash} was shown before",
    "NotShown": "{miner} has no candidate in this round whose model key was shown: there is nothing to prove",
    "WrongWinner": "the winner is {expected}, not {commitmentHash}: ask `preview` again",
    "NotExcluded": "{miner} has no claim in this round that waits for a place on the list: it is on the list, "
    "was disqualified, or was never made",
    "UnknownParent": "the declared parent {commitmentHash} was not shown in round {roundId}, or that round is not "
    "final: name the final round in which its key was shown",
    "NoAppealLeft": "nothing more can be disputed in this round: it is in epoch {epoch}, counted from 0, and was "
    "disputed {appeals} times; a round has one appeal, one accusation, and three epochs at most",
    "NotOpenedLater": "the accused's round opened at {openedAt:time}, but the accuser's own model could be committed "
    "until {committedBy:time}: who knows where another begins can train from there, and make a model that is like his",
    "ParentDeclared": "the accused model declares {parent} as its parent: that is no theft, "
    "and its miner shares the reward",
    "MarkKeyMismatch": "the key shown leads to {root}, but {expected} was committed: it is none of that model's keys",
    "MarkKeyUsed": "the key with the leaf {leaf} was shown before: everybody can embed its mark since; use another one",
    "AlreadyChallenged": "the vote of position {pos} in round {roundId} was challenged before",
    "TooMany": "{found} at once are too many: {most} at most, so send them in several calls",
    "NotFinal": "round {roundId} is not final yet",
    "NothingToCollect": "there is nothing to collect for {account}",
    # committee
    "NotHub": "{caller} is not the hub",
    "NotSeatOwner": "seat {seatId} does not belong to {caller}",
    "SeatsFull": "all {seats} seats are taken: wait until one is left",
    "SeatAlreadyLeft": "seat {seatId} was left before",
    "NotDrawn": "{validator} was not drawn for round {roundId}, or not for this position",
    "TooEarly": "the seed block is not there yet: block {blockNumber}, needed {needed}",
    "AlreadyVoted": "the vote of position {pos} in round {roundId} was given before",
    "VoteMismatch": "the opened vote ({found}) is not the one committed ({expected})",
    "NotRevealed": "the vote of position {pos} in round {roundId} was not revealed: there is nothing to challenge",
    "NotChallenged": "the vote of position {pos} in round {roundId} is not challenged, or its leaf was opened before",
    "NothingEvaluated": "the vote of position {pos} in round {roundId} scores no model: it has no leaf to ask for",
    "WrongLeaf": "the opened leaf is of candidate {candidate}, sample {sample}, but the challenge asks for candidate "
    "{expectedCandidate}, sample {expectedSample}",
    "WrongProof": "the leaf's proof leads to {found}, not to the vote's evalRoot {expected}",
    # OpenZeppelin
    "ERC20InsufficientBalance": "{sender} holds {balance:dlbc}, but {needed:dlbc} are needed",
    "ERC20InsufficientAllowance": "{spender} may take {allowance:dlbc}, but {needed:dlbc} are needed: "
    "approve the difference",
    "ERC2612ExpiredSignature": "the permit expired at {deadline:time}",
    "ReentrancyGuardReentrantCall": "the contract was called while it was running",
    "AccessManagedUnauthorized": "{caller} may not do this: the access manager has not given it the role",
    "SafeERC20FailedOperation": "the token {token} refused the transfer",
}

# Errors of libraries, which a compiler lists in no ABI of ours unless a contract's own code can raise them.
OPENZEPPELIN = (
    "ERC20InsufficientBalance(address sender,uint256 balance,uint256 needed)",
    "ERC20InvalidSender(address sender)",
    "ERC20InvalidReceiver(address receiver)",
    "ERC20InsufficientAllowance(address spender,uint256 allowance,uint256 needed)",
    "ERC20InvalidApprover(address approver)",
    "ERC20InvalidSpender(address spender)",
    "ERC2612ExpiredSignature(uint256 deadline)",
    "ERC2612InvalidSigner(address signer,address owner)",
    "InvalidAccountNonce(address account,uint256 currentNonce)",
    "ECDSAInvalidSignature()",
    "ECDSAInvalidSignatureLength(uint256 length)",
    "ECDSAInvalidSignatureS(bytes32 s)",
    "SafeERC20FailedOperation(address token)",
    "SafeCastOverflowedUintDowncast(uint8 bits,uint256 value)",
    "ReentrancyGuardReentrantCall()",
    "AccessManagedUnauthorized(address caller)",
    "AccessManagedInvalidAuthority(address authority)",
    "AccessManagedRequiredDelay(address caller,uint32 delay)",
    "AddressEmptyCode(address target)",
    "FailedCall()",
)

PANICS: Mapping[int, str] = {
    0x01: "an assertion does not hold",
    0x11: "a number is too large or too small",
    0x12: "a division by zero",
    0x21: "a value is outside its enumeration",
    0x22: "storage is corrupt",
    0x31: "an empty array has no last element",
    0x32: "an index is outside its array",
    0x41: "too much memory is needed",
    0x51: "an unset function is called",
}
