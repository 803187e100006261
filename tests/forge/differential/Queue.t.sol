// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DifficultyRanking} from "../../../contracts/libraries/DifficultyRanking.sol";
import {TaskHeap} from "../../../contracts/libraries/TaskHeap.sol";
import {Reference} from "./Reference.sol";

/// @notice The queue against a search of all waiting tasks, by score and then by age.
contract QueueDifferentialTest is Reference {
    struct Step {
        int64 base; // of the next task
        uint256 clock;
        uint256 opened; // or the task that is opened, not 0
    }

    struct Play {
        Step[] steps;
    }

    TaskHeap.Heap private _heap;
    uint256 private _length;

    function test_I23_top__as_a_search_of_all_waiting_tasks_finds_it() external {
        Play[] memory cases = abi.decode(_cases("order"), (Play[]));
        for (uint256 i; i < cases.length; ++i) {
            Step[] memory steps = cases[i].steps;
            uint256 tasks;
            for (uint256 n; n < steps.length; ++n) {
                if (steps[n].opened != 0) _open(steps[n].opened, i);
                else _submit(DifficultyRanking.packed(steps[n].base, steps[n].clock, ++tasks));
            }
            while (_length != 0) {
                TaskHeap.removeTop(_heap, _length--);
            }
        }
    }

    function _submit(uint128 key) private {
        TaskHeap.insert(_heap, _length++, key);
    }

    function _open(uint256 expected, uint256 i) private {
        uint256 taskId = DifficultyRanking.packedTaskId(TaskHeap.top(_heap));
        if (taskId != expected) vm.assertEq(taskId, expected, _of("opened task", i));
        TaskHeap.removeTop(_heap, _length--);
    }
}
