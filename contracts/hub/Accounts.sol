// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {DLBCToken} from "../DLBCToken.sol";
import {IDLBC} from "../interfaces/IDLBC.sol";
import {HubState} from "./HubState.sol";

/// @title Deposits, stakes, withdrawals and operators
/// @notice Tokens leave only by `withdraw` of one's own credit, or burned. Everything else moves between accounts.
abstract contract Accounts is IDLBC, HubState, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for DLBCToken;

    modifier onlyCommittee() {
        if (msg.sender != COMMITTEE) revert Unauthorized(msg.sender);
        _;
    }

    /// @inheritdoc IDLBC
    function deposit(uint256 amount) external nonReentrant {
        _deposit(amount);
    }

    /// @inheritdoc IDLBC
    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
    {
        // whoever saw the permit may have used it up: then the allowance is there already, or the transfer fails
        // slither-disable-next-line reentrancy-benign: the token is ours, and calls nobody
        try TOKEN.permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _deposit(amount);
    }

    /// @inheritdoc IDLBC
    function withdraw(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        _debit(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
        TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IDLBC
    function stake(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _debit(msg.sender, amount);
        _holdings[msg.sender].stake += amount.toUint104();
        emit Staked(msg.sender, amount);
    }

    /// @inheritdoc IDLBC
    function requestUnbond(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        Holding storage holding = _holdings[msg.sender];
        _requireFree(holding, amount);
        uint40 unbondAt = uint40(block.timestamp + _parameters(_version()).limits.unbondSecs);
        holding.unbonding += uint128(amount);
        holding.unbondAt = unbondAt;
        emit UnbondRequested(msg.sender, amount, unbondAt);
    }

    /// @inheritdoc IDLBC
    function unbond() external {
        Holding storage holding = _holdings[msg.sender];
        uint256 amount = holding.unbonding;
        if (amount == 0) revert NothingUnbonding();
        if (block.timestamp < holding.unbondAt) revert StillUnbonding(holding.unbondAt);
        holding.unbonding = 0;
        holding.unbondAt = 0;
        holding.stake -= uint104(amount);
        _credit(msg.sender, amount);
        emit Unbonded(msg.sender, amount);
    }

    /// @inheritdoc IDLBC
    function setOperator(address operator) external {
        if (operator == _operators[msg.sender] || operator == msg.sender) revert SameOperator(operator);
        _operators[msg.sender] = operator;
        emit OperatorSet(msg.sender, operator);
    }

    /// @inheritdoc IDLBC
    function operatorOf(address owner) external view returns (address) {
        return _operators[owner];
    }

    /// @inheritdoc IDLBC
    function lockSeat(address owner) external onlyCommittee returns (uint96 amount) {
        amount = _parameters(_version()).economy.seatUnit;
        _lock(owner, amount);
    }

    /// @inheritdoc IDLBC
    function unlockSeat(address owner, uint256 amount) external onlyCommittee {
        _unlock(owner, amount);
    }

    /// @inheritdoc IDLBC
    function tipDraw(uint256 roundId, address caller) external onlyCommittee {
        _tip(roundId, _rounds[roundId], caller);
    }

    function _deposit(uint256 amount) private {
        if (amount == 0) revert ZeroAmount();
        _credit(msg.sender, amount);
        emit Deposited(msg.sender, amount);
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }
}
