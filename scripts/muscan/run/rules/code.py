"""The code of a step as inputs of its rule."""

import os

from muscan.base.code import SCRIPTS, modules


def code_of(script: str, *others: str, with_modules: bool = True) -> list[str]:
    """Return a script and all modules of ours that it imports. As inputs of a rule they tell when they change.

    Args:
        script: its name, in the folder of scripts; it comes first.
        others: modules that it imports by names which are not in its text.
        with_modules: False where it is known that the rule is to run, as in a job on a cluster.
    """
    files = modules(script, *others) if with_modules else [SCRIPTS / script]
    return [os.path.relpath(file) for file in files]
