"""The plan of the toys of a signal as the steps share it: the blocks of a job, and the toys that have been thrown."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from muscan.base.files import read_result
from muscan.base.options import option
from muscan.histfactory.model import digest
from muscan.inference.hypotest import Prepared
from muscan.inference.newton import Newton
from muscan.inference.signal_point import SignalFiles, load
from muscan.records.toys import ToyPlan, ToyPoint
from muscan.toys import pseudo_data
from muscan.toys.limits import ToyCurves, curves
from muscan.toys.pseudo_data import BACKGROUND_ONLY, WITH_SIGNAL, Counts, Toys
from muscan.toys.store import ToyStore, block_file, free_file
from muscan.toys.tail_counts import Point

# Settings that the limits have in common with the plan, which its failure has, too.
OF_PLANS = ("test_statistic", "confidence_level")


class Unit(NamedTuple):
    """Work that cannot be shared: one block of toys, background-only ones at all values of mu that want them."""

    hypothesis: str
    number: int  # of the block
    points: list[ToyPoint]

    def fits(self) -> int:
        """How many each toy of the block needs."""
        return 2 if self.hypothesis == WITH_SIGNAL else 1 + len(self.points)


class Thrown(NamedTuple):
    """The toys of one point of a plan."""

    point: ToyPoint
    signal: Toys
    background: Toys

    def counts(self) -> dict[str, Counts]:
        return {WITH_SIGNAL: pseudo_data.count(self.signal), BACKGROUND_ONLY: pseudo_data.count(self.background)}

    def accounts(self) -> dict[str, dict]:
        return {hypothesis: counts._asdict() for hypothesis, counts in self.counts().items()}

    def failure(self, max_failed_fraction: float) -> dict | None:
        """What is said of a point that cannot be used."""
        said = {"mu": self.point.mu, "status": "fit_failed"}
        if self.point.status != "ok":
            return said | {"reason": self.point.reason}
        worst = max((each.failed / each.thrown for each in self.counts().values() if each.thrown), default=0.0)
        if worst <= max_failed_fraction and worst < 1:
            return None
        share = "all" if worst == 1 else f"{100 * worst:.3g} %"
        reason = f"the fits of {share} of its toys failed; max_failed_fraction allows {100 * max_failed_fraction:g} %"
        return said | {"reason": reason, "toys": self.accounts()}


@dataclass(frozen=True, kw_only=True)
class ToyFiles(SignalFiles):
    """What every step reads that works with toys."""

    plan: str = option("plan_{round}.json")
    toys: str = option("folder of the toys")


class Opened(NamedTuple):
    """A plan, the toys of its signal, what fits them, and the fits to the data."""

    plan: ToyPlan
    store: ToyStore
    engine: Newton
    prepared: Prepared
    blinded: bool


def open_plan(files: ToyFiles) -> Opened:
    """Read a plan, and the fits of its signal."""
    plan = ToyPlan.from_json(read_result(files.plan))
    engine, prepared, result = load(files)
    background = prepared.reference.parameters
    store = ToyStore(Path(files.toys), engine, plan.test_statistic, background, plan.seed, plan.block)
    return Opened(plan, store, engine, prepared, result.blinded)


def new_units(plan: ToyPlan) -> list[Unit]:
    """The work that the last round of a plan adds, in an order that does not depend on how it is shared."""
    blocks = max((point.background[-1] for point in plan.points if point.background), default=0)
    units = []
    for number in range(blocks):
        points = [point for point in plan.points if number in _new(point.background)]
        units += [Unit(BACKGROUND_ONLY, number, points)] if points else []
    units += [Unit(WITH_SIGNAL, number, [point]) for point in plan.points for number in _new(point.signal)]
    return units


def _new(blocks: list[int]) -> range:
    """Numbers of the blocks that the last round adds."""
    return range(*([0, 0, *blocks][-2:]))


def share(units: list[Unit], part: int, parts: int) -> list[Unit]:
    """The units of one of several jobs; all have about as many fits."""
    ends = np.cumsum([unit.fits() for unit in units])
    middles = ends - 0.5 * np.array([unit.fits() for unit in units])
    owner = np.floor(middles / ends[-1] * parts) if len(units) else middles
    return [unit for unit, job in zip(units, owner, strict=True) if job == part]


def throw(store: ToyStore, unit: Unit) -> None:
    """Make sure that a block is there."""
    if unit.hypothesis == BACKGROUND_ONLY:
        store.free(unit.number)
    for point in unit.points:
        if unit.hypothesis == WITH_SIGNAL:
            store.signal(point.mu, unit.number, np.array(point.parameters))
        else:
            store.background(point.mu, unit.number)


def block_files(plan: ToyPlan, folder: Path) -> list[Path]:
    """The files of all toys of a plan."""
    found: dict[Path, None] = {}
    for point in plan.points:
        for hypothesis, blocks in ((WITH_SIGNAL, point.signal), (BACKGROUND_ONLY, point.background)):
            for number in range(blocks[-1] if blocks else 0):
                found[block_file(folder, hypothesis, point.mu, number)] = None
                if hypothesis == BACKGROUND_ONLY:
                    found[free_file(folder, number)] = None
    return list(found)


def gather(store: ToyStore, plan: ToyPlan) -> list[Thrown]:
    """All toys of a plan, by point."""
    thrown = []
    for point in plan.points:
        signal, background = (range(blocks[-1]) if blocks else () for blocks in (point.signal, point.background))
        of_signal = [store.signal(point.mu, number, np.array(point.parameters)) for number in signal]
        thrown.append(Thrown(point, _joined(of_signal), _joined([store.background(point.mu, n) for n in background])))
    return thrown


def _joined(blocks: list[Toys]) -> Toys:
    empty = Toys(np.zeros(0), np.zeros(0, np.uint8))
    return Toys(*(np.concatenate(parts) for parts in zip(empty, *blocks, strict=True)))


def sorted_out(thrown: list[Thrown], plan: ToyPlan) -> tuple[list[Point], list[dict]]:
    """The points with toys of which not too many failed, as the limits need them, and what is said of the others."""
    failures = [each.failure(plan.max_failed_fraction) for each in thrown]
    points = [
        Point(each.point.mu, each.point.q_obs, each.signal.q, each.background.q)
        for each, failure in zip(thrown, failures, strict=True)
        if len(each.signal.q) and failure is None
    ]
    return points, [failure for failure in failures if failure]


def limits_of(points: list[Point], failed: list[dict], plan: ToyPlan, engine) -> ToyCurves:
    """The curves and limits of these points; the bootstrap has a random stream of its own."""
    rng = pseudo_data.stream(plan.seed, digest(engine.model), "bootstrap", 0.0, 0)
    return curves(points, 1 - plan.confidence_level, rng, np.array([each["mu"] for each in failed]))
