"""Versions of muscan and of what its results depend on."""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
VERSION = "0.1.0"


def of_numbers() -> dict[str, str]:
    """Of muscan and of the packages on which numbers depend."""
    return {"muscan": VERSION, **{name: version(name) for name in ("iminuit", "numpy", "pyhf", "scipy")}}


def of_all() -> dict[str, str]:
    """Of everything on which a result can depend, a digest of muscan's own code included."""
    packages = {name: version(name) for name in ("matplotlib", "pandas", "snakemake", "uproot")}
    return of_numbers() | packages | {"python": platform.python_version(), "code": _code()}


def _code() -> str:
    parts = (
        ("rules", "*.smk"),
        ("scripts", "**/*.py"),
        ("report", "*.j2"),
        ("report", "*.yaml"),
        ("config", "config.schema.yaml"),
    )
    files = sorted([ROOT / "Snakefile", *(file for folder, names in parts for file in (ROOT / folder).glob(names))])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
