#!/usr/bin/env python
"""Make the workspace of one signal from a published one.

Reads a pyhf workspace and, if the signal comes as a patch, a patch set (HEPData's format, digests verified) or a loose
JSON patch; writes workspace.json with the chosen measurement alone.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager

import jsonpatch
import pyhf

from files import failure_recorded, read_json, run, write_json
from inference.errors import InputError

# What jsonpatch raises where a patch is not a patch, or meets a workspace of another form.
MISFITS = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def from_patchset(workspace: dict, patchset: dict, signal: str) -> dict:
    """Apply the patch named `signal` after verifying the digest of the workspace.

    Raises:
        InputError: if the patch set does not belong to the workspace, has no such patch, or it does not apply.
    """
    if not isinstance(patchset, dict):
        raise InputError("not a patch set: loose patches belong under `patches`")
    try:
        patches = pyhf.PatchSet(patchset)
        patches.verify(workspace)
        patch = patches[signal].patch
    except pyhf.exceptions.PatchSetVerificationError as error:
        raise InputError(f"the patch set was made for another workspace: {error}") from error
    except pyhf.exceptions.InvalidSpecification as error:
        raise InputError(f"the patch set is not valid: {_where(error)}") from error
    except pyhf.exceptions.SchemaNotFound as error:
        raise InputError(f"the patch set has the unknown version {patchset.get('version')!r}") from error
    except pyhf.exceptions.InvalidPatchSet as error:
        names = [patch["metadata"]["name"] for patch in patchset["patches"]]
        twice = next((name for name in names if names.count(name) > 1), None)
        what = f"the name {twice!r} stands twice" if twice else _short(error)
        raise InputError(f"the patch set is not valid: {what}") from error
    except pyhf.exceptions.InvalidPatchLookup as error:
        raise InputError(f"the patch set has no patch {signal!r}") from error
    return patched(workspace, patch)


def patched(workspace: dict, patch: list) -> dict:
    """Apply a JSON patch.

    Raises:
        InputError: if it is no patch, or one for another workspace.
    """
    try:
        return jsonpatch.JsonPatch(patch).apply(workspace)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, *MISFITS) as error:
        raise InputError(f"the patch does not apply to the workspace: {error}") from error


def with_measurement(workspace: dict, name: str | None) -> dict:
    """Keep one measurement: the named one, or the first.

    Raises:
        InputError: if there is none, or none of that name.
    """
    measurements = workspace.get("measurements") if isinstance(workspace, dict) else None
    if not measurements:
        raise InputError("the workspace has no measurements")
    known = [measurement.get("name") for measurement in measurements]
    if name is not None and name not in known:
        raise InputError(f"the workspace has no measurement {name!r}, only {', '.join(map(repr, known))}")
    return workspace | {"measurements": [measurements[0 if name is None else known.index(name)]]}


def validated(workspace: dict) -> dict:
    """Check against pyhf's schema, and for numbers that JSON does not have.

    Raises:
        InputError: naming the place in the JSON that is wrong.
    """
    try:
        pyhf.schema.validate(workspace, "workspace.json")
        json.dumps(workspace, allow_nan=False)
    except pyhf.exceptions.InvalidSpecification as error:
        raise InputError(f"not a valid pyhf workspace: {_where(error)}") from error
    except ValueError as error:
        raise InputError("not a valid pyhf workspace: a number in it is not finite") from error
    return workspace


def _where(error: pyhf.exceptions.InvalidSpecification) -> str:
    """The place and the complaint, without the rest of the workspace."""
    return f"{error.path or 'top level'}: {_short(error)}"


def _short(error: Exception, most: int = 200) -> str:
    complaint = str(error).split("\n")[0]
    return f"{complaint[:most]}{'...' if len(complaint) > most else ''}"


@contextmanager
def _named(*names: str) -> Iterator[None]:
    """Put the names of the files and the signal before the message."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{', '.join(names)}: {error}") from error


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--workspace", required=True, help="pyhf workspace, plain or gzipped")
    source = parse.add_mutually_exclusive_group()
    source.add_argument("--patchset", help="patch set, plain or gzipped")
    source.add_argument("--patch", help="a JSON patch")
    parse.add_argument("--signal", default="signal", help="name of the patch")
    parse.add_argument("--measurement", help="name of the measurement; default: the first")
    parse.add_argument("--output", required=True)
    args = parse.parse_args(argv)
    with failure_recorded(args.output):
        workspace = read_json(args.workspace)
        if args.patchset:
            patchset = read_json(args.patchset)
            with _named(args.patchset, args.signal):
                workspace = from_patchset(workspace, patchset, args.signal)
        elif args.patch:
            patch = read_json(args.patch)
            with _named(args.patch):
                workspace = patched(workspace, patch)
        with _named(args.workspace, *filter(None, [args.patchset and args.signal, args.patch])):
            write_json(args.output, with_measurement(validated(workspace), args.measurement))


if __name__ == "__main__":
    run(main)
