// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDLBC} from "../../../contracts/interfaces/IDLBC.sol";
import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {Proof} from "../Proof.sol";

/// @title The whole protocol, deployed as scripts/deploy.py does it, from the artifacts that are deployed
/// @notice This contract governs, without delay.
abstract contract Deployed is Proof {
    uint256 internal constant GENESIS_SUPPLY = 1_000_000e18;

    IERC20 internal token;
    IDLBC internal hub;
    ICommittee internal committee;
    IAccessManager internal manager;

    function _deploy(
        IDLBCTypes.Timing memory timing,
        IDLBCTypes.Economy memory economy,
        IDLBCTypes.Limits memory limits
    ) internal {
        uint64 nonce = vm.getNonce(address(this));
        address hubAddress = vm.computeCreateAddress(address(this), nonce + 5);
        token = IERC20(vm.deployCode("DLBCToken.sol:DLBCToken", abi.encode(hubAddress, GENESIS_SUPPLY)));
        committee = ICommittee(vm.deployCode("Committee.sol:Committee", abi.encode(hubAddress)));
        manager = IAccessManager(
            vm.deployCode("Authority.sol:Authority", abi.encode(hubAddress, this, this, this, uint32(0)))
        );
        bytes memory wiring = abi.encode(token, committee, manager);
        address registrar = vm.deployCode("Registrar.sol:Registrar", wiring);
        address arbiter = vm.deployCode("Arbiter.sol:Arbiter", wiring);
        hub = IDLBC(
            vm.deployCode(
                "DLBC.sol:DLBC", abi.encode(token, committee, manager, registrar, arbiter, timing, economy, limits)
            )
        );
        vm.assertEq(address(hub), hubAddress, "the hub is where token and committee expect it");
    }

    /// @dev Short phases with appeals; a committee of three with a quorum of two.
    function _timing() internal pure returns (IDLBCTypes.Timing memory) {
        return IDLBCTypes.Timing({
            settleSecs: 10,
            guardSecs: 10,
            keySecs: 100,
            claimSecs: 100,
            showSecs: 100,
            voteCommitSecs: 100,
            voteRevealSecs: 100,
            appealSecs: 100
        });
    }

    function _economy() internal pure returns (IDLBCTypes.Economy memory) {
        return IDLBCTypes.Economy({
            feeUnit: 0.5e18,
            minerUnit: 10e18,
            halvingSecs: 126_230_400,
            minMiners: 2,
            slots: 3,
            committeeSize: 3,
            quorum: 2,
            seatUnit: 50e18,
            initialEmission: 50e18,
            burnBps: 1_000,
            validatorBps: 1_000,
            kappaBps: 9_000,
            parentBps: 500,
            tip: 0.02e18,
            appealBond: 3e18,
            secondBps: 500,
            thirdBps: 500
        });
    }

    function _limits() internal pure returns (IDLBCTypes.Limits memory) {
        return IDLBCTypes.Limits({
            minTrainSecs: 60,
            maxTrainSecs: 3_600,
            secsPerMegaflop: 60,
            unbondSecs: 20_000,
            slotFeePerSec: 0.0001e18,
            weightFlops: 2,
            weightNet: 1,
            weightData: 1,
            weightFee: 4,
            alpha: 1 << 24,
            gamma: 1 << 20
        });
    }
}
