"""The code of a step, as input of its rule: the step runs again when its code changes."""

import os

from muscan.base.code import SCRIPTS, imported_modules


def code_of(script: str, *others: str, with_modules: bool = True) -> list[str]:
    """Return the paths of a script and of all modules of muscan that it imports, the script first.

    Args:
        script: file name of the script, in the folder `scripts`.
        others: modules that the script imports by a name that is only known when it runs, as paths in `scripts`.
        with_modules: whether to include the modules. A job on a cluster does not need them: it is known to run.
    """
    files = imported_modules(script, *others) if with_modules else [SCRIPTS / script]
    return [os.path.relpath(file) for file in files]
