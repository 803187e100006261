"""Which processor to train and score on."""

from __future__ import annotations

import torch


def pick_device(gpu: int | None = None, device: str | None = None) -> tuple[torch.device, str]:
    """The device to use, and one sentence for the log that says which one and why.

    Args:
        gpu: index of a CUDA device; a negative index means CPU; None leaves the choice open.
        device: "cpu", "cuda", "cuda:1" or "mps"; `gpu` wins where both are given.

    Never raises: where the wish cannot be met the CPU is returned and the sentence says what was missing.
    """
    cpu = torch.device("cpu")
    if gpu is not None and gpu < 0:
        return cpu, "using the CPU as asked"
    wanted = f"cuda:{gpu}" if gpu is not None else device
    if wanted is None:
        if not torch.cuda.is_available():
            return cpu, "using the CPU: no CUDA device found"
        wanted = "cuda:0"
    try:
        chosen = torch.device(wanted)
        if chosen.type == "cpu":
            return cpu, "using the CPU as asked"
        if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
            return cpu, f"using the CPU: {wanted} asked for, {torch.cuda.device_count()} CUDA device(s) found"
        torch.zeros(1, device=chosen).add_(1).item()  # a device can be listed and still be unusable
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        return cpu, f"using the CPU: {wanted} cannot be used ({str(error).splitlines()[0]})"
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type
    return chosen, f"using {chosen} ({name})"


def configure_threads(count: int) -> None:
    """Let torch use `count` CPU threads (at least one).

    Several miners on few cores are 3 to 12 times slower with two threads each than with one.
    """
    torch.set_num_threads(max(1, count))
