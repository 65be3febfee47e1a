"""The progress bar of a run, on the terminal. Imported when there is a run to watch."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from bertkit.progress import Watch


class ScreenWatch(Watch):
    """Live progress: step, loss, examples a second, time left."""

    def __init__(self, title: str, console: Console) -> None:
        self.title = title
        self.examples = 0
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self.task = self.progress.add_task(title, total=None, figures="", visible=False)
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
        """Begin a bar of `total` steps."""
        if not self.started:
            self._draw(self.progress.start)
            self.started = True
        self.examples = 0
        self._draw(
            lambda: self.progress.reset(
                self.task, total=max(total, 1), description=f"{self.title}: {name}", figures="", visible=True
            )
        )

    def advance(self, steps: int = 1, loss: float | None = None, examples: int = 0) -> None:
        """Move the bar on."""
        self.examples += examples
        elapsed = self.progress.tasks[0].elapsed or 0.0
        figures = "" if loss is None else f"loss {loss:.3f}  {self.examples / max(elapsed, 1e-9):.0f} ex/s"
        self._draw(lambda: self.progress.update(self.task, advance=steps, figures=figures))

    def note(self, text: str) -> None:
        """A line above the bar."""
        self._draw(lambda: self.progress.console.print(Text(f"{self.title}: {text}", style="yellow")))

    def close(self) -> None:
        """Take the bar away."""
        if self.started:
            self._draw(lambda: self.progress.update(self.task, visible=False))
            self._draw(self.progress.stop)
