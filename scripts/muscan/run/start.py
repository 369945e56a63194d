"""Before a run: can results be written, are those that are there what was written? After it: which are missing?"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from muscan.base import seals, versions
from muscan.base.errors import StepError
from muscan.base.json_input import read_json
from muscan.base.words import join_items
from muscan.config.result_files import MANIFEST

WRITTEN = ("results", "logs", "benchmarks", ".snakemake")
LOCKS, RECORDS = Path(".snakemake", "locks"), Path(".snakemake", "metadata")
TOYS = "/toybased/toys/"
LEAST_ROOM = 1_000_000  # bytes
ANEW = "To be sure, make all anew: snakemake --forceall"


def unwritable() -> list[str]:
    """Folders of this one in which a run could not write."""
    return [name for name in WRITTEN if not os.access(name if os.path.exists(name) else ".", os.W_OK | os.X_OK)]


def missing(results: list[str]) -> Iterator[str]:
    """What to say after a run that had errors."""
    absent = [name for name in results if not os.path.exists(name)]
    if absent:
        yield f"Not made: {join_items(absent)}. Run again to make what is missing; what is finished stays."
    if shutil.disk_usage("results" if os.path.exists("results") else ".").free < LEAST_ROOM:
        yield "The disk is full: make room first."


def tidy() -> Iterator[str]:
    """Remove results that are not what was written, and the list of results if one of them is missing.

    Snakemake then makes them anew. Nothing is done while another run has the folder.

    Yields:
        What was found, for the user.
    """
    if _holds(LOCKS):
        return
    for path in list(seals.broken_results()):
        seals.remove_result(path)
        yield f"{path} was cut off, edited or replaced: it is made anew."
    files, made_with = _manifest()
    gone = [file for file in files if not os.path.exists(file) and not _deleted_toys(file)]
    for scan in {file.partition("/toys/")[0] for file in gone if TOYS in file}:
        seals.remove_result(f"{scan}/jobs")  # they throw the toys that are missing
    if gone or not files:
        seals.remove_result(MANIFEST)
    yield from _of_another_version(made_with)


def _deleted_toys(file: str) -> bool:
    """Whether a file is one of the toys of a scan whose toys somebody deleted altogether, to have the room."""
    return TOYS in file and not os.path.exists(file.partition(TOYS)[0] + TOYS)


def _manifest() -> tuple[list[str], dict[str, str]]:
    """The files that the list of results has, and the versions that made them; nothing if there is no such list."""
    if not os.path.exists(MANIFEST):
        return [], {}
    try:
        manifest = read_json(MANIFEST)
        return [record["file"] for record in manifest["results"]], dict(manifest["versions"])
    except (StepError, seals.BrokenResult, KeyError, TypeError, ValueError):
        return [], {}


def _of_another_version(then: dict[str, str]) -> Iterator[str]:
    """What Snakemake does not see of the origin of the results that are there."""
    now = versions.all_versions()
    others = [f"{name} {then[name]}, now {now[name]}" for name in now if name in then and then[name] != now[name]]
    packages = [text for text in others if not text.startswith("code ")]
    if packages:
        yield f"The results here were made with {'; '.join(packages)}. {ANEW}"
    if then.get("code") != now["code"] and os.path.exists("results/limits.csv") and not _holds(RECORDS):
        yield f"The results here may be of another version of muscan, and Snakemake has no record of them. {ANEW}"


def _holds(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
