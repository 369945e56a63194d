"""The time left, beside the progress bar of the rich logger of Snakemake."""

from collections.abc import Callable

from rich.progress import ProgressColumn
from rich.text import Text

BAR = "Total Progress"  # name of the bar of all jobs in the display of the rich logger


class TimeLeft(ProgressColumn):
    """A column with the time left after the progress bar of all jobs."""

    max_refresh = 1.0

    def __init__(self, time_left: Callable[[], str]):
        """Show what `time_left` returns, the time left in words."""
        super().__init__()
        self._time_left = time_left

    def render(self, task) -> Text:
        try:
            return Text(self._time_left() if task.description == BAR else "", style="cyan")
        except Exception:  # another thread updates the estimate meanwhile
            return Text()
