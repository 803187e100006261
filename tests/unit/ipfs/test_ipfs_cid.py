# ruff: noqa: S311 - the vectors need reproducible bytes
"""CIDs: one spelling for one content, and the very CIDs that a real node gives."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dlbc.errors import ContentInvalid
from dlbc.ipfs.cid import as_digest, cid_to_digest, digest_to_cid, raw_block_cid
from dlbc.ipfs.unixfs import (
    CHUNK_BYTES,
    MAX_LINKS,
    FileHasher,
    canonical_child_sizes,
    cid_of_file,
    depth_of_file,
)

EMPTY_FILE = "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"

# Given by Kubo 0.22.0 (cid-version=0, raw-leaves=false, chunker=size-262144) for
# random.Random(size).randbytes(size).
KUBO = {
    0: EMPTY_FILE,
    1: "QmcHFYKzbGeJYtDtcHEjgpKas4wZm8M25hjRusVLjou6Kx",
    262_143: "QmPdFsTSn1n7xDXVvvVqYcVgkzwbH1dKBZUR9DQWopFYr9",
    262_144: "Qmbd9VNLTfpBW2arj1AkAJnVRYBq1WEY6Uu6wLEiemGipi",
    262_145: "QmdkAszdeWKht9nXSzPKGUYvUqpMfm325GuCn1pZnTa9ja",
    5_000_000: "QmafZrmxVR94MZrVtRi8q5M3qhn9i8WT6AyvbdgN7cRo86",
    45_613_056: "QmNWRuH9CkAYPi3Gf99g1nB74Cw3y5NuPKohRs7KX2KsJz",  # 174 chunks: one full block of links
    45_613_057: "QmWvAUzQsaCFMPzTTFKwGmTmijHZ5aVRwJqGwrSHF89cuy",  # 175: a second level
    46_000_000: "Qma6oMqomxo7odzfxhLf5EPr1TprGiYQcrsEjr8QE7LyF3",
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Qm",
        EMPTY_FILE[:-1],
        EMPTY_FILE + "1",
        " " + EMPTY_FILE[1:],
        "/ipfs/" + EMPTY_FILE,
        "Qm0FMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",  # 0 is not in the alphabet
        "QméFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
        "bafybeif7ztnhq65lumvvtr4ekcwd2ifwgm3awq4zfr3srh462rwyinlb4y",
        "Qm" + "z" * 44,  # base58, but of another hash or length
    ],
)
def test_cid_to_digest__not_a_cid_v0__refused(text: str) -> None:
    with pytest.raises(ContentInvalid):
        cid_to_digest(text)


@pytest.mark.parametrize("length", [0, 31, 33, 34])
def test_digest_to_cid__wrong_length__refused(length: int) -> None:
    with pytest.raises(ContentInvalid, match=f"found {length}"):
        digest_to_cid(b"\0" * length)


def test_as_digest__wrong_length__refused() -> None:
    with pytest.raises(ContentInvalid):
        as_digest(b"\0" * 46)


@pytest.mark.parametrize("digest", [b"\0" * 32, b"\xff" * 32, bytes(range(32))])
def test_digest_to_cid__any_digest__survives_the_way_back(digest: bytes) -> None:
    cid = digest_to_cid(digest)

    assert cid_to_digest(cid) == digest
    assert as_digest(cid) == as_digest(digest) == digest


def test_raw_block_cid__known_block__same_hash_in_cid_v1() -> None:
    assert raw_block_cid(b"\0" * 32) == "bafkrei" + "a" * 52


def test_file_hasher__one_bit_differs__another_cid() -> None:
    one, other = FileHasher(), FileHasher()
    one.update(b"\0" * CHUNK_BYTES)
    other.update(b"\0" * (CHUNK_BYTES - 1) + b"\x01")

    assert one.digest() != other.digest()


@pytest.mark.parametrize("size", KUBO)
def test_cid_of_file__sizes_at_every_edge__as_kubo_gives(size: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(random.Random(size).randbytes(size))

    assert cid_of_file(path) == KUBO[size]


@pytest.mark.parametrize("piece", [1, 1000, CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7])
def test_file_hasher__any_pieces__same_digest(piece: int) -> None:
    content = random.Random(262_145).randbytes(262_145)
    hasher = FileHasher()
    for start in range(0, len(content), piece):
        hasher.update(content[start : start + piece])

    assert digest_to_cid(hasher.digest()) == KUBO[262_145]
    assert hasher.size == 262_145


@pytest.mark.parametrize(
    ("size", "depth"),
    [
        (0, 0),
        (1, 0),
        (CHUNK_BYTES, 0),
        (CHUNK_BYTES + 1, 1),
        (CHUNK_BYTES * MAX_LINKS, 1),
        (CHUNK_BYTES * MAX_LINKS + 1, 2),
        (CHUNK_BYTES * MAX_LINKS**2 + 1, 3),
    ],
)
def test_depth_of_file__edges__levels_of_links(size: int, depth: int) -> None:
    assert depth_of_file(size) == depth


def test_canonical_child_sizes__second_level__full_subtrees_and_a_rest() -> None:
    size = CHUNK_BYTES * (MAX_LINKS + 2) + 5

    assert canonical_child_sizes(size, 2) == (CHUNK_BYTES * MAX_LINKS, 2 * CHUNK_BYTES + 5)
