"""Turns scikit-learn's digits into train.npz and test.npz beside this file.

The split is random, so that nobody can compute which samples are tested; --seed makes a run repeatable and
gives that up. The labels are public in any case: this is a demonstration, not a task worth a fee.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

TEST_SAMPLES = 360


def make_data(folder: Path, seed: int) -> None:
    """Writes both files; 1,797 samples in all, 360 of them for the test."""
    digits = load_digits()
    x = (digits.images * 15).astype(np.uint8)[:, None]  # 0..16 → 0..240, one channel
    y = digits.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(x))
    for name, part in (("test", order[:TEST_SAMPLES]), ("train", order[TEST_SAMPLES:])):
        np.savez_compressed(folder / f"{name}.npz", x=x[part], y=y[part])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="of the split (default: a secret one)")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    make_data(arguments.folder, secrets.randbits(64) if arguments.seed is None else arguments.seed)
    sys.stdout.write(f"train.npz and test.npz are in {arguments.folder}\n")
