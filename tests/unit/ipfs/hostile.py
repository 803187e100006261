"""Blocks made by hand: what an attacker may put behind a CID."""

from __future__ import annotations

import hashlib

from dlbc.ipfs.cid import MULTIHASH_PREFIX
from dlbc.ipfs.dagpb import FileBlock, Link, encode_file_block
from dlbc.ipfs.unixfs import CHUNK_BYTES, MAX_LINKS

DIRECTORY = bytes.fromhex("0a020801")  # the empty directory, QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn
SYMLINK = bytes.fromhex("0a07080412032f6574")
NOT_PROTOBUF = b"\xff" * 40


class Blocks(dict[bytes, bytes]):
    """Blocks by digest; counts what is asked for."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.wanted: list[bytes] = []

    def put(self, block: bytes) -> bytes:
        digest = hashlib.sha256(block).digest()
        self[digest] = block
        return digest

    def ask(self, digest: bytes) -> bytes:
        self.asked.append(digest)
        return self[digest]

    def want(self, digest: bytes) -> None:
        self.wanted.append(digest)

    def leaf(self, data: bytes) -> bytes:
        return self.put(encode_file_block(FileBlock(data, (), len(data), ())))

    def node(self, children: list[bytes], sizes: list[int], size: int | None = None) -> bytes:
        """An internal block over `children`; announces `size`, by default the sum."""
        links = tuple(Link(child, 1) for child in children)
        return self.put(encode_file_block(FileBlock(b"", links, sum(sizes) if size is None else size, tuple(sizes))))

    def bomb(self, levels: int) -> bytes:
        """levels + 1 small blocks that are a file of 256 KiB times 174^levels zeros."""
        digest, size = self.leaf(b"\0" * CHUNK_BYTES), CHUNK_BYTES
        for _ in range(levels):
            digest, size = self.node([digest] * MAX_LINKS, [size] * MAX_LINKS), size * MAX_LINKS
        return digest


def field(number: int, payload: bytes) -> bytes:
    """A protobuf field of less than 128 bytes."""
    return bytes((number << 3 | 2, len(payload))) + payload


def link(digest: bytes) -> bytes:
    return field(1, MULTIHASH_PREFIX + digest) + b"\x12\x00\x18\x01"
