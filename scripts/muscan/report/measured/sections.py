"""The measurements of a signal as the report shows them."""

from collections.abc import Callable
from pathlib import Path

from muscan.base.errors import StepError
from muscan.base.files import read_result
from muscan.report.measured import discovery, feldman_cousins, intervals, likelihood_scans, ranking
from muscan.report.measured.section import MeasuredSection

# {name of the file without suffix: (title, function that describes its JSON content)}
KINDS: dict[str, tuple[str, Callable[[dict], MeasuredSection]]] = {
    "discovery": ("Significance of an excess", discovery.describe),
    "intervals": ("Intervals", intervals.describe),
    "feldman_cousins": ("Feldman-Cousins intervals", feldman_cousins.describe),
    "likelihood_scans": ("Scans of the likelihood", likelihood_scans.describe),
    "ranking": ("Ranking of nuisance parameters", ranking.describe),
}


def measured_sections(folder: Path, files: list[str]) -> list[MeasuredSection]:
    """Return what the report shows of the measurements of a signal; of one that failed, the reason.

    Args:
        folder: of the signal.
        files: of its measurements, as paths in the folder.
    """
    found = []
    paths = [Path(file) for file in files if file.endswith(".json")]
    for path in paths:
        title, describe = KINDS[path.stem]
        try:
            section = describe(read_result(folder / path))
        except StepError as error:
            section = MeasuredSection(title, [], [], [f"There is no result: {error}"])
        several = sum(other.stem == path.stem for other in paths) > 1
        found.append(section._replace(title=f"{title} ({path.parent})" if several else title))
    return found
