"""Reading and writing of result files: whole or not at all, and failures as records that travel with the data."""

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
from muscan.base.errors import InputError, StepError
from muscan.base.json_input import read_json
from muscan.base.words import printable_text


@contextmanager
def written_whole(path: str | Path, sealed: bool = True) -> Iterator[Path]:
    """Yield a temporary name beside `path`; it takes the place of `path` only if the block ends well.

    Args:
        path: of the file.
        sealed: if it is a result, whether it gets a seal; not needed if the file itself tells that it is whole.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=seals.temporary_prefix(), suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield Path(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        _to_disk(temporary)
        os.replace(temporary, path)
        if sealed:
            seals.seal(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def folder_written_whole(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`; it takes the place of `path` only if the block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=seals.temporary_prefix(), dir=path.parent) as temporary:
        folder = Path(temporary).absolute() / "folder"
        folder.mkdir()
        yield folder
        shutil.rmtree(path, ignore_errors=True)
        folder.replace(path)
        seals.seal(path)


def remove_leftovers() -> None:
    """Remove what processes of this host left half written among the results when they were killed."""
    for path in list(seals.RESULTS.rglob(f"{seals.PART}{glob.escape(socket.gethostname())}-*")):
        process = path.name.removeprefix(seals.PART + socket.gethostname()).split("-")[1]
        if process.isdecimal() and not _runs(int(process)) and path.exists():
            seals.remove_result(path)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def _to_disk(path: str) -> None:
    """A file must be on disk before its name is: otherwise a crash of the machine could leave an empty result."""
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
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: str | Path, content: bytes, sealed: bool = True) -> None:
    with written_whole(path, sealed) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | Path, record: dict | list) -> None:
    """Write JSON without nan and infinity, which are not JSON: a line for each key, and for each record of a list."""
    write_text(path, _lines(record) + "\n")


def _lines(value: dict | list, indent: int = 1) -> str:
    """Lines are for people; the rest is compact, and ten times faster than with `indent`."""
    if isinstance(value, dict):
        one, other = "{}"
        parts = [
            f"{_compact(key)}: {_lines(each, indent + 1) if _records(each) else _compact(each)}"
            for key, each in value.items()
        ]
    else:
        one, other = "[]"
        parts = [_compact(each) for each in value]
    margin = "\n" + " " * indent
    return f"{one}{margin}{f',{margin}'.join(parts)}{margin[:-1]}{other}"


def _records(value) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _compact(value) -> str:
    return json.dumps(value, allow_nan=False)


def read_result(path: str | Path) -> dict | list:
    """Read a result of an earlier step; a failure recorded there becomes this step's failure."""
    record = read_json(path)
    if isinstance(record, dict) and record.get("status") == "failed":
        raise StepError(record["reason"])
    return record


@contextmanager
def failure_recorded(output: str | Path, **settings) -> Iterator[None]:
    """Write the failure of one signal in the place of its result, so that the other signals go on.

    Only problems of the input or of a fit are recorded. Anything else (a full disk, a defect of muscan) ends the job
    with an error, and the next run tries again.

    Args:
        output: the result.
        settings: of this step, which later steps read with `settings_in` even if this one fails.
    """
    try:
        yield
    except StepError as error:
        print(f"failed: {printable_text(str(error))}", file=sys.stderr)
        write_json(output, {"status": "failed", "reason": str(error), **settings})


def settings_in(path: str | Path, *names: str) -> dict:
    """Return settings of an earlier step from its result, or from the record of its failure; None if it has none."""
    record = read_json(path)
    return {name: record.get(name) for name in names}


@contextmanager
def named(*names: str) -> Iterator[None]:
    """Put the names of the files and the signal before the message of a problem."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{', '.join(names)}: {error}") from error


def made_by(inputs: list[str | Path], **options) -> dict:
    """What made a result: the versions, the options and the digests of the inputs."""
    digests = {Path(path).name: seals.digest(path) for path in inputs}
    return {**versions.numerical_versions(), "inputs": digests, "options": options}
