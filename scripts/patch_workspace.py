#!/usr/bin/env python
"""Make the workspace of one signal from a published one.

Reads a pyhf workspace, what check_published.py found and, if the signal comes as a patch, a patch set (HEPData's
format) or a loose JSON patch; writes workspace.json with the chosen measurement alone.
"""

import argparse
from functools import lru_cache
from typing import Any

import jsonpatch

from files import failure_recorded, named, read_json, read_result, run, write_json
from inference.errors import InputError
from messages import did_you_mean

# What jsonpatch raises where a patch is not a patch, or meets a workspace of another form.
MISFITS = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def from_patchset(workspace: dict, patchset: dict, signal: str) -> dict:
    """Apply the patch named `signal` of a checked patch set.

    Raises:
        InputError: if it has no such patch, or two, or it does not apply.
    """
    names = [each["metadata"]["name"] for each in patchset["patches"]]
    if names.count(signal) != 1:
        problem = "two patches" if signal in names else "no patch"
        raise InputError(f"the patch set has {problem} {signal!r}{did_you_mean(signal, set(names) - {signal})}")
    found = patchset["patches"][names.index(signal)]
    values, labels = found["metadata"]["values"], patchset["metadata"]["labels"]
    if len(values) != len(labels):
        raise InputError(f"the patch {signal!r} has {len(values)} values for the labels {', '.join(labels)}")
    return patched(workspace, found["patch"])


def patched(workspace: dict, patch: list) -> dict:
    """Apply a JSON patch. What it does not touch is shared with the workspace, which stays as it is.

    Raises:
        InputError: if it is no patch, or one for another workspace.
    """
    try:
        operations = jsonpatch.JsonPatch(patch).patch
        for operation in operations:
            for key in ("path", "from"):
                if operation.get("op") != "test" and key in operation:
                    workspace = _unshared(workspace, jsonpatch.JsonPointer(operation[key]).parts)
            workspace = jsonpatch.JsonPatch([operation]).apply(workspace, in_place=True)
        return workspace
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, *MISFITS) as error:
        raise InputError(f"the patch does not apply to the workspace: {error}") from error


def _unshared(value: Any, path: list[str]) -> Any:
    """The same value, with copies of the objects and lists that lie on the path."""
    if not isinstance(value, dict | list):
        return value
    value = value.copy()
    if path:
        key = path[0] if isinstance(value, dict) else int(path[0]) if path[0].isdecimal() else None
        if key is not None and (key in value if isinstance(value, dict) else key < len(value)):
            value[key] = _unshared(value[key], path[1:])
    return value


def with_measurement(workspace: dict, name: str | None) -> dict:
    """Keep one measurement: the named one, or the first.

    Raises:
        InputError: if there is none, or none of that name.
    """
    measurements = workspace.get("measurements") if isinstance(workspace, dict) else None
    if not isinstance(measurements, list) or not measurements:
        raise InputError("the workspace has no measurements")
    known = [each.get("name") if isinstance(each, dict) else None for each in measurements]
    if name is not None and name not in known:
        raise InputError(f"the workspace has no measurement {name!r}, only {', '.join(map(repr, known))}")
    return workspace | {"measurements": [measurements[0 if name is None else known.index(name)]]}


@lru_cache
def published(path: str) -> dict:
    """A file that the signals of a process share; nothing changes what was read."""
    return read_json(path)


def of_signal(
    files: dict[str, str | None], signal: str, measurement: str | None = None, wrong: dict[str, str] | None = None
) -> dict:
    """The workspace of a signal.

    Args:
        files: `workspace`, and `patchset` or `patch` if there is one.
        signal: name of the patch.
        measurement: its name; the first if missing.
        wrong: what is wrong with patches of the set, by their names.

    Raises:
        InputError: if a file or the patch cannot be used.
    """
    file, patchset, patch = (files.get(key) for key in ("workspace", "patchset", "patch"))
    workspace = published(file)
    if patchset:
        patches = published(patchset)
        with named(patchset, signal):
            if signal in (wrong or {}):
                raise InputError(wrong[signal])
            workspace = from_patchset(workspace, patches, signal)
    elif patch:
        operations = read_json(patch)
        with named(patch):
            workspace = patched(workspace, operations)
    with named(file, *filter(None, [patchset and signal, patch])):
        return with_measurement(workspace, measurement)


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--workspace", required=True, help="pyhf workspace, plain or gzipped")
    parse.add_argument("--checked", required=True, help="what check_published.py wrote about the files")
    source = parse.add_mutually_exclusive_group()
    source.add_argument("--patchset", help="patch set, plain or gzipped")
    source.add_argument("--patch", help="a JSON patch")
    parse.add_argument("--signal", default="signal", help="name of the patch")
    parse.add_argument("--measurement", help="name of the measurement; default: the first")
    parse.add_argument("--output", required=True)
    args = parse.parse_args(argv)
    with failure_recorded(args.output):
        wrong = read_result(args.checked).get("wrong_patches", {})
        write_json(args.output, of_signal(vars(args), args.signal, args.measurement, wrong))


if __name__ == "__main__":
    run(main)
