// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {FeeSplit} from "../libraries/FeeSplit.sol";
import {Slashing} from "./Slashing.sol";

/// @title Who is paid for judging, and what becomes of the bonds of those who disputed it
abstract contract Payout is Slashing {
    using BitMask for uint256;

    /// @dev An epoch's validators, as masks over positions.
    struct Jury {
        uint256 served; //   their votes earn a share
        uint256 silent; //   challenged, and did not open the leaf: their share is not theirs
        uint256 unopened; // likewise, whether or not it costs them their share
    }

    /// @dev Shares of the fee, and the bonds of challenges: to the validator who opened his leaf, else back. A silent one's share
    /// is burned but for a finder's part: were it all the challenger's, who has nothing to open would challenge himself.
    /// @param each validator's share
    /// @param bond of each challenge
    /// @return burned to be burned
    function _payJury(
        uint256 roundId,
        ICommittee.Closing memory closing,
        Jury memory jury,
        uint256 each,
        uint256 bond
    ) internal returns (uint256 burned) {
        for (uint256 pos; pos < closing.owners.length; ++pos) {
            if (!jury.served.has(pos)) continue;
            if (jury.silent.has(pos)) {
                uint256 found = FeeSplit.part(each, FINDER_BPS);
                burned += each - found;
                _pay(roundId, closing.challengers[pos], Payment.Finder, found);
            } else {
                _pay(roundId, closing.owners[pos], Payment.Validator, each);
            }
        }
        // empty where nobody was challenged
        for (uint256 pos; pos < closing.challengers.length; ++pos) {
            address to = closing.challengers[pos];
            if (to == address(0)) continue;
            if (!jury.unopened.has(pos)) to = closing.owners[pos];
            _pay(roundId, to, Payment.ChallengeBond, bond);
        }
    }

    /// @dev Decides on appeal and accusation, once another judgement is there.
    /// @return lost their bonds, where they were wrong
    function _decideDisputes(RoundState storage r, Case memory c) internal returns (uint256 lost) {
        if (r.appeals == 0) return 0;
        lost = _decideAppeal(c) + _decideAccusation(r, c);
    }

    /// @return lost the bond, where the next judgement was the same
    function _decideAppeal(Case memory c) private returns (uint256 lost) {
        if (_appeals[c.roundId].length == 0) return 0;
        AppealCase storage earlier = _appeals[c.roundId][0];
        uint256 bond = earlier.bond;
        if (bond == 0) return 0;
        earlier.bond = 0;
        if (earlier.outcome == c.outcome && earlier.winner == _decided(c)) return bond;
        _pay(c.roundId, earlier.appellant, Payment.AppealBond, bond);
    }

    /// @return lost the bond, where the mark was not found
    function _decideAccusation(RoundState storage r, Case memory c) private returns (uint256 lost) {
        if (r.accused == 0 || r.accused == DECIDED) return 0;
        // another claim may take the accused's place on the list
        r.accused = DECIDED;
        Accusation storage accusation = _accusations[c.roundId];
        uint256 bond = accusation.bond;
        accusation.bond = 0;
        // where nobody judged, nobody was wrong
        if (c.judged && c.stolen == 0) return bond;
        _pay(c.roundId, accusation.accuser, Payment.AccusationBond, bond);
    }

    /// @dev What two judgements of one list are compared by, besides the outcome.
    function _decided(Case memory c) internal pure returns (bytes32) {
        return c.outcome == Outcome.None ? bytes32(c.qualified) : c.winner;
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
        return lost % sharers;
    }
}
