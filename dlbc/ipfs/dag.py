"""From a root block to a file's bytes, without believing a single size that a DAG announces.

A DAG of a few hundred bytes can announce exabytes by linking to itself many times over, or hold millions of
empty blocks. So only the one tree is accepted that DLBC's import options give for the announced size: that
fixes the number of blocks, the depth and each block's share *before* anything below the root is fetched.
Another tree could not pass the client's CID check anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dlbc.errors import ContentInvalid
from dlbc.ipfs.cid import digest_to_cid
from dlbc.ipfs.dagpb import FileBlock, decode_file_block
from dlbc.ipfs.unixfs import canonical_child_sizes, depth_of_file

PREFETCH = 16  # blocks asked for ahead: bitswap needs a round trip for each

GetBlock = Callable[[bytes], bytes]
WantBlock = Callable[[bytes], None]


@dataclass(frozen=True)
class _Part:
    """A subtree yet to be read: its root block, the file bytes it must hold, levels of links below."""

    digest: bytes
    size: int
    depth: int


def read_root(digest: bytes, get: GetBlock) -> FileBlock:
    """The root block of a file, with the size that it announces. ContentInvalid when it is not a file's."""
    return _checked(digest, get, None)


def file_blocks(
    digest: bytes, get: GetBlock, want: WantBlock, offset: int = 0, length: int | None = None
) -> Iterator[bytes]:
    """The bytes of a file from `offset` on, at most `length`, in pieces of at most one block.

    Args:
        digest: of the root block.
        get: gives a block whose hash has been checked; raises when it cannot be had.
        want: told of blocks that `get` will soon be asked for.

    Raises:
        ContentInvalid: not a file in DLBC's layout. Whatever `get` raises.
    """
    root = read_root(digest, get)
    end = root.size if length is None else min(root.size, offset + length)
    position = 0
    parts = [_Part(digest, root.size, depth_of_file(root.size))]  # a stack: the last is the next in file order
    while parts and position < end:
        part = parts.pop()
        if position + part.size <= offset:
            position += part.size
            continue
        block = _checked(part.digest, get, part)
        if part.depth:
            pairs = zip(block.links, block.child_sizes, strict=True)
            parts += [_Part(link.digest, size, part.depth - 1) for link, size in pairs][::-1]
        else:
            yield block.data[max(0, offset - position) : end - position]
            position += part.size
        for ahead in parts[-PREFETCH:]:
            want(ahead.digest)


def tree(digest: bytes, get: GetBlock) -> Iterator[bytes]:
    """Digests of all blocks of a file, root first; leaves are named, not read. Raises like `file_blocks`."""
    size = read_root(digest, get).size
    parts = [_Part(digest, size, depth_of_file(size))]
    while parts:
        part = parts.pop()
        yield part.digest
        if part.depth:
            block = _checked(part.digest, get, part)
            pairs = zip(block.links, block.child_sizes, strict=True)
            parts += [_Part(link.digest, size, part.depth - 1) for link, size in pairs]


def _checked(digest: bytes, get: GetBlock, part: _Part | None) -> FileBlock:
    """The block, if it is the one that the canonical tree has in this place. `part` None: any root."""
    try:
        block = decode_file_block(get(digest))
        size = block.size if part is None else part.size
        depth = depth_of_file(size) if part is None else part.depth
        expected = canonical_child_sizes(size, depth) if depth else ()
        if block.size != size or block.child_sizes != expected:
            raise ContentInvalid("its tree is not the one of its size: not imported with DLBC's options")
    except ContentInvalid as error:
        raise ContentInvalid(f"{digest_to_cid(digest)}: {error}") from error
    return block
