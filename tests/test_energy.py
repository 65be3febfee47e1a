"""Energy: from counters in the shape of the kernel's, which start again from 0 where they end."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from files import write

from bertkit.machine.energy import EnergyMeter


def package(below: Path, number: int, microjoules: int, name: str = "package") -> Path:
    """A counter as the kernel shows it."""
    folder = below / f"intel-rapl:{number}"
    write(folder / "name", f"{name}-{number}\n")
    write(folder / "max_energy_range_uj", "262143328850\n")
    return write(folder / "energy_uj", f"{microjoules}\n")


def test_the_packages_energy_is_what_their_counters_went_up_by(tmp_path: Path) -> None:
    first, second = package(tmp_path, 0, 1_000_000), package(tmp_path, 1, 262_143_328_849)
    ignored = package(tmp_path, 2, 5, name="psys")
    meter = EnergyMeter.start(tmp_path)
    for file, now in ((first, 3_500_000), (second, 499_999), (ignored, 9_000_000)):
        file.write_text(f"{now}\n")
    assert meter.joules() == {"CPU": pytest.approx(2.5 + 0.5)}  # the second went past its end


def test_a_machine_without_counters_says_nothing(tmp_path: Path) -> None:
    assert EnergyMeter.start(tmp_path).joules() == {}


def test_counters_that_may_not_be_read_say_nothing(tmp_path: Path) -> None:
    package(tmp_path, 0, 1).write_text("")
    assert EnergyMeter.start(tmp_path).joules() == {}


def test_the_gpus_energy_is_what_nvml_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = iter([1_000, 2_000, 1_750, 2_250])
    monkeypatch.setitem(
        sys.modules,
        "pynvml",
        SimpleNamespace(
            nvmlInit=lambda: None,
            nvmlDeviceGetCount=lambda: 2,
            nvmlDeviceGetHandleByIndex=lambda k: k,
            nvmlDeviceGetTotalEnergyConsumption=lambda handle: next(counted),
        ),
    )
    assert EnergyMeter.start(tmp_path, gpu=True).joules() == {"GPU": 1.0}
