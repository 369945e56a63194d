"""The default configuration with changes, what the check says about it, and models with all defaults."""

import copy
from pathlib import Path
from typing import Any

import yaml

from muscan.config.check import check
from muscan.config.problems import ConfigError
from muscan.config.schema import complete

ROOT = Path(__file__).parents[2]
SCHEMA_FILE = ROOT / "config" / "config.schema.yaml"
DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
DELETE = object()  # the value of `changed` that removes a key


def complete_model(model: dict) -> dict:
    """A model of the block `models`."""
    return complete({"models": {"m": model}, "analyses": {}})["models"]["m"]


def changed(path: str, value: Any) -> dict:
    """Return the default configuration with another value at `a/b/0`."""
    config = copy.deepcopy(DEFAULT)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("/"))
    block = config
    for part in parents:
        block = block[part]
    if value is DELETE:
        del block[last]
    else:
        block[last] = value
    return config


def problems(config: dict) -> list[str]:
    """Return the lines of the message about a configuration; none if it is accepted."""
    try:
        check(config)
    except ConfigError as error:
        return str(error).split("\n")
    return []
