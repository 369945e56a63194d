"""The beginning of a run: what can be used of its configuration, and what is said before any job starts."""

import os
import sys
from typing import NamedTuple, NoReturn

from muscan.base.errors import InputError
from muscan.config import check
from muscan.config.problems import ConfigError
from muscan.config.text import check_file
from muscan.run import look_ahead, start


class Usable(NamedTuple):
    """The part of a configuration that can be used."""

    config: dict
    not_run: dict[str, str]  # {analysis: why it cannot be run}
    problems: list[str]  # all of them
    without_row: list[str]  # those that no row of the table of limits tells


def usable_part(config: dict, files: list[str], whole: bool = True) -> Usable:
    """Check a configuration; end the run if nothing of it can be used.

    Args:
        config: merged from its files.
        files: their paths.
        whole: whether to check the text of the files too.
    """
    try:
        for file in files if whole else ():
            check_file(file)
        usable, not_run, problems = check.usable(config)
    except (ConfigError, InputError) as error:
        _stop(files, str(error))
    return Usable(usable, not_run, problems, check.without_row(problems, not_run))


def look_around(usable: Usable, files: list[str]) -> None:
    """Look at the results and data sets that are there, and say what will not be run, is made anew, or will fail.

    The run ends if nothing can be written, or no data set can be read.
    """
    unwritable = ", ".join(start.unwritable())
    if unwritable:
        raise SystemExit(f"muscan cannot write here: {unwritable} (in {os.getcwd()})")
    for message in start.tidy():
        print(message, file=sys.stderr)
    for problem in usable.problems:
        print(f"Not run, while the rest is: {problem}", file=sys.stderr)
    unreadable = look_ahead.unreadable(usable.config)
    if len(unreadable) == len(usable.config["analyses"]):
        _stop(files, "\n".join(dict.fromkeys(unreadable.values())))
    for analysis, reason in unreadable.items():
        print(f"Will fail, while the rest is run: {analysis}: {reason}", file=sys.stderr)


def _stop(files: list[str], problems: str) -> NoReturn:
    """End before anything runs."""
    names = ", ".join(os.path.relpath(file) for file in files)
    raise SystemExit(
        f"{names} cannot be used (in {os.getcwd()}):\n{problems}\nconfig/README.md explains every key."
    ) from None
