"""Which processor to train and score on."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

GIB = 1 << 30
# What libraries below torch's own allocator say, and the allocator of the CPU.
LACKS = ("ALLOC_FAILED", "CUDA error: out of memory", "can't allocate memory")


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
        tried = torch.zeros(1, device=chosen).add_(1)
        tried.item()  # a device can be listed and still be unusable
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]  # the rest lists every backend there is
        return cpu, f"using the CPU: {wanted} cannot be used ({reason})"
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type
    return tried.device, f"using {tried.device} ({name})"


def configure_threads(count: int) -> None:
    """Let torch use `count` CPU threads (at least one).

    Several miners on few cores are 3 to 12 times slower with two threads each than with one.
    """
    torch.set_num_threads(max(1, count))


def has_bfloat16(device: torch.device) -> bool:
    """Whether products in bfloat16 are fast there; older GPUs compute them too, but slower than float32."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


@contextmanager
def enough_memory(device: torch.device, task: str) -> Iterator[None]:
    """Turns a device's lack of memory into a MemoryError that says what to do: a failure of this machine, no defect.

    Args:
        task: what needs the memory, as in "training LeNet".

    Raises:
        MemoryError: the device has too little.
    """
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and not any(words in str(error) for words in LACKS):
            raise
        found = _memory(device)
        traceback.clear_frames(error.__traceback__)  # they hold what did fit, as long as the error lives
        raise MemoryError(
            f"{device} has too little memory for {task}{found}; end what else uses it, take another device or the "
            "CPU, or take smaller networks"
        ) from None


def _memory(device: torch.device) -> str:
    if device.type != "cuda":
        return ""
    free, whole = (size / GIB for size in torch.cuda.mem_get_info(device))
    return f" ({whole:.1f} GiB: {torch.cuda.memory_reserved(device) / GIB:.1f} held here, {free:.1f} free)"
