// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BitMask} from "../libraries/BitMask.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {ParameterBounds} from "../libraries/ParameterBounds.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";
import {VoteTree} from "../libraries/VoteTree.sol";
import {Parents} from "./Parents.sol";

/// @title Saying that a candidate's model is one's own earlier one
/// @notice The first half of `IDLBC.accuse`: what the accuser shows is checked and written down. `Appeals` has the second, in
/// which the epoch ends.
abstract contract Accusations is Parents, ReentrancyGuardTransient {
    using BitMask for uint256;
    using CommitSlot for uint256;

    /// @dev As `dlbc.ml.watermark.keys.Key.leaf` hashes it.
    bytes private constant LEAF_TAG = "DLBC/watermark/leaf/1\x00";

    /// @dev Specified by `IDLBC.accuse`; runs for the hub.
    function accuse(
        uint256 roundId,
        TaskSpec calldata spec,
        ModelCommitment calldata accused,
        ModelCommitment calldata earlier,
        MarkKey calldata key,
        bytes32[] calldata proof
    ) external nonReentrant {
        RoundState storage r = _requirePhase(roundId, Phase.Appeal);
        _requireSpec(r, spec);
        if (r.accused != 0 || r.epoch + 1 >= ParameterBounds.MAX_EPOCHS) revert NoAppealLeft(r.epoch, r.appeals);
        bytes32 earlierHash = TypedHashes.modelCommitment(earlier);
        // the bond is money, which no operator moves
        if (msg.sender != _parentsMiner(earlierHash, earlier.roundId)) revert Unauthorized(msg.sender);
        _requireBefore(earlier.roundId, r.commitStart - _parameters(r.version).timing.settleSecs);
        bytes32 accusedHash = TypedHashes.modelCommitment(accused);
        r.accused = uint8(1 + _requireShown(roundId, r, accused.miner, accusedHash));
        if (accused.parent == earlierHash) revert ParentDeclared(earlierHash);
        _spend(key, earlier.watermark, proof);

        uint96 bond = _parameters(r.version).economy.appealBond;
        _debit(msg.sender, bond);
        _accusations[roundId] = Accusation(msg.sender, bond, accusedHash);
        emit ModelAccused(roundId, msg.sender, accusedHash, earlierHash, earlier.roundId, key);
    }

    /// @dev Specified by `IDLBC.accusationOf`; runs for the hub.
    function accusationOf(uint256 roundId) external view returns (Accusation memory) {
        return _accusations[roundId];
    }

    /// @dev Who knows where the accused begins can train from there too, and who sees his model can choose a key that fits
    /// it: the accuser's was committed to before the accused's round opened.
    function _requireBefore(uint256 earlierRound, uint40 openedAt) private view {
        RoundState storage earlier = _rounds[earlierRound];
        uint256 committedBy = earlier.commitStart + earlier.trainSecs;
        if (committedBy > openedAt) revert NotOpenedLater(openedAt, committedBy);
    }

    /// @return index of a candidate who has shown his key
    function _requireShown(uint256 roundId, RoundState storage r, address miner, bytes32 commitmentHash)
        private
        view
        returns (uint256 index)
    {
        uint256 word = _commits[roundId][miner];
        index = word.index();
        if (!word.opened() || !uint256(r.shown).has(index)) revert NotListed(commitmentHash);
        CandidateList.Place storage place = _lists[roundId].places[index];
        if (place.miner != miner || word.commitmentHash(place.hashTop) != commitmentHash) {
            revert NotListed(commitmentHash);
        }
    }

    /// @dev A key proves something once: then everybody can embed its mark.
    function _spend(MarkKey calldata key, bytes32 expected, bytes32[] calldata proof) private {
        bytes32 leaf = sha256(abi.encodePacked(LEAF_TAG, key.index, key.shares, key.secret));
        (bytes32 root, bool whole) = VoteTree.climb(abi.encodePacked(leaf), key.index, key.shares, proof);
        if (key.index >= key.shares || !whole || root != expected) revert MarkKeyMismatch(root, expected);
        if (_shownMarkKeys[leaf]) revert MarkKeyUsed(leaf);
        _shownMarkKeys[leaf] = true;
    }
}
