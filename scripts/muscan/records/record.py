"""The base class of records.

A record is the content of one kind of JSON file. The names of its keys are the fields of its class, and are defined
nowhere else. `None` is `null` in JSON: a number that could not be determined, or a key that does not apply.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Record:
    """A result that is written to a file as a JSON object."""

    def to_json(self) -> dict:
        """Return the record as a JSON object, with the fields in the order of the class."""
        return {key.name: getattr(self, key.name) for key in fields(self)}

    @classmethod
    def from_json(cls, record: dict) -> Self:
        """Make the record from a JSON object.

        Raises:
            TypeError: if a key is unknown, or one without a default is missing.
        """
        return cls(**record)


def nan_to_none(values: Iterable[float]) -> list[float | None]:
    """Return numbers for JSON, which has no nan: None in its place."""
    return [None if math.isnan(value) else float(value) for value in values]
