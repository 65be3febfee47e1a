"""A run's progress bar on the terminal; imported only where one is shown."""

from __future__ import annotations

from collections.abc import Callable

from rich import progress as rich_progress
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from bertkit.progress import Progress


class ProgressBar(Progress):
    """Live progress: step, loss, examples per second, time left."""

    def __init__(self, title: str, console: Console) -> None:
        self.title = title
        self.examples = 0
        self.bar = rich_progress.Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            expand=True,
            redirect_stdout=False,  # else answers that are printed go to stderr
        )
        self.task = self.bar.add_task(title, total=None, figures="", visible=False)
        self.started = False
        self.gone = False

    def _draw(self, what: Callable[[], object]) -> None:
        """Do `what`, unless the terminal was closed: the run continues without it."""
        if not self.gone:
            try:
                what()
            except OSError:
                self.gone = True

    def phase(self, name: str, total: int) -> None:
        """Start a bar of `total` steps."""
        if not self.started:
            self._draw(self.bar.start)
            self.started = True
        self.examples = 0
        self._draw(
            lambda: self.bar.reset(
                self.task, total=max(total, 1), description=f"{self.title}: {name}", figures="", visible=True
            )
        )

    def advance(self, steps: int = 1, loss: float | None = None, examples: int = 0) -> None:
        """Advance the bar."""
        self.examples += examples
        elapsed = self.bar.tasks[0].elapsed or 0.0
        rate = self.examples / max(elapsed, 1e-9)
        figures = f"loss {loss:.3f}  {rate:.0f} ex/s" if loss is not None else f"{rate:.0f} rows/s" if rate else ""
        self._draw(lambda: self.bar.update(self.task, advance=steps, figures=figures))

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._draw(lambda: self.bar.console.print(Text(f"{self.title}: {text}", style="yellow")))

    def close(self) -> None:
        """Remove the bar."""
        if self.started:
            self._draw(lambda: self.bar.update(self.task, visible=False))
            self._draw(self.bar.live.stop)  # the bar's own stop also prints an empty line where there is no terminal
