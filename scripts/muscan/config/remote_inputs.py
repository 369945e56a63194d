"""Input files that a configuration names by a URL or a storage query, and their copies in the working folder.

The copies are made once, when a run begins (see `fetch`). Everything after that, in this process or in a job, uses the
path of the copy, which depends on the query alone.
"""

import copy
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import quote, urlsplit

COPIES = Path(".snakemake", "muscan", "inputs")
QUERY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.")
COPY = re.compile(re.escape(COPIES.as_posix()) + r"/([0-9a-f]{16})/[^\s:;,']+")
ANY = "*"  # every key of a block
PLACES = (  # where a configuration can name a remote file
    ("datasets", ANY, "workspace", "file"),
    ("datasets", ANY, "workspace", "patchset"),
    ("datasets", ANY, "histograms", "csv"),
    ("datasets", ANY, "histograms", "root", "file"),
    ("datasets", ANY, "histograms", "root", "channels", ANY, ANY, "file"),
    ("grids", ANY, "cross_sections", "csv"),
)


class Fetched(NamedTuple):
    """What is known about a query: the state of the remote file when it was copied, or why it could not be."""

    query: str
    mtime: float | None = None  # time of the last change, in seconds since 1970; None if unknown
    size: int = 0  # in bytes; 0 if unknown
    problem: str | None = None


def is_query(path: str) -> bool:
    """Return whether a path is a URL or a storage query, such as `https://host/file` or `fs:///folder/file`."""
    return bool(QUERY.match(path))


def copy_of(query: str) -> Path:
    """Return the path of the copy, whether or not it exists. Its name is that of the remote file."""
    name = PurePosixPath(urlsplit(query).path).name or "file"
    return COPIES / _digest(query) / (quote(name, safe="+,=@%") if not name.startswith(".") else f"_{name}")


def fetched(query: str) -> Fetched | None:
    """Return what is known about a query, or None."""
    return _read(_digest(query))


def remember(known: Fetched) -> None:
    """Record what is known about a query, for later processes."""
    COPIES.mkdir(parents=True, exist_ok=True)
    temporary = COPIES / f"{_digest(known.query)}.new"
    temporary.write_text(json.dumps(known._asdict()), encoding="utf-8")
    temporary.replace(COPIES / f"{_digest(known.query)}.json")


def query_of(path: str | Path) -> str | None:
    """Return the query of which a file is the copy, or None."""
    found = COPY.fullmatch(Path(path).as_posix())
    known = _read(found[1]) if found else None
    return known.query if known else None


def name_queries(text: str) -> str:
    """Return a message with queries in place of their copies."""
    return COPY.sub(lambda found: query_of(found[0]) or found[0], text)


def queries_in(config: dict) -> list[str]:
    """Return the queries in a configuration, each once. The configuration need not be valid."""
    return list(dict.fromkeys(block[key] for block, key in _queries(config)))


def with_copies(config: dict) -> dict:
    """Return a configuration with the paths of copies. A query without a copy stays: the check reports it."""
    if not queries_in(config):
        return config
    config = copy.deepcopy(config)
    for block, key in _queries(config):
        known, path = fetched(block[key]), copy_of(block[key])
        if known and known.problem is None and path.is_file():
            block[key] = path.as_posix()
    return config


def _queries(config: dict) -> Iterator[tuple[dict, str]]:
    """Yield each block that names a remote file, and the key that does."""
    for *path, key in PLACES:
        for block in list(_blocks(config, path)):
            if isinstance(block.get(key), str) and is_query(block[key]):
                yield block, key


def _blocks(block: object, path: list[str]) -> Iterator[dict]:
    if not isinstance(block, dict):
        return
    if not path:
        yield block
        return
    for child in block.values() if path[0] == ANY else [block.get(path[0])]:
        yield from _blocks(child, path[1:])


def _read(digest: str) -> Fetched | None:
    try:
        return Fetched(**json.loads((COPIES / f"{digest}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:16]
