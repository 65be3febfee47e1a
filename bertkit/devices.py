"""What computes, and in what precision: the one place that asks the hardware."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import broadcast_object_list, gather_object

from bertkit import peers
from bertkit.errors import BertkitError, RequestError, RunError
from bertkit.spec import Device, Precision, Spec

Value = TypeVar("Value")
FASTEST: tuple[Device, ...] = ("cuda", "mps", "cpu")
MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def settled(spec: Spec) -> Spec:
    """The spec with what was "auto" resolved for this machine. Raises RequestError."""
    device = settle_device(spec.device)
    return replace(spec, device=device, precision=settle_precision(device, spec.precision))


def accelerator(device: Device, precision: Precision) -> Accelerator:
    """Accelerate, set to the device and precision asked for. Raises RequestError if they are not there.

    Of several processes each gives up, with a RuntimeError, once another has been silent for `peers.timeout()`.
    """
    device = settle_device(device)
    precision = settle_precision(device, precision)
    AcceleratorState._reset_state()  # one process may run several specs, one after another
    cpu = device == "cpu"
    if peers.world_size() is not None:
        os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))  # else accelerate warns, and sets others
        # not by InitProcessGroupKwargs, which drops 600 s as NCCL's default and leaves gloo its 30 minutes
        PartialState(cpu=cpu, timeout=timedelta(seconds=peers.timeout()))
    return Accelerator(cpu=cpu, mixed_precision=MIXED[precision])


def first_says(value: Value) -> Value:
    """What the first of several processes has for `value`, on all of them; `accelerator` was called before."""
    values = [value]
    broadcast_object_list(values)
    return values[0]


def first_does(work: Callable[[], Value]) -> Value:
    """What `work` comes to, done by the first of several processes alone; its BertkitError ends all of them."""
    error: BertkitError | None = None
    value: Any = None
    if PartialState().is_main_process:
        try:
            value = work()
        except BertkitError as raised:
            error = raised
    value, said, failed = first_says((value, None if error is None else str(error), isinstance(error, RunError)))
    if error is not None:
        raise error
    if said is not None:
        raise RunError(said) if failed else RequestError(said)
    return cast(Value, value)


def is_there(device: Device) -> bool:
    """Whether this machine, and this build of torch, have it."""
    there: dict[str, Callable[[], bool]] = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    return device not in there or there[device]()


def all_do(work: Callable[[], Value]) -> Value:
    """What `work` comes to in this process; a BertkitError of any of several ends all of them."""
    error: BertkitError | None = None
    value: Any = None
    try:
        value = work()
    except BertkitError as raised:
        error = raised
    said = gather_object([None if error is None else (str(error), isinstance(error, RunError))])
    if error is not None:
        raise error
    for one in said:
        if one is not None:
            raise RunError(one[0]) if one[1] else RequestError(one[0])
    return cast(Value, value)


def settle_device(device: Device) -> Device:
    """ "auto" becomes the fastest that is there."""
    if device == "auto":
        return next(one for one in FASTEST if is_there(one))
    if not is_there(device):
        raise RequestError(f"--device {device}: this machine, or this build of torch, has none")
    return device


def settle_precision(device: Device, precision: Precision) -> Precision:
    """ "auto" becomes bf16 where the hardware computes in it, else fp32; fp16 needs CUDA."""
    if precision == "fp16" and device != "cuda":
        raise RequestError("--precision fp16 needs a CUDA device; on a CPU take bf16 or fp32")
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
    """Whose CPU this is and which instructions torch takes there, in brackets: both decide the last bits."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU")
    return f" ({name}, {torch.backends.cpu.get_cpu_capability()})"


def describe(device: torch.device) -> str:
    """The device in words: its kind, and for a CPU its threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = f", {torch.get_num_threads()} threads of {os.cpu_count()} cores"
    return device.type + (threads if device.type == "cpu" else "")
