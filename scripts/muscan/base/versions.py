"""Versions of muscan and of the packages on which its results depend."""

import hashlib
import os
import platform
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]  # the folder of the repository
VERSION = "0.1.0"
NUMERICAL = ("iminuit", "numpy", "pyhf", "scipy")  # packages on which numerical results depend
OTHERS = ("matplotlib", "pandas", "snakemake", "uproot")  # packages on which other results depend


@cache
def version(package: str) -> str:
    """Return the version of an installed package.

    The name of its metadata folder states it. Steps need not import `importlib.metadata` and parse all metadata, which
    takes longer than a fit.

    Raises:
        importlib.metadata.PackageNotFoundError: if the package is not installed.
    """
    start, end = f"{package}-", ".dist-info"
    names = [name for folder in sys.path if os.path.isdir(folder) for name in os.listdir(folder)]
    found = {name[len(start) : -len(end)] for name in names if name.startswith(start) and name.endswith(end)}
    if len(found) == 1:
        return found.pop()
    from importlib import metadata  # for packages that are installed twice or in another way

    return metadata.version(package)


def numerical_versions() -> dict[str, str]:
    """Return the versions of muscan and of the packages on which numerical results depend, by name."""
    return {"muscan": VERSION, **{name: version(name) for name in NUMERICAL}}


def all_versions() -> dict[str, str]:
    """Return the versions of everything on which a result can depend, by name.

    The entry `code` is the SHA-256 digest of muscan's own code.
    """
    packages = {name: version(name) for name in OTHERS}
    return numerical_versions() | packages | {"python": platform.python_version(), "code": digest_of_code()}


def installed_versions() -> dict[str, str]:
    """Return `all_versions` without packages that are not installed here, where perhaps only Snakemake is."""
    packages = {name: found for name in (*NUMERICAL, *OTHERS) if (found := _version_if_installed(name))}
    return {"muscan": VERSION, **packages, "python": platform.python_version(), "code": digest_of_code()}


def _version_if_installed(name: str) -> str | None:
    try:
        return version(name)
    except ModuleNotFoundError:  # the base class of `PackageNotFoundError`
        return None


def digest_of_code() -> str:
    """Return the SHA-256 digest of the code, the texts of the report and the schema of the configuration."""
    parts = (
        ("rules", "*.smk"),
        ("scripts", "**/*.py"),
        ("report", "*.j2"),
        ("report", "*.yaml"),
        ("config", "config.schema.yaml"),
    )
    files = sorted([ROOT / "Snakefile", *(file for folder, names in parts for file in (ROOT / folder).glob(names))])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
