// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DifficultyRanking} from "../../../contracts/libraries/DifficultyRanking.sol";
import {Proof} from "../Proof.sol";
import {PreciseLog} from "./PreciseLog.sol";

/// @notice Difficulty, the clock, and the order of the queue.
contract DifficultyRankingTest is Proof {
    /// @dev What `base` and the clock stay below: see `DifficultyRanking.KEY_OFFSET`.
    int256 private constant BASE_LIMIT = 1 << 47;
    uint256 private constant CLOCK_LIMIT = 1 << 72;

    struct Waiting {
        int64 base;
        uint256 clockAtSubmit;
        uint256 taskId;
    }

    /* I26: THE LOGARITHM */

    function test_rate__of_a_doubled_queue__grows_by_gamma(uint32 alpha, uint32 gamma, uint8 doublings) external pure {
        uint256 waiting = (1 << (doublings % 32)) - 1;
        uint256 wanted = uint256(alpha) + uint256(gamma) * (doublings % 32);
        vm.assertEq(DifficultyRanking.rate(alpha, gamma, waiting), wanted, "rate");
    }


    function test_I26_lg__of_a_larger_number__is_no_smaller(uint256 x, uint256 y) external pure {
        if (x > y) (x, y) = (y, x);
        vm.assertLe(DifficultyRanking.lg(x), DifficultyRanking.lg(y), "lg fell");
    }

    function test_I26_lg__of_a_neighbour__is_no_smaller(uint256 x) external pure {
        x = within(x, 0, type(uint256).max - 1);
        vm.assertLe(DifficultyRanking.lg(x), DifficultyRanking.lg(x + 1), "lg fell");
    }

    function test_I26_lg__of_what_tasks_declare__is_the_exact_floor(uint64 x) external pure {
        if (x == 0) return vm.assertEq(DifficultyRanking.lg(0), 0, "lg(0)");
        (uint256 least, uint256 most) = PreciseLog.floors(x);
        vm.assertEq(least, most, "too close to a power for the bounds");
        vm.assertEq(DifficultyRanking.lg(x), least, "lg");
    }

    /// @dev A mantissa cut to 128 bits may fall short of a step that the number only just takes: by less than 2^-100 of it.
    function test_I26_lg__of_any_number__is_less_than_one_off(uint256 x) external pure {
        x = within(x, 1, type(uint256).max);
        (uint256 least,) = PreciseLog.floors(x);
        (, uint256 most) = PreciseLog.floors(x - (x >> 100));
        uint256 found = DifficultyRanking.lg(x);
        vm.assertLe(found, least, "lg above the logarithm");
        vm.assertTrue(found == least || (found + 1 == least && found == most), "lg a step below the logarithm");
    }

    function test_I26_lg__of_a_power_of_two__is_its_exponent() external pure {
        vm.assertEq(DifficultyRanking.lg(0), 0, "lg(0)");
        for (uint256 exponent; exponent < 256; ++exponent) {
            vm.assertEq(DifficultyRanking.lg(1 << exponent), 256 * exponent, "lg(2^n)");
            if (exponent > 8) {
                vm.assertEq(DifficultyRanking.lg((1 << exponent) - 1), 256 * exponent - 1, "lg(2^n - 1)");
            }
        }
    }

    /* DIFFICULTY */

    function test_base__of_greatest_and_least_weights__fits_and_is_the_weighted_sum(
        int32[4] memory weights,
        uint64[3] memory sizes,
        uint96 fee
    ) external pure {
        int256[4] memory wide = [int256(weights[0]), weights[1], weights[2], weights[3]];
        int256 sum = wide[3] * int256(DifficultyRanking.lg(fee / 1e15));
        for (uint256 i; i < 3; ++i) {
            sum += wide[i] * int256(DifficultyRanking.lg(sizes[i]));
        }
        int64 base = _base(wide, sizes, fee);
        vm.assertEq(int256(base), sum, "base");
        vm.assertTrue(sum < BASE_LIMIT && sum > -BASE_LIMIT, "base leaves the range of keys");
    }

    function test_base__with_weights_that_are_positive__rises_with_each_size(
        uint32[4] memory weights,
        uint64[3] memory sizes,
        uint96 fee,
        uint256 which,
        uint64 more
    ) external pure {
        int256[4] memory wide = [
            int256(uint256(weights[0] >> 1)),
            int256(uint256(weights[1] >> 1)),
            int256(uint256(weights[2] >> 1)),
            int256(uint256(weights[3] >> 1))
        ];
        int64 before = _base(wide, sizes, fee);
        which %= 4;
        if (which == 3) fee = uint96(within(more, fee, type(uint96).max));
        else sizes[which] = uint64(within(more, sizes[which], type(uint64).max));
        vm.assertLe(int256(before), int256(_base(wide, sizes, fee)), "a harder task ranks lower");
    }

    function test_floor__with_more_waiting__is_no_lower_and_never_free(uint96 feeUnit, uint16 lgSum, uint16 queued)
        external
        pure
    {
        feeUnit = uint96(within(feeUnit, 1, type(uint96).max));
        queued = uint16(within(queued, 0, 4_096));
        uint256 floor = DifficultyRanking.floor(feeUnit, lgSum, queued);
        vm.assertGe(floor, feeUnit, "below one unit");
        vm.assertLe(floor, DifficultyRanking.floor(feeUnit, lgSum, queued + 1), "floor fell with the queue");
        vm.assertEq(2 * floor, DifficultyRanking.floor(feeUnit, lgSum, uint256(queued) + 512), "doubles with 512 tasks");
    }

    /// @dev A unit for each doubling; so much for one as for none.
    function test_floor__of_an_empty_queue__is_a_unit_for_each_doubling() external pure {
        vm.assertEq(DifficultyRanking.floor(1e18, 0, 0), 1e18, "none");
        vm.assertEq(DifficultyRanking.floor(1e18, 255, 0), 1e18, "less than one");
        vm.assertEq(DifficultyRanking.floor(1e18, 256, 0), 1e18, "one");
        vm.assertEq(DifficultyRanking.floor(1e18, 384, 511), 1.5e18, "one and a half");
        vm.assertEq(DifficultyRanking.floor(1e18, 25_600, 0), 100e18, "a hundred");
    }

    /// @dev A unit of the clock is a unit of the score, and the base is above both by its shift.
    function test_score__of_a_task__is_its_base_and_what_the_clock_went_since(int64 base, uint72 submitted, uint72 since)
        external
        pure
    {
        int256 score = DifficultyRanking.score(base, submitted, uint256(submitted) + since);
        vm.assertEq(score, int256(base) * 2 ** 24 + int256(uint256(since)), "the score");
    }

    /* I24: THE ORDER OF TWO QUEUED TASKS NEVER CHANGES */

    /// @dev At every moment of the clock, their keys stand in the order of their scores; of equal scores the older task is first.
    function test_I24_key__of_two_tasks__orders_them_as_their_scores_at_any_moment(
        int64[2] memory bases,
        uint72[2] memory submitted,
        uint32[2] memory ids,
        uint72 later
    ) external pure {
        Waiting memory a = _waiting(bases[0], submitted[0], ids[0]);
        Waiting memory b = _waiting(bases[1], submitted[1], ids[1]);
        vm.assume(a.taskId != b.taskId);
        uint256 now_ = within(later, _max(a.clockAtSubmit, b.clockAtSubmit), CLOCK_LIMIT - 1);
        int256 scoreOfA = DifficultyRanking.score(a.base, a.clockAtSubmit, now_);
        int256 scoreOfB = DifficultyRanking.score(b.base, b.clockAtSubmit, now_);
        bool first = scoreOfA > scoreOfB || (scoreOfA == scoreOfB && a.taskId < b.taskId);
        vm.assertEq(_key(a) > _key(b), first, "key and score disagree");
        vm.assertEq(_key(a) < _key(b), !first, "key and score disagree");
        vm.assertEq(_packed(a) > _packed(b), first, "packed key and score disagree");
        vm.assertEq(_packed(a) < _packed(b), !first, "packed key and score disagree");
    }

    /// @dev The same with scores that are close or equal, which random numbers never are.
    function test_I24_key__of_tasks_with_close_scores__orders_them_as_their_scores(
        int64 base,
        uint72 submitted,
        uint8 closer,
        int8 apart,
        uint32[2] memory ids
    ) external pure {
        Waiting memory a = _waiting(int64(_clamp(base) / 2), submitted / 2, ids[0]);
        int256 clock = int256(a.clockAtSubmit) + (int256(uint256(closer)) << DifficultyRanking.BASE_SHIFT) + apart;
        vm.assume(clock >= 0 && a.taskId != ids[1]);
        Waiting memory b = Waiting(a.base + int64(uint64(closer)), uint256(clock), ids[1]);
        bool first = apart > 0 || (apart == 0 && a.taskId < b.taskId);
        vm.assertEq(_key(a) > _key(b), first, "close tasks in the wrong order");
        vm.assertEq(_packed(a) > _packed(b), first, "close tasks in the wrong order when packed");
    }

    function test_I24_key__of_any_task__is_in_range_and_contains_its_number(int64 base, uint72 submitted, uint32 taskId)
        external
        pure
    {
        Waiting memory task = _waiting(base, submitted, taskId);
        vm.assertEq(DifficultyRanking.taskIdOf(_key(task)), taskId, "task of the key");
        vm.assertGt(_key(task) >> 64, 0, "rank below the keys' range");
        vm.assertLt(_key(task) >> 64, 1 << 161, "rank above the keys' range");
        vm.assertEq(DifficultyRanking.packedTaskId(_packed(task)), taskId, "task of the packed key");
        vm.assertEq(DifficultyRanking.unpacked(_packed(task)), _key(task), "key of the packed key");
        vm.assertGt(_packed(task), 0, "a packed key of zero is a hole in the heap");
    }

    /* I25: STARVATION */

    /// @dev A task submitted more than Δbase * 2^24 / alpha seconds later cannot pass, whatever the queue did in between.
    function test_I25_key__of_a_task_submitted_after_the_bound__cannot_pass(
        int64[2] memory bases,
        uint48 submitted,
        uint32 alpha,
        uint32 gamma,
        uint32 waited,
        uint16[8] memory lengths
    ) external pure {
        alpha = uint32(within(alpha, 1, type(uint32).max));
        Waiting memory old = _waiting(bases[0], submitted, 1);
        Waiting memory young = _waiting(bases[1], 0, 2);
        int256 lead = int256(young.base) - old.base;
        uint256 bound = lead <= 0 ? 0 : ((uint256(lead) << DifficultyRanking.BASE_SHIFT)) / alpha + 1;

        // the clock while the seconds pass with one length of the queue after another
        uint256 seconds_ = bound + waited;
        uint256 clock = old.clockAtSubmit;
        for (uint256 i; i < 8; ++i) {
            uint256 share = i == 7 ? seconds_ : within(draw(waited, i), 0, seconds_);
            uint256 rate = DifficultyRanking.rate(alpha, gamma, within(lengths[i], 1, 4_096));
            vm.assertGe(rate, alpha, "the clock runs slower than alpha");
            clock += share * rate;
            seconds_ -= share;
        }
        vm.assume(clock < CLOCK_LIMIT);
        young.clockAtSubmit = clock;
        vm.assertGt(_key(old), _key(young), "a younger task passed");
    }

    function test_I25_rate__with_more_tasks_waiting__is_no_slower(uint32 alpha, uint32 gamma, uint16 waiting)
        external
        pure
    {
        vm.assertLe(
            DifficultyRanking.rate(alpha, gamma, waiting),
            DifficultyRanking.rate(alpha, gamma, uint256(waiting) + 1),
            "the clock slowed down"
        );
        vm.assertEq(DifficultyRanking.rate(alpha, gamma, 0), alpha, "rate of an empty queue");
    }

    function _waiting(int64 base, uint256 clock, uint256 taskId) private pure returns (Waiting memory) {
        return Waiting(_clamp(base), clock, taskId);
    }

    function _clamp(int64 base) private pure returns (int64) {
        return int64(int256(base) % BASE_LIMIT);
    }

    function _key(Waiting memory task) private pure returns (uint256) {
        return DifficultyRanking.key(task.base, task.clockAtSubmit, task.taskId);
    }

    function _packed(Waiting memory task) private pure returns (uint128) {
        return DifficultyRanking.packed(task.base, task.clockAtSubmit, task.taskId);
    }

    function _base(int256[4] memory weights, uint64[3] memory sizes, uint96 fee) private pure returns (int64) {
        return DifficultyRanking.base(
            weights,
            DifficultyRanking.lg(sizes[0]),
            DifficultyRanking.lg(sizes[1]),
            DifficultyRanking.lg(sizes[2]),
            DifficultyRanking.lgOfFee(fee)
        );
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
