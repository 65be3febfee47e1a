"""Signals: stop at once, or after what must not be interrupted; exit codes as a shell has them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from bertkit.cli import main
from bertkit.errors import EncoderError, RunError, StoppedError
from bertkit.machine.signals import ASKING, SOON, Stop, StopRequested


@pytest.mark.parametrize("name", ASKING)
def test_a_signal_ends_the_block_with_the_shells_exit_code(name: str) -> None:
    number = getattr(signal, name)
    with (
        pytest.raises(StoppedError, match=f"stopped by {name}: resume it") as stopped,
        Stop(lambda kept: ": resume it"),
    ):
        os.kill(os.getpid(), number)
        pytest.fail("it went on")
    assert stopped.value.exit_code == 128 + number


def test_what_catches_every_exception_does_not_catch_it() -> None:
    with pytest.raises(StoppedError), Stop():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Exception:
            pytest.fail("it was taken for an error")


def test_a_signal_inside_deferred_is_recorded_and_raised_at_its_end() -> None:
    done = []
    with pytest.raises(StoppedError), Stop() as stop:
        with stop.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append(stop.asked)
        done.append("never")
    assert done == [signal.SIGTERM]


def test_code_inside_deferred_may_stop_and_say_what_was_saved() -> None:
    stop = Stop(lambda kept: f", {kept} are kept")
    with pytest.raises(StoppedError, match="SIGUSR1, 7 are kept"), stop, stop.deferred():
        os.kill(os.getpid(), signal.SIGUSR1)
        stop.saved = 7
        raise StopRequested


class InterruptedByLibrary:
    """An attribute whose class is made while the signal comes, as in a module that is being imported."""

    def __set_name__(self, owner: type, name: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_librarys_error_that_the_signal_led_to_ends_the_block_as_the_signal_does() -> None:
    with pytest.raises(StoppedError, match="stopped by SIGTERM: resume it"), Stop(lambda kept: ": resume it"):
        try:
            type("Config", (), {"field": InterruptedByLibrary()})
        except Exception as error:  # up to Python 3.11 it is a RuntimeError here
            raise ModuleNotFoundError("could not import module") from error


def test_so_does_an_error_of_bertkit_that_was_raised_from_it() -> None:
    with pytest.raises(StoppedError, match="stopped by SIGTERM"), Stop():
        try:
            type("Config", (), {"field": InterruptedByLibrary()})
        except BaseException as error:
            raise EncoderError("its tokenizer cannot be read") from error


def test_an_error_of_bertkit_stays_what_it_is_after_a_signal() -> None:
    with pytest.raises(RunError, match="disk is full"), Stop():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            raise RunError("the disk is full")


@pytest.mark.parametrize("kind", [ImportError, EncoderError])
def test_ctrl_c_that_became_another_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: type[Exception]
) -> None:
    def importing() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise kind("could not import module") from error

    monkeypatch.setattr("bertkit.cli.app", lambda *given, **named: importing())
    with pytest.raises(SystemExit) as left:
        main(["tasks"])
    assert (left.value.code, capsys.readouterr().err) == (130, "Interrupted.\n")


def test_a_block_that_fails_otherwise_fails_as_it_did() -> None:
    with pytest.raises(KeyError), Stop():
        raise KeyError


class Interrupted:
    """Is asked to stop where what is raised is lost."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0)


def test_in_a_destructor_the_signal_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.unraisablehook
    with pytest.raises(StoppedError, match="SIGUSR1"), Stop():
        Interrupted()
        for _ in range(1_000):
            time.sleep(0.01)
        pytest.fail("it went on")
    assert capsys.readouterr().err == ""
    assert sys.unraisablehook == before


def test_a_block_that_ends_before_it_is_asked_again_ends_as_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StoppedError, match="SIGUSR1"), Stop():
        Interrupted()
    time.sleep(2 * SOON)
    assert capsys.readouterr().err == ""


def test_so_does_one_in_which_it_was_swallowed() -> None:
    with pytest.raises(StoppedError, match="SIGTERM"), Stop(), contextlib.suppress(BaseException):
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("it went on")


def test_what_else_is_raised_in_a_destructor_is_shown_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: shown.append(str(raised.exc_value)))

    class Failing:
        def __del__(self) -> None:
            raise RuntimeError("rain")

    with Stop():
        Failing()
    assert shown == ["rain"]


def test_a_handler_that_is_not_pythons_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = signal.getsignal
    before = plain(signal.SIGUSR2)
    monkeypatch.setattr(signal, "getsignal", lambda number: None if number == signal.SIGUSR2 else plain(number))
    with Stop():
        assert plain(signal.SIGUSR2) == before
        assert plain(signal.SIGUSR1) != before


def test_afterwards_signals_do_what_they_did_before() -> None:
    before = [signal.getsignal(getattr(signal, name)) for name in ASKING]
    with Stop():
        assert [signal.getsignal(getattr(signal, name)) for name in ASKING] != before
    assert [signal.getsignal(getattr(signal, name)) for name in ASKING] == before


def test_a_second_ctrl_c_ends_the_process_at_once() -> None:
    code = (
        "import os, signal\nfrom bertkit.machine.signals import Stop\nwith Stop() as stop, stop.deferred():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n    os.kill(os.getpid(), signal.SIGINT)\n    print('it went on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_signal_that_was_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
        assert stop.asked is None
    finally:
        signal.signal(signal.SIGHUP, before)
