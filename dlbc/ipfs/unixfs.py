"""The CID of a file, computed as Kubo does, so that no node has to be believed.

Layout (the protocol fixes it, so one file has exactly one CID): chunks of 262,144 bytes, each a dag-pb leaf;
balanced tree, at most 174 links a block; sha2-256; CIDv0. In Kubo's words: cid-version=0, raw-leaves=false,
chunker=size-262144.
Source: https://github.com/ipfs/boxo/blob/main/ipld/unixfs/importer/balanced/builder.go
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from dlbc.ipfs.cid import digest_to_cid
from dlbc.ipfs.dagpb import FileBlock, Link, encode_file_block

CHUNK_BYTES = 262_144
MAX_LINKS = 174
READ_BYTES = 1 << 20


@dataclass(frozen=True)
class _Subtree:
    link: Link
    size: int


class FileHasher:
    """`update` with any pieces in file order, then `digest`. Holds one chunk, and 174 links a level."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._levels: list[list[_Subtree]] = [[]]
        self.size = 0

    def update(self, piece: bytes) -> None:
        """Takes the file's next bytes."""
        self.size += len(piece)
        self._buffer += piece
        start = 0
        while len(self._buffer) - start >= CHUNK_BYTES:
            self._add_leaf(bytes(self._buffer[start : start + CHUNK_BYTES]))
            start += CHUNK_BYTES
        del self._buffer[:start]

    def digest(self) -> bytes:
        """The 32-byte digest of the root block. Call once, after the last `update`."""
        if self._buffer or not self.size:
            self._add_leaf(bytes(self._buffer))
            self._buffer.clear()
        level = 0
        while level + 1 < len(self._levels) or len(self._levels[level]) > 1:
            # A last block with a single link is still a block of its own level, unless it would be the root.
            if self._levels[level]:
                self._fold(level)
            level += 1
        return self._levels[level][0].link.digest

    def _add_leaf(self, chunk: bytes) -> None:
        self._push(0, encode_file_block(FileBlock(chunk, (), len(chunk), ())), len(chunk), 0)

    def _push(self, level: int, block: bytes, size: int, tsize_below: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        link = Link(hashlib.sha256(block).digest(), len(block) + tsize_below)
        self._levels[level].append(_Subtree(link, size))
        if len(self._levels[level]) == MAX_LINKS:
            self._fold(level)

    def _fold(self, level: int) -> None:
        children, self._levels[level] = self._levels[level], []
        size = sum(child.size for child in children)
        block = FileBlock(b"", tuple(c.link for c in children), size, tuple(c.size for c in children))
        self._push(level + 1, encode_file_block(block), size, sum(c.link.tsize for c in children))


def digest_of_file(path: Path) -> bytes:
    """The 32-byte digest of a file's root block. Raises OSError when it cannot be read."""
    hasher = FileHasher()
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            hasher.update(piece)
    return hasher.digest()


def cid_of_file(path: Path) -> str:
    """The CIDv0 of a file. Raises OSError when it cannot be read."""
    return digest_to_cid(digest_of_file(path))


def depth_of_file(size: int) -> int:
    """Levels of links above the leaves of a file of `size` bytes; 0 when the root is the only leaf."""
    leaves, depth = -(-size // CHUNK_BYTES), 0
    while leaves > MAX_LINKS**depth:
        depth += 1
    return depth


def canonical_child_sizes(size: int, depth: int) -> tuple[int, ...]:
    """File bytes below each link of a block of the canonical tree.

    Args:
        size: file bytes below the block, > 0.
        depth: levels of links from the block to its leaves, ≥ 1.

    Returns:
        At most 174 sizes where `size` fits under one block of that depth.
    """
    full: int = CHUNK_BYTES * MAX_LINKS ** (depth - 1)
    count, rest = divmod(size, full)
    return (full,) * count + ((rest,) if rest else ())
