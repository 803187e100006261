// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Rig} from "./Rig.sol";

/// @notice Seven claims for six places: when the one that is left out makes another epoch, and when it must not.
contract CrowdingTest is Rig {
    uint256 private constant LISTED = 6;

    function test_excluded__better_than_all_that_qualify__begins_an_epoch() external {
        uint256 roundId = _crowded([uint40(1_000), 618, 617, 616, 615, 614, 610], [uint256(500), 609, 608, 607, 606, 605]);
        vm.recordLogs();
        vm.assertTrue(_finalize(roundId) == Outcome.None, "it goes on");
        vm.assertTrue(_cause() == EpochCause.Excluded, "because of whom the list had no place for");
        Round memory round = hub.round(roundId);
        vm.assertEq(round.epoch, 1, "the second epoch");
        vm.assertEq(round.listed, 5, "who does not qualify lost his place");
        vm.assertEq(round.shown, 5, "who qualified has shown his key");
        vm.assertEq(round.claimEnd, block.timestamp + _timing().claimSecs, "time to enlist");
        vm.assertEq(hub.candidates(roundId)[0].miner, miners[1], "the best of those that are left");
        vm.assertEq(_wealth(miners[0]), CREDIT + STAKE - MINER_UNIT, "who over-claimed lost his lock");
    }

    /// @dev Whoever is left out after him: the best of those that found no place is remembered.
    function test_excluded__best_of_two__begins_an_epoch_whichever_came_first() external {
        for (uint256 first; first < 2; ++first) {
            uint40[] memory claims = new uint40[](8);
            for (uint40 i = 1; i < LISTED; ++i) {
                claims[i] = 619 - i;
            }
            (claims[0], claims[6 + first], claims[7 - first]) = (1_000, 612, 605);
            uint256 roundId = _drawn(_spec(), claims);
            uint256[] memory medians = new uint256[](LISTED);
            for (uint256 i = 1; i < LISTED; ++i) {
                medians[i] = 610 - i;
            }
            medians[0] = 500;
            _judge(roundId, _word(medians));
            vm.assertTrue(_finalize(roundId) == Outcome.None, "612 is better than 609");
        }
    }

    function test_excluded__as_good_as_the_best__changes_nothing() external {
        uint256 roundId = _crowded([uint40(1_000), 618, 617, 616, 615, 614, 609], [uint256(500), 609, 608, 607, 606, 605]);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "nobody better was left out");
    }

    /// @dev The best of those that qualify counts, wherever he is on the list.
    function test_excluded__better_than_the_last_on_the_list_alone__changes_nothing() external {
        uint256 roundId = _crowded([uint40(1_000), 702, 650, 640, 630, 612, 605], [uint256(500), 700, 640, 630, 620, 603]);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "the first one is better than he");
        vm.assertEq(_best(roundId), miners[1], "and wins");
    }

    function test_excluded__where_all_on_the_list_qualify__changes_nothing() external {
        uint256 roundId = _crowded([uint40(619), 618, 617, 616, 615, 614, 613], [uint256(611), 610, 609, 608, 607, 606]);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "there is no place for him");
        vm.assertEq(_best(roundId), miners[0], "the best median wins");
    }

    function test_excluded__where_nobody_qualifies__begins_an_epoch_without_a_list() external {
        uint256 roundId =
            _crowded([uint40(1_000), 990, 980, 970, 960, 950, 100], [uint256(1), 1, 1, 1, 1, 1]);
        vm.assertTrue(_finalize(roundId) == Outcome.None, "it goes on");
        vm.assertEq(hub.candidates(roundId).length, 0, "all places are free");
        hub.enlist(roundId, miners[6]);
        vm.assertEq(hub.candidates(roundId)[0].miner, miners[6], "he has one of them");
    }

    /// @dev Then there is no ballot to close: the epoch goes by without a committee.
    function test_excluded__where_nobody_shows_his_key__begins_an_epoch() external {
        uint256 roundId = _claimed(_spec(), _claims([uint40(700), 690, 680, 670, 660, 650, 640]));
        vm.recordLogs();
        vm.assertTrue(_finalize(roundId) == Outcome.None, "it goes on");
        vm.assertTrue(_cause() == EpochCause.Excluded, "because of whom the list had no place for");
        for (uint256 i; i < LISTED; ++i) {
            vm.assertEq(_wealth(miners[i]), CREDIT + STAKE - MINER_UNIT / 2, "half of the lock");
        }
        hub.enlist(roundId, miners[6]);
        _show(roundId, miners[6]);
        _draw(roundId);
        _judge(roundId, 640);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "a block");
        vm.assertEq(_best(roundId), miners[6], "his");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev Who was removed knows his index still, and his key: the list has the last word.
    function test_disqualified__in_the_next_epoch__has_nothing_to_show() external {
        uint256 roundId = _crowded([uint40(1_000), 990, 617, 616, 615, 614, 612], [uint256(500), 500, 608, 607, 606, 611]);
        vm.assertTrue(_finalize(roundId) == Outcome.None, "two are out");
        hub.enlist(roundId, miners[6]);
        vm.assertTrue(_phase(roundId) == Phase.Show, "one has to show his key");
        for (uint256 i; i < 2; ++i) {
            ModelCommitment memory removed = commitments[roundId][miners[i]];
            bytes32 key = _modelKey(roundId, miners[i]);
            bytes memory expected = abi.encodeWithSelector(NotListed.selector, hub.hashCommitment(removed));
            vm.expectRevert(expected);
            hub.showKey(removed, key);
        }
    }

    /// @dev What the first epoch's validators were paid is not refunded as well.
    function test_nobody_shows__after_an_epoch_that_was_paid__refunds_the_rest() external {
        uint256 roundId =
            _crowded([uint40(1_000), 990, 980, 970, 960, 950, 100], [uint256(1), 1, 1, 1, 1, 1]);
        _finalize(roundId);
        hub.enlist(roundId, miners[6]);
        vm.assertTrue(_finalize(roundId) == Outcome.NoModel, "nobody is left");
        _release(roundId);
        _assertConserved(0);
    }

    /// @dev One of three is no quorum: the epoch is over, and he is not paid for it.
    function test_too_few_votes__end_an_epoch_that_pays_nobody() external {
        uint256 roundId = _drawn(_spec(), _scores(700, 690));
        address voter = committee.members(roundId)[0].owner;
        uint256[] memory words = new uint256[](1);
        words[0] = _believing(roundId);
        _judge(roundId, words);
        vm.recordLogs();
        vm.assertTrue(_finalize(roundId) == Outcome.None, "it goes on");
        vm.assertTrue(_cause() == EpochCause.NoQuorum, "for want of votes");
        vm.assertEq(_credit(voter), CREDIT, "unpaid");
    }

    function test_nobody_shows__and_nobody_was_excluded__ends_the_round() external {
        uint256 roundId = _claimed(_spec(), _scores(700, 690));
        vm.assertTrue(_finalize(roundId) == Outcome.NoModel, "there is nobody left");
    }

    /// @dev Three epochs: the third is the last, whoever waits.
    function test_excluded__in_the_last_epoch__ends_the_round() external {
        uint256 roundId = _claimed(_spec(), _claims([uint40(700), 690, 680, 670, 660, 650, 640]));
        vm.assertTrue(_finalize(roundId) == Outcome.None, "the first");
        vm.assertTrue(_finalize(roundId) == Outcome.None, "the second");
        vm.assertTrue(_finalize(roundId) == Outcome.NoModel, "the third");
        vm.assertEq(hub.account(miners[6]).locked, MINER_UNIT, "who was left out is held until he is released");
        _release(roundId);
        vm.assertEq(_wealth(miners[6]), CREDIT + STAKE, "and loses nothing");
        _assertConserved(0);
    }

    /* PRIVATE */

    /// @dev The first six claim more than the seventh, and the committee finds these medians.
    function _crowded(uint40[7] memory claims, uint256[6] memory medians) private returns (uint256 roundId) {
        roundId = _drawn(_spec(), _claims(claims));
        vm.assertEq(hub.round(roundId).excluded, 1, "one is left out");
        uint256[] memory fields = new uint256[](LISTED);
        for (uint256 i; i < LISTED; ++i) {
            fields[i] = medians[i];
        }
        _judge(roundId, _word(fields));
    }

    function _claims(uint40[7] memory claims) private pure returns (uint40[] memory list) {
        list = new uint40[](7);
        for (uint256 i; i < 7; ++i) {
            list[i] = claims[i];
        }
    }

    /// @dev Who is paid most.
    function _best(uint256 roundId) private view returns (address best) {
        Candidate[] memory list = hub.candidates(roundId);
        for (uint256 i; i < list.length; ++i) {
            if (best == address(0) || _credit(list[i].miner) > _credit(best)) best = list[i].miner;
        }
    }
}
