#!/usr/bin/env python
"""Check a published workspace and its patch set, once for all signals.

Reads a pyhf workspace and, if there is one, a patch set (HEPData's format); writes {"status": "ok"} if both obey pyhf's
schema and belong together, or what is wrong.
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

import pyhf

from files import failure_recorded, named, read_json, run, write_json
from inference.errors import InputError


def check_workspace(workspace: Any) -> None:
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


def check_patchset(patchset: Any, workspace: dict) -> dict[str, str]:
    """Check against pyhf's schema and the digests of the workspace.

    Returns:
        what is wrong with single patches, by their names.

    Raises:
        InputError: if the patch set is not valid, or was made for another workspace.
    """
    if not isinstance(patchset, dict):
        raise InputError("not a patch set: loose patches belong under `patches`")
    try:
        wrong = _wrong_patches(patchset)
        # pyhf refuses a whole set with two patches of one name; here that is a problem of their signal alone.
        pyhf.PatchSet(_with_patch(patchset)).verify(workspace)
    except pyhf.exceptions.PatchSetVerificationError as error:
        raise InputError(f"the patch set was made for another workspace: {error}") from error
    except pyhf.exceptions.InvalidSpecification as error:
        raise InputError(f"the patch set is not valid: {_where(error)}") from error
    except pyhf.exceptions.SchemaNotFound as error:
        raise InputError(f"the patch set has the unknown version {patchset.get('version')!r}") from error
    return wrong


def _wrong_patches(patchset: dict) -> dict[str, str]:
    """Patches that do not obey the schema; raises if the set without them does not."""
    version = patchset.get("version")
    try:
        pyhf.schema.validate(patchset, "patchset.json", version=version)
        return {}
    except pyhf.exceptions.InvalidSpecification:
        if not isinstance(patchset.get("patches"), list) or not patchset["patches"]:
            raise
        pyhf.schema.validate(_with_patch(patchset), "patchset.json", version=version)
    wrong = {}
    for patch in patchset["patches"]:
        try:
            pyhf.schema.validate(patchset | {"patches": [patch]}, "patchset.json", version=version)
        except pyhf.exceptions.InvalidSpecification as error:
            wrong[patch["metadata"]["name"]] = f"the patch is not valid: {_where(error)}"
    return wrong


def _with_patch(patchset: dict) -> dict:
    """The patch set with one harmless patch."""
    metadata = patchset.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    values = [0] * len(labels) if isinstance(labels, list) else []
    return patchset | {"patches": [{"metadata": {"name": "any", "values": values}, "patch": []}]}


def _where(error: pyhf.exceptions.InvalidSpecification) -> str:
    """The place and the complaint, without the rest of the workspace."""
    return f"{error.path or 'top level'}: {_short(error)}"


def _short(error: Exception, most: int = 200) -> str:
    complaint = str(error).split("\n")[0]
    return f"{complaint[:most]}{'...' if len(complaint) > most else ''}"


def check_files(
    workspace_file: str, patchset_file: str | None, read: Callable[[str], Any] = read_json
) -> dict[str, str]:
    """Check a workspace and its patch set.

    Returns:
        what is wrong with single patches, by their names.

    Raises:
        InputError: if a file cannot be used.
    """
    workspace = read(workspace_file)
    with named(workspace_file):
        check_workspace(workspace)
    if not patchset_file:
        return {}
    patchset = read(patchset_file)
    with named(patchset_file):
        return check_patchset(patchset, workspace)


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--workspace", required=True, help="pyhf workspace, plain or gzipped")
    parse.add_argument("--patchset", help="patch set, plain or gzipped")
    parse.add_argument("--output", required=True)
    args = parse.parse_args(argv)
    with failure_recorded(args.output):
        wrong = check_files(args.workspace, args.patchset)
        write_json(args.output, {"status": "ok", "wrong_patches": wrong})


if __name__ == "__main__":
    run(main)
