"""Tasks and results of a plan of toys: which blocks a job makes, and the toys of all points.

A plan (`records.toys.ToyPlan`) says at which values of mu toys are thrown, from which fits, and how many blocks there
are after each round.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from muscan.base.options import option
from muscan.histfactory.model import model_digest
from muscan.inference.engine import Engine
from muscan.inference.hypotest import Prepared
from muscan.inference.signal_point import SignalFiles, load
from muscan.records.toys import ToyPlan, ToyPoint
from muscan.toys import pseudo_data
from muscan.toys.limits import ToyCurves, toy_curves
from muscan.toys.pseudo_data import BACKGROUND_ONLY, WITH_SIGNAL, ToyCounts, ToyResults
from muscan.toys.store import ToyStore, block_file, free_fits_file
from muscan.toys.tail_counts import PointStatistics

# Settings that the limits have in common with the plan, which its failure has, too.
OF_PLANS = ("test_statistic", "confidence_level")


@dataclass(frozen=True, kw_only=True)
class ToyFiles(SignalFiles):
    """The input files of all steps that work with toys."""

    plan: str = option("plan_{round}.json")
    toys: str = option("folder of the toys")


class OpenedPlan(NamedTuple):
    """A plan, the store of its toys, the engine that fits them, and the fits to the data."""

    plan: ToyPlan
    store: ToyStore
    engine: Engine
    prepared: Prepared
    blinded: bool

    def new_tasks(self) -> list["BlockTask"]:
        """Return the blocks that the last round of the plan adds, in an order that does not depend on the jobs."""
        return new_tasks(self.plan)


def open_plan(files: ToyFiles) -> OpenedPlan:
    """Read a plan and the fits of its signal point.

    Raises:
        StepError: if a file cannot be used, or a step before has failed.
    """
    plan = ToyPlan.read(files.plan)
    engine, prepared, result = load(files)
    background = prepared.reference.parameters
    store = ToyStore(Path(files.toys), engine, plan.test_statistic, background, plan.seed, plan.block)
    return OpenedPlan(plan, store, engine, prepared, result.blinded)


# Tasks of jobs -------------------------------------------------------------------------------------------------------


class AnyTask(Protocol):
    """One block of toys, which one job makes."""

    def fits_per_toy(self) -> int:
        """Return the number of fits that each toy of the block needs."""


Task = TypeVar("Task", bound=AnyTask)


class BlockTask(NamedTuple):
    """One block of toys, which one job makes.

    Attributes:
        hypothesis: one of HYPOTHESES.
        block: number of the block.
        points: where its test statistics are needed: one point for signal+background toys, any number for
            background-only toys.
    """

    hypothesis: str
    block: int
    points: list[ToyPoint]

    def fits_per_toy(self) -> int:
        """Return the number of fits that each toy of the block needs: a free one, and one for each point."""
        return 2 if self.hypothesis == WITH_SIGNAL else 1 + len(self.points)

    def make(self, store: ToyStore) -> None:
        """Throw and fit the block of toys, unless the store has it already."""
        if self.hypothesis == BACKGROUND_ONLY:
            store.free_fits(self.block)
        for point in self.points:
            if self.hypothesis == WITH_SIGNAL:
                store.signal_toys(point.mu, self.block, np.array(point.parameters))
            else:
                store.background_toys(point.mu, self.block)

    def to_json(self) -> list:
        """Return what identifies the block."""
        return [self.hypothesis, self.block, [point.mu for point in self.points]]


def new_tasks(plan: ToyPlan) -> list[BlockTask]:
    """Return the blocks that the last round of a plan adds, in an order that does not depend on the jobs."""
    blocks = max((point.background[-1] for point in plan.points if point.background), default=0)
    tasks = []
    for block in range(blocks):
        points = [point for point in plan.points if block in new_blocks(point.background)]
        tasks += [BlockTask(BACKGROUND_ONLY, block, points)] if points else []
    tasks += [BlockTask(WITH_SIGNAL, block, [point]) for point in plan.points for block in new_blocks(point.signal)]
    return tasks


def new_blocks(totals: list[int]) -> range:
    """Return the numbers of the blocks that the last round adds, from the totals after each round."""
    return range(*([0, 0, *totals][-2:]))


def tasks_of_job(tasks: list[Task], part: int, parts: int) -> list[Task]:
    """Return the tasks of one of several jobs, which have about the same number of fits each.

    Args:
        tasks: of all jobs.
        part: number of the job, from 0.
        parts: number of jobs.
    """
    ends = np.cumsum([task.fits_per_toy() for task in tasks])
    middles = ends - 0.5 * np.array([task.fits_per_toy() for task in tasks])
    jobs = np.floor(middles / ends[-1] * parts) if len(tasks) else middles
    return [task for task, job in zip(tasks, jobs, strict=True) if job == part]


def block_files(plan: ToyPlan, folder: Path) -> list[Path]:
    """Return the files of all toys of a plan."""
    files: dict[Path, None] = {}
    for point in plan.points:
        for hypothesis, totals in ((WITH_SIGNAL, point.signal), (BACKGROUND_ONLY, point.background)):
            for block in range(totals[-1] if totals else 0):
                files[block_file(folder, hypothesis, point.mu, block)] = None
                if hypothesis == BACKGROUND_ONLY:
                    files[free_fits_file(folder, block)] = None
    return list(files)


# Results of all jobs -------------------------------------------------------------------------------------------------


class ThrownPoint(NamedTuple):
    """A point of a plan with its toys."""

    point: ToyPoint
    signal: ToyResults
    background: ToyResults

    def counts(self) -> dict[str, ToyCounts]:
        """Return the numbers of toys by hypothesis and outcome."""
        return {WITH_SIGNAL: pseudo_data.count(self.signal), BACKGROUND_ONLY: pseudo_data.count(self.background)}

    def counts_json(self) -> dict[str, dict[str, int]]:
        """Return `counts` as JSON."""
        return {hypothesis: counts._asdict() for hypothesis, counts in self.counts().items()}

    def failure(self, max_failed_fraction: float) -> dict | None:
        """Return the JSON record of a point that cannot be used, or None.

        Args:
            max_failed_fraction: the largest usable fraction of toys, of either hypothesis, whose fits failed.
        """
        record = {"mu": self.point.mu, "status": "fit_failed"}
        if self.point.status != "ok":
            return record | {"reason": self.point.reason}
        reason = failed_share(list(self.counts().values()), max_failed_fraction)
        return reason and record | {"reason": reason, "toys": self.counts_json()}


def failed_share(counts: list[ToyCounts], max_failed_fraction: float) -> str | None:
    """Return why toys cannot be used because too many fits failed; None if they can.

    Args:
        counts: of all toys that are used together.
        max_failed_fraction: the largest usable fraction of toys whose fits failed, for each of the counts.
    """
    worst = max((each.failed / each.thrown for each in counts if each.thrown), default=0.0)
    if worst <= max_failed_fraction and worst < 1:
        return None
    share = "all" if worst == 1 else f"{100 * worst:.3g} %"
    return f"the fits of {share} of its toys failed; max_failed_fraction allows {100 * max_failed_fraction:g} %"


def collect_toys(store: ToyStore, plan: ToyPlan) -> list[ThrownPoint]:
    """Return all toys of a plan by point; blocks that are missing in the store are made."""
    thrown = []
    for point in plan.points:
        signal, background = (range(totals[-1]) if totals else () for totals in (point.signal, point.background))
        of_signal = [store.signal_toys(point.mu, block, np.array(point.parameters)) for block in signal]
        of_background = [store.background_toys(point.mu, block) for block in background]
        thrown.append(ThrownPoint(point, *map(pseudo_data.concatenated, (of_signal, of_background))))
    return thrown


def usable_points(thrown: list[ThrownPoint], plan: ToyPlan) -> tuple[list[PointStatistics], list[dict]]:
    """Return the test statistics of all points with enough fitted toys, and the JSON records of points that failed."""
    failures = [each.failure(plan.max_failed_fraction) for each in thrown]
    points = [
        PointStatistics(each.point.mu, each.point.q_obs, each.signal.q, each.background.q)
        for each, failure in zip(thrown, failures, strict=True)
        if len(each.signal.q) and failure is None
    ]
    return points, [failure for failure in failures if failure]


def curves_of_plan(points: list[PointStatistics], failures: list[dict], plan: ToyPlan, engine: Engine) -> ToyCurves:
    """Return CLs and the limits from these points; the bootstrap has a random stream of its own.

    Args:
        points: see `usable_points`.
        failures: see `usable_points`.
        plan: of the toys.
        engine: that has fitted the toys.
    """
    rng = pseudo_data.stream(plan.seed, model_digest(engine.model), "bootstrap", 0.0, 0)
    return toy_curves(points, 1 - plan.confidence_level, rng, np.array([failure["mu"] for failure in failures]))
