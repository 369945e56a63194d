"""The time left of a run, from a stream of events as Snakemake logs them."""

import io
import logging
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from muscan.run import progress
from muscan.run.progress import Estimate, ProgressLines
from muscan.run.time_left import BAR, TimeLeft


class Run:
    """A clock, and events of a run at its times."""

    def __init__(self, stream: io.StringIO | None = None, **stats: int):
        self.now = 100.0
        self.estimate = Estimate(lambda: self.now)
        self.stream = io.StringIO() if stream is None else stream
        self.handler = ProgressLines(self.estimate, self.stream, lambda: self.now)
        self.jobs: dict[int, str] = {}
        self.event(LogEvent.RUN_INFO, stats=stats | {"total": sum(stats.values())})

    def event(self, event, **fields):
        record = logging.LogRecord("snakemake.logging", logging.INFO, "file", 1, "message", None, None)
        vars(record).update(event=event, **fields)
        self.handler.emit(record)

    def start(self, job: int, rule: str):
        self.event(LogEvent.JOB_INFO, jobid=job, rule_name=rule)

    def finish(self, job: int):
        self.event(LogEvent.JOB_FINISHED, job_id=job)

    def serial(self, rule: str, first: int, number: int, seconds: float):
        """Jobs one after the other."""
        for job in range(first, first + number):
            self.start(job, rule)
            self.now += seconds
            self.finish(job)

    def parallel(self, rule: str, first: int, number: int, at_a_time: int, seconds: float):
        """Rounds of jobs that run at the same time."""
        for begin in range(first, first + number, at_a_time):
            for job in range(begin, begin + at_a_time):
                self.start(job, rule)
            self.now += seconds
            for job in range(begin, begin + at_a_time):
                self.finish(job)


def test_jobs_of_one_kind_one_after_the_other():
    """100 jobs of 3 s, 10 of them finished: 90 are left."""
    run = Run(fit=100)
    run.serial("fit", 0, 10, 3.0)
    assert run.estimate.seconds_left() == pytest.approx(270)
    assert run.estimate.describe() == "10 of 100 steps, about 4.5 min left"


def test_jobs_at_the_same_time():
    """Four at a time, so the same jobs take a quarter."""
    run = Run(fit=100)
    run.parallel("fit", 0, 20, 4, 3.0)
    assert run.estimate.seconds_left() == pytest.approx(80 * 3.0 / 4)


def test_every_rule_has_its_own_time():
    """Short jobs come first, and do not make the long ones look short."""
    run = Run(short=10, long=10)
    run.serial("short", 0, 8, 1.0)
    run.serial("long", 10, 2, 50.0)
    assert run.estimate.seconds_left() == pytest.approx(2 * 1.0 + 8 * 50.0)


def test_running_jobs_count_as_far_as_they_are():
    """Halfway through a job of 10 s; one that takes longer than the others so far has nothing left."""
    run = Run(fit=10)
    run.serial("fit", 0, 4, 10.0)
    run.start(4, "fit")
    run.now += 5
    assert run.estimate.seconds_left() == pytest.approx(5 * 10.0 + 5.0)
    run.now += 1000
    assert run.estimate.seconds_left() == pytest.approx(50.0)


def test_pauses_of_snakemake_count():
    """A second between jobs of one second: the run takes twice as long as its jobs."""
    run = Run(fit=20)
    for job in range(10):
        run.serial("fit", job, 1, 1.0)
        run.now += 1.0
    assert run.estimate.seconds_left() == pytest.approx(20.0)


def test_a_job_that_failed_is_tried_again():
    run = Run(fit=10)
    run.serial("fit", 0, 3, 2.0)
    run.start(3, "fit")
    run.event(LogEvent.JOB_ERROR, jobid=3)
    run.serial("fit", 3, 1, 2.0)
    assert run.estimate.done == 4
    assert run.estimate.seconds_left() == pytest.approx(12.0)


def test_nothing_is_said_before_something_is_known():
    run = Run(fit=10)
    assert run.estimate.describe() == "0 of 10 steps"
    run.serial("fit", 0, 2, 2.0)
    assert run.estimate.describe() == "2 of 10 steps"
    run.serial("fit", 2, 8, 2.0)
    assert run.estimate.describe() == "10 of 10 steps"


def test_lines_of_a_log_are_rare_and_true():
    """One in 20 s at most, with the time that the rest does take."""
    run = Run(fit=100)
    run.serial("fit", 0, 100, 1.0)
    assert run.stream.getvalue().splitlines() == [
        "20 of 100 steps, about 80 s left",
        "40 of 100 steps, about 60 s left",
        "60 of 100 steps, about 40 s left",
        "80 of 100 steps, about 20 s left",
        "100 of 100 steps",
    ]


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def test_what_goes_wrong_does_not_disturb_the_run():
    """A stream that is closed; events without their fields, unknown ones, and messages that are no events."""
    run = Run(Broken(), fit=100)
    run.serial("fit", 0, 50, 1.0)
    for event in (LogEvent.JOB_FINISHED, LogEvent.RUN_INFO, LogEvent.JOB_INFO, LogEvent.JOB_ERROR, "unheard of", None):
        run = Run(fit=10)
        run.event(event)
        run.serial("fit", 0, 3, 30.0)
    run.handler.emit(logging.LogRecord("snakemake.logging", logging.INFO, "file", 1, "message", None, None))
    assert run.estimate.done == 3


def test_the_bar_of_all_jobs_has_the_time_left():
    run = Run(fit=100)
    run.serial("fit", 0, 10, 3.0)
    console = Console(file=io.StringIO(), width=100)
    bar = Progress(TextColumn("{task.description}"), TimeLeft(run.estimate.time_left), console=console)
    bar.add_task(BAR, total=100)
    bar.add_task("fit", total=100)
    console.print(bar)
    total, rule = console.file.getvalue().splitlines()[:2]
    assert total.split() == ["Total", "Progress", "about", "4.5", "min", "left"]
    assert rule.split() == ["fit"]


def workflow(*quiet: str, handlers=()) -> SimpleNamespace:
    """What `follow` reads of a Snakemake workflow."""
    return SimpleNamespace(
        logger_manager=SimpleNamespace(get_log_handlers=lambda: list(handlers)),
        output_settings=SimpleNamespace(quiet={Quietness[name] for name in quiet}),
    )


@pytest.fixture
def logger():
    """Snakemake's logger, left as it was."""
    logger = logging.getLogger(progress.LOGGER)
    before = list(logger.handlers)
    yield logger
    logger.handlers[:] = before


def said(logger) -> bool:
    """Whether lines would be written."""
    (handler,) = [each for each in logger.handlers if isinstance(each, ProgressLines)]
    return handler._stream is not None


def test_a_quiet_run_is_quiet(logger):
    progress.show_time_left(workflow("PROGRESS"))
    assert not said(logger)


def test_a_log_gets_lines_and_a_terminal_a_bar(logger, monkeypatch):
    rich = SimpleNamespace(progress=Progress())
    columns = len(rich.progress.columns)
    progress.show_time_left(workflow("REASON", handlers=[rich]))  # here is no terminal
    assert said(logger)
    assert len(rich.progress.columns) == columns
    logger.handlers.clear()
    monkeypatch.setattr("sys.stderr", SimpleNamespace(isatty=lambda: True))
    progress.show_time_left(workflow(handlers=[rich]))
    assert not said(logger)
    assert isinstance(rich.progress.columns[-1], TimeLeft)


def test_another_snakemake_is_no_error(logger):
    """Whatever attributes are missing."""
    before = list(logger.handlers)
    progress.show_time_left(SimpleNamespace())
    assert logger.handlers == before


def test_the_events_are_those_of_snakemake():
    """The logger that is followed is Snakemake's, and its bar of all jobs has the name that is looked for."""
    import inspect

    import snakemake.logging
    from snakemake_logger_plugin_rich import event_handler

    assert snakemake.logging.logger.name == progress.LOGGER
    assert f'"{BAR}"' in inspect.getsource(event_handler)


def test_errors_of_handlers_are_not_printed(monkeypatch, capsys):
    """The rich logger reads logs that a job may not have written."""

    class Broken(logging.Handler):
        def emit(self, record):
            try:
                open("no.log").close()
            except OSError:
                self.handleError(record)

    record = logging.LogRecord("test", logging.ERROR, "", 0, "Error in rule fit", None, None)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    Broken().handle(record)
    assert "Traceback" in capsys.readouterr().err
    progress.hide_errors_of_handlers()
    Broken().handle(record)
    assert capsys.readouterr().err == ""
