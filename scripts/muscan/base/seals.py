"""Seals of results: digests that show whether a result has changed since it was written.

The seal of `results/a/b` is the file `results/.sha256/a/b`, which holds the SHA-256 digest of the result. A result that
was cut off, edited or replaced no longer has this digest. A folder `results` may be in another one, the `prefix` of a
module of Snakemake.
"""

import hashlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

RESULTS = Path("results")
SEALS = RESULTS / ".sha256"
SNAKEMAKE_TIMESTAMP = ".snakemake_timestamp"  # Snakemake puts this file into each folder that is a result
PART = ".part-"  # prefix of the names of files that are being written


class BrokenResult(Exception):
    """A result has changed since it was written."""


def temporary_prefix() -> str:
    """Return the prefix of the names of files while this process writes them.

    It contains host and process, so that files that a killed process leaves can be attributed to it.
    """
    return f"{PART}{socket.gethostname()}-{os.getpid()}-"


def seal(path: str | Path) -> None:
    """Seal a result that has just been written. Files outside of a folder `results` get no seal."""
    seal_file = _seal_of(path)
    if seal_file is None:
        return
    seal_file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=temporary_prefix(), dir=seal_file.parent)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{digest(path)}\n")
    os.chmod(temporary, 0o644)
    os.replace(temporary, seal_file)


def require_intact(path: str | Path) -> None:
    """Require that a result has not changed since it was written. A file without a seal is not checked.

    Raises:
        BrokenResult: if the digest of the result is not the one in its seal.
    """
    seal_file = _seal_of(path)
    if seal_file is not None and os.path.exists(path) and not _is_intact(path, seal_file):
        raise BrokenResult(f"{path} was cut off, edited or replaced since it was written; run again to recreate it")


def broken_results(results: str | Path = RESULTS) -> Iterator[Path]:
    """Yield the results, files or folders, that have changed since they were written.

    Args:
        results: the folder of the results.
    """
    place = _place(results)
    if place is None:
        return
    sealed = place[0] / SEALS.name / place[1]
    for folder, _, names in os.walk(sealed):
        for name in names:
            seal_file = Path(folder, name)
            path = Path(results, seal_file.relative_to(sealed))
            if not name.startswith(PART) and path.exists() and not _is_intact(path, seal_file):
                yield path


def remove_result(path: str | Path) -> None:
    """Remove a result, which is a file or a folder, and its seal; either may be missing."""
    for each in filter(None, (path, _seal_of(path))):
        if os.path.isdir(each):
            shutil.rmtree(each)
        else:
            Path(each).unlink(missing_ok=True)


def digest(path: str | Path) -> str:
    """Return the SHA-256 digest of a file, or of the names and contents of all files of a folder.

    Returns:
        64 hexadecimal digits.
    """
    if os.path.isdir(path):
        lines = [f"{digest(file)}  {file.relative_to(path)}\n" for file in files_in(path)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_in(folder: str | Path) -> list[Path]:
    """Return all files of a result that is a folder, sorted, without the timestamp file of Snakemake."""
    return sorted(file for file in Path(folder).rglob("*") if file.is_file() and file.name != SNAKEMAKE_TIMESTAMP)


def is_result(path: str | Path) -> bool:
    """Return whether a path is a folder `results` of the working directory or of a folder below it, or is in one."""
    return _place(path) is not None


def path_in_results(path: str | Path) -> Path:
    """Return the path of a result in its folder of results.

    Raises:
        ValueError: if it is no result.
    """
    place = _place(path)
    if place is None:
        raise ValueError(f"{path} is not in a folder {RESULTS}")
    return place[1]


def _place(path: str | Path) -> tuple[Path, Path] | None:
    """Return the folder of results in which a path is, and the path in it; None outside of results."""
    parts = os.path.relpath(path).split(os.sep)
    if parts[0] == os.pardir or RESULTS.name not in parts:
        return None
    inside = parts.index(RESULTS.name) + 1
    return Path(*parts[:inside]), Path(*parts[inside:])


def _seal_of(path: str | Path) -> Path | None:
    """Return the file of the seal; None for a file outside of the results or one that is still being written."""
    place = _place(path)
    if place is None or not place[1].parts or any(part.startswith(PART) for part in place[1].parts):
        return None
    return place[0] / SEALS.name / place[1]


def _is_intact(path: str | Path, seal_file: Path) -> bool:
    """Return whether the result has the digest of its seal; also true if the seal cannot be read."""
    try:
        sealed = seal_file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return True
    return sealed in ("", digest(path))
