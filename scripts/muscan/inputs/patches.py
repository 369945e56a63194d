"""Make the workspace of one signal from a published one.

Reads a pyhf workspace, what check_published.py found and, if the signal comes as a patch, a patch set (HEPData's
format) or a loose JSON patch; writes workspace.json with the chosen measurement alone.
"""

from functools import lru_cache
from typing import Any

import jsonpatch

from muscan.base.errors import InputError
from muscan.base.file_kinds import instead_of
from muscan.base.files import named
from muscan.base.json_input import read_json
from muscan.base.words import did_you_mean, shortened
from muscan.inputs.pyhf_schema import has

# What jsonpatch raises where a patch is not a patch, or meets a workspace of another form.
MISFITS = (AttributeError, IndexError, KeyError, TypeError, ValueError)
NO_FIT = "the patch does not apply to the workspace"


def from_patchset(workspace: dict, patchset: dict, signal: str) -> dict:
    """Apply the patch named `signal` of a checked patch set.

    Raises:
        InputError: if it has no such patch, or two, or it does not apply.
    """
    names = [each["metadata"]["name"] for each in patchset["patches"]]
    if names.count(signal) != 1:
        problem = "two patches" if signal in names else "no patch"
        hint = "" if signal in names else did_you_mean(signal, names)
        raise InputError(f"the patch set has {problem} {signal!r}{hint}")
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
    if not isinstance(patch, list):
        other = instead_of("a patch", patch) or f"a patch is a list of operations, this is {has(patch)}"
        raise InputError(f"{NO_FIT}: {other}")
    for i, operation in enumerate(patch):
        try:
            workspace = _operated(workspace, operation)
        except jsonpatch.JsonPatchTestFailed as error:
            tested = has(operation["value"])
            raise InputError(f"{NO_FIT}: {_called(i, operation)}: something else stands there than {tested}") from error
        except KeyError as error:
            raise InputError(f"{NO_FIT}: {_called(i, operation)}: there is no {error}") from error
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, *MISFITS) as error:
            raise InputError(f"{NO_FIT}: {_called(i, operation)}: {error}") from error
    return workspace


def _operated(workspace: Any, operation: Any) -> Any:
    """Do one operation of a patch."""
    (operation,) = jsonpatch.JsonPatch([operation]).patch
    for key in ("path", "from"):
        if operation.get("op") != "test" and key in operation:
            workspace = _unshared(workspace, jsonpatch.JsonPointer(operation[key]).parts)
    return jsonpatch.JsonPatch([operation]).apply(workspace, in_place=True)


def _called(i: int, operation: Any) -> str:
    """How an operation of a patch is called in messages."""
    if not isinstance(operation, dict):
        return f"[{i}]"
    words = [shortened(repr(operation[key])) for key in ("from", "path") if key in operation]
    return " ".join([f"[{i}]", shortened(str(operation.get("op", ""))), *words]).rstrip()


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


def check_observations(before: dict, after: Any) -> None:
    """A signal does not change what was observed in the channels of the background.

    Raises:
        InputError: if the patch from one to the other did.
    """
    try:
        old, new = ({each["name"]: each["data"] for each in spec["observations"]} for spec in (before, after))
        changed = [name for name in old if name in new and new[name] != old[name] and min(new[name]) >= 0]
        changed = [name for name in changed if len(new[name]) == len(old[name])]
    except (KeyError, TypeError, ValueError):  # of another form, which is refused later
        return
    if changed:
        raise InputError(f"the patch changes the observed data of {', '.join(map(repr, changed))}; a signal must not")


def with_measurement(workspace: dict, name: str | None) -> dict:
    """Keep one measurement: the named one, or the first.

    Raises:
        InputError: if there is none, or none of that name.
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
def published(path: str, max_megabytes: float) -> dict:
    """A file that the signals of a process share; nothing changes what was read."""
    return read_json(path, max_megabytes)


def of_signal(
    files: dict[str, str | None],
    signal: str,
    wrong: dict[str, str],
    measurement: str | None,
    max_megabytes: float,
) -> dict:
    """The workspace of a signal.

    Args:
        files: `workspace`, and `patchset` or `patch` if there is one.
        signal: name of the patch.
        wrong: what is wrong with patches of the set, by their names.
        measurement: its name; None for the first.
        max_megabytes: the largest size of a file, when it is unpacked.

    Raises:
        InputError: if a file or the patch cannot be used.
    """
    file, patchset, patch = (files.get(key) for key in ("workspace", "patchset", "patch"))
    workspace = published(file, max_megabytes)
    if patchset:
        patches = published(patchset, max_megabytes)
        with named(patchset, signal):
            if signal in wrong:
                raise InputError(wrong[signal])
            before, workspace = workspace, from_patchset(workspace, patches, signal)
            check_observations(before, workspace)
    elif patch:
        operations = read_json(patch, max_megabytes)
        with named(patch):
            before, workspace = workspace, patched(workspace, operations)
            check_observations(before, workspace)
    with named(file, *filter(None, [patchset and signal, patch])):
        return with_measurement(workspace, measurement)
