// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DLBCToken} from "../DLBCToken.sol";
import {Accusations} from "./Accusations.sol";
import {Custody} from "./Custody.sol";
import {Governance} from "./Governance.sol";
import {TaskRegistry} from "./TaskRegistry.sol";
import {Trajectories} from "./Trajectories.sol";

/// @title The hub's code for tasks, their rounds' openings, parameters, trajectories and accusations
/// @notice Run by the hub on its own storage (decision 0006). Its address is an immutable of the hub: it cannot be changed.
/// Called directly it finds empty storage, owns nothing and may do nothing.
contract Registrar is TaskRegistry, Governance, Trajectories, Accusations {
    constructor(DLBCToken token_, address committee_, address authority_) Custody(token_, committee_, authority_) {}
}
