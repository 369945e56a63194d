"""manifest.json: what a run has produced and from what."""

from dataclasses import dataclass
from typing import Any, ClassVar

from muscan.records.record import Record


@dataclass(frozen=True)
class Manifest(Record):
    """manifest.json: what a run has produced and from what. Files are in the order in which they are made."""

    KIND: ClassVar[str] = "a manifest"

    versions: dict[str, str]  # versions of muscan and of all packages on which results depend, by name
    config: dict[str, Any]  # the complete configuration
    problems: list[str]  # problems of the configuration, because of which analyses were not run
    inputs: list[dict[str, str]]  # the input files: {"file", "sha256"}, and "fetched_from" for copies of remote files
    results: list[dict[str, str]]  # the results: {"file", "sha256"} for each
