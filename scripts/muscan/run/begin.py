"""The beginning of a run: check its configuration, its results and its data sets before any job starts."""

import gc
import os
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

from muscan.base import seals
from muscan.base.errors import InputError
from muscan.base.files import remove_leftovers
from muscan.base.versions import ROOT
from muscan.config import check
from muscan.config.problems import ConfigError
from muscan.config.text import check_file
from muscan.run import existing_results, look_ahead

# Thresholds of Python's garbage collector (numbers of objects, see `gc.set_threshold`). Snakemake makes millions of
# objects that stay; with the default thresholds, 15 % of the time of a plan of 6,375 jobs is spent on looking at them.
COLLECT_RARELY = (50_000, 20, 50)


class Usable(NamedTuple):
    """The part of a configuration that can be run, and the problems of the rest."""

    config: dict
    not_run: dict[str, str]  # {analysis: why it cannot be run}
    problems: list[str]  # all problems of the configuration
    without_row: list[str]  # problems that no row of the table of limits states


def usable_part(config: dict, files: list[str], check_text: bool = True, module: str | None = None) -> Usable:
    """Check a configuration, which is not changed.

    Args:
        config: the configuration, merged from its files.
        files: paths of these files.
        check_text: whether to check the text of the files too, for example for keys that occur twice.
        module: name of the module of another workflow, whose rules may make input files; None for the main workflow.

    Raises:
        SystemExit: if nothing of the configuration can be run.
    """
    try:
        for file in files if check_text else ():
            check_file(file)
        usable, not_run, problems = check.usable_part(config, others_make=module is not None)
    except (ConfigError, InputError) as error:
        _stop(_name(files, module), str(error))
    return Usable(usable, not_run, problems, check.problems_outside_analyses(problems, not_run))


def prepare(usable: Usable, files: list[str], results: str | Path = seals.RESULTS, module: str | None = None) -> None:
    """Remove broken results, and print what will not be run, will be made again, or will fail.

    In a module, rules of another workflow may make the data sets, so they are not read.

    Args:
        usable: what can be run.
        files: paths of the configuration files, for messages.
        results: the folder of the results.
        module: as in `usable_part`.

    Raises:
        SystemExit: if results cannot be written, or no data set can be read.
    """
    gc.set_threshold(*COLLECT_RARELY)
    unwritable = ", ".join(existing_results.unwritable_folders(results))
    if unwritable:
        raise SystemExit(f"muscan cannot write here: {unwritable} (in {os.getcwd()})")
    for message in existing_results.remove_broken(results):
        print(message, file=sys.stderr)
    for problem in usable.problems:
        print(f"Not run, while the rest is: {problem}", file=sys.stderr)
    if module is not None:
        remove_leftovers(results)  # the main workflow does it when it starts
        return
    look_ahead.read_new_datasets(usable.config)
    unreadable = look_ahead.unreadable_datasets(usable.config)
    if len(unreadable) == len(usable.config["analyses"]):
        _stop(_name(files, module), "\n".join(dict.fromkeys(unreadable.values())))
    for analysis, reason in unreadable.items():
        print(f"Will fail, while the rest is run: {analysis}: {reason}", file=sys.stderr)


def _name(files: list[str], module: str | None) -> str:
    """Return what a message calls the configuration."""
    if module is not None:
        return f"The configuration of the module {module}"
    return ", ".join(os.path.relpath(file) for file in files)


def _stop(name: str, problems: str) -> NoReturn:
    """End the run because of problems of its configuration."""
    explanation = os.path.relpath(ROOT / "config" / "README.md")
    raise SystemExit(
        f"{name} cannot be used (in {os.getcwd()}):\n{problems}\n{explanation} explains every key."
    ) from None
