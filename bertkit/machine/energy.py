"""The energy that a machine's processors took, where the machine counts it: RAPL of CPUs, NVML of NVIDIA GPUs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows RAPL's counters (Documentation/power/powercap in its sources)."""


@dataclass(frozen=True, kw_only=True)
class EnergyMeter:
    """Counts from when it is made: all that runs on the machine, not this process alone.

    cpus  the files of RAPL's CPU packages with their counters then, in microjoules, and where they start again from 0
    gpus  NVML's handles of the GPUs with their counters then, in millijoules
    """

    cpus: dict[Path, tuple[int, int]] = field(default_factory=dict)
    gpus: list[tuple[Any, int]] = field(default_factory=list)

    @classmethod
    def start(cls, powercap: Path = POWERCAP, gpu: bool = False) -> EnergyMeter:
        """Start to count the CPU packages, and with `gpu` the GPUs; nothing where no counter can be read."""
        cpus = {}
        for folder in sorted(powercap.glob("intel-rapl:[0-9]*")):
            with suppress(OSError, ValueError):  # since 2020 only root may read them on most machines
                if (folder / "name").read_text().startswith("package-"):
                    cpus[folder / "energy_uj"] = (_read(folder / "energy_uj"), _read(folder / "max_energy_range_uj"))
        return cls(cpus=cpus, gpus=_gpus() if gpu else [])

    def joules(self) -> dict[str, float]:
        """Joules since then, of "CPU" and "GPU", each only where it is counted."""
        found = {}
        with suppress(OSError, ValueError):
            if self.cpus:
                spent = ((_read(file) - was) % limit for file, (was, limit) in self.cpus.items())
                found["CPU"] = sum(spent) / 1e6
        if self.gpus:
            found["GPU"] = sum(_millijoules(handle) - was for handle, was in self.gpus) / 1e3
        return found


def _read(file: Path) -> int:
    return int(file.read_text())


def _gpus() -> list[tuple[Any, int]]:
    """The GPUs whose energy NVML counts (from Volta on)."""
    with suppress(Exception):  # no driver, no library, an older GPU: NVML has an error of its own for each
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(k) for k in range(pynvml.nvmlDeviceGetCount())]
        return [(handle, _millijoules(handle)) for handle in handles]
    return []


def _millijoules(handle: Any) -> int:
    import pynvml

    return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))
