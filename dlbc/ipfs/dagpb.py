"""The two protobuf messages of a file block, dag-pb and UnixFS, written and strictly read.

Blocks that arrive are a stranger's bytes: the reader accepts what Kubo writes for files and nothing else.
Sources: https://ipld.io/specs/codecs/dag-pb/spec/ and https://github.com/ipfs/specs/blob/main/UNIXFS.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dlbc.errors import ContentInvalid
from dlbc.ipfs.cid import DIGEST_BYTES, MULTIHASH_PREFIX

UNIXFS_FILE = 2
_KINDS = {0: "raw data", 1: "a directory", 3: "metadata", 4: "a symbolic link", 5: "a sharded directory"}
_MULTIHASH_BYTES = len(MULTIHASH_PREFIX) + DIGEST_BYTES


@dataclass(frozen=True)
class Link:
    """A link of an internal block.

    Attributes:
        digest: 32 bytes, sha2-256 of the child block.
        tsize: bytes of the child's block and of all blocks below it, as its writer says.
    """

    digest: bytes
    tsize: int


@dataclass(frozen=True)
class FileBlock:
    """One block of a file: a leaf with data, or an internal block with links.

    Attributes:
        data: the leaf's bytes; b"" in an internal block.
        links: children in file order; empty in a leaf.
        size: bytes of the file below this block.
        child_sizes: bytes of the file below each link, same order as `links`.
    """

    data: bytes
    links: tuple[Link, ...]
    size: int
    child_sizes: tuple[int, ...]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, payload: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(payload)) + payload


def encode_file_block(block: FileBlock) -> bytes:
    """The block's bytes, exactly as Kubo writes them with cid-version=0 and raw-leaves=false.

    dag-pb writes the links (field 2) before the data (field 1); every link carries an empty name.
    """
    unixfs = bytearray((0x08, UNIXFS_FILE))
    if block.data:
        unixfs += _field(2, block.data)
    unixfs += b"\x18" + _varint(block.size)
    for size in block.child_sizes:
        unixfs += b"\x20" + _varint(size)
    out = bytearray()
    for link in block.links:
        out += _field(2, _field(1, MULTIHASH_PREFIX + link.digest) + b"\x12\x00" + b"\x18" + _varint(link.tsize))
    return bytes(out + _field(1, bytes(unixfs)))


def decode_file_block(block: bytes) -> FileBlock:
    """Reads a block that claims to be part of a file.

    Raises:
        ContentInvalid: truncated or malformed protobuf, unknown fields, a directory or another kind of node,
            a link with another hash or codec than CIDv0's, sizes that contradict each other.
    """
    links: list[Link] = []
    unixfs: bytes | None = None
    for number, value in _fields(block):
        if number == 2 and isinstance(value, bytes):
            links.append(_decode_link(value))
        elif number == 1 and isinstance(value, bytes) and unixfs is None:
            unixfs = value
        else:
            raise ContentInvalid(f"not a file block: unexpected dag-pb field {number}")
    if unixfs is None:
        raise ContentInvalid("not a file block: it carries no UnixFS data")
    return _decode_unixfs(unixfs, tuple(links))


def _decode_unixfs(unixfs: bytes, links: tuple[Link, ...]) -> FileBlock:
    kind: int | None = None
    data = b""
    size: int | None = None
    child_sizes: list[int] = []
    for number, value in _fields(unixfs):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2 and isinstance(value, bytes):
            data = value
        elif number == 3 and isinstance(value, int):
            size = value
        elif number == 4 and isinstance(value, int):
            child_sizes.append(value)
        elif kind in (None, UNIXFS_FILE):  # other kinds carry other fields: they get their own message below
            raise ContentInvalid(f"not a plain file: unexpected UnixFS field {number}")
    if kind != UNIXFS_FILE:
        raise ContentInvalid(f"not a plain file: it is {_KINDS.get(kind if kind is not None else -1, 'unknown')}")
    if len(child_sizes) != len(links):
        raise ContentInvalid(f"{len(links)} links but {len(child_sizes)} sizes")
    if links and data:
        raise ContentInvalid("a block with both links and data: not imported with DLBC's options")
    if size != (sum(child_sizes) if links else len(data)):
        raise ContentInvalid(f"a block announces {size} bytes and holds {sum(child_sizes) if links else len(data)}")
    return FileBlock(data, links, size, tuple(child_sizes))


def _decode_link(message: bytes) -> Link:
    digest: bytes | None = None
    tsize = 0
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            if len(value) != _MULTIHASH_BYTES or not value.startswith(MULTIHASH_PREFIX):
                raise ContentInvalid("a link is not CIDv0 with sha2-256: not imported with DLBC's options")
            digest = value[len(MULTIHASH_PREFIX) :]
        elif number == 2 and isinstance(value, bytes):
            pass  # empty in files; a directory is refused by its kind, with a better message
        elif number == 3 and isinstance(value, int):
            tsize = value
        else:
            raise ContentInvalid(f"unexpected link field {number}")
    if digest is None:
        raise ContentInvalid("a link without a hash")
    return Link(digest, tsize)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, varint or bytes) in order; every length is checked before anything is cut out."""
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        if tag & 7 == 0:
            value, position = _read_varint(message, position)
            yield tag >> 3, value
        elif tag & 7 == 2:
            length, position = _read_varint(message, position)
            if length > len(message) - position:
                raise ContentInvalid("truncated protobuf: a field is longer than its block")
            yield tag >> 3, message[position : position + length]
            position += length
        else:
            raise ContentInvalid(f"protobuf wire type {tag & 7} does not occur in file blocks")


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        if position + index >= len(message):
            raise ContentInvalid("truncated protobuf: a number ends with its block")
        byte = message[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, position + index + 1
    raise ContentInvalid("a protobuf number of more than 64 bits")
