"""What it costs to bring a sealed model from one IPFS node to another, by model size."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.model_files import SIZES, ModelSize, megabytes, papers, verdict, write_model
from benchmarks.processes import cpu_seconds, quiet
from benchmarks.tables import Section, Table
from benchmarks.timing import median, ratio, short
from dlbc.artifact import encrypt_file, sha256_file
from dlbc.ipfs.embedded import EmbeddedNode

CONNECT_SECONDS = 30.0
FETCH_SECONDS = 300.0


def measure() -> dict[str, Any]:
    """Seconds of every repetition: add to one node, fetch from the other, copy and hash the same file."""
    quiet()
    with tempfile.TemporaryDirectory(prefix="dlbc-benchmark-") as name:
        folder = Path(name)
        with two_nodes(folder) as (miner, validator):
            sizes = [_measure(size, folder, miner, validator) for size in SIZES]
            return {"node": miner.client().version(), "sizes": sizes}


@contextmanager
def two_nodes(folder: Path) -> Iterator[tuple[EmbeddedNode, EmbeddedNode]]:
    """Two connected nodes in processes of their own; the second knows no one but the first."""
    first = EmbeddedNode(folder / "miner", peers=())
    first.start()
    try:
        second = EmbeddedNode(folder / "validator", peers=[first.multiaddr])
        second.start()
        try:
            end = time.monotonic() + CONNECT_SECONDS
            while first.peer_id not in second.client().peers():
                if time.monotonic() > end:
                    raise TimeoutError(f"the two nodes did not connect in {CONNECT_SECONDS:g} s")
                time.sleep(0.1)
            yield first, second
        finally:
            second.stop()
    finally:
        first.stop()


def _measure(size: ModelSize, folder: Path, miner: EmbeddedNode, validator: EmbeddedNode) -> dict[str, Any]:
    plain, sealed, arrived, copied = (folder / name for name in ("plain", "sealed", "arrived", "copied"))
    write_model(size, plain)
    sender, receiver = miner.client(), validator.client()
    pids = [os.getpid(), *(node.pid for node in (miner, validator) if node.pid is not None)]
    seconds: dict[str, list[float]] = {"add": [], "fetch": [], "copy": []}
    cpu: dict[str, list[float]] = {name: [] for name in seconds}

    def take(name: str, call: Callable[[], Any]) -> Any:
        wall, cores = time.perf_counter(), cpu_seconds(pids)
        answer = call()
        seconds[name].append(time.perf_counter() - wall)
        cpu[name].append(cpu_seconds(pids) - cores)
        return answer

    for _ in range(size.moved):
        # Sealed anew, it is new content: a node that already has the blocks would fetch nothing.
        encrypt_file(plain, sealed, secrets.token_bytes(32), secrets.token_bytes(32))
        digest = take("add", lambda: sender.add_file(sealed)).digest
        most = sealed.stat().st_size

        def fetch(digest: bytes = digest, most: int = most) -> int:
            return receiver.fetch_file(digest, arrived, max_bytes=most, timeout=FETCH_SECONDS)

        take("fetch", fetch)
        take("copy", lambda: copy_and_hash(sealed, copied))
        sender.unpin(digest)
    result = {"name": size.name, "bytes": sealed.stat().st_size, "seconds": seconds, "cpu": cpu}
    for path in (plain, sealed, arrived, copied):
        path.unlink()
    return result


def copy_and_hash(source: Path, target: Path) -> bytes:
    """The least that bringing and checking a file can cost: a copy on disk, synced as a fetch is, and its SHA-256."""
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return sha256_file(target)


def section(measured: dict[str, Any]) -> Section:
    """The table."""
    rows, ours = [], {}
    for size, found in zip(SIZES, measured["sizes"], strict=True):
        seconds = found["seconds"]
        both, cpu = _both(seconds), _both(found["cpu"])
        ours[size.name] = median(both)
        cells = [size.name, megabytes(found["bytes"]), short(median(seconds["add"])), short(median(seconds["fetch"]))]
        cells += [short(median(both)), short(median(cpu)), short(median(seconds["copy"]))]
        rows.append([*cells, f"{ratio(both, seconds['copy']):.1f}x", papers(size.network)])
    columns = [
        "Model",
        "Ciphertext",
        "Add",
        "Fetch",
        "Both",
        "Both, processor time",
        "Copy and SHA-256",
        "Both to copy",
    ]
    note = f"Repetitions: {', '.join(f'{s.name} {s.moved}' for s in SIZES)}. IPFS: Kubo {measured['node']}, embedded."
    judged = verdict(ours, {size.name: size.network for size in SIZES})
    table = Table("Network overhead by model size", [*columns, "Paper"], rows, note)
    return Section("Network", f"{TEXT}\n{judged}\n", [table])


def _both(samples: dict[str, list[float]]) -> list[float]:
    return [add + fetch for add, fetch in zip(samples["add"], samples["fetch"], strict=True)]


TEXT = """\
Two IPFS nodes as the programs embed them, in two processes on one machine. *Add* is a miner handing the encrypted model
to his node; *fetch* is a validator's node bringing it over loopback. The program checks both against the CID, and syncs
the file to disk. A copy of the same file on the same disk, synced and hashed, is the least that this can cost: the
ratio is to that. The processor's time is that of both nodes and the program together, on however many cores there are.

The paper gives four values of "network overhead" in the order 3.77, 3.01, 0.37, 0.41. That 3.77 is U-Net's, 3.01 FCN's
and the other two those of the small models is an inference from an earlier version of it. The paper's network is
unknown, and ours has no distance and no limit: on a real network the file's bytes divided by the bandwidth come on top
(FCN-32s at 100 Mbit/s: 43 s). It is for that reason that ciphertexts travel before the deadline and 32-byte keys after.
"""
