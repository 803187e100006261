// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IDLBC} from "./interfaces/IDLBC.sol";

/// @title Who may set parameters and pause
/// @notice OpenZeppelin's AccessManager, with the hub's roles given out before anybody can call it. Under a delay nobody acts
/// at once but the guardian, not even the admin: everyone can see what is scheduled, and leave.
contract Authority is AccessManager {
    /// @notice May set parameters, after the delay.
    uint64 public constant GOVERNOR = 1;
    /// @notice May pause at once, and cancel what the governor scheduled.
    uint64 public constant GUARDIAN = 2;

    /// @param delay seconds between scheduling and executing, for admin and governor
    constructor(address hub, address admin, address governor, address guardian, uint32 delay) AccessManager(admin) {
        _setTargetFunctionRole(hub, IDLBC.setParams.selector, GOVERNOR);
        _setTargetFunctionRole(hub, IDLBC.pause.selector, GUARDIAN);
        _setRoleGuardian(GOVERNOR, GUARDIAN);
        _grantRole(GOVERNOR, governor, 0, delay);
        _grantRole(GUARDIAN, guardian, 0, 0);
        _grantRole(ADMIN_ROLE, admin, 0, delay);
        emit RoleLabel(GOVERNOR, "governor");
        emit RoleLabel(GUARDIAN, "guardian");
    }
}
