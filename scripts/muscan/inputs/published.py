"""Check a published workspace and its patch set, once for all signals.

Reads a pyhf workspace and, if there is one, a patch set (HEPData's format); writes {"status": "ok"} if both obey pyhf's
schema and belong together, or what is wrong.
"""

import reprlib
from collections.abc import Callable
from typing import Any

import pyhf

from muscan.base.errors import InputError
from muscan.base.file_kinds import instead_of
from muscan.base.files import named
from muscan.inputs.pyhf_schema import has, problems

VERSIONS = ("1.0.0",)  # of pyhf's schemas


def check_workspace(workspace: Any) -> None:
    """Check against pyhf's schema.

    Raises:
        InputError: naming the place in the JSON that is wrong.
    """
    other = instead_of("a pyhf workspace", workspace)
    if other:
        raise InputError(other)
    try:
        pyhf.schema.validate(workspace, "workspace.json")
    except pyhf.exceptions.InvalidSpecification as error:
        raise InputError(f"not a valid pyhf workspace: {problems(workspace, 'workspace.json', VERSIONS[0])}") from error


def check_patchset(patchset: Any, workspace: dict) -> dict[str, str]:
    """Check against pyhf's schema and the digests of the workspace.

    Returns:
        what is wrong with single patches, by their names.

    Raises:
        InputError: if the patch set is not valid, or was made for another workspace.
    """
    other = instead_of("a patch set", patchset)
    if other or not isinstance(patchset, dict):
        raise InputError(other or f"not a patch set, but {has(patchset)}")
    if patchset.get("version") not in (None, *VERSIONS):
        raise InputError(f"the patch set has the unknown version {reprlib.repr(patchset['version'])}")
    try:
        wrong = _wrong_patches(patchset)
        # pyhf refuses a whole set with two patches of one name; here that is a problem of their signal alone.
        pyhf.PatchSet(_with_patch(patchset)).verify(workspace)
    except pyhf.exceptions.PatchSetVerificationError as error:
        raise InputError(f"the patch set was made for another workspace: {error}") from error
    except pyhf.exceptions.InvalidSpecification as error:
        raise InputError(f"the patch set is not valid: {problems(patchset, 'patchset.json', VERSIONS[0])}") from error
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
    for i, patch in enumerate(patchset["patches"]):
        try:
            pyhf.schema.validate(patchset | {"patches": [patch]}, "patchset.json", version=version)
        except pyhf.exceptions.InvalidSpecification:
            name = _name(patch)
            if name is None:
                raise  # nobody could ask for it
            alone = patchset | {"patches": [None] * i + [patch]}
            found = problems(alone, "patchset.json", VERSIONS[0], part=("patches", i))
            wrong[name] = f"the patch is not valid: {found}"
    return wrong


def _name(patch: Any) -> str | None:
    metadata = patch.get("metadata") if isinstance(patch, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


def _with_patch(patchset: dict) -> dict:
    """The patch set with one harmless patch."""
    metadata = patchset.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    values = [0] * len(labels) if isinstance(labels, list) else []
    return patchset | {"patches": [{"metadata": {"name": "any", "values": values}, "patch": []}]}


def check_files(
    workspace_file: str, patchset_file: str | None, read: Callable[[str, float], Any], max_megabytes: float
) -> dict[str, str]:
    """Check a workspace and its patch set.

    Args:
        workspace_file, patchset_file: their paths.
        read: reads JSON, up to a size in megabytes.

    Returns:
        what is wrong with single patches, by their names.

    Raises:
        InputError: if a file cannot be used.
    """
    workspace = read(workspace_file, max_megabytes)
    with named(workspace_file):
        check_workspace(workspace)
    if not patchset_file:
        return {}
    patchset = read(patchset_file, max_megabytes)
    with named(patchset_file):
        return check_patchset(patchset, workspace)
