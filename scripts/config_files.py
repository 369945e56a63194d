"""Configuration files as Snakemake reads them, checked; for what works on a configuration without running it."""

from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config
from snakemake_interface_common.exceptions import WorkflowError

from config_check import ConfigError, check

ROOT = Path(__file__).resolve().parents[1]


def load(files: list[str]) -> dict:
    """A configuration, merged from files, the later on top.

    Raises:
        ConfigError: if a file cannot be read, or the configuration has problems; names all of them.
    """
    config: dict = {}
    try:
        for file in files:
            update_config(config, load_configfile(file))
        check(config, ROOT / "config" / "config.schema.yaml")
    except (ConfigError, WorkflowError, OSError) as error:
        raise ConfigError(f"{', '.join(files)} cannot be used:\n{error}") from error
    return config
