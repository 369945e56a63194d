#!/usr/bin/env python
"""Make the workspace of one signal from a published one.

Reads a pyhf workspace and, if the signal comes as a patch, a patch set (HEPData's format, digests verified) or a loose
JSON patch; writes workspace.json with the chosen measurement alone.
"""

import argparse

import jsonpatch
import pyhf

from files import failure_recorded, read_json, run, write_json
from inference.errors import InputError


def from_patchset(workspace: dict, patchset: dict, signal: str) -> dict:
    """Apply the patch named `signal` after verifying the digest of the workspace.

    Raises:
        InputError: if the patch set does not belong to the workspace, has no such patch, or it does not apply.
    """
    try:
        patches = pyhf.PatchSet(patchset)
        patches.verify(workspace)
        return _applied(workspace, patches[signal].patch, signal)
    except pyhf.exceptions.PatchSetVerificationError as error:
        raise InputError(f"the patch set was made for another workspace: {error}") from error
    except (pyhf.exceptions.InvalidPatchSet, pyhf.exceptions.InvalidSpecification) as error:
        raise InputError(f"the patch set is not valid: {error}") from error
    except pyhf.exceptions.InvalidPatchLookup as error:
        raise InputError(f"the patch set has no patch {signal!r}") from error


def _applied(workspace: dict, patch: list, signal: str) -> dict:
    try:
        return jsonpatch.apply_patch(workspace, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError) as error:
        raise InputError(f"the patch of {signal!r} does not apply to the workspace: {error}") from error


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
    """Check against pyhf's schema.

    Raises:
        InputError: naming the place in the JSON that is wrong.
    """
    try:
        pyhf.schema.validate(workspace, "workspace.json")
    except pyhf.exceptions.InvalidSpecification as error:
        raise InputError(f"not a valid pyhf workspace: {error}") from error
    return workspace


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
            workspace = from_patchset(workspace, read_json(args.patchset), args.signal)
        elif args.patch:
            workspace = _applied(workspace, read_json(args.patch), args.signal)
        write_json(args.output, with_measurement(validated(workspace), args.measurement))


if __name__ == "__main__":
    run(main)
