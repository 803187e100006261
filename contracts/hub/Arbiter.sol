// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DLBCToken} from "../DLBCToken.sol";
import {Appeals} from "./Appeals.sol";
import {Custody} from "./Custody.sol";
import {Settlement} from "./Settlement.sol";

/// @title The part of the hub's code that judges: settlement and appeals
/// @notice Run by the hub on the hub's storage (decision 0006). Called directly it finds empty storage, owns nothing and may do
/// nothing.
contract Arbiter is Settlement, Appeals {
    constructor(DLBCToken token_, address committee_, address authority_) Custody(token_, committee_, authority_) {}
}
