"""Show how much of a run is done and about how much time is left, in a progress bar or as lines of a log.

The estimate uses the events that Snakemake logs. It assumes that the remaining jobs of each rule take as long as its
finished jobs did on average, and that as many jobs run at the same time as so far.
"""

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

from snakemake_interface_logger_plugins.common import LogEvent

from muscan.base.words import format_duration

LOGGER = "snakemake.logging"
INTERVAL = 20.0  # seconds between lines of a log
FEWEST_JOBS = 3  # finished jobs that an estimate needs
TOTAL = "total"  # the sum in the counts of Snakemake


class Estimate:
    """The finished and the remaining jobs of a run, and the time left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        """Begin a run now; `clock` returns the time in seconds."""
        self.done = self.total = 0
        self._clock = clock
        self._begin = clock()
        self._left: Counter[str] = Counter()  # jobs of each rule that are not finished
        self._finished: Counter[str] = Counter()  # finished jobs of each rule
        self._seconds: Counter[str] = Counter()  # total duration of the finished jobs of each rule
        self._running: dict[int, tuple[str, float]] = {}  # rule and starting time of each job

    def update(self, event: LogEvent | None, record: logging.LogRecord) -> None:
        """Update the estimate with an event of Snakemake; other events are ignored."""
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
        """Return the estimated time left in seconds; None if too few jobs have finished."""
        now, jobs = self._clock(), self._finished.total()
        running = [(rule, now - start) for rule, start in self._running.values()]
        busy = self._seconds.total() + sum(elapsed for _, elapsed in running)
        if jobs < FEWEST_JOBS or busy <= 0 or now <= self._begin:
            return None

        def mean(rule: str) -> float:
            known = self._finished[rule]
            return self._seconds[rule] / known if known else self._seconds.total() / jobs

        work = sum(number * mean(rule) for rule, number in self._left.items())
        work -= sum(min(elapsed, mean(rule)) for rule, elapsed in running)
        at_a_time = busy / (now - self._begin)
        return max(work, 0) / at_a_time

    def time_left(self) -> str:
        """Return the time left in words; empty if too few jobs have finished, and at the end."""
        seconds = self.seconds_left()
        if seconds is None or self.done >= self.total:
            return ""
        return f"about {format_duration(max(5 * round(seconds / 5), 5) if seconds < 100 else seconds)} left"

    def describe(self) -> str:
        """Return a line such as "120 of 306 steps, about 40 s left"."""
        return ", ".join(filter(None, [f"{self.done} of {self.total} steps", self.time_left()]))


class ProgressLines(logging.Handler):
    """Update an estimate with the events of a run, and write a line at regular intervals.

    After an error no more lines are written, so that an error here never disturbs the run.
    """

    def __init__(self, estimate: Estimate, stream: TextIO | None, clock: Callable[[], float] = time.monotonic):
        """Write lines to `stream`, or nothing if it is None; `clock` returns the time in seconds."""
        super().__init__()
        self._estimate, self._stream, self._clock = estimate, stream, clock
        self._last = clock()
        self._broken = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._broken:
            return
        try:
            event = getattr(record, "event", None)
            self._estimate.update(event, record)
            if event == LogEvent.JOB_FINISHED and self._stream and self._clock() - self._last >= INTERVAL:
                self._last = self._clock()
                print(self._estimate.describe(), file=self._stream, flush=True)
        except Exception:  # events of another version of Snakemake, a stream that is closed
            self._broken = True


def hide_errors_of_handlers() -> None:
    """Print no tracebacks of errors in handlers of log messages.

    The rich logger fails to show the log of a job that Ctrl-C ended before it had one.
    """
    logging.raiseExceptions = False


def show_time_left(workflow) -> None:
    """Show the time left of a Snakemake workflow, unless the run is quiet."""
    try:
        estimate = Estimate()
        handlers = workflow.logger_manager.get_log_handlers()
        quiet = {option.name for option in workflow.output_settings.quiet or ()} & {"PROGRESS", "ALL"}
        bars = [handler.progress for handler in handlers if hasattr(handler, "progress")] if sys.stderr.isatty() else []
        for bar in bars:
            from muscan.run.time_left import TimeLeft  # rich may be missing where there is no bar

            bar.columns = (*bar.columns, TimeLeft(estimate.time_left))
        stream = None if bars or quiet else sys.stderr
        logging.getLogger(LOGGER).addHandler(ProgressLines(estimate, stream))
    except Exception:  # an error here must not stop the run
        return
