// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DifficultyRanking} from "../../../contracts/libraries/DifficultyRanking.sol";
import {Reference} from "./Reference.sol";

/// @notice `DifficultyRanking` against `dlbc/wire/ranking.py`.
contract RankingDifferentialTest is Reference {
    struct Log {
        uint256 x;
        uint256 lg;
    }

    struct Queued {
        int256[4] weights;
        uint64[3] sizes;
        uint96 fee;
        uint256[2] clocks; // when submitted, and later
        uint256 taskId;
        uint256[3] pace; // alpha, gamma, waiting
        uint256[2] price; // fee unit, queued
        int64 base;
        uint256 key;
        int256 score;
        uint256 rate;
        uint256 floor;
    }

    function test_I26_lg__as_the_programs_compute_it() external {
        Log[] memory cases = abi.decode(_cases("lg"), (Log[]));
        for (uint256 i; i < cases.length; ++i) {
            vm.assertEq(DifficultyRanking.lg(cases[i].x), cases[i].lg, _of("lg", i));
        }
    }

    function test_I24_queue__as_the_programs_compute_it() external {
        Queued[] memory cases = abi.decode(_cases("queue"), (Queued[]));
        for (uint256 i; i < cases.length; ++i) {
            _check(cases[i], i);
        }
    }

    function _check(Queued memory task, uint256 i) private pure {
        uint256[3] memory logs;
        for (uint256 size; size < 3; ++size) {
            logs[size] = DifficultyRanking.lg(task.sizes[size]);
        }
        int64 base =
            DifficultyRanking.base(task.weights, logs[0], logs[1], logs[2], DifficultyRanking.lgOfFee(task.fee));
        vm.assertEq(int256(base), int256(task.base), _of("base", i));
        vm.assertEq(DifficultyRanking.key(base, task.clocks[0], task.taskId), task.key, _of("key", i));
        uint128 packed = DifficultyRanking.packed(base, task.clocks[0], task.taskId);
        vm.assertEq(DifficultyRanking.unpacked(packed), task.key, _of("packed key", i));
        vm.assertEq(DifficultyRanking.taskIdOf(task.key), task.taskId, _of("task", i));
        vm.assertEq(DifficultyRanking.score(base, task.clocks[0], task.clocks[1]), task.score, _of("score", i));
        vm.assertEq(DifficultyRanking.rate(task.pace[0], task.pace[1], task.pace[2]), task.rate, _of("rate", i));
        uint256 floor = DifficultyRanking.floor(task.price[0], logs[0] + logs[1] + logs[2], task.price[1]);
        vm.assertEq(floor, task.floor, _of("floor", i));
    }
}
