"""Ordered Merkle trees with tagged leaves and nodes (docs/protocol.md, "Merkle trees").

leaf = keccak(0x00 + data), node = keccak(0x01 + left + right); an odd last node moves up unchanged, which
gives the tree of RFC 6962. The empty tree is 32 zero bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

from eth_utils.crypto import keccak

EMPTY_ROOT = bytes(32)


def leaf_hash(data: bytes) -> bytes:
    """The tree's lowest node over `data`, of any length. The tag keeps a leaf from posing as an inner
    node.
    """
    return keccak(b"\x00" + data)


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node over two 32-byte nodes."""
    return keccak(b"\x01" + left + right)


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves' data in order; reads them once and holds only one node for each level."""
    complete: list[tuple[int, bytes]] = []  # (height, root) of complete subtrees, heights falling
    for data in leaves:
        height, node = 0, leaf_hash(data)
        while complete and complete[-1][0] == height:
            node = node_hash(complete.pop()[1], node)
            height += 1
        complete.append((height, node))
    if not complete:
        return EMPTY_ROOT
    _, top = complete.pop()
    while complete:
        top = node_hash(complete.pop()[1], top)
    return top


def proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings of leaf `index`, from the bottom; a level where the node moves up alone has none.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} of a tree of {len(leaves)}")
    siblings: list[bytes] = []
    level = [leaf_hash(data) for data in leaves]
    while len(level) > 1:
        if index ^ 1 < len(level):
            siblings.append(level[index ^ 1])
        pairs = [node_hash(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
        index //= 2
    return siblings


def verify(expected_root: bytes, data: bytes, index: int, count: int, siblings: Sequence[bytes]) -> bool:
    """Whether `data` is leaf `index` of the tree of `count` leaves with this root. The count decides which
    levels have a sibling, so that a proof has one length only.
    """
    if not 0 <= index < count:
        return False
    node = leaf_hash(data)
    remaining: Iterator[bytes] = iter(siblings)
    while count > 1:
        if index ^ 1 < count:
            sibling = next(remaining, None)
            if sibling is None or len(sibling) != 32:
                return False
            node = node_hash(sibling, node) if index & 1 else node_hash(node, sibling)
        index //= 2
        count = (count + 1) // 2
    return next(remaining, None) is None and node == expected_root


def eval_leaf(salt: bytes, candidate: int, sample: int, prediction: int) -> bytes:
    """Leaf data of one prediction: salt(32), candidate(uint8), sample index(uint64), prediction(int32).

    Raises:
        ValueError: the salt is not 32 bytes, or a number does not fit.
    """
    if len(salt) != 32:
        raise ValueError(f"salt: expected 32 bytes, found {len(salt)}")
    try:
        return struct.pack(">32sBQi", salt, candidate, sample, prediction)
    except struct.error as error:
        raise ValueError(f"candidate {candidate}, sample {sample}, prediction {prediction}: {error}") from error


def eval_root(salt: bytes, predictions_by_candidate: Sequence[Sequence[int]]) -> bytes:
    """A vote's `evalRoot`.

    Args:
        salt: the vote's own, so that nobody can compare two validators' predictions before they are opened.
        predictions_by_candidate: by candidate position, then in sample order; empty for a candidate that
            was not evaluated.
    """
    return root(
        eval_leaf(salt, candidate, sample, int(prediction))
        for candidate, predictions in enumerate(predictions_by_candidate)
        for sample, prediction in enumerate(predictions)
    )


def vote_root(vote_hashes: Sequence[bytes]) -> bytes:
    """A block's `voteRoot`: by committee position, 32 zero bytes where no vote was committed."""
    return root(vote_hashes)
