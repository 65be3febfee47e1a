"""The command line: registers the commands, and prints every error as one line."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from bertkit import __version__
from bertkit.cli import (
    analyse,
    check,
    compare,
    compare_arms,
    compare_label_share,
    compare_pairs,
    compare_prompting,
    compare_runs,
    compare_token_maps,
    compare_transfer,
    corrupt,
    embryology,
    eval_,
    fill,
    finetune,
    generate,
    predict,
    pretrain,
    report,
    resume,
    search,
    submit,
    tasks,
    zoo,
)
from bertkit.cli.options import command, plain_name
from bertkit.errors import BertkitError, RequestError
from bertkit.machine.launch import ended, leave, say
from bertkit.machine.processes import lost
from bertkit.request.search_flags import NOT_SEARCHED
from bertkit.request.transfer_flags import NOT_OF_TRANSFER

INTERRUPTED = 130
"""The exit code that typer, like a shell, gives for a KeyboardInterrupt."""

app = typer.Typer(
    name="bertkit",
    help="Fine-tune BERT-like encoders, with scores you can believe.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "token_normalize_func": plain_name},
    epilog="Try it: bertkit finetune sst2 --sample",
)
command(app, "check", check.check)
command(app, "finetune", finetune.finetune)
command(app, "pretrain", pretrain.pretrain)
command(app, "resume", resume.resume)
command(app, "eval", eval_.evaluate)
studies = typer.Typer(cls=compare.Studies)
app.add_typer(studies, name="compare", help=compare.HELP)
command(studies, f"compare {compare_runs.RUNS}", compare_runs.compare_runs)
command(studies, f"compare {compare_arms.ARMS}", compare_arms.compare_arms)
command(studies, f"compare {compare.PRETRAIN_VS_SCRATCH}", compare.compare)
command(studies, f"compare {compare.NSP_VS_SOP}", compare_pairs.compare_pairs, like="pretrain")
command(studies, f"compare {compare.PROMPTING}", compare_prompting.compare_prompting)
command(studies, f"compare {compare.LABEL_SHARE}", compare_label_share.compare_label_share)
command(studies, f"compare {compare.TOKEN_MAPS}", compare_token_maps.compare_token_maps)
command(studies, f"compare {compare_transfer.TRANSFER}", compare_transfer.compare_transfer, without=NOT_OF_TRANSFER)
analyses = typer.Typer(cls=analyse.Analyses)
app.add_typer(analyses, name="analyse", help=analyse.HELP)
for what, analysis in analyse.ANALYSES.items():
    command(analyses, f"analyse {what}", analysis.command)
command(app, "search", search.search_command, like="finetune", without=NOT_SEARCHED)
command(app, "predict", predict.predict)
command(app, "fill", fill.fill)
command(app, "generate", generate.generate)
command(app, "corrupt", corrupt.corrupt)
command(app, "embryology", embryology.look)
command(app, "report", report.show)
command(app, "submit", submit.submit)
command(app, "tasks", tasks.tasks)
command(app, "zoo", zoo.show)


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
    except BertkitError as error:
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
    except RuntimeError as error:
        gone = lost(error)
        if gone is None:
            raise
        return ended(gone)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # a path that cannot be: too long, a circle of links, not allowed
        return ended(RequestError(f"{error.filename}: {error.strerror}" if error.filename else str(error)))
