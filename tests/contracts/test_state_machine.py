"""The whole protocol, in whatever order Hypothesis thinks of. See round_machine.py.

DLBC_MACHINE_RUNS and DLBC_MACHINE_STEPS make it longer: `DLBC_MACHINE_RUNS=50 brownie test
tests/contracts/test_state_machine.py`.
"""

from __future__ import annotations

import dataclasses
import importlib.machinery
import importlib.util
import os
from pathlib import Path

import brownie
import pytest
from hypothesis import HealthCheck
from round_machine import Machine

from scripts import profiles

RUNS = int(os.environ.get("DLBC_MACHINE_RUNS", "5"))
STEPS = int(os.environ.get("DLBC_MACHINE_STEPS", "25"))
PHASE_SECS = 600


@pytest.fixture(scope="session")
def profile(governor, guardian):
    """Phases so long that a slow machine ends none of them."""
    loaded = profiles.load("development")
    timing = (*loaded.timing[:2], *(PHASE_SECS for _ in loaded.timing[2:]))
    limits = (*loaded.limits[:3], 40 * PHASE_SECS, *loaded.limits[4:])
    return dataclasses.replace(
        loaded,
        timing=timing,
        limits=limits,
        governance=profiles.Governance(governor=str(governor), guardian=str(guardian)),
    )


@pytest.fixture
def state_machine():
    """Brownie's, from its source: its compiled module takes none of the machines that it makes for its own."""
    source = Path(brownie.__file__).parent / "test" / "stateful.py"
    loader = importlib.machinery.SourceFileLoader("stateful_from_source", str(source))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module.state_machine


def test_state_machine(state_machine, play, requester, miners, validators, governor, guardian):
    state_machine(
        Machine,
        play,
        requester,
        miners,
        validators,
        governor,
        guardian,
        settings={
            "max_examples": RUNS,
            "stateful_step_count": STEPS,
            "deadline": None,
            "suppress_health_check": HealthCheck.all(),
            "derandomize": "DLBC_MACHINE_RUNS" not in os.environ,
            "print_blob": True,
        },
    )
