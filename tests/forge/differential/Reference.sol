// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Proof} from "../Proof.sol";

/// @title Cases from `scripts/reference.py`, with what the programs' own code makes of them
/// @notice Needs `forge test --ffi`. DLBC_SEED and DLBC_CASES choose other cases, and more of them.
abstract contract Reference is Proof {
    /// @return the ABI encoding of an array of the kind's struct
    function _cases(string memory kind) internal returns (bytes memory) {
        string[] memory command = new string[](6);
        command[0] = string.concat(vm.projectRoot(), "/.venv/bin/python");
        command[1] = "-m";
        command[2] = "scripts.reference";
        command[3] = kind;
        command[4] = vm.toString(vm.envOr("DLBC_SEED", uint256(0xd1bc)));
        command[5] = vm.toString(vm.envOr("DLBC_CASES", uint256(500)));
        return vm.ffi(command);
    }

    /// @dev Names the case in a failure.
    function _of(string memory what, uint256 number) internal pure returns (string memory) {
        return string.concat(what, " of case ", vm.toString(number));
    }
}
