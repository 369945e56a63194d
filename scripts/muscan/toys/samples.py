"""Samples of toys of a measurement (`records.toy_measurement`): which blocks a job makes, and their test statistics."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from muscan.inference.engine import Engine
from muscan.inference.measured import Measured, measured
from muscan.inference.signal_point import load
from muscan.records.fit import FitResult
from muscan.records.toy_measurement import MeasurementPlan, ToySample
from muscan.toys import pseudo_data
from muscan.toys.plan import ToyFiles, failed_share, new_blocks
from muscan.toys.pseudo_data import ToyResults
from muscan.toys.store import BlockStore, block_file

FITS_PER_TOY = 2  # a free and a held one


class OpenedMeasurement(NamedTuple):
    """A plan, the store of its toys, the data and their best fit, and the content of fit.json."""

    plan: MeasurementPlan
    store: BlockStore
    measured: Measured
    result: FitResult

    def new_tasks(self) -> list["SampleTask"]:
        """Return the blocks that the last round of the plan adds, in an order that does not depend on the jobs."""
        return [SampleTask(each, block) for each in self.plan.samples for block in new_blocks(each.blocks)]


class SampleTask(NamedTuple):
    """One block of toys, which one job makes."""

    sample: ToySample
    block: int

    def fits_per_toy(self) -> int:
        """Return the number of fits that each toy needs."""
        return FITS_PER_TOY

    def make(self, store: BlockStore) -> ToyResults:
        """Return the block of toys, which is thrown and fitted unless the store has it already."""
        sample = self.sample
        return store.toys(sample.hypothesis, sample.mu, self.block, np.array(sample.parameters), sample.tested)

    def to_json(self) -> list:
        """Return what identifies the block."""
        return [self.sample.hypothesis, self.block, [self.sample.tested]]


class ThrownSample(NamedTuple):
    """A sample with its toys."""

    sample: ToySample
    toys: ToyResults

    def failure(self, max_failed_fraction: float) -> str | None:
        """Return why the sample cannot be used; None if it can."""
        if self.sample.status != "ok":
            return self.sample.reason
        return failed_share([pseudo_data.count(self.toys)], max_failed_fraction)

    def fitted(self) -> np.ndarray:
        """Return the test statistics of the toys without those whose fits failed."""
        return self.toys.q[np.isfinite(self.toys.q)]


def engine_with_bounds(engine: Engine, poi_bounds: list[float]) -> Engine:
    """Return the engine with other bounds of mu."""
    return engine.with_model(engine.model.with_poi_bounds(*poi_bounds))


def open_measurement(files: ToyFiles) -> OpenedMeasurement:
    """Read a plan and the fits of its signal point.

    Raises:
        StepError: if a file cannot be used, or a step before has failed.
    """
    plan = MeasurementPlan.read(files.plan)
    engine, prepared, result = load(files)
    engine = engine_with_bounds(engine, plan.poi_bounds)
    store = BlockStore(Path(files.toys), engine, plan.test_statistic, plan.seed, plan.block)
    return OpenedMeasurement(plan, store, measured(engine, prepared, result.blinded), result)


def collect_samples(opened: OpenedMeasurement) -> list[ThrownSample]:
    """Return all toys of a plan by sample; blocks that are missing in the store are made."""
    thrown = []
    for sample in opened.plan.samples:
        blocks = range(sample.blocks[-1] if sample.blocks else 0)
        toys = [SampleTask(sample, block).make(opened.store) for block in blocks]
        thrown.append(ThrownSample(sample, pseudo_data.concatenated(toys)))
    return thrown


def sample_files(plan: MeasurementPlan, folder: Path) -> list[Path]:
    """Return the files of all toys of a plan."""
    return [
        block_file(folder, sample.hypothesis, sample.tested, block)
        for sample in plan.samples
        for block in range(sample.blocks[-1] if sample.blocks else 0)
    ]


def summary_of_toys(plan: MeasurementPlan, thrown: list[ThrownSample], reached: bool | None) -> dict:
    """Return how many toys were thrown, as JSON.

    Args:
        plan: of the last round.
        thrown: its toys.
        reached: whether the target for the errors was reached; None without a target.
    """
    return {
        "seed": plan.seed,
        "block": plan.block,
        "thrown": sum(len(each.toys.q) for each in thrown),
        "blocks_by_round": [sum(each) for each in zip(*(s.blocks for s in plan.samples if s.blocks), strict=True)],
        "target": plan.target,
        "target_reached": reached,
        "max_failed_fraction": plan.max_failed_fraction,
    }
