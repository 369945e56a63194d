"""The step that calculates the impacts of nuisance parameters on mu_hat, and the shares of groups of them."""

from dataclasses import dataclass

from muscan.base.errors import StepError
from muscan.base.files import record_failure
from muscan.base.options import option
from muscan.inference.signal_point import SignalFiles


@dataclass(frozen=True)
class RankOptions:
    """What is calculated beside the impacts."""

    group_limits: bool = option("calculate the expected limit without each group")
    confidence_level: float = option("confidence level of the expected limits")
    groups: dict = option("{group: names of its parameters, in which * and ? are wildcards}, as JSON")
    show: int | None = option("number of parameters in the picture; default: 20", default=None)


def rank(output: str, csv: str, files: SignalFiles, options: RankOptions) -> None:
    """Write ranking.json and the impacts as a CSV file; if there are none, the reason."""
    with record_failure(output):
        raise StepError("not written yet")
