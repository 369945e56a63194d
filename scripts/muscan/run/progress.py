"""How much of a run is done, and about how much time is left: in the bar of a terminal, and as lines of a log.

The time follows from the events that Snakemake logs. What is left of every rule takes as long as its jobs took so far,
and so many jobs run at a time as did so far.
"""

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

from rich.progress import ProgressColumn
from rich.text import Text
from snakemake_interface_logger_plugins.common import LogEvent

from muscan.base.words import format_duration

LOGGER = "snakemake.logging"
EVERY = 20.0  # seconds between lines of a log
JOBS = 3  # finished ones from which a time can be told
TOTAL = "total"  # in the counts of Snakemake
BAR = "Total Progress"  # of all jobs, in the display of the rich logger


class Estimate:
    """What is done and what is left, from the events of a run."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        """`clock` gives seconds."""
        self.done = self.total = 0
        self._clock = clock
        self._begin = clock()
        self._left: Counter[str] = Counter()  # jobs of each rule that are not finished
        self._finished: Counter[str] = Counter()  # jobs of each rule, and their seconds
        self._seconds: Counter[str] = Counter()
        self._running: dict[int, tuple[str, float]] = {}  # rule and start of each job

    def take(self, event: LogEvent | None, record: logging.LogRecord) -> None:
        """Take an event of Snakemake; of other kinds nothing follows."""
        if event == LogEvent.RUN_INFO:
            self._left = Counter({rule: number for rule, number in record.stats.items() if rule != TOTAL})
            self.done, self.total = 0, record.stats[TOTAL]
            self._begin = self._clock()
        elif event == LogEvent.JOB_INFO:
            self._running[record.jobid] = (record.rule_name, self._clock())
        elif event == LogEvent.JOB_FINISHED:
            self._finish(record.job_id)
        elif event == LogEvent.JOB_ERROR:
            self._running.pop(record.jobid, None)

    def _finish(self, job: int) -> None:
        self.done += 1
        if job in self._running:
            rule, start = self._running.pop(job)
            self._seconds[rule] += self._clock() - start
            self._finished[rule] += 1
            self._left[rule] -= 1

    def seconds_left(self) -> float | None:
        """None as long as too little is known."""
        now, jobs = self._clock(), self._finished.total()
        running = [(rule, now - start) for rule, start in self._running.values()]
        busy = self._seconds.total() + sum(elapsed for _, elapsed in running)
        if jobs < JOBS or busy <= 0 or now <= self._begin:
            return None

        def mean(rule: str) -> float:
            known = self._finished[rule]
            return self._seconds[rule] / known if known else self._seconds.total() / jobs

        work = sum(number * mean(rule) for rule, number in self._left.items())
        work -= sum(min(elapsed, mean(rule)) for rule, elapsed in running)
        at_a_time = busy / (now - self._begin)
        return max(work, 0) / at_a_time

    def time_left(self) -> str:
        """In words; empty as long as too little is known, and at the end."""
        seconds = self.seconds_left()
        if seconds is None or self.done >= self.total:
            return ""
        return f"about {format_duration(max(5 * round(seconds / 5), 5) if seconds < 100 else seconds)} left"

    def line(self) -> str:
        """Such as "120 of 306 steps, about 40 s left"."""
        return ", ".join(filter(None, [f"{self.done} of {self.total} steps", self.time_left()]))


class Lines(logging.Handler):
    """Follows the events of a run, and writes a line now and then where there is no bar.

    What goes wrong here is no reason to disturb the run: then nothing more is said.
    """

    def __init__(self, estimate: Estimate, stream: TextIO | None, clock: Callable[[], float] = time.monotonic):
        """Without a stream nothing is written."""
        super().__init__()
        self._estimate, self._stream, self._clock = estimate, stream, clock
        self._last = clock()
        self._broken = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._broken:
            return
        try:
            event = getattr(record, "event", None)
            self._estimate.take(event, record)
            if event == LogEvent.JOB_FINISHED and self._stream and self._clock() - self._last >= EVERY:
                self._last = self._clock()
                print(self._estimate.line(), file=self._stream, flush=True)
        except Exception:  # events of another version of Snakemake, a stream that is closed
            self._broken = True


class TimeLeft(ProgressColumn):
    """The time left, behind the bar of all jobs."""

    max_refresh = 1.0

    def __init__(self, estimate: Estimate):
        super().__init__()
        self._estimate = estimate

    def render(self, task) -> Text:
        try:
            return Text(self._estimate.time_left() if task.description == BAR else "", style="cyan")
        except Exception:  # the run goes on in another thread
            return Text()


def follow(workflow) -> None:
    """Tell the time left of the run of a Snakemake workflow, unless it is to be quiet."""
    try:
        estimate = Estimate()
        handlers = workflow.logger_manager.get_log_handlers()
        quiet = {each.name for each in workflow.output_settings.quiet or ()} & {"PROGRESS", "ALL"}
        bars = [handler.progress for handler in handlers if hasattr(handler, "progress")] if sys.stderr.isatty() else []
        for bar in bars:
            bar.columns = (*bar.columns, TimeLeft(estimate))
        stream = None if bars or quiet else sys.stderr
        logging.getLogger(LOGGER).addHandler(Lines(estimate, stream))
    except Exception:  # without the time left a run is as good
        return
