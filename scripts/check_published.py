#!/usr/bin/env python
"""Check a published workspace and its patch set, once for all signals.

Reads a pyhf workspace and, if there is one, a patch set (HEPData's format); writes {"status": "ok"} if both obey pyhf's
schema and belong together, or what is wrong.
"""

import argparse
import json
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


def check_patchset(patchset: Any, workspace: dict) -> None:
    """Check against pyhf's schema and the digests of the workspace.

    Raises:
        InputError: if the patch set is not valid, or was made for another workspace.
    """
    if not isinstance(patchset, dict):
        raise InputError("not a patch set: loose patches belong under `patches`")
    try:
        pyhf.schema.validate(patchset, "patchset.json", version=patchset.get("version"))
        # What is wrong with single patches, such as two of one name, is a problem of their signals alone.
        any_patch = {"metadata": {"name": "any", "values": [0] * len(patchset["metadata"]["labels"])}, "patch": []}
        pyhf.PatchSet(patchset | {"patches": [any_patch]}).verify(workspace)
    except pyhf.exceptions.PatchSetVerificationError as error:
        raise InputError(f"the patch set was made for another workspace: {error}") from error
    except pyhf.exceptions.InvalidSpecification as error:
        raise InputError(f"the patch set is not valid: {_where(error)}") from error
    except pyhf.exceptions.SchemaNotFound as error:
        raise InputError(f"the patch set has the unknown version {patchset.get('version')!r}") from error


def _where(error: pyhf.exceptions.InvalidSpecification) -> str:
    """The place and the complaint, without the rest of the workspace."""
    return f"{error.path or 'top level'}: {_short(error)}"


def _short(error: Exception, most: int = 200) -> str:
    complaint = str(error).split("\n")[0]
    return f"{complaint[:most]}{'...' if len(complaint) > most else ''}"


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--workspace", required=True, help="pyhf workspace, plain or gzipped")
    parse.add_argument("--patchset", help="patch set, plain or gzipped")
    parse.add_argument("--output", required=True)
    args = parse.parse_args(argv)
    with failure_recorded(args.output):
        workspace = read_json(args.workspace)
        with named(args.workspace):
            check_workspace(workspace)
        if args.patchset:
            patchset = read_json(args.patchset)
            with named(args.patchset):
                check_patchset(patchset, workspace)
        write_json(args.output, {"status": "ok"})


if __name__ == "__main__":
    run(main)
