"""toybased/plan_{round}.json: which toys are to be thrown."""

from dataclasses import dataclass, field

from muscan.records.record import Record


@dataclass(frozen=True)
class ToyPoint(Record):
    """A tested mu: the fit to the data from which signal+background toys are thrown, and how many there are to be."""

    mu: float  # the tested signal strength
    status: str  # "ok" or "fit_failed"
    reason: str | None = None  # why the fit failed
    q_obs: float | None = None  # the test statistic of the observed data
    q_asimov: float | None = None  # the test statistic of the Asimov data
    parameters: list[float] | None = None  # of the fit with mu held: toys with signal come from it
    signal: list[int] = field(default_factory=list)  # blocks of toys with signal in all, after each round
    background: list[int] = field(default_factory=list)  # the same for background-only toys
    at_bounds: dict[str, dict[str, float]] = field(default_factory=dict)  # as in `Hypotest`


@dataclass(frozen=True)
class ToyPlan(Record):
    """toybased/plan_{round}.json: which toys are to be thrown."""

    test_statistic: str  # "qtilde" or "q"
    confidence_level: float
    seed: int  # of the random numbers
    block: int  # toys of a block
    max_failed_fraction: float  # of toys whose fits fail, at one mu
    target: float | None  # relative error of the observed and the median expected limit
    max: int | None  # toys in all
    points: list[ToyPoint]  # the tested values of mu
    asymptotics: dict  # Limits of the asymptotic calculator
    made_by: dict = field(default_factory=dict)  # versions, options, digests of the inputs

    def toys(self) -> int:
        """How many there are to be, of both hypotheses and at all points."""
        signal, background = ([each[-1] for each in blocks if each] for blocks in self.blocks())
        return self.block * (sum(signal) + max(background, default=0))

    def blocks(self) -> tuple[list[list[int]], list[list[int]]]:
        """`signal` and `background` of all points."""
        return [point.signal for point in self.points], [point.background for point in self.points]

    def to_json(self) -> dict:
        return super().to_json() | {"points": [point.to_json() for point in self.points]}

    @classmethod
    def from_json(cls, record: dict):
        return cls(**record | {"points": [ToyPoint.from_json(point) for point in record["points"]]})
