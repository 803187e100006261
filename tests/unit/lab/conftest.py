"""One honest miner's model, trained once for the folder as the laboratory trains them, but shorter."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lab import matrix, networks, tasks
from lab.owner import Owner

torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def shorter() -> Iterator[None]:
    usual = networks.HONEST_EPOCHS["digits"]["lenet"]
    networks.HONEST_EPOCHS["digits"]["lenet"] = 6
    yield
    networks.HONEST_EPOCHS["digits"]["lenet"] = usual


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, shorter: None) -> tuple[Owner, Path]:
    """An owner on the digits, and the folder that keeps his model."""
    folder = tmp_path_factory.mktemp("laboratory")
    (folder / matrix.OWNERS).mkdir()
    return matrix.owner("lenet", tasks.load("digits"), 0, folder / matrix.OWNERS), folder


@pytest.fixture
def folder(trained: tuple[Owner, Path], tmp_path: Path) -> Path:
    """A matrix's folder with the owner's model, and no rows."""
    shutil.copytree(trained[1] / matrix.OWNERS, tmp_path / "matrix" / matrix.OWNERS)
    return tmp_path / "matrix"


@pytest.fixture
def model_file(folder: Path) -> Path:
    return folder / matrix.OWNERS / "digits-lenet-0.safetensors"
