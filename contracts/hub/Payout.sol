// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {Slashing} from "./Slashing.sol";

/// @title Who is paid for judging, and what becomes of the bonds of those who disputed it
abstract contract Payout is Slashing {
    using BitMask for uint256;

    /// @dev An epoch's validators, as masks over positions.
    struct Jury {
        uint256 served; //   their votes earn a share
        uint256 silent; //   challenged, and did not open the leaf: their share is the challenger's
        uint256 unopened; // likewise, whether or not it costs them their share
    }

    /// @dev Shares of the fee, and the bonds of challenges: to the validator who opened his leaf, else back.
    /// @param each validator's share
    /// @param bond of each challenge
    function _payJury(
        uint256 roundId,
        ICommittee.Closing memory closing,
        Jury memory jury,
        uint256 each,
        uint256 bond
    ) internal {
        for (uint256 pos; pos < closing.owners.length; ++pos) {
            if (!jury.served.has(pos)) continue;
            if (jury.silent.has(pos)) _pay(roundId, closing.challengers[pos], Payment.Finder, each);
            else _pay(roundId, closing.owners[pos], Payment.Validator, each);
        }
        // empty where nobody was challenged
        for (uint256 pos; pos < closing.challengers.length; ++pos) {
            address to = closing.challengers[pos];
            if (to == address(0)) continue;
            if (!jury.unopened.has(pos)) to = closing.owners[pos];
            _pay(roundId, to, Payment.ChallengeBond, bond);
        }
    }

    /// @dev Returns the bonds of appeals without which the round would have ended otherwise.
    /// @return lost bonds of those who appealed in vain
    function _returnBonds(RoundState storage r, Case memory c) internal returns (uint256 lost) {
        uint256 appeals = r.appeals;
        for (uint256 i; i < appeals; ++i) {
            AppealCase storage earlier = _appeals[c.roundId][i];
            uint256 bond = earlier.bond;
            if (earlier.outcome == c.outcome && earlier.winner == c.winner) lost += bond;
            else _pay(c.roundId, earlier.appellant, Payment.AppealBond, bond);
        }
    }

    /// @dev Shares lost bonds among those who judged again.
    /// @return rest that cannot be shared equally, for the caller to burn
    function _shareBonds(uint256 roundId, address[] memory owners, uint256 judges, uint256 lost)
        internal
        returns (uint256 rest)
    {
        uint256 sharers = judges.count();
        if (lost == 0 || sharers == 0) return lost;
        uint256 each = lost / sharers;
        for (uint256 pos; pos < owners.length; ++pos) {
            if (judges.has(pos)) _pay(roundId, owners[pos], Payment.AppealBond, each);
        }
        return lost - each * sharers;
    }
}
