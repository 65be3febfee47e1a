"""Device and precision: the one place that asks the hardware."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState

from bertkit.errors import RequestError
from bertkit.machine.processes import timeout, world_size
from bertkit.spec import Device, Precision, Spec

FASTEST: tuple[Device, ...] = ("cuda", "mps", "cpu")
MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def resolved(spec: Spec) -> Spec:
    """The spec with "auto" resolved for this machine. Raises RequestError."""
    device = resolve_device(spec.device)
    return replace(spec, device=device, precision=resolve_precision(device, spec.precision))


def accelerator(device: Device, precision: Precision) -> Accelerator:
    """An Accelerator for the device and precision. Raises RequestError if this machine lacks them.

    With several processes, collectives raise RuntimeError after `timeout()` without another's answer.
    """
    device = resolve_device(device)
    precision = resolve_precision(device, precision)
    AcceleratorState._reset_state()  # one process may run several specs, one after another
    cpu = device == "cpu"
    if world_size() is not None:
        os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))  # else accelerate warns, and sets others
        # not by InitProcessGroupKwargs, which drops 600 s as NCCL's default and leaves gloo its 30 minutes
        PartialState(cpu=cpu, timeout=timedelta(seconds=timeout()))
    return Accelerator(cpu=cpu, mixed_precision=MIXED[precision])


def is_available(device: Device) -> bool:
    """Whether this machine and this build of torch support the device."""
    checks: dict[str, Callable[[], bool]] = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    return device not in checks or checks[device]()


def resolve_device(device: Device) -> Device:
    """ "auto" becomes the fastest device available. Raises RequestError."""
    if device == "auto":
        return next(one for one in FASTEST if is_available(one))
    if not is_available(device):
        raise RequestError(f"--device {device}: not available on this machine, or in this build of torch")
    return device


def resolve_precision(device: Device, precision: Precision) -> Precision:
    """ "auto" becomes bf16 where the hardware supports it, else fp32; fp16 needs CUDA."""
    if precision == "fp16" and device != "cuda":
        raise RequestError("--precision fp16 needs a CUDA device; on a CPU use bf16 or fp32")
    if precision != "auto":
        return precision
    return "bf16" if _computes_bf16(device) else "fp32"


def _computes_bf16(device: Device) -> bool:
    if device == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    cpu = Path("/proc/cpuinfo")
    if device != "cpu" or not cpu.is_file():
        return False
    flags = next((line for line in cpu.read_text().splitlines() if line.startswith("flags")), "").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def processor() -> str:
    """The CPU's model and the instruction set that torch uses, in brackets: both affect the last bits."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU")
    return f" ({name}, {torch.backends.cpu.get_cpu_capability()})"


def describe(device: torch.device) -> str:
    """The device for a log: its kind, and for a CPU its threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = f", {torch.get_num_threads()} threads of {os.cpu_count()} cores"
    return device.type + (threads if device.type == "cpu" else "")
