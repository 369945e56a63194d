"""Seals of results: digests by which a file that was cut off, edited or replaced is told from the one that was written.

The seal of `results/a/b` is the file `results/.sha256/a/b` with its digest.
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
SNAKEMAKE = ".snakemake_timestamp"  # what Snakemake leaves in a folder that is a result
PART = ".part-"  # begins the names of files that are being written


class BrokenResult(Exception):
    """A result is not what was written there."""


def part_prefix() -> str:
    """Of the names of files that this process is writing: they tell whose they are if it is killed."""
    return f"{PART}{socket.gethostname()}-{os.getpid()}-"


def seal(path: str | Path) -> None:
    """Seal a result that has just been written; files that are not under results/ have no seals."""
    place = _place(path)
    if place is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=part_prefix(), dir=place.parent)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{digest(path)}\n")
    os.chmod(temporary, 0o644)
    os.replace(temporary, place)


def check(path: str | Path) -> None:
    """Read a result before it is used.

    Raises:
        BrokenResult: if it has a seal, and is not what was sealed.
    """
    place = _place(path)
    if place is not None and os.path.exists(path) and not _intact(path, place):
        raise BrokenResult(f"{path} was cut off, edited or replaced since it was written; run again, it is made anew")


def broken() -> Iterator[Path]:
    """Results that are not what was sealed."""
    for folder, _, names in os.walk(SEALS):
        for name in names:
            place = Path(folder, name)
            path = RESULTS / place.relative_to(SEALS)
            if not name.startswith(PART) and path.exists() and not _intact(path, place):
                yield path


def remove(path: str | Path) -> None:
    """Remove a result, file or folder, and its seal."""
    for each in filter(None, (path, _place(path))):
        if os.path.isdir(each):
            shutil.rmtree(each)
        else:
            Path(each).unlink(missing_ok=True)


def digest(path: str | Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files of a folder, as 64 hexadecimal digits."""
    if os.path.isdir(path):
        lines = [f"{digest(file)}  {file.relative_to(path)}\n" for file in files_of(path)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(folder: str | Path) -> list[Path]:
    """All files of a result that is a folder, sorted."""
    return sorted(file for file in Path(folder).rglob("*") if file.is_file() and file.name != SNAKEMAKE)


def _place(path: str | Path) -> Path | None:
    """Where the seal of a result is; what is outside of the results, or still being written, has none."""
    inside = os.path.relpath(path, RESULTS)
    parts = inside.split(os.sep)
    outside = parts[0] in (os.pardir, os.curdir) or any(part.startswith(PART) for part in parts)
    return None if outside else SEALS / inside


def _intact(path: str | Path, place: Path) -> bool:
    """Whether a result is what was sealed, as far as there is a seal that can be read."""
    try:
        sealed = place.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return True
    return sealed in ("", digest(path))
