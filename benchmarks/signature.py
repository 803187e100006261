"""What a commitment costs a miner and what checking it costs everybody, by model size."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_keys.backends import get_backend
from eth_keys.datatypes import PrivateKey

from benchmarks.model_files import SIZES, ModelSize, megabytes, papers, verdict, write_model
from benchmarks.tables import Section, Table
from benchmarks.timing import median, short, timed
from dlbc.artifact import decrypt_file, encrypt_file, sha256_file
from dlbc.types import ZERO_BYTES32, ModelClaim, ModelCommitment
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.typed_data import Domain, commit_digest, recover_claim, sign_claim

DOMAIN = Domain(31337, "0x" + "11" * 20)
STEPS = ("hash", "encrypt", "sign", "recover", "decrypt")


def measure() -> dict[str, Any]:
    """Seconds of every step and repetition."""
    with tempfile.TemporaryDirectory(prefix="dlbc-benchmark-") as folder:
        sizes = [_measure(size, Path(folder)) for size in SIZES]
    return {"backend": type(get_backend()).__name__, "sizes": sizes}


def _measure(size: ModelSize, folder: Path) -> dict[str, Any]:
    plain, sealed, opened = (folder / name for name in ("model.safetensors", "sealed", "opened"))
    write_model(size, plain)
    key, account = secrets.token_bytes(32), PrivateKey(secrets.token_bytes(32))
    miner = account.public_key.to_checksum_address()
    context = artifact_context(DOMAIN.chain_id, DOMAIN.hub, ArtifactKind.MODEL, 1, miner)
    commitment = ModelCommitment(
        round_id=1,
        anchor=secrets.token_bytes(32),
        spec_hash=secrets.token_bytes(32),
        model_hash=sha256_file(plain),
        artifact=secrets.token_bytes(32),
        artifact_bytes=plain.stat().st_size,
        key_hash=key_hash(key),
        watermark=ZERO_BYTES32,
        trajectory=ZERO_BYTES32,
        parent=ZERO_BYTES32,
        payload_root=ZERO_BYTES32,
        miner=miner,
        salt=secrets.token_bytes(32),
    )
    claim = ModelClaim(commitment, 350)
    signature = sign_claim(DOMAIN, claim, account.to_bytes())
    assert recover_claim(DOMAIN, claim, signature) == miner

    def sign() -> None:
        commit_digest(commitment)
        sign_claim(DOMAIN, claim, account.to_bytes())

    steps: dict[str, Callable[[], object]] = {
        "hash": lambda: sha256_file(plain),
        "encrypt": lambda: encrypt_file(plain, sealed, key, context),
        "sign": sign,
        "recover": lambda: recover_claim(DOMAIN, claim, signature),
        "decrypt": lambda: decrypt_file(
            sealed,
            opened,
            key,
            context,
            max_plain_bytes=commitment.artifact_bytes,
            expected_sha256=commitment.model_hash,
        ),
    }
    assert tuple(steps) == STEPS
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    cpu: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(size.signed):
        for name, step in steps.items():
            wall, processor = timed(step)
            seconds[name].append(wall)
            cpu[name].append(processor)
    size_bytes = plain.stat().st_size
    written = {"name": size.name, "parameters": size.parameters, "bytes": size_bytes, "seconds": seconds, "cpu": cpu}
    for path in (plain, sealed, opened):
        path.unlink()
    return written


def section(measured: dict[str, Any]) -> Section:
    """The tables."""
    seconds = {found["name"]: _medians(found["seconds"]) for found in measured["sizes"]}
    ours = {name: bound(found) + checked(found) for name, found in seconds.items()}
    text = TEXT.format(backend=measured["backend"])
    judged = verdict(ours, {size.name: size.signature for size in SIZES})
    return Section("Signature", f"{text}\n{judged}\n", (_compared(measured), _steps(measured)))


TEXT = """\
The paper reports a "digital signature average overhead" per model and does not say what it contains. What corresponds
here is everything that binds a miner to his model: the SHA-256 of the model file, the commitment and the EIP-712
signature over the claim; then the same again for whoever checks it (recover the signer, hash the file). Compare a row
with its own paper figure only. "FCN" and "U-Net" are taken to be the networks of those names at their usual sizes. The
two small models of the paper are not named; in 0.001 s one can hash about a megabyte, so they stand beside LeNet-5, and
nothing in the paper corresponds to ResNet-18.

The processor's time is about what the same work would take on a machine that nobody else uses. Files lie in the page
cache. The curve's arithmetic is eth-keys' `{backend}`; without `coincurve` that is plain Python, and it is most of what
a small model costs. A signature does not depend on the model's size. What the contract's check of it costs is a
part of `claimModel`, below.
"""


def _compared(measured: dict[str, Any]) -> Table:
    rows = []
    for size, found in zip(SIZES, measured["sizes"], strict=True):
        seconds, cpu = _medians(found["seconds"]), _medians(found["cpu"])
        cells = [size.name, f"{size.parameters:,}", megabytes(found["bytes"])]
        cells += [short(bound(seconds)), short(checked(seconds)), short(bound(seconds) + checked(seconds))]
        rows.append([*cells, short(bound(cpu) + checked(cpu)), papers(size.signature)])
    columns = ["Model", "Parameters", "File", "Hash, commit, sign", "Check", "Both", "Both, processor time", "Paper"]
    return Table("Signature overhead by model size", columns, rows)


def bound(seconds: dict[str, float]) -> float:
    """What the miner does."""
    return seconds["hash"] + seconds["sign"]


def checked(seconds: dict[str, float]) -> float:
    """What everybody else does."""
    return seconds["hash"] + seconds["recover"]


def _medians(samples: dict[str, list[float]]) -> dict[str, float]:
    return {name: median(values) for name, values in samples.items()}


def _steps(measured: dict[str, Any]) -> Table:
    rows = []
    for found in measured["sizes"]:
        seconds, cpu = _medians(found["seconds"]), _medians(found["cpu"])
        speed = found["bytes"] / 1e6 / cpu["hash"]
        cells = (f"{short(seconds[name])} ({short(cpu[name])})" for name in STEPS)
        rows.append([found["name"], *cells, f"{speed:,.0f} MB/s"])
    columns = ["Model", "SHA-256", "Encrypt", "Commitment, signature", "Recover signer", "Decrypt and check"]
    note = (
        "In brackets the processor's time. Encryption (AES-256-GCM, written to disk and synced) has no counterpart in "
        "the paper: it lets models travel before the deadline. "
        f"Repetitions: {', '.join(f'{s.name} {s.signed}' for s in SIZES)}."
    )
    return Table("Each step", [*columns, "SHA-256 per core"], rows, note)
