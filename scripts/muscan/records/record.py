"""What all records have in common.

A record is the content of one kind of JSON file. The names of its keys stand in its class and nowhere else.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Record:
    """A result that is written as a JSON object."""

    def to_json(self) -> dict:
        """The JSON object."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, record: dict):
        """The record of a JSON object."""
        return cls(**record)
