"""The bytes on which Solidity and Python must agree; specified in docs/protocol.md, "Wire formats".

Pure functions over `dlbc.types`: no chain, no files, no clock.
"""

from __future__ import annotations

from dlbc.wire.merkle import eval_root

__all__ = ["eval_root"]
