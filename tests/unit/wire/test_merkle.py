"""Trees bind order, number and content of their leaves."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak
from wire_samples import repeatable_random

from dlbc.types import Leaf
from dlbc.wire import eval_root, merkle


def plain_root(leaves: list[bytes]) -> bytes:
    """The definition of docs/protocol.md, level by level: the reference for the streamed one."""
    level = [keccak(b"\x00" + data) for data in leaves]
    if not level:
        return bytes(32)
    while len(level) > 1:
        odd = [level[-1]] if len(level) % 2 else []
        level = [keccak(b"\x01" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)] + odd
    return level[0]


def test_root__no_leaves__is_zero() -> None:
    assert merkle.root([]) == bytes(32)


def test_root__one_empty_leaf__is_keccak_of_the_tag() -> None:
    assert merkle.root([b""]) == keccak(b"\x00")


def test_root__any_number_of_leaves__is_the_definitions() -> None:
    chance = repeatable_random(3)
    for count in range(70):
        leaves = [chance.randbytes(chance.randrange(40)) for _ in range(count)]
        assert merkle.root(iter(leaves)) == plain_root(leaves)


def test_root__inner_node_given_as_leaf__differs() -> None:
    leaves = [b"a", b"b", b"c", b"d"]
    node = merkle.node_hash(merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b"))
    assert merkle.root([node[:32] + node, b"c", b"d"]) != merkle.root(leaves)
    assert merkle.root([b"a", b"b", b"c"]) != merkle.root([b"a", b"b", b"c", b"c"])


def test_proof__every_leaf__verifies_only_in_its_place() -> None:
    for count in range(1, 20):
        leaves = [bytes([index]) * 3 for index in range(count)]
        root = merkle.root(leaves)
        for index in range(count):
            siblings = merkle.proof(leaves, index)
            assert merkle.verify(root, leaves[index], index, count, siblings)
            assert not merkle.verify(root, b"other", index, count, siblings)
            assert not merkle.verify(root, leaves[index], index, count, [*siblings, bytes(32)])
            assert not merkle.verify(root, leaves[index], count, count, siblings)
            assert not merkle.verify(root, leaves[index], -1, count, siblings)
            if siblings:
                assert not merkle.verify(root, leaves[index], index, count, siblings[:-1])
                assert not merkle.verify(root, leaves[index], index ^ 1, count, siblings)
                assert not merkle.verify(root, leaves[index], index, count, [siblings[0][:31], *siblings[1:]])


def test_proof__leaf_outside__is_refused() -> None:
    for index in (2, -1):
        with pytest.raises(IndexError, match=f"leaf {index} of a tree of 2"):
            merkle.proof([b"a", b"b"], index)
    with pytest.raises(IndexError, match="leaf 0 of a tree of 0"):
        merkle.proof([], 0)


def test_eval_opening__leaf_that_a_challenge_asks_for__leads_to_the_eval_root() -> None:
    salt, predictions = bytes(range(32)), [[7, 8, 9], [], [1, -1, 2], [4, 4, 4]]
    root, asked = merkle.eval_root(salt, predictions), set()
    for number in range(40):
        candidate, sample = merkle.challenged(number, [0, 2, 3], 3)
        asked.add((candidate, sample))
        leaf, siblings = merkle.eval_opening(salt, predictions, candidate, sample)
        assert leaf == Leaf(candidate, sample, predictions[candidate][sample])
        index = merkle.eval_index([0, 2, 3], 3, candidate, sample)
        assert merkle.verify(root, merkle.eval_leaf(salt, *leaf.to_tuple()), index, 9, siblings)
        assert not merkle.verify(root, merkle.eval_leaf(salt, candidate, sample, 99), index, 9, siblings)
    assert asked == {(candidate, sample) for candidate in (0, 2, 3) for sample in range(3)}


def test_eval_opening__no_such_leaf__is_refused() -> None:
    salt = bytes(32)
    for candidate, sample in ((1, 0), (0, 2), (0, -1), (5, 0)):
        with pytest.raises(ValueError, match=f"candidate {candidate}, sample {sample}: no leaf"):
            merkle.eval_opening(salt, [[7, 8], []], candidate, sample)
    with pytest.raises(ValueError, match="every evaluated one has all samples"):
        merkle.eval_opening(salt, [[7, 8], [9]], 0, 0)
    with pytest.raises(ValueError, match="nothing was evaluated"):
        merkle.challenged(0, [], 3)


def test_eval_root__leaves__are_salt_candidate_sample_prediction() -> None:
    salt = bytes(range(32))
    leaf = salt + b"\x02" + (1).to_bytes(8) + (-1).to_bytes(4, signed=True)
    assert merkle.eval_leaf(salt, 2, 1, -1) == leaf
    first = [merkle.eval_leaf(salt, 0, 0, 7), merkle.eval_leaf(salt, 0, 1, 8)]
    assert eval_root(salt, [[7, 8], [], [9, -1]]) == merkle.root([*first, merkle.eval_leaf(salt, 2, 0, 9), leaf])


@pytest.mark.parametrize(
    ("salt", "candidate", "sample", "prediction"),
    [(b"", 0, 0, 0), (bytes(32), 256, 0, 0), (bytes(32), 0, -1, 0), (bytes(32), 0, 0, 1 << 31)],
)
def test_eval_leaf__value_that_does_not_fit__is_refused(
    salt: bytes, candidate: int, sample: int, prediction: int
) -> None:
    with pytest.raises(ValueError, match=r"expected 32 bytes|candidate"):
        merkle.eval_leaf(salt, candidate, sample, prediction)


def test_vote_root__absent_votes__are_zero_words() -> None:
    assert merkle.vote_root([bytes(32)] * 3) == plain_root([bytes(32)] * 3)
