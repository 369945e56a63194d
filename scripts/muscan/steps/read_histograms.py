"""The step that converts histograms from any source to one format."""

import sys
from dataclasses import dataclass

from muscan.base.files import record_failure, write_json
from muscan.base.options import option
from muscan.base.words import printable_text
from muscan.config.block_check import explain_settings
from muscan.diagnosis.findings import Finding
from muscan.inputs.histograms import write_histograms
from muscan.inputs.read_histograms import read_source


@dataclass(frozen=True)
class HistogramSettings:
    """The source of the histograms."""

    spec: dict = option("the `histograms` block of a dataset of the configuration, as JSON")
    blind: bool = option("leave out the observed data", default=False)


def collect_histograms(output: str, settings: HistogramSettings, findings: str | None = None) -> None:
    """Write histograms.csv, or the reason why there is none.

    Args:
        output: histograms.csv.
        settings: of the dataset.
        findings: a JSON file for what was left out or changed.
    """
    changes: tuple[Finding, ...] = ()
    with record_failure(output):
        with explain_settings("--spec", "histograms", settings.spec):
            histograms = read_source(settings.spec, observed=not settings.blind)
        changes = histograms.findings
        write_histograms(output, histograms)
    for change in changes:
        print(f"warning: {printable_text(str(change))}", file=sys.stderr)
    if findings:
        write_json(findings, [change._asdict() for change in changes])
