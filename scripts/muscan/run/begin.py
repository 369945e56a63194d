"""The beginning of a run: check its configuration, its results and its data sets before any job starts."""

import os
import sys
from typing import NamedTuple, NoReturn

from muscan.base.errors import InputError
from muscan.config import check
from muscan.config.problems import ConfigError
from muscan.config.text import check_file
from muscan.run import existing_results, look_ahead


class Usable(NamedTuple):
    """The part of a configuration that can be run, and the problems of the rest."""

    config: dict
    not_run: dict[str, str]  # {analysis: why it cannot be run}
    problems: list[str]  # all problems of the configuration
    without_row: list[str]  # problems that no row of the table of limits states


def usable_part(config: dict, files: list[str], check_text: bool = True) -> Usable:
    """Check a configuration.

    Args:
        config: the configuration, merged from its files.
        files: paths of these files.
        check_text: whether to check the text of the files too, for example for keys that occur twice.

    Raises:
        SystemExit: if nothing of the configuration can be run.
    """
    try:
        for file in files if check_text else ():
            check_file(file)
        usable, not_run, problems = check.usable_part(config)
    except (ConfigError, InputError) as error:
        _stop(files, str(error))
    return Usable(usable, not_run, problems, check.problems_outside_analyses(problems, not_run))


def prepare(usable: Usable, files: list[str]) -> None:
    """Remove broken results, and print what will not be run, will be made again, or will fail.

    Args:
        usable: what can be run.
        files: paths of the configuration files, for messages.

    Raises:
        SystemExit: if results cannot be written, or no data set can be read.
    """
    unwritable = ", ".join(existing_results.unwritable_folders())
    if unwritable:
        raise SystemExit(f"muscan cannot write here: {unwritable} (in {os.getcwd()})")
    for message in existing_results.remove_broken():
        print(message, file=sys.stderr)
    for problem in usable.problems:
        print(f"Not run, while the rest is: {problem}", file=sys.stderr)
    unreadable = look_ahead.unreadable_datasets(usable.config)
    if len(unreadable) == len(usable.config["analyses"]):
        _stop(files, "\n".join(dict.fromkeys(unreadable.values())))
    for analysis, reason in unreadable.items():
        print(f"Will fail, while the rest is run: {analysis}: {reason}", file=sys.stderr)


def _stop(files: list[str], problems: str) -> NoReturn:
    """End the run because of problems of its configuration."""
    names = ", ".join(os.path.relpath(file) for file in files)
    raise SystemExit(
        f"{names} cannot be used (in {os.getcwd()}):\n{problems}\nconfig/README.md explains every key."
    ) from None
