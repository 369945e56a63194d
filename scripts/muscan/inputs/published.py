"""Check a published workspace and its patch set, once for all signals.

Both must obey pyhf's schema and belong together. A patch that does not obey the schema is a problem of its signal only.
"""

import reprlib
from collections.abc import Callable
from typing import Any

import pyhf

from muscan.base.errors import InputError
from muscan.base.file_kinds import describe_mismatch
from muscan.base.files import prefix_errors
from muscan.inputs.pyhf_schema import has, problems

VERSIONS = ("1.0.0",)  # of pyhf's schemas


def check_workspace(workspace: Any) -> None:
    """Check a workspace against pyhf's schema.

    Raises:
        InputError: if it is not valid; names the places in the JSON.
    """
    mismatch = describe_mismatch("a pyhf workspace", workspace)
    if mismatch:
        raise InputError(mismatch)
    try:
        pyhf.schema.validate(workspace, "workspace.json")
    except pyhf.exceptions.InvalidSpecification as error:
        raise InputError(f"not a valid pyhf workspace: {problems(workspace, 'workspace.json', VERSIONS[0])}") from error


def check_patchset(patchset: Any, workspace: dict) -> dict[str, str]:
    """Check a patch set against pyhf's schema, and its digests against the workspace.

    Returns:
        {name: what is wrong} of the patches that are not valid.

    Raises:
        InputError: if the patch set is not valid, or was made for another workspace.
    """
    mismatch = describe_mismatch("a patch set", patchset)
    if mismatch or not isinstance(patchset, dict):
        raise InputError(mismatch or f"not a patch set, but {has(patchset)}")
    if patchset.get("version") not in (None, *VERSIONS):
        raise InputError(f"the patch set has the unknown version {reprlib.repr(patchset['version'])}")
    try:
        wrong_patches = _find_wrong_patches(patchset)
        # pyhf refuses a set with two patches of one name. Here this is a problem of their signal only, so pyhf verifies
        # the digests of the set without its patches.
        pyhf.PatchSet(_with_empty_patch(patchset)).verify(workspace)
    except pyhf.exceptions.PatchSetVerificationError as error:
        advice = "take both files from the same HEPData record"
        raise InputError(f"the patch set was made for another workspace: {error}; {advice}") from error
    except pyhf.exceptions.InvalidSpecification as error:
        raise InputError(f"the patch set is not valid: {problems(patchset, 'patchset.json', VERSIONS[0])}") from error
    return wrong_patches


def _find_wrong_patches(patchset: dict) -> dict[str, str]:
    """Return {name: what is wrong} of the patches that do not obey the schema.

    Raises:
        pyhf.exceptions.InvalidSpecification: if the set does not obey the schema without its patches, or such a patch
            has no name.
    """
    version = patchset.get("version")
    try:
        pyhf.schema.validate(patchset, "patchset.json", version=version)
        return {}
    except pyhf.exceptions.InvalidSpecification:
        if not isinstance(patchset.get("patches"), list) or not patchset["patches"]:
            raise
        pyhf.schema.validate(_with_empty_patch(patchset), "patchset.json", version=version)
    wrong_patches = {}
    for i, patch in enumerate(patchset["patches"]):
        try:
            pyhf.schema.validate(patchset | {"patches": [patch]}, "patchset.json", version=version)
        except pyhf.exceptions.InvalidSpecification:
            name = _patch_name(patch)
            if name is None:
                raise  # it belongs to no signal, so it is a problem of the set
            alone = patchset | {"patches": [None] * i + [patch]}  # the patch keeps its place, for the message
            reasons = problems(alone, "patchset.json", VERSIONS[0], part=("patches", i))
            wrong_patches[name] = f"the patch is not valid: {reasons}"
    return wrong_patches


def _patch_name(patch: Any) -> str | None:
    metadata = patch.get("metadata") if isinstance(patch, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


def _with_empty_patch(patchset: dict) -> dict:
    """Return the patch set with a single, empty patch in place of its patches; the schema requires one."""
    metadata = patchset.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    values = [0] * len(labels) if isinstance(labels, list) else []
    return patchset | {"patches": [{"metadata": {"name": "any", "values": values}, "patch": []}]}


def check_files(
    workspace_file: str, patchset_file: str | None, read: Callable[[str, float], Any], max_megabytes: float
) -> dict[str, str]:
    """Check the files of a workspace and its patch set.

    Args:
        workspace_file: path of the workspace.
        patchset_file: path of the patch set; None if there is none.
        read: reads a JSON file of at most so many megabytes, such as `read_json`.
        max_megabytes: the largest size of a file after decompression, in 1e6 bytes.

    Returns:
        {name: what is wrong} of the patches that are not valid.

    Raises:
        InputError: if a file cannot be used; names the file.
    """
    workspace = read(workspace_file, max_megabytes)
    with prefix_errors(workspace_file):
        check_workspace(workspace)
    if not patchset_file:
        return {}
    patchset = read(patchset_file, max_megabytes)
    with prefix_errors(patchset_file):
        return check_patchset(patchset, workspace)
