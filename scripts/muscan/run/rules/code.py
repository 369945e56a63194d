"""The code of a step as a parameter of its rule: the step runs again when its code changes, wherever the code lies."""

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from muscan.base.code import SCRIPTS, imported_modules
from muscan.base.versions import ROOT


class Code(tuple):
    """The script of a step.

    In the command of a rule, `{params.code:q}` is the path of the script. What Snakemake records, and compares in the
    next run, is the representation: the name of the script, and a digest of its code.
    """

    digest: str

    def __new__(cls, script: str, digest: str):
        """Take the file name of a script in the folder `scripts`, and a digest of its code."""
        self = super().__new__(cls, [os.path.relpath(SCRIPTS / script)])
        self.digest = digest
        return self

    def __repr__(self) -> str:
        return f"{os.path.basename(self[0])} {self.digest}"


@cache
def code_of(script: str, *others: str, with_digest: bool = True) -> Code:
    """Return a script with the digest of its code, and of all modules of muscan that it imports.

    One parameter costs less than 20 to 120 files among the inputs of each job, at which Snakemake would look again in
    each round of its scheduler.

    Args:
        script: file name of the script, in the folder `scripts`.
        others: modules that the script imports by a name that is only known when it runs, as paths in `scripts`.
        with_digest: whether to compute the digest. A job on a cluster does not need it: it is known to run.
    """
    return Code(script, _digest(imported_modules(script, *others) if with_digest else (), SCRIPTS))


def digest_of(names: Iterable[str]) -> str:
    """Return the digest of files of muscan that are no code; `names` are paths in its folder."""
    return _digest((ROOT / name for name in names), ROOT)


def _digest(files: Iterable[Path], folder: Path) -> str:
    """Return 16 hexadecimal digits of a digest of the contents of files and of their names in a folder."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]
