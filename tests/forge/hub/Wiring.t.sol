// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {Deployed} from "./Deployed.sol";

/// @notice A hub whose parts do not name each other is never born.
contract WiringTest is Deployed {
    address private foreignRegistrar;
    address private foreignArbiter;

    /// @dev Another hub: its parts are right for it, and wrong for any other.
    function setUp() external {
        _deploy(_timing(), _economy(), _limits());
        foreignRegistrar = vm.deployCode("Registrar.sol:Registrar", abi.encode(token, committee, manager));
        foreignArbiter = vm.deployCode("Arbiter.sol:Arbiter", abi.encode(token, committee, manager));
    }

    function test_hub__with_parts_that_name_each_other__is_born() external {
        vm.assertEq(_refusal(_parts()), "", "nothing is wrong");
    }

    function test_hub__with_a_part_of_another_hub__reverts() external {
        address[5] memory foreign =
            [address(token), address(committee), address(0xdead), foreignRegistrar, foreignArbiter];
        bytes32[5] memory names = [bytes32("token"), "committee", "authority", "registrar", "arbiter"];
        for (uint256 i; i < foreign.length; ++i) {
            address[5] memory parts = _parts();
            parts[i] = foreign[i];
            bytes memory expected = abi.encodeWithSelector(IDLBCTypes.BadParameter.selector, names[i]);
            vm.assertEq(_refusal(parts), expected, vm.toString(i));
        }
    }

    function test_token__without_a_minter__reverts() external {
        bytes memory found = _create("DLBCToken.sol:DLBCToken", abi.encode(address(0), GENESIS_SUPPLY));
        vm.assertEq(found, abi.encodeWithSignature("ZeroMinter()"), "nobody could mint");
    }

    /// @dev Whoever announces parameters asks before the delay whether a hub would take them.
    function test_probe__of_parameters__refuses_what_a_hub_would() external {
        IDLBCTypes.Economy memory economy = _economy();
        vm.assertEq(_probe(economy), "", "within bounds");
        economy.slots = 0;
        vm.assertEq(_probe(economy), abi.encodeWithSelector(IDLBCTypes.BadParameter.selector, bytes32("slots")), "none");
    }

    /* PRIVATE */

    /// @dev Token, committee, authority, registrar and arbiter of the hub that is created next.
    function _parts() private returns (address[5] memory parts) {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 5);
        parts[0] = vm.deployCode("DLBCToken.sol:DLBCToken", abi.encode(next, GENESIS_SUPPLY));
        parts[1] = vm.deployCode("Committee.sol:Committee", abi.encode(next));
        parts[2] = vm.deployCode("Authority.sol:Authority", abi.encode(next, this, this, this, uint32(0)));
        bytes memory wiring = abi.encode(parts[0], parts[1], parts[2]);
        parts[3] = vm.deployCode("Registrar.sol:Registrar", wiring);
        parts[4] = vm.deployCode("Arbiter.sol:Arbiter", wiring);
    }

    function _refusal(address[5] memory parts) private returns (bytes memory) {
        return _create("DLBC.sol:DLBC", abi.encode(parts, _timing(), _economy(), _limits()));
    }

    function _probe(IDLBCTypes.Economy memory economy) private returns (bytes memory) {
        return _create("ParameterProbe.sol:ParameterProbe", abi.encode(_timing(), economy, _limits()));
    }

    /// @return answer what the constructor reverted with; empty where it did not
    function _create(string memory artifact, bytes memory arguments) private returns (bytes memory answer) {
        bytes memory code = bytes.concat(vm.getCode(artifact), arguments);
        address created;
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
            if iszero(created) {
                answer := mload(0x40)
                mstore(answer, returndatasize())
                returndatacopy(add(answer, 32), 0, returndatasize())
                mstore(0x40, add(answer, and(add(returndatasize(), 63), not(31))))
            }
        }
        if (created == address(0)) vm.assertTrue(answer.length != 0, "it reverts with a reason");
    }
}
