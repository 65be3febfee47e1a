"""The tree of errors that a user can cause.

    BertkitError
    ├── RequestError      what was asked cannot be: a flag, a number, a name           exit code 2
    │   └── UnknownNameError   an unknown task, suite or comparison
    ├── DataError         rows: a missing split, a column, a line that cannot be read  exit code 2
    ├── EncoderError      a model or tokenizer that is missing or incomplete          exit code 2
    ├── HubError          the Hub is out of reach, or gave something else              exit code 2
    └── RunError          a run that was right to start, and failed                    exit code 1
        ├── DivergedError      a loss, a gradient or a logit is not finite
        ├── PeerError          another process of the run ended, or was not heard of in time
        └── StoppedError       a signal asked for an end                               exit code 128 + its number

Only the command line's boundary catches them; it prints one line and exits with `exit_code`.
"""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 1_000
"""Characters of an error's line."""


class BertkitError(Exception):
    """One line for the user: what is wrong, with what, and what to do.

    Beyond LONGEST characters the middle is left out, and line breaks become spaces: a quoted cell may hold megabytes.
    """

    exit_code = 2

    def __init__(self, line: str) -> None:
        line = " ".join(line.splitlines())
        cut = line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"
        super().__init__(cut)


class RequestError(BertkitError):
    """A request that cannot be carried out: a wrong option, number or name."""


class UnknownNameError(RequestError):
    """`what` has no member called `name`; the message offers the nearest of `known`."""

    def __init__(self, what: str, name: str, known: Iterable[str], hint: str) -> None:
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), list(known), n=3, cutoff=0.6)
        guess = f"; did you mean {' or '.join(near)}?" if near else f"; {hint}"
        super().__init__(f"no {what} is called '{name}'{guess}")


class DataError(BertkitError):
    """Rows that are missing or cannot be read."""


class EncoderError(BertkitError):
    """An encoder, its weights or its tokenizer that is missing, incomplete, or of another kind."""


class HubError(BertkitError):
    """The Hub cannot be reached, or its answer is not what was requested."""


class RunError(BertkitError):
    """A valid run that failed."""

    exit_code = 1


class DivergedError(RunError):
    """A run whose loss, gradient or logits are not finite."""


class PeerError(RunError):
    """Another process of the run ended, or did not answer in time."""


class StoppedError(RunError):
    """A signal stopped the run; `hint` says how to resume it."""

    def __init__(self, number: int, hint: str = "") -> None:
        from signal import Signals

        self.number = number
        self.exit_code = 128 + number
        super().__init__(f"stopped by {Signals(number).name}{hint}")


def one_line(error: object, longest: int = 300, lines: int | None = None) -> str:
    """A library's error message, or its first `lines` lines, as one line; the error's class if it has none.

    Beyond `longest` characters the end is left out.
    """
    said = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    return " ".join(said[:lines])[:longest] or type(error).__name__
