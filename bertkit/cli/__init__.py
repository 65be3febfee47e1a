"""The command line: runs the commands, and prints every error as one line."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from bertkit import __version__
from bertkit.cli.commands import Group
from bertkit.cli.options import plain_name
from bertkit.errors import BertkitError, RequestError, StoppedError
from bertkit.machine.launch import ended, leave, say
from bertkit.machine.processes import lost
from bertkit.machine.signals import interrupted

INTERRUPTED = 130
"""The exit code that typer, like a shell, gives for a KeyboardInterrupt."""

app = typer.Typer(
    name="bertkit",
    cls=Group,
    help="Fine-tune BERT-like encoders, with scores you can believe.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "token_normalize_func": plain_name},
    epilog="Try it: bertkit finetune sst2 --sample",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"bertkit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Fine-tune BERT-like encoders, with scores you can believe."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a run failed, 2 a wrong request."""
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")  # a lost process is reported in one line of ours
    leave(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    try:
        code = app(arguments, prog_name="bertkit", standalone_mode=False)
        if code == INTERRUPTED:
            say("Interrupted.")
        return code if isinstance(code, int) else 0
    except StoppedError as error:
        return ended(error)
    except BertkitError as error:
        if interrupted(error):
            say("Interrupted.")
            return INTERRUPTED
        return ended(error)
    except typer.Exit as leaving:
        return leaving.exit_code
    except (typer.Abort, KeyboardInterrupt):
        say("Interrupted.")
        return INTERRUPTED
    except typer.TyperException as error:
        message = str(getattr(error, "format_message", error.__str__)())
        if message:  # without one it is `bertkit` alone, which has printed its help
            say(f"Error: {message}")
        return 2
    except (RuntimeError, ImportError) as error:
        if interrupted(error):
            say("Interrupted.")
            return INTERRUPTED
        gone = lost(error)
        if gone is None:
            raise
        return ended(gone)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # a path that cannot be: too long, a circle of links, not allowed
        return ended(RequestError(f"{error.filename}: {error.strerror}" if error.filename else str(error)))
