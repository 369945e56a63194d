"""toybased/plan_{round}.json: the toys that are to be thrown for the limits of one signal.

A toy is a pseudo-experiment. Toys are thrown in blocks of equal size, each with a random stream of its own.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from muscan.records.record import Record


@dataclass(frozen=True)
class ToyPoint(Record):
    """One tested value of mu: the fit to the data from which its toys are thrown, and the numbers of blocks."""

    KIND: ClassVar[str] = "a point of a plan of toys"

    mu: float  # the tested value
    status: str  # "ok" or "fit_failed"
    reason: str | None = None  # why the fit failed
    q_obs: float | None = None  # the test statistic of the observed data
    q_asimov: float | None = None  # the test statistic of the Asimov data
    # Parameters of the fit to the data with mu held, from which toys with signal are thrown, shape (npar,).
    parameters: list[float] | None = None
    # Blocks of toys with signal, those of earlier rounds included, after each round, shape (nrounds,).
    signal: list[int] = field(default_factory=list)
    # Blocks of background-only toys, those of earlier rounds included, after each round, shape (nrounds,).
    background: list[int] = field(default_factory=list)
    # Bounds stated by the workspace at which the fits to the observed and to the Asimov data ended:
    # {"observed": {name: bound}, "asimov": {name: bound}}.
    at_bounds: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class ToyPlan(Record):
    """toybased/plan_{round}.json: the toys that are to be thrown for the limits of one signal."""

    KIND: ClassVar[str] = "a plan of toys"

    test_statistic: str  # "qtilde", "q" or "q0"
    confidence_level: float  # of the limits
    seed: int  # of all random numbers
    block: int  # toys in a block
    max_failed_fraction: float  # largest fraction of the toys of a point whose fits may fail
    target: float | None  # wanted relative error of the observed and of the median expected limit
    max: int | None  # largest number of toys in all
    points: list[ToyPoint]  # the tested values of mu
    asymptotics: dict  # the asymptotic limits of the same signal: a `Limits`
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options

    def number_of_toys(self) -> int:
        """Return the number of toys of both hypotheses at all points.

        Background-only toys do not depend on mu, so all points share them.
        """
        signal, background = ([counts[-1] for counts in blocks if counts] for blocks in self.blocks_by_hypothesis())
        return self.block * (sum(signal) + max(background, default=0))

    def blocks_by_hypothesis(self) -> tuple[list[list[int]], list[list[int]]]:
        """Return `ToyPoint.signal` and `ToyPoint.background` of all points."""
        return [point.signal for point in self.points], [point.background for point in self.points]

    def to_json(self) -> dict:
        """Return the plan as a JSON object."""
        return super().to_json() | {"points": [point.to_json() for point in self.points]}

    @classmethod
    def from_json(cls, record: dict) -> Self:
        """Make the plan from a JSON object; errors as in `Record.from_json`."""
        plan = super().from_json(record)
        return replace(plan, points=[ToyPoint.from_json(point) for point in record["points"]])
