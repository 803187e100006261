// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DLBCToken} from "./DLBCToken.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {IDLBC} from "./interfaces/IDLBC.sol";
import {Custody} from "./hub/Custody.sol";
import {Inboxes} from "./hub/Inboxes.sol";
import {Rounds} from "./hub/Rounds.sol";
import {Views} from "./hub/Views.sol";

/// @title The hub: custody, task registry, rounds, settlement and the chain of blocks
/// @notice Only composes; `interfaces/IDLBC.sol` is the specification, and each file of `hub/` has one concern.
/// Everything it names is deployed first; token and committee name this contract's address, which is known before it exists.
contract DLBC is Rounds, Inboxes, Views {
    /// @dev The hub's other two codes (decision 0006): see `Registrar` and `Arbiter`.
    address internal immutable REGISTRAR;
    address internal immutable ARBITER;

    /// @param authority_ an AccessManager: who may set parameters and pause
    constructor(
        DLBCToken token_,
        ICommittee committee_,
        address authority_,
        Custody registrar_,
        Custody arbiter_,
        Timing memory timing_,
        Economy memory economy_,
        Limits memory limits_
    ) Custody(token_, address(committee_), authority_) {
        if (token_.minter() != address(this)) revert BadParameter("token");
        if (committee_.hub() != address(this)) revert BadParameter("committee");
        if (authority_.code.length == 0) revert BadParameter("authority");
        if (registrar_.wiring() != wiring()) revert BadParameter("registrar");
        if (arbiter_.wiring() != wiring()) revert BadParameter("arbiter");
        REGISTRAR = address(registrar_);
        ARBITER = address(arbiter_);
        _queue.version = FIRST_VERSION;
        _setParameters(FIRST_VERSION, timing_, economy_, limits_);
        _genesis();
    }

    /// @inheritdoc IDLBC
    function submitTask(TaskSpec calldata) external returns (uint256) {
        _run(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function cancelTask(uint256, TaskSpec calldata) external {
        _run(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function openRound(uint8) external returns (uint256) {
        _run(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function prune(uint256) external {
        _run(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function showTrajectory(uint256, address, bytes32, uint64) external {
        _run(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function setParams(Timing calldata, Economy calldata, Limits calldata) external {
        _run(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function pause(uint32) external {
        _run(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function floors(TaskSpec calldata) external view returns (uint256, uint256) {
        _ask(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function task(uint256) external view returns (Task memory) {
        _ask(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function nextTask() external view returns (uint256) {
        _ask(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function rank(uint256) external view returns (int256, int256) {
        _ask(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function factors(uint256) external view returns (Factors memory) {
        _ask(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function queueClock() external view returns (uint256) {
        _ask(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function queueKeys() external view returns (uint256[] memory) {
        _ask(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function parametersOf(uint8) external view returns (Timing memory, Economy memory, Limits memory) {
        _ask(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function appeal(uint256, TaskSpec calldata) external {
        _run(ARBITER);
    }

    /// @inheritdoc IDLBC
    /// @dev Checked and written down by one code; then another ends the epoch.
    function accuse(
        uint256,
        TaskSpec calldata,
        ModelCommitment calldata,
        ModelCommitment calldata,
        MarkKey calldata,
        bytes32[] calldata
    ) external {
        _begin(REGISTRAR);
        _run(ARBITER);
    }

    /// @inheritdoc IDLBC
    function challengeVote(uint256, uint8) external {
        _run(ARBITER);
    }

    /// @inheritdoc IDLBC
    function finalize(uint256, TaskSpec calldata, ModelCommitment calldata, uint256) external {
        _run(ARBITER);
    }

    /// @inheritdoc IDLBC
    function releaseLocks(uint256, address[] calldata) external {
        _run(ARBITER);
    }

    /// @inheritdoc IDLBC
    function claimCompensation(uint256) external {
        _run(ARBITER);
    }

    /// @inheritdoc IDLBC
    function accusationOf(uint256) external view returns (Accusation memory) {
        _ask(REGISTRAR);
    }

    /// @inheritdoc IDLBC
    function preview(uint256, TaskSpec calldata) external view returns (Outcome, bytes32, uint40) {
        _ask(ARBITER);
    }

    /// @inheritdoc IDLBC
    function appealsOf(uint256) external view returns (AppealCase[] memory) {
        _ask(ARBITER);
    }

    /// @notice The clock's unit (ERC-6372): seconds.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice Now (ERC-6372).
    function clock() external view returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @dev Runs this very call by `code`, on this contract's storage, and goes on.
    function _begin(address code) private {
        assembly {
            calldatacopy(0, 0, calldatasize())
            if iszero(delegatecall(gas(), code, 0, calldatasize(), 0, 0)) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    /// @dev Runs this very call by `code`, on this contract's storage, and ends with what it answers.
    function _run(address code) private {
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), code, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch done
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }

    /// @dev The same for views. The compiler takes every delegatecall for a change of state; these change none.
    function _ask(address code) private view {
        function(address) internal run = _run;
        function(address) internal view ask;
        assembly {
            ask := run
        }
        ask(code);
    }
}
