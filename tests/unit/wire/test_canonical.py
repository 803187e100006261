"""One value, one encoding: what is not that encoding is refused."""

from __future__ import annotations

import json
import random
import unicodedata

import pytest
from wire_samples import repeatable_random

from dlbc.errors import InvalidArtifact
from dlbc.wire import canonical


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{}{}", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),  # byte-order mark
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),  # UTF-16
        (b'"\xc3"', "not UTF-8"),
        (b'{ "a":1}', "not canonical"),
        (b'{"a":1}\n', "not canonical"),
        (b'{"b":1,"a":1}', "not canonical"),
        (b'"\\u0041"', "not canonical"),
        (b'"\\/"', "not canonical"),
        (b"-0", "not canonical"),
        (b"01", "not JSON"),
        (b'{"a":1,"a":1}', "twice"),
        (b"1.0", "not an integer"),
        (b"1e2", "not an integer"),
        (b"NaN", "not an integer"),
        (b"-Infinity", "not an integer"),
        (b"9007199254740992", "2\\^53"),
        (b"-9007199254740992", "2\\^53"),
        (b"9" * 5000, "not JSON"),  # past Python's own limit on digits
        ('"e\u0301"'.encode(), "NFC"),
        ('{"e\u0301":1}'.encode(), "NFC"),
        (b'"\\ud800"', "surrogate"),
        (b"[" * 17 + b"]" * 17, "nested deeper than 16"),
        (b"[" * 30_000 + b"]" * 30_000, "nested deeper than 16"),
        (b'"' + b"a" * 65_535 + b'"', "over the limit of 65536"),
    ],
)
def test_loads__bytes_against_a_rule__are_refused(encoded: bytes, message: str) -> None:
    with pytest.raises(InvalidArtifact, match=message):
        canonical.loads(encoded)


def test_loads__over_the_callers_limit__is_refused_before_parsing() -> None:
    with pytest.raises(InvalidArtifact, match="over the limit of 4"):
        canonical.loads(b"[1,2]", max_bytes=4)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [0, 1.5]}, r"document\.a\[1\]"),
        ({"a": {"b": b"x"}}, r"document\.a\.b"),
        ({1: 2}, "name 1"),
        ({"n": 2**53}, r"document\.n"),
        ({"text": "e\u0301"}, r"document\.text"),
        ("\ud800", "surrogate"),
        ({1, 2}, "set"),
    ],
)
def test_dumps__value_against_a_rule__is_refused_by_place(value: object, place: str) -> None:
    with pytest.raises(InvalidArtifact, match=place):
        canonical.dumps(value)


def test_dumps__over_the_limit__is_refused() -> None:
    with pytest.raises(InvalidArtifact, match="over the limit"):
        canonical.dumps(["a" * 65_536])


def test_dumps__names__are_sorted_by_utf16_code_units() -> None:
    # RFC 8785, section 3.2.3: U+1F600 is a surrogate pair from D83D on, and sorts before U+FF21.
    assert canonical.dumps({"\uff21": 1, "\U0001f600": 2, "\u20ac": 3, "1": 4}) == (
        '{"1":4,"\u20ac":3,"\U0001f600":2,"\uff21":1}'.encode()
    )


def test_dumps__control_characters__take_the_short_escapes() -> None:
    assert canonical.dumps('\b\t\n\f\r"\\/\x0f') == b'"\\b\\t\\n\\f\\r\\"\\\\/\\u000f"'


def test_loads__of_dumps__is_the_value_for_random_documents() -> None:
    chance = repeatable_random(1)
    for _ in range(300):
        value = random_value(chance, 4)
        encoded = canonical.dumps(value)
        assert canonical.loads(encoded) == value
        assert json.loads(encoded) == value  # the standard library reads the same


def test_loads__random_change_of_one_byte__is_another_value_or_refused() -> None:
    chance = repeatable_random(2)
    for _ in range(300):
        value = random_value(chance, 3)
        encoded = bytearray(canonical.dumps(value))
        encoded[chance.randrange(len(encoded))] ^= 1 << chance.randrange(8)
        try:
            assert canonical.loads(bytes(encoded)) != value
        except InvalidArtifact:
            continue


def random_value(chance: random.Random, depth: int) -> object:
    if depth == 0 or chance.random() < 0.4:
        text = "".join(
            chr(chance.choice([0x20, 0x41, 0xE9, 0x2028, 0x1F600, 0x7F])) for _ in range(chance.randrange(6))
        )
        scalars = [chance.randrange(-(2**53) + 1, 2**53), unicodedata.normalize("NFC", text), True, None]
        return chance.choice(scalars)
    if chance.random() < 0.5:
        return [random_value(chance, depth - 1) for _ in range(chance.randrange(5))]
    return {f"n{chance.randrange(9)}\u00e9": random_value(chance, depth - 1) for _ in range(chance.randrange(5))}
