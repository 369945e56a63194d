"""Explain errors of steps whose settings, given as JSON, do not follow the schema of configurations."""

from collections.abc import Iterator
from contextlib import contextmanager

from muscan.base.errors import InputError
from muscan.base.words import join_items

# What code raises that reads settings with missing keys or values of wrong types.
MALFORMED = (AttributeError, LookupError, StopIteration, TypeError, ValueError)


@contextmanager
def explain_settings(option: str, kind: str, block: dict) -> Iterator[None]:
    """If the `with` block fails because settings do not follow the schema, say what is wrong with them.

    The schema is read only after a failure, because reading it takes longer than many steps.

    Args:
        option: the option that gives the settings, such as "--spec".
        kind: the key of the settings in a data set: "simulate" or "histograms".
        block: the settings.

    Raises:
        InputError: instead of the error of the `with` block, with all problems of the settings.
    """
    try:
        yield
    except MALFORMED as error:
        problems = _problems(option, kind, block)
        if not problems:
            raise
        raise InputError(join_items(problems, separator="; ")) from error


def _problems(option: str, kind: str, block: dict) -> list[str]:
    """Return what the schema finds wrong in a block of a data set."""
    from muscan.config.schema_check import problems_of_schema  # reads the schema: only after a failure

    owner = ("datasets", "settings")
    found = problems_of_schema({"datasets": {owner[1]: {kind: block}}})
    place = f"{owner[0]}.{owner[1]}.{kind}"
    return list(dict.fromkeys(each.text.replace(place, option, 1) for each in found if each.owner == owner))
