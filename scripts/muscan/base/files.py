"""Read and write result files.

Files are written completely or not at all. A step that fails for one signal writes a record of the failure in the place
of its result, and later steps of that signal pass it on.
"""

import glob
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muscan.base import seals, versions
from muscan.base.errors import InputError, StepError, reason_of
from muscan.base.json_input import read_json
from muscan.base.words import printable_text


@contextmanager
def atomic_write(path: str | Path, sealed: bool = True) -> Iterator[Path]:
    """Yield the path of a temporary file, which replaces `path` if the `with` block ends without an error.

    Args:
        path: the file to write.
        sealed: whether a result gets a seal; not needed for files whose format shows that they are complete.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=seals.temporary_prefix(), suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield Path(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        _flush_to_disk(temporary)
        os.replace(temporary, path)
        if sealed:
            seals.seal(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_write_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary empty folder, which replaces `path` if the `with` block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=seals.temporary_prefix(), dir=path.parent) as temporary:
        folder = Path(temporary).absolute() / "folder"
        folder.mkdir()
        yield folder
        shutil.rmtree(path, ignore_errors=True)
        folder.replace(path)
        seals.seal(path)


def remove_leftovers(results: str | Path = seals.RESULTS) -> None:
    """Remove incomplete results that processes of this host left in a folder of results when they were killed."""
    for path in list(Path(results).rglob(f"{seals.PART}{glob.escape(socket.gethostname())}-*")):
        process = path.name.removeprefix(seals.PART + socket.gethostname()).split("-")[1]
        if process.isdecimal() and not _runs(int(process)) and path.exists():
            seals.remove_result(path)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a process of another user
        pass
    return True


def _flush_to_disk(path: str) -> None:
    """Flush a file to disk. Renamed before that, it could be empty after a crash of the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, completely or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: str | Path, content: bytes, sealed: bool = True) -> None:
    """Write a binary file, completely or not at all; `sealed` as in `atomic_write`."""
    with atomic_write(path, sealed) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | Path, record: dict | list) -> None:
    """Write a JSON file, completely or not at all: one line for each key, and for each record of a list.

    Raises:
        ValueError: if a number is nan or infinite, which JSON does not allow.
    """
    write_text(path, _lines(record) + "\n")


def _lines(value: dict | list, indent: int = 1) -> str:
    """Return JSON with one line per key or record. Within a line it is compact, which is faster than `indent`."""
    if isinstance(value, dict):
        opening, closing = "{}"
        parts = [
            f"{_compact(key)}: {_lines(each, indent + 1) if _are_records(each) else _compact(each)}"
            for key, each in value.items()
        ]
    else:
        opening, closing = "[]"
        parts = [_compact(each) for each in value]
    margin = "\n" + " " * indent
    return f"{opening}{margin}{f',{margin}'.join(parts)}{margin[:-1]}{closing}"


def _are_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _compact(value: object) -> str:
    return json.dumps(value, allow_nan=False)


def read_result(path: str | Path) -> dict | list:
    """Read the JSON result of an earlier step.

    Raises:
        StepError: if the earlier step recorded a failure, with its reason.
        InputError, BrokenResult: as `read_json`.
    """
    record = read_json(path)
    if isinstance(record, dict) and record.get("status") == "failed":
        raise StepError(record["reason"])
    return record


@contextmanager
def record_failure(output: str | Path, **settings) -> Iterator[None]:
    """If the `with` block raises a `StepError`, write a record of the failure in the place of the result.

    The job then ends normally, so that the other signals continue. Any other error (a full disk, a defect of muscan)
    ends the job with an error, and the next run tries it again.

    Args:
        output: the file of the result.
        settings: settings of this step that are part of the record, for later steps (see `read_step_settings`).
    """
    try:
        yield
    except StepError as error:
        reason = reason_of(error)
        print(f"failed: {printable_text(reason)}", file=sys.stderr)
        write_json(output, {"status": "failed", "reason": reason, **settings})


def read_step_settings(path: str | Path, *names: str) -> dict:
    """Return settings of an earlier step, from its result or the record of its failure; None for a missing one."""
    record = read_json(path)
    return {name: record.get(name) for name in names}


@contextmanager
def prefix_errors(*names: str) -> Iterator[None]:
    """Put names, such as those of files or a signal, in front of the message of an `InputError` of the `with` block."""
    try:
        yield
    except InputError as error:
        raise type(error)(str(error), names) from error


def made_by(inputs: list[str | Path], **options) -> dict:
    """Return the entry `made_by` of a result: package versions, digests of the input files, and options."""
    digests = {Path(path).name: seals.digest(path) for path in inputs}
    return {**versions.numerical_versions(), "inputs": digests, "options": options}
