"""The results of the steps, one class per kind of JSON file: the names of their keys stand here and nowhere else."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Record:
    """A result that is written as a JSON object."""

    def to_json(self) -> dict:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, record: dict):
        return cls(**record)
