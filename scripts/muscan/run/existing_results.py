"""The results in the working directory: remove broken ones before a run, and name missing ones after it."""

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
LEAST_FREE = 1_000_000  # bytes; with less the disk counts as full
FORCE_ALL = "To make all of them again: snakemake --forceall"


def unwritable_folders() -> list[str]:
    """Return the folders in the working directory to which a run cannot write."""
    return [name for name in WRITTEN if not os.access(name if os.path.exists(name) else ".", os.W_OK | os.X_OK)]


def describe_missing(results: list[str]) -> Iterator[str]:
    """Yield messages about the `results` that a run has not made, and about a full disk."""
    if results:
        yield f"Not made: {join_items(results)}."
    if shutil.disk_usage("results" if os.path.exists("results") else ".").free < LEAST_FREE:
        yield "The disk is full: free some space first."


def remove_broken() -> Iterator[str]:
    """Remove results that have changed since they were written, and the manifest if one of its results is missing.

    Snakemake then makes them again. Nothing is removed while another run uses the folder.

    Yields:
        Messages for the user: which results were broken, and which were made by other versions.
    """
    if _has_files(LOCKS):
        return
    for path in list(seals.broken_results()):
        seals.remove_result(path)
        yield f"{path} was cut off, edited or replaced: it will be made again."
    files, made_with = _manifest()
    gone = [file for file in files if not os.path.exists(file) and not _deleted_toys(file)]
    for scan in {file.partition("/toys/")[0] for file in gone if TOYS in file}:
        seals.remove_result(f"{scan}/jobs")  # the jobs that throw the missing toys run again
    if gone or not files:
        seals.remove_result(MANIFEST)
    yield from _describe_versions(made_with)


def _deleted_toys(file: str) -> bool:
    """Return whether a file belongs to toys that were all deleted, which is allowed once the limits are done."""
    return TOYS in file and not os.path.exists(file.partition(TOYS)[0] + TOYS)


def _manifest() -> tuple[list[str], dict[str, str]]:
    """Return the files in the manifest and the versions that made them; both empty if it cannot be read."""
    if not os.path.exists(MANIFEST):
        return [], {}
    try:
        manifest = read_json(MANIFEST)
        return [record["file"] for record in manifest["results"]], dict(manifest["versions"])
    except (StepError, seals.BrokenResult, KeyError, TypeError, ValueError):
        return [], {}


def _describe_versions(then: dict[str, str]) -> Iterator[str]:
    """Yield messages about results of other versions of packages or of muscan, of which Snakemake does not know."""
    now = versions.installed_versions()
    others = [f"{name} {then[name]}, now {now[name]}" for name in now if name in then and then[name] != now[name]]
    packages = [text for text in others if not text.startswith("code ")]
    if packages:
        yield f"The results here were made with {'; '.join(packages)}. {FORCE_ALL}"
    if then.get("code") != now["code"] and os.path.exists("results/limits.csv") and not _has_files(RECORDS):
        yield f"The results here may be of another version of muscan, and Snakemake has no record of them. {FORCE_ALL}"


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
