"""Where the requester's files lie, before anything is opened."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from dlbc.cli import data_dir_of, key_address, start_logging
from dlbc.config import Settings

LOG = "requester.log"


def home(settings: Settings) -> Path:
    """The data folder of the account that the keystore file names.

    Raises:
        UsageError: there is no such file, or it is no keystore.
    """
    signer = key_address(settings)
    return data_dir_of(settings, "requester", settings.account or signer, signer)


def log_to_file(settings: Settings) -> Path:
    """Sends the log to a file, because the terminal is for the task; returns which."""
    log_file = settings.log_file or home(settings) / LOG
    start_logging(dataclasses.replace(settings, log_file=log_file))
    return log_file
