"""The code of a step as a parameter of its rule: the step runs again when its code changes, wherever the code lies."""

import hashlib
from functools import cache

from muscan.base.code import SCRIPTS, imported_modules


@cache
def code_of(script: str, *others: str) -> str:
    """Return the digest of a script and all modules of muscan that it imports.

    One parameter costs less than 20 to 120 files among the inputs of each job, which Snakemake would look at in each
    round of its scheduler.

    Args:
        script: file name of the script, in the folder `scripts`.
        others: modules that the script imports by a name that is only known when it runs, as paths in `scripts`.

    Returns:
        the name of the script and a digest of names and contents of the files, such as "fit.py 0123456789abcdef".
    """
    digest = hashlib.sha256()
    for file in imported_modules(script, *others):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(SCRIPTS).as_posix()} {len(content)}\n".encode() + content)
    return f"{script} {digest.hexdigest()[:16]}"
