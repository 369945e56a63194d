"""The base class of records.

A record is the content of one kind of JSON file. The names of its keys are the fields of its class, and are defined
nowhere else. `None` is `null` in JSON: a number that could not be determined, or a key that does not apply.
"""

import math
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from muscan.base.errors import WrongFileError
from muscan.base.files import prefix_errors, read_result
from muscan.base.words import join_items, shorten


@dataclass(frozen=True)
class Record:
    """A result that is written to a file as a JSON object."""

    KIND: ClassVar[str] = "a record of muscan"  # what the JSON object is, for messages

    def to_json(self) -> dict:
        """Return the record as a JSON object, with the fields in the order of the class."""
        return {key.name: getattr(self, key.name) for key in fields(self)}

    @classmethod
    def from_json(cls, record: dict) -> Self:
        """Make the record from a JSON object.

        Raises:
            WrongFileError: if it is not an object, a key without a default is missing, or a key is unknown.
        """
        problem = cls._find_problem(record)
        if problem:
            raise WrongFileError(f"this is not {cls.KIND}: {problem}")
        return cls(**record)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read the record from the file of a step.

        Raises:
            StepError: if the step recorded a failure, with its reason.
            InputError: if the file is missing or is not JSON.
            WrongFileError: if the file holds something else.
            BrokenResult: if the file has changed since it was written.
        """
        content = read_result(path)
        problem = cls._find_problem(content)
        if problem:
            raise WrongFileError(f"{path} is not {cls.KIND}: {problem}")
        with prefix_errors(str(path)):
            return cls.from_json(content)

    @classmethod
    def _find_problem(cls, content: Any) -> str:
        """Describe what shows that a JSON value is not a record of this class; "" if it can be one."""
        if not isinstance(content, dict):
            return "it is not a JSON object"
        keys = fields(cls)
        required = [key.name for key in keys if (key.default, key.default_factory) == (MISSING, MISSING)]
        missing = [name for name in required if name not in content]
        unknown = sorted(content.keys() - {key.name for key in keys})
        if missing:
            return f"it lacks {join_items([repr(name) for name in missing], 3)}"
        return f"it has the unknown key {shorten(unknown[0])!r}" if unknown else ""


def nan_to_none(values: Iterable[float]) -> list[float | None]:
    """Return numbers for JSON, which has no nan: None in its place."""
    return [None if math.isnan(value) else float(value) for value in values]
