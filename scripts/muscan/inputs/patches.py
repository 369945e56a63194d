"""Make the workspace of one signal from a published one: apply its patch, and keep one measurement.

A patch is one of a patch set (HEPData's format) or a JSON patch in a file of its own (RFC 6902).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonpatch

from muscan.base.errors import InputError
from muscan.base.file_kinds import describe_mismatch
from muscan.base.files import prefix_errors
from muscan.base.json_input import read_json
from muscan.base.words import did_you_mean, shorten
from muscan.inputs.pyhf_schema import has

# What jsonpatch raises, besides its own errors, for malformed patches and workspaces.
MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
NOT_APPLICABLE = "the patch does not apply to the workspace"


def apply_from_patchset(workspace: dict, patchset: dict, signal: str) -> dict:
    """Apply the patch of a signal from a patch set.

    Args:
        workspace: pyhf JSON of the background; not changed.
        patchset: a patch set that `published.check_patchset` has accepted.
        signal: the name of the patch.

    Raises:
        InputError: if the patch set has no such patch or two of them, or the patch does not apply.
    """
    names = [each["metadata"]["name"] for each in patchset["patches"]]
    if names.count(signal) != 1:
        number = "two patches" if signal in names else "no patch"
        hint = "" if signal in names else did_you_mean(signal, names)
        raise InputError(f"the patch set has {number} {signal!r}{hint}")
    patch = patchset["patches"][names.index(signal)]
    values, labels = patch["metadata"]["values"], patchset["metadata"]["labels"]
    if len(values) != len(labels):
        raise InputError(f"the patch {signal!r} has {len(values)} values for the labels {', '.join(labels)}")
    return apply_patch(workspace, patch["patch"])


def apply_patch(workspace: dict, patch: list) -> dict:
    """Apply a JSON patch.

    Args:
        workspace: pyhf JSON; not changed. The result shares with it what the patch does not change.
        patch: a list of operations.

    Raises:
        InputError: if it is not a patch, or an operation cannot be done; names the operation.
    """
    if not isinstance(patch, list):
        found = describe_mismatch("a patch", patch) or f"a patch is a list of operations, this is {has(patch)}"
        raise InputError(f"{NOT_APPLICABLE}: {found}")
    for i, operation in enumerate(patch):
        try:
            workspace = _apply_operation(workspace, operation)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, *MALFORMED) as error:
            raise InputError(_failure(i, operation, _explain(error, workspace, operation))) from error
    return workspace


def _apply_operation(workspace: Any, operation: Any) -> Any:
    """Apply one operation of a patch to a copy that shares what the operation does not change."""
    (operation,) = jsonpatch.JsonPatch([operation]).patch
    for key in ("path", "from"):
        if operation.get("op") != "test" and key in operation:
            workspace = _copy_path(workspace, jsonpatch.JsonPointer(operation[key]).parts)
    return jsonpatch.JsonPatch([operation]).apply(workspace, in_place=True)


def _explain(error: Exception, workspace: Any, operation: Any) -> str:
    """Explain why an operation cannot be done, without values of the workspace, which can be very long."""
    invalid = isinstance(error, jsonpatch.InvalidJsonPatch) or not isinstance(operation, dict)
    missing = "" if invalid else _missing_part(workspace, operation)
    if missing:
        return missing
    if isinstance(error, jsonpatch.JsonPatchTestFailed):
        return f"the value there is not {has(operation['value'])}"
    return shorten(str(error))


def _missing_part(workspace: Any, operation: dict) -> str:
    """Describe the first part of a path of an operation that does not exist; "" if all parts do."""
    for key in ("from", "path"):
        try:
            parts = jsonpatch.JsonPointer(operation[key]).parts
        except (jsonpatch.JsonPointerException, *MALFORMED):
            continue  # the error of the operation describes it
        # The last part of a path may be new if the operation puts a value there.
        old = parts[:-1] if key == "path" and operation.get("op") in ("add", "copy", "move") else parts
        value = workspace
        for depth, part in enumerate(old):
            try:
                value = value[int(part) if isinstance(value, list) else part]
            except MALFORMED:
                place = jsonpatch.JsonPointer.from_parts(parts[:depth]).path
                return f"there is no {shorten(part)!r} at {shorten(repr(place)) if place else 'the top level'}"
    return ""


def _failure(i: int, operation: Any, reason: str) -> str:
    """Return the message for an operation that cannot be done: `[2] add '/channels/7': ...`."""
    parts = [f"[{i}]"]
    if isinstance(operation, dict):
        parts += [shorten(str(operation.get("op", "")))]
        parts += [shorten(repr(operation[key])) for key in ("from", "path") if key in operation]
    return f"{NOT_APPLICABLE}: {' '.join(parts).rstrip()}: {reason}"


def _copy_path(value: Any, path: list[str]) -> Any:
    """Return the same JSON with copies of the objects and lists along a path; all others are shared."""
    if not isinstance(value, dict | list):
        return value
    value = value.copy()
    if path:
        key = path[0] if isinstance(value, dict) else int(path[0]) if path[0].isdecimal() else None
        if key is not None and (key in value if isinstance(value, dict) else key < len(value)):
            value[key] = _copy_path(value[key], path[1:])
    return value


def require_same_observations(before: dict, after: Any) -> None:
    """Require that a patch has not changed the observed events: a signal does not change what was observed.

    Args:
        before: the workspace.
        after: the patched workspace. Nothing is required of a malformed one, which the compiler reports.

    Raises:
        InputError: if observed events of a channel have changed.
    """
    try:
        old, new = ({each["name"]: each["data"] for each in spec["observations"]} for spec in (before, after))
        changed = [name for name in old if name in new and new[name] != old[name] and min(new[name]) >= 0]
        changed = [name for name in changed if len(new[name]) == len(old[name])]
    except (KeyError, TypeError, ValueError):
        return
    if changed:
        channels = ", ".join(map(repr, changed))
        raise InputError(f"the patch changes the observed data of {channels}; a signal must not change them")


def select_measurement(workspace: dict, name: str | None) -> dict:
    """Return a workspace with one of its measurements only.

    Args:
        workspace: pyhf JSON; not changed.
        name: of the measurement; None for the first one.

    Raises:
        InputError: if there are no measurements, none of that name, or two.
    """
    if not isinstance(workspace, dict):
        raise InputError(f"not a workspace, but {has(workspace)}")
    measurements = workspace.get("measurements", [])
    if not isinstance(measurements, list) or not measurements:
        found = f"has {has(measurements)}" if "measurements" in workspace else "the key is missing"
        raise InputError(f"the workspace has no measurements: needs a list of them under 'measurements', {found}")
    known = [each.get("name") if isinstance(each, dict) else None for each in measurements]
    if name is not None and name not in known:
        raise InputError(f"the workspace has no measurement {name!r}, only {', '.join(map(repr, known))}")
    if known.count(name) > 1:
        raise InputError(f"the workspace has two measurements {name!r}")
    return workspace | {"measurements": [measurements[0 if name is None else known.index(name)]]}


@lru_cache
def read_published(path: str, max_megabytes: float) -> dict:
    """Read a published file once per process, as all signals share it. The result must not be changed."""
    return read_json(path, max_megabytes)


def signal_workspace(
    files: Mapping[str, str | None],
    signal: str,
    wrong_patches: Mapping[str, str],
    measurement: str | None,
    max_megabytes: float,
) -> dict:
    """Make the workspace of a signal from files.

    Args:
        files: the paths: `workspace`, and `patchset` or `patch` if the signal comes as a patch.
        signal: name of the signal, and of its patch in a patch set.
        wrong_patches: {name: what is wrong} of patches of the set that cannot be used.
        measurement: name of the measurement to keep; None for the first one.
        max_megabytes: the largest size of a file after decompression, in 1e6 bytes.

    Returns:
        pyhf JSON with one measurement.

    Raises:
        InputError: if a file or the patch cannot be used; names the files and the signal.
    """
    file, patchset, patch = (files.get(key) for key in ("workspace", "patchset", "patch"))
    workspace = read_published(file, max_megabytes)
    if patchset:
        patches = read_published(patchset, max_megabytes)
        with prefix_errors(patchset, signal):
            if signal in wrong_patches:
                raise InputError(wrong_patches[signal])
            before, workspace = workspace, apply_from_patchset(workspace, patches, signal)
            require_same_observations(before, workspace)
    elif patch:
        operations = read_json(patch, max_megabytes)
        with prefix_errors(patch):
            before, workspace = workspace, apply_patch(workspace, operations)
            require_same_observations(before, workspace)
    with prefix_errors(file, *filter(None, [patchset and signal, patch])):
        return select_measurement(workspace, measurement)
