"""Before a run: which data sets cannot be read. Their analyses will fail, which is said before any job starts."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from muscan.base import versions
from muscan.base.errors import StepError
from muscan.config.datasets import histogram_spec, input_files
from muscan.config.settings import scan_settings

MEMORY = Path(".snakemake", "muscan", "data_sets.json")  # what was found of files that have not changed since


def unreadable(config: dict) -> dict[str, str]:
    """{analysis: why its data set cannot be read}; files that have not changed are not read again."""
    before, now, reasons = _remembered(), {}, {}
    sources = None
    for analysis, settings in config["analyses"].items():
        key = _key(config, settings["dataset"], scan_settings(config, analysis).blind)
        if key not in before and key not in now:
            from muscan.inputs.sources import Sources  # which takes a second, with pyhf

            sources = sources or Sources(config)
            now[key] = _problem(sources, analysis)
        now[key] = before.get(key, now.get(key))
        if now[key]:
            reasons[analysis] = f"data set {settings['dataset']!r}: {now[key]}"
    _remember(now)
    return reasons


def _problem(sources, analysis: str) -> str | None:
    try:
        sources.read(analysis)
    except (StepError, OSError) as error:
        return str(error)
    return None


def _key(config: dict, name: str, blind: bool) -> str:
    """What a data set says, and the sizes and times of its files."""
    dataset = config["datasets"][name]
    said = histogram_spec(config, name, blind) if "histograms" in dataset else dataset
    stats = [os.stat(path) for path in input_files(dataset, blind).values()]
    parts = [versions.all_versions()["code"], said, blind, [(stat.st_size, stat.st_mtime_ns) for stat in stats]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _remembered() -> dict[str, str | None]:
    try:
        return dict(json.loads(MEMORY.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _remember(found: dict[str, str | None]) -> None:
    with suppress(OSError):  # the next run reads the files again
        MEMORY.parent.mkdir(parents=True, exist_ok=True)
        MEMORY.write_text(json.dumps(found), encoding="utf-8")
