"""Record what a run has produced and from what: digests of all results and inputs, versions, the configuration.

Reads all results of a configuration, writes manifest.json.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from muscan.base import seals, versions
from muscan.base.files import write_json
from muscan.base.json_input import read_json
from muscan.base.options import option
from muscan.config import remote_inputs
from muscan.config.problems import BLOCKS
from muscan.config.result_files import SUBMISSION, all_inputs, all_results
from muscan.config.settings import TOYBASED, scan_settings, toy_rounds
from muscan.config.signals import signals_of
from muscan.records.manifest import Manifest
from muscan.records.toy_measurement import MeasurementPlan
from muscan.records.toys import ToyPlan
from muscan.toys.plan import block_files
from muscan.toys.samples import sample_files


def digests(paths: Iterable[str | Path]) -> list[dict[str, str]]:
    """Return the SHA-256 digest of each file, also of the files in folders.

    Raises:
        BrokenResult: if a result was changed after it was written.
    """
    records = []
    for path in paths:
        seals.require_intact(path)
        files = seals.files_in(path) if Path(path).is_dir() else [path]
        records += [{"file": str(file), "sha256": seals.digest(file)} for file in files]
    return records


def changed_files(records: list[dict[str, str]]) -> list[str]:
    """Return the files of a manifest that have other digests now, or do not exist."""
    files = ((record["file"], record["sha256"]) for record in records)
    return [file for file, digest in files if not os.path.isfile(file) or seals.digest(file) != digest]


def toy_files(config: dict, results: Path = seals.RESULTS) -> list[Path]:
    """Return the files of all toys, without those that the user has deleted to save space."""
    found = []
    for analysis in config["analyses"]:
        settings = scan_settings(config, analysis)
        folders = [name for name in settings.calculators if name == TOYBASED]
        for folder in [*folders, *settings.measurements.with_toys(settings.calculators)]:
            last = toy_rounds(settings.toys, folder) - 1
            for signal in signals_of(config, analysis):
                found += _toys_of_plan(results / analysis / signal / folder, last)
    return found


def _toys_of_plan(folder: Path, last: int) -> list[Path]:
    """The files of the toys in a folder, from the plan of its last round."""
    if not (folder / "toys").exists():
        return []
    plan = read_json(folder / f"plan_{last}.json")
    if MeasurementPlan.describes(plan):
        return sample_files(MeasurementPlan.from_json(plan), folder / "toys")
    return block_files(ToyPlan.from_json(plan), folder / "toys") if "points" in plan else []


def manifest(config: dict, problems: list[str], results: Path = seals.RESULTS) -> Manifest:
    """Return the manifest of the results of a configuration.

    Args:
        config: the configuration.
        problems: problems of the configuration, because of which analyses were not run.
        results: the folder of the results.
    """
    # Of a submission to HEPData, `all_results` lists submission.yaml alone; the digests are of all its files.
    found = [Path(path).parent if path.endswith(SUBMISSION) else path for path in all_results(config, results)]
    found += toy_files(config, results)
    inputs = [with_query(record) for record in digests(all_inputs(config))]
    return Manifest(versions.all_versions(), config, problems, inputs, digests(found))


def with_query(record: dict[str, str]) -> dict[str, str]:
    """Return the record of an input file, for the copy of a remote file also from where it was fetched."""
    query = remote_inputs.query_of(record["file"])
    return record | {"fetched_from": query} if query else record


@dataclass(frozen=True)
class RunSettings:
    """The configuration of a run."""

    config: dict = option("the configuration, as JSON", keys=BLOCKS)
    problems: list[str] = option(
        "problems of the configuration, because of which analyses were not run", default_factory=list
    )
    results: str = option("folder of the results", default="results")


def write_manifest(output: str, settings: RunSettings) -> None:
    """Write manifest.json."""
    write_json(output, manifest(settings.config, settings.problems, Path(settings.results)).to_json())
