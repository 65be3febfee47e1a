"""The flags of `bertkit search`, checked: how many trials, and what they choose from. Light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated

from bertkit.errors import RequestError
from bertkit.request.flags import Flags
from bertkit.request.keywords import Options
from bertkit.request.option import Option
from bertkit.request.search_space import Space, around, choices_in, near_batches, near_epochs, range_in, sizes_in
from bertkit.spec import Spec

SEARCH = "Search"
"""The panel of --help."""
NOT_SEARCHED = ("budget", "eval_every", "early_stopping", "select", "keep_best", "keep_adapter", "processes")
"""Options of `bertkit finetune` that a search does not have: its trials are scored at times of its own."""


@dataclass(frozen=True, kw_only=True)
class SearchFlags:
    """The flags of a search, as given."""

    trials: Annotated[int, Option("--trials", SEARCH, "Trials in all; more of them continue a finished search.")] = 20
    lr_range: Annotated[
        str | None,
        Option(
            "--lr-range",
            SEARCH,
            "Lowest and highest learning rate, as 1e-5,1e-3. [default: a fifth of the recipe's to five times it]",
        ),
    ] = None
    epochs_choices: Annotated[
        str | None,
        Option(
            "--epochs-choices", SEARCH, "Epochs to choose from, as 2,3,4. [default: 2/3, 1 and 4/3 of the recipe's]"
        ),
    ] = None
    batch_sizes: Annotated[
        str | None,
        Option("--batch-sizes", SEARCH, "Batch sizes to choose from, as 16,32. [default: the recipe's and half of it]"),
    ] = None
    warmups: Annotated[
        str | None,
        Option("--warmups", SEARCH, "Warm-up shares to choose from, as 0,0.1. [default: the recipe's alone]"),
    ] = None
    prune: Annotated[
        bool,
        Option(
            "--prune/--no-prune",
            SEARCH,
            "Stop a trial whose score is below the median of the other trials at the same fifth of training.",
        ),
    ] = True

    def check(self) -> None:
        """Raise RequestError for a number of trials out of range, or where optuna is not installed."""
        if self.trials < 1:
            raise RequestError(f"--trials {self.trials}: it must be at least 1")
        if find_spec("optuna") is None:
            raise RequestError("bertkit search needs optuna, which is not installed: pip install 'bertkit[search]'")

    def space(self, flags: Flags, spec: Spec) -> Space:
        """What is chosen from: what is typed as one value of `flags` is not searched. Raises RequestError."""
        if spec.recipe.keeps_best:
            raise RequestError(
                "bertkit search has no early stopping and no --select best, which the recipe has: take them out of it"
            )
        if spec.budget is not None:
            raise RequestError("bertkit search has no --budget, which the spec has: say --epochs-choices")
        recipe = spec.recipe
        one_batch = flags.batch_size or flags.per_device_train_batch_size or flags.batch_tokens
        fixed = {
            "--lr-range": ("--lr", flags.learning_rate is not None),
            "--epochs-choices": ("--epochs or --max-steps", flags.epochs is not None or flags.max_steps is not None),
            "--batch-sizes": ("another option for the batch", one_batch is not None),
            "--warmups": ("--warmup", flags.warmup is not None),
        }
        typed = {name: getattr(self, name[2:].replace("-", "_")) for name in fixed}
        for name, (rival, is_fixed) in fixed.items():
            if is_fixed and typed[name] is not None:
                raise RequestError(f"{name} and {rival}: give one of them")
        lr, epochs, sizes, warmups = typed.values()
        found = Space(
            learning_rate=range_in("--lr-range", lr) if lr is not None else around(recipe.learning_rate),
            epochs=choices_in("--epochs-choices", epochs, "epochs") if epochs is not None else () if recipe.max_steps
            else near_epochs(recipe.epochs),
            batch_size=sizes_in("--batch-sizes", sizes) if sizes is not None else () if recipe.batch_tokens
            else near_batches(recipe.batch_size),
            warmup=choices_in("--warmups", warmups, "warmup") if warmups is not None else (),
        )  # fmt: skip
        free = [not is_fixed for _, is_fixed in fixed.values()]
        found = Space(**{name: getattr(found, name) for name, one in zip(vars(found), free, strict=True) if one})
        if not any(len(getattr(found, name)) > 1 for name in found.searched):
            raise RequestError("bertkit search: everything is given as one value, so there is nothing to search")
        return found


Numbers = str | Sequence[float]
"""Numbers, or a text of them, separated by commas."""


class SearchOptions(Options, total=False):
    """The options of `bertkit search` as keywords, for type checkers; those of NOT_SEARCHED are refused."""

    trials: int
    lr_range: Numbers | None
    epochs_choices: Numbers | None
    batch_sizes: Numbers | None
    warmups: Numbers | None
    prune: bool
