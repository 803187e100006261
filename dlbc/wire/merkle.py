"""Ordered Merkle trees with tagged leaves and nodes (docs/protocol.md, "Merkle trees").

leaf = keccak(0x00 + data), node = keccak(0x01 + left + right); an odd last node moves up unchanged, which
gives the tree of RFC 6962. The empty tree is 32 zero bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from eth_utils.crypto import keccak

from dlbc.types import Leaf

EMPTY_ROOT = bytes(32)


class _Subtree(NamedTuple):
    height: int
    node: bytes
    has_leaf: bool  # the one that is to be proven


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


def proof(leaves: Iterable[bytes], index: int) -> list[bytes]:
    """The siblings of leaf `index`, from the bottom; a level where the node moves up alone has none. Reads the leaves
    once, as `root` does.

    Raises:
        IndexError: there is no such leaf.
    """
    siblings: list[bytes] = []

    def joined(left: _Subtree, right: _Subtree) -> _Subtree:
        if left.has_leaf:
            siblings.append(right.node)
        elif right.has_leaf:
            siblings.append(left.node)
        return _Subtree(left.height + 1, node_hash(left.node, right.node), left.has_leaf or right.has_leaf)

    complete: list[_Subtree] = []
    count = 0
    for data in leaves:
        subtree = _Subtree(0, leaf_hash(data), count == index)
        count += 1
        while complete and complete[-1].height == subtree.height:
            subtree = joined(complete.pop(), subtree)
        complete.append(subtree)
    if not 0 <= index < count:
        raise IndexError(f"leaf {index} of a tree of {count}")
    top = complete.pop()
    while complete:
        top = joined(complete.pop(), top)
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
    return root(_eval_leaves(salt, predictions_by_candidate))


def eval_index(evaluated: Sequence[int], samples: int, candidate: int, sample: int) -> int:
    """The number of a leaf in the tree of `evalRoot`, from 0.

    Args:
        evaluated: positions of the candidates that have leaves, ascending.
        samples: leaves of each, `TaskSpec.scoreMax`.

    Raises:
        ValueError: the candidate was not evaluated, or there is no such sample.
    """
    if candidate not in evaluated or not 0 <= sample < samples:
        raise ValueError(f"candidate {candidate}, sample {sample}: no leaf among those of {list(evaluated)}")
    return evaluated.index(candidate) * samples + sample


def challenged(number: int, evaluated: Sequence[int], samples: int) -> tuple[int, int]:
    """Candidate and sample of the leaf that a challenge asks for.

    Args:
        number: the challenge's, of 96 bits.
        evaluated: positions of the candidates that have leaves, ascending.
        samples: leaves of each, `TaskSpec.scoreMax`.

    Raises:
        ValueError: nothing was evaluated.
    """
    if not evaluated or samples < 1:
        raise ValueError("nothing was evaluated: there is no leaf to ask for")
    rank, sample = divmod(number % (len(evaluated) * samples), samples)
    return evaluated[rank], sample


def eval_opening(
    salt: bytes, predictions_by_candidate: Sequence[Sequence[int]], candidate: int, sample: int
) -> tuple[Leaf, list[bytes]]:
    """What `openLeaf` takes: the leaf, and its proof up to `eval_root` of the same predictions.

    Raises:
        ValueError: there is no such leaf, or the candidates that have leaves have not equally many.
    """
    evaluated = [position for position, found in enumerate(predictions_by_candidate) if len(found)]
    lengths = {len(predictions_by_candidate[position]) for position in evaluated}
    if len(lengths) != 1:
        raise ValueError(f"candidates with {sorted(lengths)} predictions: every evaluated one has all samples")
    index = eval_index(evaluated, lengths.pop(), candidate, sample)
    leaf = Leaf(candidate, sample, int(predictions_by_candidate[candidate][sample]))
    return leaf, proof(_eval_leaves(salt, predictions_by_candidate), index)


def _eval_leaves(salt: bytes, predictions_by_candidate: Sequence[Sequence[int]]) -> Iterator[bytes]:
    for candidate, predictions in enumerate(predictions_by_candidate):
        for sample, prediction in enumerate(predictions):
            yield eval_leaf(salt, candidate, sample, int(prediction))


def vote_root(vote_hashes: Sequence[bytes]) -> bytes:
    """A block's `voteRoot`: by committee position, 32 zero bytes where no vote was committed."""
    return root(vote_hashes)
