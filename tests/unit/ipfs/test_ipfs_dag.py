# ruff: noqa: S311 - reproducible bytes
"""A stranger's DAG costs at most what its announced size does, and gives a plain file or an error."""

from __future__ import annotations

import random

import pytest
from hostile import DIRECTORY, NOT_PROTOBUF, SYMLINK, Blocks, field, link

from dlbc.errors import ContentInvalid
from dlbc.ipfs.dag import PREFETCH, file_blocks, read_root, tree
from dlbc.ipfs.dagpb import FileBlock, Link, decode_file_block, encode_file_block
from dlbc.ipfs.unixfs import CHUNK_BYTES, MAX_LINKS, FileHasher

LEAF = encode_file_block(FileBlock(b"leaf", (), 4, ()))


def read(blocks: Blocks, root: bytes, offset: int = 0, length: int | None = None) -> bytes:
    return b"".join(file_blocks(root, blocks.ask, blocks.want, offset, length))


@pytest.mark.parametrize("cut", range(1, len(LEAF)))
def test_decode_file_block__truncated_anywhere__refused(cut: int) -> None:
    with pytest.raises(ContentInvalid):
        decode_file_block(LEAF[:cut])


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (b"", "no UnixFS data"),
        (NOT_PROTOBUF, "wire type|64 bits"),
        (DIRECTORY, "directory"),
        (SYMLINK, "symbolic link"),
        (b"\x0a" + b"\xff" * 9 + b"\x01", "longer than its block"),
        (b"\x0a" + b"\x80" * 11, "64 bits"),
        (field(1, b"\x08\x02\x18\x05"), "announces 5 bytes and holds 0"),
        (field(1, b"\x08\x02\x12\x01a"), "announces None bytes"),
        (field(1, b"\x08\x02\x18\x00\x20\x00"), "0 links but 1 sizes"),
        (field(1, b"\x08\x02\x18\x00\x38\x01"), "unexpected UnixFS field 7"),
        (field(1, b"\x08\x02\x18\x00") * 2, "unexpected dag-pb field 1"),
        (field(2, link(b"\1" * 32)) + field(1, b"\x08\x02\x12\x01a\x18\x01\x20\x01"), "both links and data"),
        (
            field(2, field(1, b"\x01\x55\x12\x20" + b"\1" * 32)) + field(1, b"\x08\x02\x18\x01\x20\x01"),
            "CIDv0",
        ),
        (
            field(2, field(1, b"\x00\x05hello")) + field(1, b"\x08\x02\x18\x05\x20\x05"),
            "CIDv0",
        ),  # identity hash
        (field(2, b"\x18\x01") + field(1, b"\x08\x02\x18\x01\x20\x01"), "without a hash"),
        (LEAF + b"\x1d\0\0\0\0", "wire type 5"),
    ],
)
def test_decode_file_block__not_a_file_of_ours__refused_with_the_reason(block: bytes, says: str) -> None:
    with pytest.raises(ContentInvalid, match=says):
        decode_file_block(block)


def test_decode_file_block__random_bytes__never_another_exception() -> None:
    rng = random.Random(7)
    refused = 0
    for _ in range(3000):
        block = bytearray(LEAF if rng.random() < 0.7 else rng.randbytes(rng.randrange(1, 60)))
        block[rng.randrange(len(block))] = rng.randrange(256)
        try:
            decode_file_block(bytes(block))
        except ContentInvalid:
            refused += 1

    assert refused > 1000


def test_file_blocks__bomb_of_many_terabytes__stops_at_the_length_asked_for() -> None:
    blocks = Blocks()
    root = blocks.bomb(5)

    content = read(blocks, root, 0, 3 * CHUNK_BYTES)

    assert decode_file_block(blocks[root]).size > 10**15
    assert len(content) == 3 * CHUNK_BYTES
    assert len(blocks.asked) <= 10


@pytest.mark.parametrize("announced", [0, 1, 2 * CHUNK_BYTES - 1, 10**18])
def test_file_blocks__root_announces_another_size_than_its_children__refused(announced: int) -> None:
    blocks = Blocks()
    leaf = blocks.leaf(b"\0" * CHUNK_BYTES)
    root = blocks.node([leaf, leaf], [CHUNK_BYTES, CHUNK_BYTES], announced)

    with pytest.raises(ContentInvalid, match="announces"):
        read(blocks, root)


def test_file_blocks__child_holds_more_than_its_share__refused_before_its_children_are_asked_for() -> None:
    blocks = Blocks()
    bomb = blocks.bomb(3)
    root = blocks.node([blocks.leaf(b"\0" * CHUNK_BYTES), bomb], [CHUNK_BYTES, 5])

    with pytest.raises(ContentInvalid, match="tree"):
        read(blocks, root)
    assert blocks.asked[-1] == bomb


def test_file_blocks__children_of_nothing__refused() -> None:
    blocks = Blocks()
    empty = blocks.leaf(b"")
    root = blocks.node([empty] * 1000 + [blocks.leaf(b"x")], [0] * 1000 + [1])

    with pytest.raises(ContentInvalid, match="tree"):
        read(blocks, root)
    assert len(blocks.asked) == 1


def test_file_blocks__crumbs_instead_of_chunks__refused() -> None:
    blocks = Blocks()
    root = blocks.node([blocks.leaf(b"x")] * 174, [1] * 174)

    with pytest.raises(ContentInvalid, match="tree"):
        read(blocks, root)


def test_file_blocks__more_links_than_a_block_may_have__refused() -> None:
    blocks = Blocks()
    leaf = blocks.leaf(b"\0" * CHUNK_BYTES)
    root = blocks.node([leaf] * (MAX_LINKS + 1), [CHUNK_BYTES] * (MAX_LINKS + 1))

    with pytest.raises(ContentInvalid, match="tree"):
        read(blocks, root)


def test_file_blocks__directory_below_a_file__refused() -> None:
    blocks = Blocks()
    root = blocks.node([blocks.leaf(b"\0" * CHUNK_BYTES), blocks.put(DIRECTORY)], [CHUNK_BYTES, 5])

    with pytest.raises(ContentInvalid, match="directory"):
        read(blocks, root)


def test_read_root__oversized_single_leaf__refused() -> None:
    blocks = Blocks()

    with pytest.raises(ContentInvalid, match="tree"):
        read_root(blocks.leaf(b"x" * (CHUNK_BYTES + 1)), blocks.ask)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 9 * CHUNK_BYTES + 17])
@pytest.mark.parametrize(("offset", "length"), [(0, None), (1, 5), (CHUNK_BYTES, CHUNK_BYTES), (10**9, 1), (3, 0)])
def test_file_blocks__honest_file__same_bytes_as_a_slice(size: int, offset: int, length: int | None) -> None:
    blocks = Blocks()
    content = random.Random(size).randbytes(size)
    root = store(blocks, content)
    expected = content[offset:] if length is None else content[offset : offset + length]

    assert read(blocks, root, offset, length) == expected


def test_file_blocks__many_leaves__asks_ahead_but_not_without_limit() -> None:
    blocks = Blocks()
    root = store(blocks, random.Random(1).randbytes(40 * CHUNK_BYTES))

    first = next(file_blocks(root, blocks.ask, blocks.want))

    assert len(first) == CHUNK_BYTES
    assert len(set(blocks.wanted)) == PREFETCH


def test_tree__honest_file__names_every_block_and_reads_no_leaf() -> None:
    blocks = Blocks()
    root = store(blocks, random.Random(2).randbytes(5 * CHUNK_BYTES))

    assert set(tree(root, blocks.ask)) == set(blocks)
    assert set(blocks.asked) == {root}


def store(blocks: Blocks, content: bytes) -> bytes:
    """The canonical tree of up to 174 chunks, in a way of its own; checked against the hasher."""
    chunks = [content[i : i + CHUNK_BYTES] for i in range(0, len(content), CHUNK_BYTES)] or [b""]
    leaves = [encode_file_block(FileBlock(chunk, (), len(chunk), ())) for chunk in chunks]
    digests = [blocks.put(leaf) for leaf in leaves]
    root = digests[0]
    if len(chunks) > 1:
        links = tuple(Link(d, len(leaf)) for d, leaf in zip(digests, leaves, strict=True))
        root = blocks.put(encode_file_block(FileBlock(b"", links, len(content), tuple(map(len, chunks)))))
    hasher = FileHasher()
    hasher.update(content)
    assert hasher.digest() == root
    return root
