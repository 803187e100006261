"""Commands given while the program runs: a file goes in, the program does it, a file comes back.

One key has one sender of transactions, and that is the running program: nobody has to stop a training to
add stake, or to appeal. The folder belongs to the user alone (its journal lies beside it), and no request can send
money anywhere but to his account.
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from dlbc.errors import ChainError, DLBCError, UsageError
from dlbc.journal import Duty
from dlbc.service import read_status
from miner.options import MONEY

if TYPE_CHECKING:
    from dlbc.service import Context

FOLDER = "requests"
# What `value` is: base units of DLBC; of collect and appeal the round, of post the item, of operator the address, of
# accuse `Charge.value`.
KINDS = ("deposit", "stake", "unstake", "unbond", "withdraw", "collect", "appeal", "accuse", "post", "operator")
MAX_BYTES = 1024
LOOK_SECONDS = 0.2


def running(workdir: Path) -> bool:
    """Whether a program works in the folder."""
    status = read_status(workdir)
    return status is not None and bool(status["alive"]) and status.get("state") != "stopped"


def ask(workdir: Path, kind: str, value: int, timeout: float) -> str:
    """Hands a request to the running program and waits for its answer.

    Raises:
        DLBCError: it cannot be done; the message says why.
        ChainError: no answer in `timeout` seconds.
    """
    folder = workdir / FOLDER
    folder.mkdir(exist_ok=True, mode=0o700)
    name = uuid.uuid4().hex
    _write(folder / f"{name}.request", {"kind": kind, "value": str(value)})
    give_up_at = time.monotonic() + timeout
    reply = folder / f"{name}.answer"
    while time.monotonic() < give_up_at:
        if reply.is_file():
            content = json.loads(reply.read_text("utf-8"))
            reply.unlink(missing_ok=True)
            if not content["ok"]:
                raise DLBCError(content["message"])
            return str(content["message"])
        time.sleep(LOOK_SECONDS)
    raise ChainError(
        f"the running program did not finish `{kind}` in {timeout:.0f} s; it goes on trying, see dlbc-miner status"
    )


def look(context: Context) -> None:
    """Hook: new requests become duties. A request is deleted when its duty is on disk."""
    folder = context.workdir / FOLDER
    for path in sorted(folder.glob("*.request")) if folder.is_dir() else ():
        try:
            content = _read(path)
        except UsageError as error:
            answer(context.workdir, path.stem, ok=False, message=str(error))
        else:
            context.journal.owe(Duty(MONEY, 0, path.stem, payload=content))
        path.unlink(missing_ok=True)


def answer(workdir: Path, name: str, *, ok: bool, message: str) -> None:
    """Answers a request; a duty that nobody asked for has none to answer."""
    if name and (workdir / FOLDER).is_dir():
        _write(workdir / FOLDER / f"{name}.answer", {"ok": ok, "message": message})


def _read(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError("the request is too large")
        content = json.loads(path.read_text("utf-8"))
        kind, value = str(content["kind"]), int(content["value"])
        if kind not in KINDS or not 0 <= value < 1 << 256:
            raise UsageError(f"no such request: {kind[:40]} {value}")
        return {"kind": kind, "value": str(value)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"the request cannot be read ({error})") from error


def _write(path: Path, content: dict[str, object]) -> None:
    half = path.with_name(path.name + ".part")
    half.write_text(json.dumps(content), encoding="utf-8")
    half.chmod(0o600)
    half.replace(path)
