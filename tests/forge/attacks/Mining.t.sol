// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBC} from "../../../contracts/interfaces/IDLBC.sol";
import {Rig} from "./Rig.sol";

/// @notice What a miner may try: with somebody else's work, with his own old work, with a signature that is not what it seems.
contract MiningTest is Rig {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    address private honest;
    address private thief;

    function setUp() public override {
        super.setUp();
        (honest, thief) = (miners[0], miners[1]);
    }

    /* SOMEBODY ELSE'S WORK */

    function test_I21_copied_commit__of_another_miner__opens_for_nobody() external {
        uint256 roundId = _open();
        _commit(roundId, honest);
        ModelCommitment memory theirs = commitments[roundId][honest];
        bytes32 announced = _announced(theirs);
        vm.prank(thief);
        hub.commitModel(
            roundId, thief, announced, theirs.artifact, theirs.artifactBytes, theirs.anchor, theirs.specHash
        );
        _revealKey(roundId);
        // under his own name it is not what he committed to
        ModelCommitment memory renamed = _model(roundId, honest);
        renamed.miner = thief;
        _refuseClaim(renamed, 900, _signed(thief, _digest(renamed, 900)), CommitmentMismatch.selector);
        // under its owner's name it is not his to claim
        _refuseClaim(theirs, 900, _signed(thief, _digest(theirs, 900)), BadSignature.selector);
        _claim(roundId, honest, 900);
        vm.assertEq(hub.candidates(roundId).length, 1, "the honest claim alone is listed");
        vm.assertEq(hub.candidates(roundId)[0].miner, honest, "and it is his");
    }

    function test_I21_swapped_key__any_other__is_not_shown() external {
        uint256 roundId = _claimed(_spec(), _scores(900, 800));
        ModelCommitment memory mine = commitments[roundId][honest];
        vm.expectPartialRevert(KeyMismatch.selector);
        hub.showKey(mine, _modelKey(roundId, thief));
        vm.expectPartialRevert(KeyMismatch.selector);
        hub.showKey(mine, bytes32(0));
        // a second key for a second plaintext: its hash is not the committed one
        mine.keyHash = keccak256(abi.encode(_modelKey(roundId, thief)));
        bytes32 key = _modelKey(roundId, thief);
        vm.expectPartialRevert(NotListed.selector);
        hub.showKey(mine, key);
        // one's own key under another's commitment
        ModelCommitment memory theirs = commitments[roundId][thief];
        theirs.miner = honest;
        vm.expectPartialRevert(NotListed.selector);
        hub.showKey(theirs, key);
    }

    /// @dev Who sees a claim on its way may send it first: it is the same claim, for the same miner.
    function test_stolen_claim__sent_by_another__is_its_miners() external {
        uint256 roundId = _open();
        _commit(roundId, honest);
        _commit(roundId, thief);
        _revealKey(roundId);
        ModelCommitment memory theirs = commitments[roundId][honest];
        bytes memory signature = _signed(honest, _digest(theirs, 900));
        _refuseClaim(theirs, 100, signature, BadSignature.selector);
        _refuseClaim(theirs, 901, signature, BadSignature.selector);
        TaskSpec memory spec = _specOf(roundId);
        vm.prank(thief);
        hub.claimModel(theirs, 900, spec, 0, signature);
        vm.assertEq(hub.candidates(roundId)[0].miner, honest, "it is its miner's");
        vm.assertEq(hub.candidates(roundId)[0].score, 900, "at his score");
    }

    function test_I20_claim__with_any_field_changed__reverts() external {
        uint256 roundId = _open();
        _commit(roundId, honest);
        _revealKey(roundId);
        ModelCommitment memory mine = commitments[roundId][honest];
        bytes memory signature = _signed(honest, _digest(mine, 900));
        uint256 members = 13;
        for (uint256 i; i < members; ++i) {
            ModelCommitment memory other = _mutated(mine, i);
            vm.assertFalse(_claims(other, 900, signature), string.concat("member ", vm.toString(i)));
            // a signature of the changed one does not help: what was committed is fixed
            bool again = _claims(other, 900, _signed(honest, _digest(other, 900)));
            vm.assertFalse(again, string.concat("signed again, member ", vm.toString(i)));
        }
        for (uint40 score = 899; score <= 901; score += 2) {
            _refuseClaim(mine, score, signature, BadSignature.selector);
        }
        vm.assertTrue(_claims(mine, 900, signature), "unchanged it is taken");
    }

    function test_I20_showKey__with_any_field_changed__reverts() external {
        uint256 roundId = _claimed(_spec(), _scores(900));
        ModelCommitment memory mine = commitments[roundId][honest];
        bytes32 key = _modelKey(roundId, honest);
        for (uint256 i; i < 13; ++i) {
            ModelCommitment memory other = _mutated(mine, i);
            (bool shown,) = address(hub).call(abi.encodeCall(IDLBC.showKey, (other, key)));
            vm.assertFalse(shown, string.concat("member ", vm.toString(i)));
        }
        hub.showKey(mine, key);
    }

    function test_I20_finalize__with_any_field_of_the_winner_changed__reverts() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        _until(roundId, Phase.Tally);
        TaskSpec memory spec = _specOf(roundId);
        ModelCommitment memory mine = commitments[roundId][honest];
        for (uint256 i; i < 13; ++i) {
            ModelCommitment memory other = _mutated(mine, i);
            vm.expectPartialRevert(WrongWinner.selector);
            hub.finalize(roundId, spec, other, 0);
        }
        ModelCommitment memory second = commitments[roundId][thief];
        vm.expectPartialRevert(WrongWinner.selector);
        hub.finalize(roundId, spec, second, 0);
        hub.finalize(roundId, spec, mine, 0);
    }

    function test_I19_claim__a_second_time__reverts() external {
        uint256 roundId = _open();
        _commit(roundId, honest);
        _commit(roundId, thief);
        _revealKey(roundId);
        _claim(roundId, honest, 900);
        ModelCommitment memory mine = commitments[roundId][honest];
        _refuseClaim(mine, 900, _signed(honest, _digest(mine, 900)), AlreadyClaimed.selector);
        _refuseClaim(mine, 950, _signed(honest, _digest(mine, 950)), AlreadyClaimed.selector);
        vm.assertEq(hub.round(roundId).claims, 1, "one claim was counted");
    }

    /* ONE'S OWN OLD WORK */

    function test_old_winner__in_a_later_round__opens_nothing() external {
        uint256 first = _judged(_spec(), _scores(900, 800));
        _finalize(first);
        uint256 second = _open();
        ModelCommitment memory old = commitments[first][honest];
        // announced again as it was, by its own miner and by a thief
        _announceAgain(second, old, honest);
        _announceAgain(second, old, thief);
        _revealKey(second);
        old.roundId = second;
        _refuseClaim(old, 900, _signed(honest, _digest(old, 900)), CommitmentMismatch.selector);
        old.miner = thief;
        _refuseClaim(old, 900, _signed(thief, _digest(old, 900)), CommitmentMismatch.selector);
    }

    /// @dev The same model in a new commitment of the new round is taken by the contract: what is the miner's own, his start
    /// and his mark, hangs on the round's anchor, and validators look for it.
    function test_old_winner__with_the_old_anchor__is_refused() external {
        uint256 first = _judged(_spec(), _scores(900, 800));
        _finalize(first);
        uint256 second = _open();
        ModelCommitment memory old = _model(second, honest);
        old.anchor = commitments[first][honest].anchor;
        vm.assertNotEq(old.anchor, hub.round(second).anchor, "a block lies between them");
        bytes32 announced = _announced(old);
        vm.prank(honest);
        vm.expectPartialRevert(AnchorMismatch.selector);
        hub.commitModel(second, honest, announced, old.artifact, old.artifactBytes, old.anchor, old.specHash);
        // hidden under a right announcement it fails when it is opened
        bytes32 anchor = hub.round(second).anchor;
        vm.prank(honest);
        hub.commitModel(second, honest, announced, old.artifact, old.artifactBytes, anchor, old.specHash);
        _revealKey(second);
        _refuseClaim(old, 900, _signed(honest, _digest(old, 900)), AnchorMismatch.selector);
    }

    /* AFTER THE TEST SET */

    function test_I17_commit__at_the_deadline__reverts_and_the_key_waits_for_the_guard() external {
        uint256 roundId = _open();
        _commit(roundId, honest);
        uint40 end = hub.round(roundId).commitEnd;
        vm.warp(end - 1);
        _commit(roundId, thief);
        vm.warp(end);
        _refuseCommit(roundId, miners[2], Phase.Guard);
        TaskSpec memory spec = _specOf(roundId);
        vm.warp(end + 9);
        vm.expectRevert(abi.encodeWithSelector(WrongPhase.selector, Phase.Guard));
        hub.revealKey(roundId, spec, TEST_KEY);
        vm.warp(end + 10);
        hub.revealKey(roundId, spec, TEST_KEY);
        _refuseCommit(roundId, miners[2], Phase.Claim);
    }

    /// @dev Two commits from one purse cost two locks; of what stays closed each loses a tenth of its lock.
    function test_commit_many__open_the_best__costs_for_each_that_stays_closed() external {
        uint256 roundId = _open();
        for (uint256 i; i < 5; ++i) {
            _commit(roundId, miners[i]);
        }
        _revealKey(roundId);
        _claim(roundId, miners[0], 900);
        _until(roundId, Phase.Show);
        _show(roundId, miners[0]);
        _draw(roundId);
        _judge(roundId, _believing(roundId));
        _finalize(roundId);
        uint256 finder = _credit(address(this));
        _release(roundId);
        for (uint256 i = 1; i < 5; ++i) {
            vm.assertEq(hub.account(miners[i]).stake, STAKE - MINER_UNIT / 10, "a tenth of the lock");
            vm.assertEq(hub.account(miners[i]).locked, 0, "the rest is free");
        }
        vm.assertEq(_credit(address(this)) - finder, 4 * MINER_UNIT / 100, "the finder's tenth of it");
        vm.assertEq(hub.account(miners[0]).stake, STAKE, "who opened loses nothing");
    }

    /* STAKE */

    function test_one_stake__behind_many_rounds__is_locked_once_for_each() external {
        address poor = _poorMiner(2 * MINER_UNIT);
        uint256[3] memory rounds = [_open(), _open(), _open()];
        _commit(rounds[0], poor);
        _commit(rounds[1], poor);
        ModelCommitment memory third = _model(rounds[2], poor);
        bytes32 announced = _announced(third);
        vm.prank(poor);
        vm.expectRevert(abi.encodeWithSelector(InsufficientStake.selector, 0, MINER_UNIT));
        hub.commitModel(rounds[2], poor, announced, third.artifact, third.artifactBytes, third.anchor, third.specHash);
        vm.prank(poor);
        vm.expectRevert(abi.encodeWithSelector(InsufficientStake.selector, 0, SEAT_UNIT));
        committee.joinSeat();
    }

    function test_unbond__before_the_slash__does_not_reach_what_is_locked() external {
        address poor = _poorMiner(MINER_UNIT);
        uint256 roundId = _open();
        _commit(roundId, poor);
        vm.prank(poor);
        vm.expectRevert(abi.encodeWithSelector(InsufficientStake.selector, 0, 1));
        hub.requestUnbond(1);
        // what is unbonding before the commit backs no commit
        address sly = _poorMiner(MINER_UNIT);
        vm.prank(sly);
        hub.requestUnbond(1);
        ModelCommitment memory commitment = _model(roundId, sly);
        bytes32 announced = _announced(commitment);
        vm.prank(sly);
        vm.expectRevert(abi.encodeWithSelector(InsufficientStake.selector, MINER_UNIT - 1, MINER_UNIT));
        hub.commitModel(
            roundId,
            sly,
            announced,
            commitment.artifact,
            commitment.artifactBytes,
            commitment.anchor,
            commitment.specHash
        );
        // and the slash finds the stake, however late it comes
        _revealKey(roundId);
        _claim(roundId, poor, 900);
        _until(roundId, Phase.Tally);
        _finalize(roundId);
        vm.assertEq(hub.account(poor).stake, MINER_UNIT / 2, "half of it is gone: he showed no key");
    }

    /* SIGNATURES */

    function test_signature__flipped_short_long_or_odd__is_refused() external {
        uint256 roundId = _open();
        _commit(roundId, honest);
        _revealKey(roundId);
        ModelCommitment memory mine = commitments[roundId][honest];
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[honest], _digest(mine, 900));
        bytes memory flipped = abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _refuseClaim(mine, 900, flipped, BadSignature.selector);
        _refuseClaim(mine, 900, "", BadSignature.selector);
        _refuseClaim(mine, 900, abi.encodePacked(r, s), BadSignature.selector);
        _refuseClaim(mine, 900, abi.encodePacked(r, s, v, uint8(0)), BadSignature.selector);
        _refuseClaim(mine, 900, abi.encodePacked(r, s, v - 27), BadSignature.selector);
        _refuseClaim(mine, 900, abi.encodePacked(r, s, v + 2), BadSignature.selector);
        _refuseClaim(mine, 900, abi.encodePacked(bytes32(0), bytes32(0), uint8(27)), BadSignature.selector);
        // a compact one (ERC-2098) is a second form of the same signature
        bytes32 vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
        _refuseClaim(mine, 900, abi.encodePacked(r, vs), BadSignature.selector);
        vm.assertTrue(_claims(mine, 900, abi.encodePacked(r, s, v)), "as signed it is taken");
    }

    function test_signature__for_another_chain_or_contract__is_refused() external {
        uint256 roundId = _open();
        _commit(roundId, honest);
        _revealKey(roundId);
        ModelCommitment memory mine = commitments[roundId][honest];
        uint256 here = vm.getChainId(); // block.chainid may be read later than it stands here
        vm.chainId(here + 1);
        bytes32 elsewhere = _digest(mine, 900);
        vm.chainId(here);
        vm.assertNotEq(elsewhere, _digest(mine, 900), "the digest names the chain");
        _refuseClaim(mine, 900, _signed(honest, elsewhere), BadSignature.selector);
        // another deployment, on the same chain
        IDLBC ours = hub;
        _deploy(_timing(), _economy(), _limits());
        bytes32 another = _digest(mine, 900);
        hub = ours;
        vm.assertNotEq(another, _digest(mine, 900), "the digest names the contract");
        _refuseClaim(mine, 900, _signed(honest, another), BadSignature.selector);
    }

    /// @dev EIP-7702 gives a key's account code. It signs with its key all the same, whatever the code would say.
    function test_signature__of_an_account_with_code__is_its_keys_or_its_codes() external {
        uint256 roundId = _open();
        _commit(roundId, honest);
        _commit(roundId, thief);
        _revealKey(roundId);
        ModelCommitment memory mine = commitments[roundId][honest];
        vm.etch(honest, hex"60006000fd"); // answers everything by a revert
        bytes memory signature = _signed(honest, _digest(mine, 900));
        _refuseClaim(mine, 900, _signed(thief, _digest(mine, 900)), BadSignature.selector);
        vm.assertTrue(_claims(mine, 900, signature), "his key signs for him");
        // code that answers the magic word to everything lets everybody claim for it: its own affair, and only its own
        ModelCommitment memory theirs = commitments[roundId][thief];
        vm.etch(thief, address(new SaysYes()).code);
        vm.assertTrue(_claims(theirs, 800, ""), "what his code accepts is his");
    }

    /* DIFFICULT ACCOUNTS */

    /// @dev Nothing is ever pushed to a payee: he cannot stop the round that pays him.
    function test_winner__whose_code_always_reverts__is_paid_and_stops_nobody() external {
        uint256 roundId = _judged(_spec(), _scores(900, 800));
        vm.etch(honest, hex"60006000fd");
        vm.etch(requester, hex"60006000fd");
        for (uint256 i; i < validators.length; ++i) {
            vm.etch(validators[i], hex"60006000fd");
        }
        uint256 before = _credit(honest);
        vm.assertTrue(_finalize(roundId) == Outcome.Block, "the block is made");
        vm.assertGt(_credit(honest), before, "and he is paid");
    }

    /// @dev A wallet is asked by a static call: whatever it tries changes nothing.
    function test_reentrancy__from_a_wallets_check__changes_nothing() external {
        uint256 roundId = _open();
        Reentrant wallet = new Reentrant(hub);
        address account = address(wallet);
        _fund(account);
        ModelCommitment memory mine = _model(roundId, account);
        _commit(mine);
        _revealKey(roundId);
        bytes32 before = keccak256(abi.encode(hub.account(account), hub.account(honest)));
        vm.assertTrue(_claims(mine, 900, ""), "the wallet answers yes");
        vm.assertEq(keccak256(abi.encode(hub.account(account), hub.account(honest))), before, "no money moved");
        vm.assertEq(hub.round(roundId).claims, 1, "one claim");
        vm.assertFalse(wallet.gotThrough(), "no call of the wallet went through");
    }

    /* PRIVATE */

    function _poorMiner(uint256 stake) private returns (address account) {
        uint256 key;
        (account, key) = actor(string.concat("poor", vm.toString(everybody.length)));
        keys[account] = key;
        token.transfer(account, stake);
        vm.startPrank(account);
        token.approve(address(hub), stake);
        hub.deposit(stake);
        hub.stake(stake);
        vm.stopPrank();
        everybody.push(account);
    }

    function _announceAgain(uint256 roundId, ModelCommitment memory old, address by) private {
        Round memory round = hub.round(roundId);
        bytes32 announced = _announced(old);
        vm.prank(by);
        hub.commitModel(roundId, by, announced, old.artifact, old.artifactBytes, round.anchor, round.specHash);
    }

    function _claims(ModelCommitment memory commitment, uint40 score, bytes memory signature)
        private
        returns (bool taken)
    {
        TaskSpec memory spec = _specOf(hub.roundCount());
        (taken,) = address(hub).call(abi.encodeCall(IDLBC.claimModel, (commitment, score, spec, 0, signature)));
    }

    function _refuseClaim(ModelCommitment memory commitment, uint40 score, bytes memory signature, bytes4 expected)
        private
    {
        TaskSpec memory spec = _specOf(hub.roundCount());
        vm.expectPartialRevert(expected);
        hub.claimModel(commitment, score, spec, 0, signature);
    }

    function _refuseCommit(uint256 roundId, address miner, Phase found) private {
        ModelCommitment memory late = _model(roundId, miner);
        bytes32 announced = _announced(late);
        vm.prank(miner);
        vm.expectRevert(abi.encodeWithSelector(WrongPhase.selector, found));
        hub.commitModel(roundId, miner, announced, late.artifact, late.artifactBytes, late.anchor, late.specHash);
    }

    /// @dev A copy that differs in the n-th member alone.
    function _mutated(ModelCommitment memory from, uint256 n) private view returns (ModelCommitment memory to) {
        to = abi.decode(abi.encode(from), (ModelCommitment));
        if (n == 0) to.roundId += 1;
        else if (n == 1) to.anchor = ~to.anchor;
        else if (n == 2) to.specHash = ~to.specHash;
        else if (n == 3) to.modelHash = ~to.modelHash;
        else if (n == 4) to.artifact = ~to.artifact;
        else if (n == 5) to.artifactBytes += 1;
        else if (n == 6) to.keyHash = ~to.keyHash;
        else if (n == 7) to.watermark = ~to.watermark;
        else if (n == 8) to.trajectory = ~to.trajectory;
        else if (n == 9) to.parent = ~to.parent;
        else if (n == 10) to.payloadRoot = ~to.payloadRoot;
        else if (n == 11) to.miner = thief;
        else to.salt = ~to.salt;
    }
}

/// @dev A wallet that accepts anything (ERC-1271).
contract SaysYes {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0x1626ba7e;
    }
}

/// @dev A wallet that tries to act in the hub while it is asked.
contract Reentrant {
    IDLBC private immutable HUB;
    bool public gotThrough;

    constructor(IDLBC hub) {
        HUB = hub;
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        (bool withdrawn,) = address(HUB).call{gas: 200_000}(abi.encodeCall(IDLBC.withdraw, (1)));
        (bool staked,) = address(HUB).call{gas: 200_000}(abi.encodeCall(IDLBC.stake, (1)));
        (bool posted,) = address(HUB).call{gas: 200_000}(abi.encodeCall(IDLBC.post, (bytes32(0))));
        if (withdrawn || staked || posted) gotThrough = true;
        return 0x1626ba7e;
    }
}
