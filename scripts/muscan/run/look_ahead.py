"""Find data sets that cannot be read before any job starts; their analyses will fail."""

import hashlib
import json
import os
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from muscan.base import missing_packages, versions
from muscan.base.code import SCRIPTS
from muscan.config import remote_inputs
from muscan.config.datasets import histogram_spec, input_files
from muscan.config.settings import scan_settings

CACHE = Path(".snakemake", "muscan", "data_sets.json")  # the problems found by earlier runs


def unreadable_datasets(config: dict) -> dict[str, str]:
    """Find analyses whose data sets cannot be read.

    Files that have not changed since an earlier run are not read again. Where only Snakemake is installed, as it may be
    if jobs have an environment of their own, data sets are not read.

    Returns:
        {analysis: why its data set cannot be read}.
    """
    try:
        return _find_unreadable(config)
    except ModuleNotFoundError as error:
        missing = missing_packages.describe(error)
        if missing is None:
            raise
        print(f"Data sets are not read before the run: {missing}", file=sys.stderr)
        return {}


def read_new_datasets(config: dict) -> None:
    """Read data sets that are new or have changed in another process, for `unreadable_datasets` of this one.

    Where pyhf is not installed nothing is read, and `unreadable_datasets` says so.
    """
    known = _read_cache()
    if find_spec("pyhf") and any(key not in known for key in _keys(config).values()):
        command = [sys.executable, str(SCRIPTS / "muscan"), "read_datasets"]
        subprocess.run(command, input=json.dumps(config), text=True, capture_output=True, check=False)


def _find_unreadable(config: dict) -> dict[str, str]:
    before, now, reasons = _read_cache(), {}, {}
    sources = None
    for analysis, key in _keys(config).items():
        if key not in before and key not in now:
            from muscan.inputs.sources import Sources  # the import of pyhf takes a second

            sources = sources or Sources(config)
            now[key] = sources.unreadable(analysis)
        now[key] = before.get(key, now.get(key))
        if now[key]:
            reasons[analysis] = remote_inputs.name_queries(now[key])
    _write_cache(now)
    return reasons


def _keys(config: dict) -> dict[str, str]:
    """Return {analysis: key of its data set in the cache}."""
    return {
        analysis: _key(config, settings["dataset"], scan_settings(config, analysis).blind)
        for analysis, settings in config["analyses"].items()
    }


def _key(config: dict, name: str, blind: bool) -> str:
    """Return a digest of the name and the settings of a data set and of the sizes and times of its files."""
    dataset = config["datasets"][name]
    spec = histogram_spec(config, name, blind) if "histograms" in dataset else dataset
    stats = [os.stat(path) for path in input_files(dataset, blind).values()]
    parts = [versions.digest_of_code(), name, spec, blind, [(stat.st_size, stat.st_mtime_ns) for stat in stats]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _read_cache() -> dict[str, str | None]:
    try:
        return dict(json.loads(CACHE.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _write_cache(found: dict[str, str | None]) -> None:
    with suppress(OSError):  # the next run reads the files again
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        CACHE.write_text(json.dumps(found), encoding="utf-8")
