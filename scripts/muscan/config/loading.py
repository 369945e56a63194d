"""Read configuration files as Snakemake does, for commands that inspect a configuration without running it."""

from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config
from snakemake_interface_common.exceptions import WorkflowError

from muscan.base.errors import InputError
from muscan.config.check import usable_part
from muscan.config.fetch import fetch_inputs
from muscan.config.problems import ConfigError
from muscan.config.text import check_file


def load(files: list[str]) -> tuple[dict, dict[str, str], list[str]]:
    """Read a configuration from files; later files override earlier ones.

    Returns:
        The part that can be run, the reasons why other analyses cannot be run, and all problems; see
        `check.usable_part`.

    Raises:
        ConfigError: if no part of it can be run; lists all problems.
    """
    config: dict = {}
    try:
        for file in files:
            check_file(file)
            update_config(config, load_configfile(file))
        fetch_inputs(config)
        return usable_part(config)
    except (ConfigError, InputError, WorkflowError, OSError) as error:
        raise ConfigError(f"{', '.join(files)} cannot be used:\n{error}") from error
