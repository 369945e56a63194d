"""The signals of a published workspace: their names, their labels, and the files from which their workspaces are made.

In this module, `source` is the `workspace` block of a data set of a complete configuration (see `schema.complete`) or
of its outline (see `scans.outline_of`).
"""

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from glob import escape, glob
from os.path import exists, isdir, isfile
from pathlib import Path
from urllib.parse import quote

from muscan.base.errors import InputError
from muscan.base.file_kinds import describe_mismatch
from muscan.base.json_input import LARGEST_RESULT, read_json
from muscan.base.words import closest_name, did_you_mean, join_items, shorten
from muscan.config import remote_inputs
from muscan.config.settings import source_of

ONLY_SIGNAL = "signal"  # name of the signal of an analysis without patches
NUMBER = r"(-?\d+(?:\.\d+)?)"  # regular expression for a number in the name of a signal
LONGEST_SIGNAL = 200  # largest length of the name of a signal in a path; file systems allow 255


def signals_of(config: dict, analysis: str) -> dict[str, str]:
    """Return the signals of an analysis: {name in paths: name}."""
    kind, block = source_of(config, analysis)
    return signal_names(block) if kind == "workspace" else {ONLY_SIGNAL: ONLY_SIGNAL}


def signal_names(source: dict) -> dict[str, str]:
    """Return the selected signals of a source: {name in paths: name}.

    A listed signal without a patch is included; its steps will fail without affecting other signals.

    Raises:
        InputError: if the patches cannot be read, or none of them is selected.
    """
    known = known_signals(source)
    wanted = source["signals"]
    if wanted == "all":
        names = known
    elif isinstance(wanted, str):
        names = [name for name in known if fnmatchcase(name, wanted)]
        if not names:
            raise InputError(f"no signal matches {wanted!r}; there are {join_items(known)}")
    else:
        if not set(wanted) & set(known):
            raise InputError("; ".join(f"there is no signal {name!r}{_nearest_signal(name, known)}" for name in wanted))
        names = wanted
    return {path_name(name): name for name in names}


def _nearest_signal(name: str, known: list[str]) -> str:
    """Return a hint with the signal whose name is nearest to an unknown one."""
    nearest = closest_name(name, known, similarity=0)
    return did_you_mean(name, known) or f"; of the {len(known)} signals, {nearest!r} has the most similar name"


def label_values(source: dict) -> dict[str, dict[str, float | str]]:
    """Return the values of the labels (in most cases masses) of each signal: {name: {label: value}}.

    Raises:
        InputError: if the patches cannot be read, or a name does not match the form given under `labels`.
    """
    if "patchset" in source:
        return dict(_patches_of(source))
    if "labels" in source:
        return {name: _values_in(name, source["labels"]) for name in known_signals(source)}
    return {}


def _values_in(name: str, form: str) -> dict[str, float]:
    """Return the numbers in a name, {label: value}, for a form with labels in braces such as `stau_{m1}_{m2}`."""
    parts = re.split(r"\{(.*?)\}", form)
    pattern = "".join(NUMBER if i % 2 else re.escape(part) for i, part in enumerate(parts))
    found = re.fullmatch(pattern, name)
    if found is None:
        raise InputError(f"the name {name!r} does not have the form {form!r}")
    numbers = [float(value) for value in found.groups()]
    return dict(zip(parts[1::2], (int(value) if value.is_integer() else value for value in numbers), strict=True))


def scan_name(analysis: str, signal: str) -> str:
    """Return the name of a scan in texts: the analysis, and the signal if it is one of a set of patches."""
    return analysis if signal == ONLY_SIGNAL else f"{analysis} / {signal}"


def path_name(name: str) -> str:
    """Return a name as a component of a path: percent-encoded as in a URL, and not beginning with "." or "-"."""
    encoded = quote(name, safe="+,=@")
    return f"%{ord(encoded[0]):X}{encoded[1:]}" if encoded.startswith((".", "-")) else encoded


def workspace_files(source: dict, signal: str) -> dict[str, str]:
    """Return the files from which the workspace of a signal is made, by the options of the step `patch_workspace`."""
    files = {"workspace": source["file"]}
    if "patches" in source:
        patches = _loose_patches(source["patches"])
        files["patch"] = patches.get(signal, str(Path(next(iter(patches.values()))).with_name(f"{signal}.json")))
    elif "patchset" in source:
        files["patchset"] = source["patchset"]
    return files


def known_signals(source: dict) -> list[str]:
    """Return the names of all patches of a source.

    Raises:
        InputError: if the patches cannot be read, or a name cannot be used for a folder.
    """
    if "patches" in source:
        return sorted(_loose_patches(source["patches"]))
    if "patchset" in source:
        return list(dict.fromkeys(name for name, _ in _patches_of(source)))
    return [ONLY_SIGNAL]


def _patches_of(source: dict) -> list[tuple[str, dict]]:
    file = source["patchset"]
    if "max_megabytes" not in source and file in _patches_of_files:  # an outline has no limit
        return _patches_of_files[file]
    _patches_of_files[file] = _patchset(file, source.get("max_megabytes", LARGEST_RESULT))
    return _patches_of_files[file]


_patches_of_files: dict[str, list[tuple[str, dict]]] = {}  # of patch sets that have been read


@lru_cache
def _patchset(file: str, max_megabytes: float) -> list[tuple[str, dict]]:
    """Return the name and the labels with their values of each patch of a set; the rest of the file is not kept."""
    patchset = read_json(file, max_megabytes)
    mismatch = describe_mismatch("a patch set", patchset)
    if mismatch:
        raise InputError(f"{file}: {mismatch}")
    try:
        labels = patchset.get("metadata", {}).get("labels", [])
        metadata = [patch["metadata"] for patch in patchset["patches"]]
        patches = [(each["name"], _labelled(labels, each.get("values", []))) for each in metadata]
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{file}: not a patch set: the names of patches are missing") from error
    for name, _ in patches:
        if not _can_name_folder(name):
            raise InputError(f"{file}: a patch has the name {shorten(repr(name))}, which cannot be used for a folder")
    if not patches:
        raise InputError(f"{file}: the patch set has no patches")
    return patches


def _labelled(labels: list[str], values: list) -> dict:
    """Return {label: value}; empty if their numbers differ, which the step that applies patches reports."""
    return dict(zip(labels, values, strict=True)) if len(labels) == len(values) else {}


def _can_name_folder(name: object) -> bool:
    return isinstance(name, str) and name.isprintable() and 0 < len(path_name(name)) <= LONGEST_SIGNAL


def check_input(path: str, may_be_missing: bool = False) -> None:
    """Check that a file can be an input of the workflow.

    Args:
        path: the file.
        may_be_missing: whether it need not exist yet.

    Raises:
        InputError: if there is no such file, Snakemake cannot use its name, or it is remote and was not fetched.
    """
    if remote_inputs.is_query(path):
        known = remote_inputs.fetched(path)
        raise InputError((known and known.problem) or f"there is no copy of {path}, which is fetched when a run begins")
    if not exists(path) and not may_be_missing:
        raise InputError(f"there is no file {shorten(path)!r}")
    if exists(path) and not isfile(path):
        raise InputError(f"{shorten(path)!r} is {'a folder' if isdir(path) else 'a pipe or device'}, not a file")
    if "{" in path or "}" in path:
        raise InputError(f"rename {shorten(path)!r}: braces in paths are wildcards of Snakemake")
    if re.search("<.*>", path):
        raise InputError(f"rename {path!r}: angle brackets in paths are variables of Snakemake")


@lru_cache
def _loose_patches(pattern: str) -> dict[str, str]:
    """Return {name: file} of the loose patches of a folder or a glob pattern."""
    if remote_inputs.is_query(pattern):
        raise InputError(f"{shorten(pattern)!r}: loose patches are not fetched; name a patch set, or copy the folder")
    files = sorted(glob(f"{escape(pattern)}/*.json" if isdir(pattern) else pattern))
    if not files and isdir(pattern):
        raise InputError(f"the folder {shorten(pattern)!r} has no JSON files")
    if not files:
        raise InputError(f"there are no JSON files {shorten(pattern)!r}")
    patches: dict[str, str] = {}
    for file in files:
        check_input(file)
        other = patches.setdefault(Path(file).name.removesuffix(".gz").removesuffix(".json"), file)
        if other != file:
            raise InputError(f"two patches have the same name: {other} and {file}")
    return patches
