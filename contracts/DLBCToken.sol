// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title The token in which fees, bonds and stakes are paid
/// @notice One address may mint for ever: the hub, which mints emissions and nothing else.
contract DLBCToken is ERC20, ERC20Burnable, ERC20Permit {
    /// @notice Who may mint; the hub checks in its constructor that it is itself.
    address public immutable minter;

    error NotMinter(address caller);
    error ZeroMinter();

    /// @param minter_ the hub's address, predicted before its deployment
    /// @param genesisSupply minted to the deployer, for first stakes and fees
    constructor(address minter_, uint256 genesisSupply) ERC20("DLBC", "DLBC") ERC20Permit("DLBC") {
        if (minter_ == address(0)) revert ZeroMinter();
        minter = minter_;
        _mint(msg.sender, genesisSupply);
    }

    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert NotMinter(msg.sender);
        _mint(to, amount);
    }
}
