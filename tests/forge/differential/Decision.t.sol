// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {Podium} from "../../../contracts/libraries/Podium.sol";
import {Tally} from "../../../contracts/libraries/Tally.sol";
import {Reference} from "./Reference.sol";

/// @notice What a committee's votes say, and who wins, against `dlbc/wire/tally.py`.
contract DecisionDifferentialTest is Reference {
    struct Ballot {
        uint256[] words;
        uint16 revealed;
        uint8 quorum;
        uint256 tol;
        uint256[2] masks; // candidates who showed their keys, and who take a place
        uint256[] claims;
        uint256 minScore;
        ICommittee.Verdict[] verdicts;
        uint16 taskFlags;
        bool[] qualifies;
        bool[] overclaimed;
        uint256[2] dissent; // off, incoherent
    }

    struct Contest {
        Podium.Entry[] entries;
        Podium.Rules rules;
        uint256[3] places;
    }

    function test_I29_tally__as_the_programs_compute_it() external {
        Ballot[] memory cases = abi.decode(_cases("ballot"), (Ballot[]));
        for (uint256 i; i < cases.length; ++i) {
            _check(cases[i], i);
        }
    }

    function _check(Ballot memory ballot, uint256 i) private pure {
        ICommittee.Votes memory votes;
        votes.size = uint8(ballot.words.length);
        votes.quorum = ballot.quorum;
        votes.revealed = ballot.revealed;
        votes.words = ballot.words;
        (ICommittee.Verdict[] memory found, uint16 taskFlags) =
            Tally.verdicts(votes, ballot.verdicts.length, ballot.tol);
        vm.assertEq(taskFlags, ballot.taskFlags, _of("task flags", i));
        for (uint256 n; n < found.length; ++n) {
            vm.assertEq(found[n].median, ballot.verdicts[n].median, _of("median", i));
            vm.assertEq(found[n].flags, ballot.verdicts[n].flags, _of("flags", i));
            vm.assertEq(found[n].stable, ballot.verdicts[n].stable, _of("stable", i));
            uint256 claim = ballot.claims[n];
            bool qualifies = Tally.qualifies(found[n], claim, ballot.minScore, ballot.tol);
            vm.assertEq(qualifies, ballot.qualifies[n], _of("qualifies", i));
            vm.assertEq(Tally.overclaimed(found[n], claim, ballot.tol), ballot.overclaimed[n], _of("overclaimed", i));
        }
        Tally.Findings memory judged = Tally.judge(votes, found.length, ballot.masks[0], ballot.tol);
        vm.assertEq(judged.off, ballot.dissent[0], _of("off", i));
        uint256 incoherent = Tally.incoherentWith(judged, ballot.masks[1]);
        vm.assertEq(incoherent, ballot.dissent[1], _of("incoherent", i));
    }

    function test_I31_podium__as_the_programs_compute_it() external {
        Contest[] memory cases = abi.decode(_cases("podium"), (Contest[]));
        for (uint256 i; i < cases.length; ++i) {
            uint256[3] memory places = Podium.rank(cases[i].entries, cases[i].rules);
            for (uint256 place; place < 3; ++place) {
                vm.assertEq(places[place], cases[i].places[place], _of("place", i));
            }
        }
    }
}
