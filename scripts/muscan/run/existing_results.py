"""The results in the working directory: remove broken ones before a run, and name missing ones after it."""

import os
import shutil
from collections.abc import Iterator
from os.path import basename
from pathlib import Path

from muscan.base import seals, versions
from muscan.base.errors import StepError
from muscan.base.json_input import read_json
from muscan.base.words import join_items
from muscan.config.measurements import TOY_MEASUREMENTS
from muscan.config.result_files import MANIFEST
from muscan.config.settings import TOYBASED

BESIDE = ("logs", "benchmarks")  # folders beside that of the results to which a run writes
LOCKS, RECORDS = Path(".snakemake", "locks"), Path(".snakemake", "metadata")
TOYS = tuple(f"/{folder}/toys/" for folder in (TOYBASED, *TOY_MEASUREMENTS))
LEAST_FREE = 1_000_000  # bytes; with less the disk counts as full
FORCE_ALL = "To make all of them again: snakemake --forceall"


def unwritable_folders(results: str | Path = seals.RESULTS) -> list[str]:
    """Return the folders to which a run cannot write, where `results` is the folder of its results."""
    names = [Path(results), *(Path(results).with_name(name) for name in BESIDE), Path(".snakemake")]
    return [str(name) for name in names if not os.access(_existing(name), os.W_OK | os.X_OK)]


def _existing(path: Path) -> Path:
    """Return a path if it exists, otherwise the nearest folder above it that does."""
    return next(each for each in (path, *path.parents) if each.exists())


def describe_missing(results: list[str]) -> Iterator[str]:
    """Yield messages about the `results` that a run has not made, and about a full disk."""
    if results:
        yield f"Not made: {join_items(results)}."
    if shutil.disk_usage("results" if os.path.exists("results") else ".").free < LEAST_FREE:
        yield "The disk is full: free some space first."


def remove_broken(results: str | Path = seals.RESULTS) -> Iterator[str]:
    """Remove results that have changed since they were written, and the manifest if one of its results is missing.

    Snakemake then makes them again. Nothing is removed while another run uses the folder.

    Args:
        results: the folder of the results.

    Yields:
        Messages for the user: which results were broken, and which were made by other versions.
    """
    if _has_files(LOCKS):
        return
    for path in list(seals.broken_results(results)):
        seals.remove_result(path)
        yield f"{path} was cut off, edited or replaced: it will be made again."
    manifest = Path(results, basename(MANIFEST))
    files, made_with = _read(manifest)
    gone = [file for file in files if not os.path.exists(file) and not _deleted_toys(file)]
    for folder in {folder for file in gone if (folder := _folder_of_toys(file))}:
        seals.remove_result(Path(folder).with_name("jobs"))  # the jobs that throw the missing toys run again
    if gone or not files:
        seals.remove_result(manifest)
    yield from _describe_versions(made_with, Path(results))


def _deleted_toys(file: str) -> bool:
    """Return whether a file belongs to toys that were all deleted, which is allowed once the limits are done."""
    folder = _folder_of_toys(file)
    return folder is not None and not os.path.exists(folder)


def _folder_of_toys(file: str) -> str | None:
    """Return the folder of all toys of a scan or measurement to which a file belongs; None for other files."""
    return next((file.partition(part)[0] + part for part in TOYS if part in file), None)


def _read(manifest: Path) -> tuple[list[str], dict[str, str]]:
    """Return the files in the manifest and the versions that made them; both empty if it cannot be read."""
    if not manifest.exists():
        return [], {}
    try:
        content = read_json(manifest)
        return [record["file"] for record in content["results"]], dict(content["versions"])
    except (StepError, seals.BrokenResult, KeyError, TypeError, ValueError):
        return [], {}


def _describe_versions(then: dict[str, str], results: Path) -> Iterator[str]:
    """Yield messages about results of other versions of packages or of muscan, of which Snakemake does not know."""
    now = versions.installed_versions()
    here = "here" if results == seals.RESULTS else f"in {results}"
    others = [f"{name} {then[name]}, now {now[name]}" for name in now if name in then and then[name] != now[name]]
    packages = [text for text in others if not text.startswith("code ")]
    if packages:
        yield f"The results {here} were made with {'; '.join(packages)}. {FORCE_ALL}"
    if then.get("code") != now["code"] and (results / "limits.csv").exists() and not _has_files(RECORDS):
        message = f"The results {here} may be of another version of muscan, and Snakemake has no record of them."
        yield f"{message} {FORCE_ALL}"


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
