// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BitMask} from "../../../contracts/libraries/BitMask.sol";
import {CandidateList} from "../../../contracts/libraries/CandidateList.sol";
import {Proof} from "../Proof.sol";

/// @notice The six best claims, against sorting all of them.
contract CandidateListTest is Proof {
    CandidateList.List private _list;
    CandidateList.List private _other;

    function test_I32_insert__of_any_claims__keeps_the_six_best_in_order(uint40[] memory scores, uint256 seed)
        external
    {
        uint256 count = scores.length > 16 ? 16 : scores.length;
        CandidateList.Place[] memory claims = _claims(scores, count, seed);
        uint256 taken = _insertAll(_list, claims);
        CandidateList.Place[] memory listed = _sorted(_list, taken);
        _sort(claims);
        vm.assertEq(listed.length, count < 6 ? count : 6, "length");
        for (uint256 i; i < listed.length; ++i) {
            vm.assertEq(listed[i].miner, claims[i].miner, "not the best claims, or not in order");
        }
    }

    function test_I30_insert__in_another_order__lists_the_same(uint40[] memory scores, uint256 seed) external {
        uint256 count = scores.length > 12 ? 12 : scores.length;
        CandidateList.Place[] memory claims = _claims(scores, count, seed);
        CandidateList.Place[] memory first = _sorted(_list, _insertAll(_list, claims));
        for (uint256 i = count; i > 1; --i) {
            uint256 j = draw(seed, i) % i;
            (claims[i - 1], claims[j]) = (claims[j], claims[i - 1]);
        }
        CandidateList.Place[] memory second = _sorted(_other, _insertAll(_other, claims));
        vm.assertEq(first.length, second.length, "length");
        for (uint256 i; i < first.length; ++i) {
            vm.assertEq(first[i].miner, second[i].miner, "the order of claims decides");
        }
    }

    function test_I32_insert__into_a_full_list__excludes_the_worst(uint40[7] memory scores, uint256 seed) external {
        uint40[] memory given = new uint40[](7);
        for (uint256 i; i < 7; ++i) {
            given[i] = scores[i] % 8;
        }
        CandidateList.Place[] memory claims = _claims(given, 7, seed);
        uint256 taken;
        for (uint256 i; i < 6; ++i) {
            (uint256 index, CandidateList.Place memory none) = CandidateList.insert(_list, taken, claims[i]);
            vm.assertEq(none.miner, address(0), "excluded while there was room");
            taken |= 1 << index;
        }
        (uint256 last, CandidateList.Place memory excluded) = CandidateList.insert(_list, taken, claims[6]);
        address seventh = claims[6].miner;
        _sort(claims);
        vm.assertEq(excluded.miner, claims[6].miner, "not the worst was excluded");
        vm.assertEq(last == CandidateList.NOT_LISTED, claims[6].miner == seventh, "index of a claim that is not listed");
    }

    function test_I32_sorted__with_some_places_freed__lists_the_others(uint8 freed, uint40[6] memory scores) external {
        for (uint256 i; i < 6; ++i) {
            CandidateList.insert(_list, (1 << i) - 1, _claim(scores[i], i + 1));
        }
        uint256 taken = CandidateList.FULL & ~uint256(freed);
        CandidateList.Place[] memory listed = _sorted(_list, taken);
        vm.assertEq(listed.length, BitMask.count(taken), "length");
        uint256 seen;
        for (uint256 i; i < listed.length; ++i) {
            // claims went where their numbers say
            seen |= 1 << (listed[i].sequence - 1);
            if (i != 0) vm.assertTrue(_better(listed[i - 1], listed[i]), "order");
        }
        vm.assertEq(seen, taken, "places");
        if (taken == CandidateList.FULL) return;
        (uint256 index, CandidateList.Place memory none) = CandidateList.insert(_list, taken, _claim(0, 7));
        vm.assertFalse(BitMask.has(taken, index), "a taken place was overwritten");
        vm.assertTrue(index < 6 && none.miner == address(0), "a free place was not used");
    }

    function _sorted(CandidateList.List storage list, uint256 taken)
        private
        view
        returns (CandidateList.Place[] memory places)
    {
        uint256[] memory keys = CandidateList.ranked(list, taken);
        places = new CandidateList.Place[](keys.length);
        for (uint256 i; i < keys.length; ++i) {
            places[i] = list.places[CandidateList.indexOf(keys[i])];
            vm.assertEq(CandidateList.scoreOf(keys[i]), places[i].score, "a key's score");
            vm.assertEq(CandidateList.sequenceOf(keys[i]), places[i].sequence, "a key's sequence");
        }
    }

    function _insertAll(CandidateList.List storage list, CandidateList.Place[] memory claims)
        private
        returns (uint256 taken)
    {
        for (uint256 i; i < claims.length; ++i) {
            (uint256 index,) = CandidateList.insert(list, taken, _claim(claims[i].score, claims[i].sequence));
            if (index != CandidateList.NOT_LISTED) taken |= 1 << index;
        }
    }

    /// @dev With distinct sequence numbers, in any order.
    function _claims(uint40[] memory scores, uint256 count, uint256 seed)
        private
        pure
        returns (CandidateList.Place[] memory claims)
    {
        claims = new CandidateList.Place[](count);
        for (uint256 i; i < count; ++i) {
            // half of them close, so that the sequence decides
            claims[i] = _claim(seed % 2 == 0 ? scores[i] : scores[i] % 4, i + 1);
        }
        for (uint256 i = count; i > 1; --i) {
            uint256 j = draw(seed, 1_000 + i) % i;
            (claims[i - 1], claims[j]) = (claims[j], claims[i - 1]);
        }
    }

    function _claim(uint256 score, uint256 sequence) private pure returns (CandidateList.Place memory) {
        return CandidateList.Place(address(uint160(sequence)), uint40(score), uint24(sequence), 0);
    }

    function _sort(CandidateList.Place[] memory claims) private pure {
        for (uint256 i; i < claims.length; ++i) {
            for (uint256 j = i + 1; j < claims.length; ++j) {
                if (_better(claims[j], claims[i])) (claims[i], claims[j]) = (claims[j], claims[i]);
            }
        }
    }

    function _better(CandidateList.Place memory a, CandidateList.Place memory b) private pure returns (bool) {
        return a.score == b.score ? a.sequence < b.sequence : a.score > b.score;
    }
}
