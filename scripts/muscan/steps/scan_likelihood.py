"""The step that profiles -2 log L along one or two parameters."""

from dataclasses import dataclass

from muscan.base.errors import StepError
from muscan.base.files import record_failure
from muscan.base.options import option
from muscan.inference.signal_point import SignalFiles


@dataclass(frozen=True)
class ScanOptions:
    """The scans of a signal."""

    scans: dict = option("{name of a scan: one or two parameters}, as JSON")


def scan_likelihood(output: str, csv: str, files: SignalFiles, options: ScanOptions) -> None:
    """Write likelihood_scans.json and the same values as a CSV file; if there are none, the reason."""
    with record_failure(output):
        raise StepError("not written yet")
