"""The step that builds a workspace from histograms."""

from dataclasses import dataclass

from muscan.base.files import prefix_errors, record_failure, write_json
from muscan.base.options import option
from muscan.inputs.blinding import blind_workspace
from muscan.inputs.build_workspace import build
from muscan.inputs.histograms import read_histograms


@dataclass(frozen=True)
class BuildSettings:
    """How a workspace is built from histograms."""

    model: dict = option("a block of `models` of the configuration, as JSON", keys=("poi", "samples", "parameters"))
    blind: bool = option("replace the observed data by an expectation; the histograms need not have observed data")


def build_workspace(output: str, histograms: str, settings: BuildSettings) -> None:
    """Write workspace.json, or the reason why there is none.

    Args:
        output: workspace.json.
        histograms: a CSV file with the columns [channel,] bin_low, bin_high, templates, observed.
        settings: of the model.
    """
    with record_failure(output):
        read = read_histograms(histograms, observed=not settings.blind)
        with prefix_errors(histograms):
            workspace = build(read, settings.model)
            write_json(output, blind_workspace(workspace) if settings.blind else workspace)
