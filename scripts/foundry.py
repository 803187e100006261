"""Where npm put Foundry's programs for this platform.

The platform's program itself, never npm's launcher of it: that is a script whose child survives it.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def npm_program(name: str) -> Path | None:
    """The program of that name; None where npm has none for this platform."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine().lower())
    path = ROOT / "node_modules" / "@foundry-rs" / f"{name}-{sys.platform}-{machine}" / "bin" / name
    return path if path.is_file() else None
