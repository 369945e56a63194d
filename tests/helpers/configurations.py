"""The default configuration with changes, what the check says about it, and models with all defaults."""

from pathlib import Path
from typing import Any

import yaml

from helpers import bad_inputs
from muscan.config.check import check
from muscan.config.problems import ConfigError
from muscan.config.schema import complete

ROOT = Path(__file__).parents[2]
SCHEMA_FILE = ROOT / "config" / "config.schema.yaml"
DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))


def complete_model(model: dict) -> dict:
    """A model of the block `models`."""
    return complete({"models": {"m": model}, "analyses": {}})["models"]["m"]


def changed(path: str, value: Any) -> dict:
    """Return the default configuration with another value at `a/b/0`."""
    return bad_inputs.changed(DEFAULT, (path, value))


def problems(config: dict) -> list[str]:
    """Return the lines of the message about a configuration; none if it is accepted."""
    try:
        check(config)
    except ConfigError as error:
        return str(error).split("\n")
    return []
