"""Fetch the remote input files of a configuration through Snakemake's storage plugins, when a run begins.

A configuration is checked before anything runs, and the signals of a patch set are read from it. The files are
therefore fetched before Snakemake plans jobs, and jobs need neither the plugin nor a connection.
"""

import filecmp
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from muscan.base.errors import InputError
from muscan.base.words import format_size, shorten
from muscan.config.remote_inputs import COPIES, Fetched, copy_of, fetched, queries_in, remember

# The plugin for a scheme; for others, Snakemake chooses among those that are installed.
PLUGINS = {"fs": "fs", "http": "http", "https": "http", "s3": "s3", "gs": "gcs", "root": "xrootd", "sftp": "sftp"}
PATHS = ("fs",)  # plugins whose queries are paths, to which this module adds the scheme
SETTLED = 2.0  # seconds; a file that changed less than this before it was read may change again with the same time


def fetch_inputs(config: dict, settings: Mapping[str, Any] | None = None) -> None:
    """Fetch the remote files of a configuration that were not fetched before or have changed since.

    Prints a line for each file that is fetched, and for one of which an earlier copy is used because it cannot be
    looked up. Other problems are recorded, and the check of the configuration reports them.

    Args:
        config: a configuration, valid or not.
        settings: settings of storage plugins by name, as Snakemake's workflow has them; default: from the environment.
    """
    queries = queries_in(config)
    if not queries:
        return
    if settings is None:
        settings = _settings_from_environment()
    for query in queries:
        fetch(query, settings)


def fetch_missing(queries: list[str]) -> None:
    """Fetch remote files of which there is no copy. Problems are recorded, as by `fetch_inputs`."""
    missing = [query for query in queries if not copy_of(query).is_file()]
    settings = _settings_from_environment() if missing else {}
    for query in missing:
        fetch(query, settings)


def fetch(query: str, settings: Mapping[str, Any]) -> None:
    """Fetch one remote file; see `fetch_inputs`."""
    known, now = fetched(query), time.time()
    try:
        COPIES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=COPIES) as folder:
            remote = _Remote.find(query, settings, Path(folder))
            state = Fetched(query, remote.mtime if 0 < remote.mtime < now - SETTLED else None, remote.size)
            if not (copy_of(query).is_file() and known == state and state.mtime is not None):
                _replace(copy_of(query), remote.retrieve(), remote.mtime)
        remember(state)
    except InputError as error:
        remember(Fetched(query, problem=str(error)))
    except Exception as error:  # whatever a plugin raises
        reason = f"{query} cannot be fetched: {_innermost(error)}"
        if known and known.problem is None and copy_of(query).is_file():
            print(f"{reason}. The copy that was fetched earlier is used.", file=sys.stderr)
        else:
            remember(Fetched(query, problem=reason))


class _Remote(NamedTuple):
    """A remote file that exists: its state, and the object of Snakemake that retrieves it."""

    query: str
    mtime: float
    size: int
    found: Any

    @classmethod
    def find(cls, query: str, settings: Mapping[str, Any], folder: Path) -> "_Remote":
        """Look for a remote file.

        Args:
            query, settings: as in `fetch`.
            folder: an empty folder for its copy.

        Raises:
            InputError: if its plugin is not installed, or there is no such file.
        """
        # These imports take a second, and only configurations with remote files need them.
        from snakemake.settings.types import StorageSettings
        from snakemake.storage import StorageRegistry

        places = StorageSettings(local_storage_prefix=folder)
        registry = StorageRegistry(SimpleNamespace(storage_settings=places, storage_provider_settings=settings))
        scheme, _, rest = query.partition("://")
        plugin = PLUGINS.get(scheme.lower())
        _require_plugin(query, scheme, plugin)
        storage = getattr(registry, plugin) if plugin else registry
        found = storage(rest if plugin in PATHS else query, retrieve=True, keep_local=True).flags["storage_object"]
        if not found.exists():
            raise InputError(f"there is no file {query}, or it may not be read")
        return cls(query, found.mtime(), found.size(), found)

    def retrieve(self) -> Path:
        """Retrieve the file, and return its path.

        Raises:
            InputError: if what arrives is a folder, or shorter than the remote file.
        """
        path = Path(self.found.local_path())
        path.parent.mkdir(parents=True, exist_ok=True)
        self.found.retrieve_object()
        if path.is_dir():
            raise InputError(f"{self.query} is a folder, not a file")
        size = path.stat().st_size
        if size < self.size:
            raise InputError(f"{self.query} was cut off: {size} of {self.size} bytes arrived; run again")
        print(f"Fetched {self.query} ({format_size(size)}).", file=sys.stderr)
        return path


def _require_plugin(query: str, scheme: str, plugin: str | None) -> None:
    from snakemake_interface_storage_plugins.registry import StoragePluginRegistry

    plugins = StoragePluginRegistry()
    if plugin and not plugins.is_installed(plugin):
        package = plugins.get_plugin_package_name(plugin)
        raise InputError(f"{query} needs a package of Snakemake: pip install {package}")
    if not plugin and not any(each.storage_provider.is_valid_query(query) for each in plugins.plugins.values()):
        raise InputError(
            f"{query} needs a storage plugin of Snakemake for {scheme}://, and none is installed; "
            "https://snakemake.github.io/snakemake-plugin-catalog lists them"
        )


def _replace(copy: Path, file: Path, mtime: float) -> None:
    """Replace a copy by a new file, unless their contents are the same, so that no step runs again without need.

    A first copy gets the time of the remote file. A changed one has the present time, because steps must run again even
    if the remote file was replaced by an older one.
    """
    first = not copy.is_file()
    if not first and filecmp.cmp(copy, file, shallow=False):
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    if first and mtime > 0:
        os.utime(file, (min(mtime, time.time()),) * 2)
    elif not first:
        os.utime(file)
    shutil.move(file, copy)


def _innermost(error: BaseException) -> str:
    """Return the message of the error from which an error arose: libraries wrap what the system or a server said."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return shorten(" ".join(str(error).split()), 300) or type(error).__name__


def _settings_from_environment() -> dict[str, Any]:
    """Return the settings of storage plugins for a command other than Snakemake: environment variables and defaults.

    Raises:
        InputError: if a plugin does not accept them.
    """
    from snakemake.cli import get_argument_parser
    from snakemake_interface_common.exceptions import ApiError
    from snakemake_interface_storage_plugins.registry import StoragePluginRegistry

    args, plugins = get_argument_parser().parse_args([]), StoragePluginRegistry()
    try:
        return {name: plugins.get_plugin(name).get_settings(args) for name in plugins.get_registered_plugins()}
    except ApiError as error:
        raise InputError(f"a setting of a storage plugin in the environment cannot be used: {error}") from error
