"""Read JSON files of any origin: regular files of limited size and depth, with finite numbers only."""

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

GZIP = b"\x1f\x8b"  # first bytes of a gzip file
LARGEST_RESULT = 100_000  # megabytes; for results of muscan. The limit for input files is in the schema
CHUNK = 1 << 24  # number of bytes that are decompressed at a time
MAX_DEPTH = 50  # levels of nesting; a workspace has nine
ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


def read_json(path: str | Path, max_megabytes: float = LARGEST_RESULT) -> dict | list:
    """Read a JSON file, plain or compressed by gzip.

    Args:
        path: the file.
        max_megabytes: the largest size of its content after decompression, in 1e6 bytes; the default is for results.

    Raises:
        InputError: if there is no such file, it is too large, or its content is not valid JSON.
        BrokenResult: if the file is a result of muscan that has changed since it was written.
    """
    seals.require_intact(path)
    require_regular_file(path)
    content = b""
    try:
        content = _read_unpacked(Path(path), int(max_megabytes * 1e6))
        value = json.loads(content, object_pairs_hook=_object_with_distinct_keys)
    except RecursionError as error:
        raise InputError(f"{path}: {TOO_DEEP}") from error
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        what = file_kinds.describe_content(content, Path(path).name) if content else ""
        reason = f" but {what}" if what else f": {_explain_failure(path, content, error)}"
        raise InputError(f"{path}: not JSON{reason}") from error
    problem = _find_problem(value) or _find_lone_surrogate(content, value)
    if problem:
        raise InputError(f"{path}: {problem}")
    return value


def _explain_failure(path: str | Path, content: bytes, error: Exception) -> str:
    """Say why the content of a file could not be read, with the likely cause.

    Args:
        path: the file.
        content: its content after decompression; empty if it could not be decompressed.
        error: what the parser or the decompression raised.
    """
    packed = isinstance(error, (EOFError, gzip.BadGzipFile, zlib.error))
    if not packed and not content.strip():
        return "the file is empty"
    # The parser met the end of the text, or a text in quotation marks that does not end.
    ended = isinstance(error, json.JSONDecodeError) and (
        error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    )
    hint = "; the file may be cut off" if ended or isinstance(error, EOFError) else ""
    if not packed and Path(path).suffix == ".gz" and not _is_packed(Path(path)):
        hint += "; its name ends in .gz, but it is not compressed with gzip"
    return f"{error}{hint}"


def require_regular_file(path: str | Path) -> None:
    """Require a regular, readable file. Reading a pipe could block for ever.

    Raises:
        InputError: if the path does not exist, is not a regular file, or may not be read.
    """
    path = Path(path)
    if not path.exists():
        dangling = " (a link whose target does not exist)" if path.is_symlink() else ""
        raise InputError(f"{path}: no such file{dangling}")
    if not path.is_file():
        raise InputError(f"{path}: {'a folder' if path.is_dir() else 'a pipe or device'}, not a file")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: no permission to read it")


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _read_unpacked(path: Path, most: int) -> bytes:
    """Read and decompress a file of at most `most` bytes; a small gzip file can have a very large content."""
    with path.open("rb") as file:
        packed = file.peek(len(GZIP))[: len(GZIP)] == GZIP
        if packed:
            with gzip.open(file) as source:
                content = _beginning(source, most + 1)
        else:  # one byte more than its size, which shows whether the file is still growing
            content = file.read(min(most, path.stat().st_size) + 1)
    if len(content) > most:
        raise InputError(
            f"{path}: {'unpacks to' if packed else 'has'} more than {most / 1e6:g} MB; "
            "to read it nevertheless, increase `max_megabytes` of its data set"
        )
    return content


def _beginning(source: gzip.GzipFile, most: int) -> bytes:
    """Return the first bytes of a stream, at most `most`; the memory used is proportional to the content."""
    parts: list[bytes] = []
    while most > 0 and (part := source.read(min(CHUNK, most))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _object_with_distinct_keys(pairs: list[tuple[str, Any]]) -> dict:
    """Return the pairs as a dict.

    Raises:
        ValueError: if a key occurs twice; the parser would silently drop the first value.
    """
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} occurs twice in an object")
    return value


def _find_problem(value: Any) -> str | None:
    """Describe a number that is not finite, or a nesting too deep for recursive functions; None if there is none."""
    level = [[value]]
    for _ in range(MAX_DEPTH + 1):
        values = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
        for place, number in () if _all_finite(values) else _numbers_with_places(value):
            if not abs(number) <= sys.float_info.max:
                return f"{place or 'the top level'} is not a finite number (NaN, Infinity or too large)"
        level = [each for each in values if type(each) in (dict, list)]
        if not level:
            return None
    return TOO_DEEP


def _find_lone_surrogate(content: bytes, value: Any) -> str | None:
    """Describe a text with one half of a surrogate pair, which cannot be written to a file or a terminal."""
    if not ESCAPED_SURROGATE.search(content):
        return None
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return f"a text contains half of a surrogate pair, \\u{ord(error.object[error.start]):x}"
    return None


def _all_finite(values: list) -> bool:
    """Return whether the sum of all numbers among the values is finite, a fast test; False can be a false alarm."""
    try:
        return math.isfinite(sum(value for value in values if type(value) in (float, int)))
    except OverflowError:
        return False


def _numbers_with_places(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """Yield all numbers of a JSON value with their JSON pointers."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers_with_places(each, f"{place}/{key}")
    elif isinstance(value, int | float):
        yield place, value
