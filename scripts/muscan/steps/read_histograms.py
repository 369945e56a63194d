"""The step that brings histograms of any source into one form."""

import sys
from dataclasses import dataclass

from muscan.base.files import failure_recorded, write_json
from muscan.base.options import option
from muscan.base.words import printable_text
from muscan.diagnosis.findings import Finding
from muscan.inputs.histograms import write_histograms
from muscan.inputs.read_histograms import read_source


@dataclass(frozen=True)
class HistogramSettings:
    """What is read, and of which source."""

    spec: dict = option("the `histograms` block of a data set, as JSON")
    blind: bool = option("leave the observed data out", default=False)


def collect_histograms(output: str, settings: HistogramSettings, findings: str | None = None) -> None:
    """Write histograms.csv, or why there is none.

    Args:
        output: histograms.csv.
        settings: of the data set.
        findings: a file for what was left out or changed, as JSON.
    """
    found: tuple[Finding, ...] = ()
    with failure_recorded(output):
        histograms = read_source(settings.spec, observed=not settings.blind)
        found = histograms.findings
        write_histograms(output, histograms)
    for each in found:
        print(f"warning: {printable_text(str(each))}", file=sys.stderr)
    if findings:
        write_json(findings, [each._asdict() for each in found])
