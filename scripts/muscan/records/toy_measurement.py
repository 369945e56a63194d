"""{measurement}/plan_{round}.json: the toys that are to be thrown for a measurement of one signal."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from muscan.records.record import Record


@dataclass(frozen=True)
class ToySample(Record):
    """Toys that are thrown from one fit to test one mu."""

    KIND: ClassVar[str] = "a sample of toys"

    hypothesis: str  # "signal" or "background", a part of the name of the random streams
    mu: float  # the signal strength of the toys
    tested: float  # the tested signal strength
    status: str  # "ok" or "fit_failed"
    reason: str | None = None  # why the fit to the data failed
    q_obs: float | None = None  # the test statistic of the data at the tested mu; None where there are no data
    # Parameters of the fit to the data with mu held, from which the toys are thrown, shape (npar,).
    parameters: list[float] | None = None
    # Blocks of toys, those of earlier rounds included, after each round, shape (nrounds,).
    blocks: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class MeasurementPlan(Record):
    """{measurement}/plan_{round}.json: the toys that are to be thrown for a measurement of one signal."""

    KIND: ClassVar[str] = "a plan of the toys of a measurement"

    measurement: str  # "discovery" or "feldman_cousins"
    test_statistic: str  # "q0" or "t"
    levels: list[float]  # confidence levels of the intervals
    seed: int  # of all random numbers
    block: int  # toys in a block
    max_failed_fraction: float  # largest fraction of the toys of a sample whose fits may fail
    target: float | None  # wanted relative error of the results
    max: int | None  # largest number of toys in all
    poi_bounds: list[float]  # lower and upper bound of mu in the fits to the toys, shape (2,)
    mu_hat: float | None  # best-fit value of mu; None for the discovery of a blind analysis
    samples: list[ToySample]  # toys that are thrown and tested
    # What asymptotic formulae give: a `Discovery`, or {"levels", "lower", "upper"} of intervals.
    asymptotics: dict
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options

    def rounds(self) -> int:
        """Return the number of rounds that have been planned."""
        return max((len(sample.blocks) for sample in self.samples), default=0)

    def number_of_toys(self) -> int:
        """Return the number of toys of all samples."""
        return self.block * sum(sample.blocks[-1] for sample in self.samples if sample.blocks)

    def with_samples(self, samples: list[ToySample]) -> Self:
        """Return the plan with other samples, in order of the tested mu."""
        return replace(self, samples=sorted(samples, key=lambda each: (each.tested, each.mu)))

    def next_round(self, blocks: list[int], new: list[ToySample] = ()) -> Self:
        """Return the plan of the next round.

        Args:
            blocks: of each sample after the next round.
            new: samples that begin in this round, with the blocks of this round alone.
        """
        rounds = self.rounds()
        known = [
            replace(sample, blocks=[*sample.blocks, number]) if sample.blocks else sample
            for sample, number in zip(self.samples, blocks, strict=True)
        ]
        late = [replace(sample, blocks=[0] * rounds + sample.blocks) if sample.blocks else sample for sample in new]
        return self.with_samples([*known, *late])

    def to_json(self) -> dict:
        """Return the plan as a JSON object."""
        return super().to_json() | {"samples": [sample.to_json() for sample in self.samples]}

    @classmethod
    def from_json(cls, record: dict) -> Self:
        """Make the plan from a JSON object; errors as in `Record.from_json`."""
        plan = super().from_json(record)
        return replace(plan, samples=[ToySample.from_json(sample) for sample in record["samples"]])

    @staticmethod
    def describes(content: object) -> bool:
        """Return whether the content of a JSON file is a plan of this kind."""
        return isinstance(content, dict) and "samples" in content
