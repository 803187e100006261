// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {DLBCToken} from "../DLBCToken.sol";
import {Parameters} from "./Parameters.sol";

/// @title Who owns what of the hub's tokens
abstract contract Custody is Parameters {
    using SafeCast for uint256;

    /// @dev What a commit touches lies in the first word.
    struct Holding {
        uint104 stake; //  includes `locked` and `unbonding`
        uint104 locked;
        uint40 unbondAt;
        uint128 credit;
        uint128 unbonding;
    }

    DLBCToken internal immutable TOKEN;
    address internal immutable COMMITTEE;
    address internal immutable AUTHORITY;

    mapping(address owner => Holding) internal _holdings;

    constructor(DLBCToken token_, address committee_, address authority_) {
        TOKEN = token_;
        COMMITTEE = committee_;
        AUTHORITY = authority_;
    }

    /// @notice Names this code's counterparts: the hub's codes must agree on them (decision 0006).
    function wiring() public view returns (bytes32) {
        return keccak256(abi.encode(TOKEN, COMMITTEE, AUTHORITY));
    }

    function _credit(address owner, uint256 amount) internal {
        _holdings[owner].credit += amount.toUint128();
    }

    function _debit(address owner, uint256 amount) internal {
        uint256 available = _holdings[owner].credit;
        if (available < amount) revert InsufficientCredit(available, amount);
        unchecked {
            _holdings[owner].credit = uint128(available - amount);
        }
    }

    function _lock(address owner, uint256 amount) internal {
        Holding storage holding = _holdings[owner];
        _requireFree(holding, amount);
        holding.locked += uint104(amount);
    }

    function _unlock(address owner, uint256 amount) internal {
        _holdings[owner].locked -= uint104(amount);
    }

    /// @dev Takes `amount` of locked stake for good; the caller burns it or pays it out.
    function _slash(address owner, uint256 amount) internal {
        Holding storage holding = _holdings[owner];
        holding.stake -= uint104(amount);
        holding.locked -= uint104(amount);
    }

    function _requireFree(Holding storage holding, uint256 amount) internal view {
        uint256 bound = uint256(holding.locked);
        // most accounts never unbond: their second word stays cold
        if (holding.unbondAt != 0) bound += holding.unbonding;
        uint256 available = holding.stake - bound;
        if (available < amount) revert InsufficientStake(available, amount);
    }
}
