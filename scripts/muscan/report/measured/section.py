"""What the report shows of one measurement of a signal, such as its ranking."""

from typing import NamedTuple


class MeasuredTable(NamedTuple):
    """A table; the cells are formatted text."""

    title: str  # "" for none
    columns: list[str]
    rows: list[list[str]]  # the first cell is at the left, the others at the right


class MeasuredSection(NamedTuple):
    """What the report shows of one measurement of a signal."""

    title: str
    sentences: list[str]  # the result in words
    tables: list[MeasuredTable]
    warnings: list[str]  # what the reader must know before using a number
