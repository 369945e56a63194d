"""The step that draws templates and pseudo-data."""

from dataclasses import dataclass

from muscan.base.options import option
from muscan.config.block_check import explain_settings
from muscan.inputs.histograms import write_histograms
from muscan.inputs.simulation import simulate


@dataclass(frozen=True)
class SimulateSettings:
    """The simulation of a dataset."""

    spec: dict = option("the `simulate` block of a dataset of the configuration, as JSON")
    blind: bool = option("draw no pseudo-data", default=False)


def simulate_histograms(output: str, settings: SimulateSettings) -> None:
    """Write histograms.csv: one column of counts per component, and one of observed counts.

    Raises:
        InputError: if the settings do not follow the schema of configurations.
    """
    with explain_settings("--spec", "simulate", settings.spec):
        histograms = simulate(settings.spec, observed=not settings.blind)
    write_histograms(output, histograms)
