"""Brownie's builds, forgotten when they no longer fit the sources.

Brownie 1.22 compiles anew what changed and what imports it by name, but overlooks libraries that are only used
through `using … for` or internally: two contracts that share a storage layout can then be built from different
versions of it. A change of one `evm_version` or `viaIR` it overlooks as well. So any change forgets all builds.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

STAMP = "sources.sha256"


def fingerprint(root: Path) -> str:
    """One digest of all that decides on the bytecode: the sources and the compiler's settings."""
    digest = hashlib.sha256()
    for path in [root / "brownie-config.yaml", *sorted((root / "contracts").rglob("*.sol"))]:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def forget(root: Path) -> bool:
    """Remove builds of other sources than these; True where there were any."""
    builds, stamp, now = root / "build" / "contracts", root / "build" / STAMP, fingerprint(root)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == now:
        return False
    stale = [*builds.glob("*.json")]
    for path in stale:
        path.unlink()
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(now, encoding="utf-8")
    return bool(stale)
