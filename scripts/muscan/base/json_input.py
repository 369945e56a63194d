"""Reading of JSON that may come from anywhere: only files, only so large and so deep, only finite."""

import gzip
import json
import math
import os
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from muscan.base import file_kinds, seals
from muscan.base.errors import InputError

GZIP = b"\x1f\x8b"  # begins files of gzip
LARGEST_RESULT = 100_000  # megabytes: what was written here can be read; the schema has the limit of inputs
CHUNK = 1 << 24  # bytes that are unpacked at a time
DEEPEST = 50  # levels of JSON; a workspace has nine
HALF = re.compile(rb"\\u[dD][89a-fA-F]")
TOO_DEEP = f"it is nested deeper than {DEEPEST} levels"


def read_json(path: str | Path, max_megabytes: float = LARGEST_RESULT) -> dict | list:
    """Read JSON, plain or gzipped.

    Args:
        path: of the file.
        max_megabytes: the largest size, when it is unpacked; the default is for results.

    Raises:
        InputError: if there is no such file, it is too large, or not JSON.
        BrokenResult: if it is a result that is not what was written.
    """
    seals.check(path)
    check_regular(path)
    content = b""
    try:
        content = _unpacked(Path(path), int(max_megabytes * 1e6))
        value = json.loads(content, object_pairs_hook=_distinct)
    except RecursionError as error:
        raise InputError(f"{path}: {TOO_DEEP}") from error
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        what = file_kinds.of_bytes(content, Path(path).name) if content else ""
        raise InputError(f"{path}: not JSON{f' but {what}' if what else f': {error}'}") from error
    problem = _problem(value) or _half_character(content, value)
    if problem:
        raise InputError(f"{path}: {problem}")
    return value


def check_regular(path: str | Path) -> None:
    """A file that can be read to its end: no folder, no pipe, which would wait for ever.

    Raises:
        InputError: if it is not there, something else, or not readable.
    """
    path = Path(path)
    if not path.exists():
        dangling = " (a link to nothing)" if path.is_symlink() else ""
        raise InputError(f"{path}: no such file{dangling}")
    if not path.is_file():
        raise InputError(f"{path}: {'a folder' if path.is_dir() else 'a pipe or device'}, not a file")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: may not be read by you")


def _unpacked(path: Path, most: int) -> bytes:
    """The content of a file, unless it is longer than so many bytes: a few of them can unpack to many."""
    with path.open("rb") as file:
        packed = file.peek(len(GZIP))[: len(GZIP)] == GZIP
        if packed:
            with gzip.open(file) as source:
                content = _beginning(source, most + 1)
        else:  # one byte more than there should be tells that it grows
            content = file.read(min(most, path.stat().st_size) + 1)
    if len(content) > most:
        raise InputError(
            f"{path}: {'unpacks to' if packed else 'has'} more than {most / 1e6:g} MB; "
            "if it is what you want to read, set `max_megabytes` of its data set"
        )
    return content


def _beginning(source: gzip.GzipFile, most: int) -> bytes:
    """So many bytes of a stream, or all if there are fewer; memory is taken for what is there alone."""
    parts: list[bytes] = []
    while most > 0 and (part := source.read(min(CHUNK, most))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _distinct(pairs: list[tuple[str, Any]]) -> dict:
    """An object of JSON; of two values of one key the parser would drop the first without a word."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice in an object")
    return value


def _problem(value: Any) -> str | None:
    """What is wrong with JSON: a number that is not finite, or a depth at which functions fail that walk through it."""
    level = [[value]]
    for _ in range(DEEPEST + 1):
        values = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
        for place, number in () if _finite(values) else _numbers(value):
            if not abs(number) <= sys.float_info.max:
                return f"{place or 'the top level'} is not a finite number (NaN, Infinity or too large)"
        level = [each for each in values if type(each) in (dict, list)]
        if not level:
            return None
    return TOO_DEEP


def _half_character(content: bytes, value: Any) -> str | None:
    """Whether a text has one half of a pair of surrogates, which no file and no terminal takes."""
    if not HALF.search(content):
        return None
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return f"a text has half of a character, \\u{ord(error.object[error.start]):x}"
    return None


def _finite(values: list) -> bool:
    """Whether a quick look finds nothing but finite numbers, and what is no number."""
    try:
        return math.isfinite(sum(value for value in values if type(value) in (float, int)))
    except OverflowError:
        return False


def _numbers(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """All numbers with their places, as in a JSON pointer."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(each, f"{place}/{key}")
    elif isinstance(value, int | float):
        yield place, value
