// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DLBCToken} from "./DLBCToken.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {IDLBC} from "./interfaces/IDLBC.sol";
import {Clerk} from "./hub/Clerk.sol";
import {Custody} from "./hub/Custody.sol";
import {Rounds} from "./hub/Rounds.sol";
import {Views} from "./hub/Views.sol";

/// @title The hub: custody, task registry, rounds, settlement and the chain of blocks
/// @notice Only composes; `interfaces/IDLBC.sol` is the specification, and each file of `hub/` has one concern.
/// Token and committee are deployed first and name this contract's address, which is known before it exists.
contract DLBC is Rounds, Views {
    /// @dev Registration and settlement; see `Clerk`.
    address internal immutable CLERK;

    constructor(
        DLBCToken token_,
        ICommittee committee_,
        Timing memory timing_,
        Economy memory economy_,
        Limits memory limits_
    ) Custody(token_, address(committee_)) {
        if (token_.minter() != address(this)) revert BadParameter("token");
        if (committee_.hub() != address(this)) revert BadParameter("committee");
        _initParameters(timing_, economy_, limits_);
        _genesis();
        CLERK = address(new Clerk(token_, address(committee_)));
    }

    /// @inheritdoc IDLBC
    function submitTask(TaskSpec calldata) external returns (uint256) {
        _runClerk();
    }

    /// @inheritdoc IDLBC
    function cancelTask(uint256, TaskSpec calldata) external {
        _runClerk();
    }

    /// @inheritdoc IDLBC
    function openRound(uint8) external returns (uint256) {
        _runClerk();
    }

    /// @inheritdoc IDLBC
    function prune(uint256) external {
        _runClerk();
    }

    /// @inheritdoc IDLBC
    function finalize(uint256, TaskSpec calldata, ModelCommitment calldata) external {
        _runClerk();
    }

    /// @inheritdoc IDLBC
    function releaseLocks(uint256, address[] calldata) external {
        _runClerk();
    }

    /// @inheritdoc IDLBC
    function claimCompensation(uint256) external {
        _runClerk();
    }

    /// @inheritdoc IDLBC
    function floors(TaskSpec calldata) external view returns (uint256, uint256) {
        _askClerk();
    }

    /// @inheritdoc IDLBC
    function task(uint256) external view returns (Task memory) {
        _askClerk();
    }

    /// @inheritdoc IDLBC
    function nextTask() external view returns (uint256) {
        _askClerk();
    }

    /// @inheritdoc IDLBC
    function rank(uint256) external view returns (int256, int256) {
        _askClerk();
    }

    /// @inheritdoc IDLBC
    function preview(uint256, TaskSpec calldata) external view returns (Outcome, bytes32, uint40) {
        _askClerk();
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

    /// @dev Runs this very call by the clerk's code, on this contract's storage, and ends with what it answers.
    function _runClerk() private {
        address clerk = CLERK;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), clerk, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch done
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }

    /// @dev The same for the clerk's views. The compiler takes every delegatecall for a change of state; these change none.
    function _askClerk() private view {
        function() internal run = _runClerk;
        function() internal view ask;
        assembly {
            ask := run
        }
        ask();
    }
}
