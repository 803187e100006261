// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";
import {TypedHashes} from "../libraries/TypedHashes.sol";

/// @title The chain of DLBC blocks
/// @notice Each header names its parent's hash. Headers lie in the events; the contract keeps the head and what adds up.
abstract contract BlockLedger is IDLBCTypes, EIP712 {
    uint16 internal constant HEADER_VERSION = 1;
    /// @dev No sequence of rounds emits more than this, ever.
    uint256 internal constant EMISSION_CAP = 100_000_000e18;

    struct Sums {
        uint48 height;
        uint80 chainScore;
        uint88 emitted; //   holds the cap
        uint40 genesisAt;
    }

    bytes32 internal _head;
    Sums internal _sums;

    constructor() EIP712("DLBC", "1") {}

    function _genesis() internal {
        BlockHeader memory genesis;
        genesis.version = HEADER_VERSION;
        genesis.timestamp = uint40(block.timestamp);
        _sums.genesisAt = uint40(block.timestamp);
        _head = _headerDigest(genesis);
        emit BlockAppended(0, _head, genesis);
    }

    /// @dev Fills in what only the ledger knows: version, height, parent, chain score and time.
    /// @param difficulty the task's base; a task without any still counts one
    function _appendBlock(BlockHeader memory header, int64 difficulty) internal {
        Sums memory sums = _sums;
        ++sums.height;
        sums.chainScore += difficulty > 0 ? uint64(difficulty) : 1;
        sums.emitted += uint88(header.emission);
        header.version = HEADER_VERSION;
        header.height = sums.height;
        header.parent = _head;
        header.chainScore = sums.chainScore;
        header.timestamp = uint40(block.timestamp);
        _sums = sums;
        _head = _headerDigest(header);
        emit BlockAppended(sums.height, _head, header);
    }

    /// @dev Seconds since the genesis block: what the emission's halving goes by.
    function _elapsed() internal view returns (uint256) {
        return block.timestamp - _sums.genesisAt;
    }

    function _emissionLeft() internal view returns (uint256) {
        return EMISSION_CAP - _sums.emitted;
    }

    function _headerDigest(BlockHeader memory header) internal view returns (bytes32) {
        return _hashTypedDataV4(TypedHashes.header(header));
    }
}
