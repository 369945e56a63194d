"""Repeat the run that a manifest describes in a new folder, and compare all results byte by byte.

Reads manifest.json and the input files that it lists. Prints which versions have changed, and the first result that
differs, with the first differing value if the old results still exist. The exit code is 0 if all results are the same.
"""

import csv
import io
import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from muscan.base import seals, versions
from muscan.base.errors import InputError
from muscan.base.files import write_json
from muscan.base.options import positive_integer
from muscan.base.versions import ROOT
from muscan.base.words import join_items
from muscan.commands.parser import command_parser
from muscan.commands.snakemake import run_snakemake
from muscan.config.fetch import fetch_missing
from muscan.config.result_files import MANIFEST, require_results
from muscan.records.manifest import Manifest
from muscan.results.manifest import changed_files

MISSING = "nothing"  # instead of a value behind the end of the shorter file


def fresh_folder(base: Path, inputs: list[str]) -> Path:
    """Create a folder below `base` in which links to the input files have the paths of the manifest."""
    depth = max((Path(path).parts.count(os.pardir) for path in inputs if not os.path.isabs(path)), default=0)
    folder = base.joinpath(*["run"] * (depth + 1))
    folder.mkdir(parents=True)
    for path in inputs:
        if not os.path.isabs(path):
            link = folder / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.abspath(path))
    return folder


def rerun(config: dict, folder: Path, cores: str) -> Manifest:
    """Run muscan in a folder.

    Returns:
        The manifest of its results.

    Raises:
        InputError: if the run does not finish.
    """
    file = folder / "config.json"
    write_json(file, config)
    run_snakemake(folder, file, "--workflow-profile", str(ROOT / "profiles" / "default"), "--cores", cores)
    if not (folder / MANIFEST).exists():
        raise InputError(f"the run did not finish; its logs are in {folder}")
    return Manifest.read(folder / MANIFEST)


def digests_by_file(records: list[dict[str, str]]) -> dict[str, str]:
    """Return {file: SHA-256 digest} for the entries of a manifest."""
    return {record["file"]: record["sha256"] for record in records}


def differences(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Return the files whose digests differ, or that only one of the runs has, in the order of the old run."""
    return [file for file in old | new if old.get(file) != new.get(file)]


def first_value(old: Path, new: Path) -> str:
    """Describe the first difference between two files: the key, cell, array element or line, and both values."""
    values = [_values(path) for path in (old, new)]
    for (place, before), (new_place, after) in itertools.zip_longest(*values, fillvalue=(MISSING, MISSING)):
        if place != new_place:
            return f"{place} was there, now it is {new_place}"
        if before != after:
            return f"{place} was {before}, now it is {after}"
    return "the bytes differ, but the values are the same"


def _values(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (place, value) for each value, line or byte of a file."""
    content = path.read_bytes()
    if content[:1] in (b"{", b"["):
        yield from _leaves(json.loads(content), "")
    elif path.suffix == ".npz":
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            for name in file.files:
                yield from ((f"{name}{list(index)}", repr(value)) for index, value in np.ndenumerate(file[name]))
    elif path.suffix == ".csv":
        header, *rows = csv.reader(io.StringIO(content.decode()))
        for number, row in enumerate(rows, 2):
            yield from ((f"line {number}, {name}", cell) for name, cell in zip(header, row, strict=True))
    elif path.suffix in (".md", ".yaml"):
        yield from ((f"line {number}", line) for number, line in enumerate(content.decode().splitlines(), 1))
    else:
        yield from ((f"byte {number}", str(byte)) for number, byte in enumerate(content))


def _leaves(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield (place, value) for the numbers and texts of a JSON value, such as ("points[3].CLs_obs", "0.05")."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{place}[{number}]")
    else:
        yield place, json.dumps(value)


def compare(manifest: Manifest, new: Manifest, folder: Path) -> int:
    """Compare the results of two manifests and print the first difference.

    Args:
        manifest: of the old run.
        new: of the new run.
        folder: the folder of the new run.

    Returns:
        the exit code: 0 if all results are the same, otherwise 1.
    """
    old, made = digests_by_file(manifest.results), digests_by_file(new.results)
    differing = differences(old, made)
    if not differing:
        print(f"The same bytes: {len(old)} files.")
        return 0
    first = differing[0]
    print(f"{len(differing)} of {len(old | made)} files differ. The first, in the order of the workflow:")
    if first not in made or first not in old:
        print(f"{first}: only in {'the manifest' if first in old else 'the new run'}")
    elif not os.path.isfile(first) or seals.digest(first) != old[first]:
        print(f"{first}: the difference cannot be shown, because the old file does not exist any more")
    else:
        print(f"{first}: {first_value(Path(first), folder / first)}")
    print(f"The new results are in {folder}.")
    return 1


def _cores(text: str) -> str:
    """Check the value of the option --cores: a positive number or "all"."""
    return text if text == "all" else str(positive_integer(text))


def main(argv: list[str] | None = None) -> int:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--manifest", default=MANIFEST, help="manifest of the run to repeat")
    parse.add_argument(
        "--folder",
        type=Path,
        help="folder of the new run; default: a temporary one, which is removed if all results are the same",
    )
    parse.add_argument("--cores", type=_cores, default="all", help="number of cores, or all")
    args = parse.parse_args(argv)
    require_results(args.manifest)
    manifest = Manifest.read(args.manifest)
    if manifest.problems:
        problems = join_items(manifest.problems, 3, "; ")
        raise InputError(f"{args.manifest}: a part of the configuration was not run; correct it first: {problems}")
    fetch_missing([each["fetched_from"] for each in manifest.inputs if "fetched_from" in each])
    inputs = digests_by_file(manifest.inputs)
    changed = changed_files(manifest.inputs)
    if changed:
        raise InputError(f"{args.manifest}: {', '.join(changed)}: changed since that run, or missing")
    now = versions.all_versions()
    for name, then in manifest.versions.items():
        if now.get(name) != then:
            print(f"{name}: {then} in the manifest, {now.get(name)} now")
    base = args.folder or Path(tempfile.mkdtemp(prefix="muscan-"))
    folder = fresh_folder(base, list(inputs))
    code = compare(manifest, rerun(manifest.config, folder, args.cores), folder)
    if code == 0 and not args.folder:
        seals.remove_result(base)
    return code
