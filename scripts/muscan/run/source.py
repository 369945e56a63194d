"""Find muscan's folder for a Snakefile from any source, and make the library importable.

Snakemake fetches single files of a git repository; the library and the scripts need the folder. This file is run on its
own, before `muscan` can be imported, so it imports nothing of it.
"""

import hashlib
import importlib.util
import os
import posixpath
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

CACHE = Path(".snakemake", "muscan", "source")  # in the working directory, which jobs on a cluster share
PARTS = ("Snakefile", "config", "report", "rules", "scripts")  # what the library and the scripts read


def load_library(rules, is_main_process: bool) -> None:
    """Make `muscan` importable from the source of its rules.

    The folder does not become part of `sys.path`, where its scripts could hide modules of other workflows.

    Args:
        rules: the folder `rules`, as a source file of Snakemake.
        is_main_process: whether this process plans the run. Jobs use the commit that it has found.

    Raises:
        SystemExit: if the source is neither a local folder nor a git repository, or muscan was loaded from another one.
    """
    scripts = os.path.abspath(os.path.join(folder_of(rules, is_main_process), "scripts"))
    package = os.path.join(scripts, "muscan")
    loaded = sys.modules.get("muscan")
    if loaded is None:
        file = os.path.join(package, "__init__.py")
        spec = importlib.util.spec_from_file_location("muscan", file, submodule_search_locations=[package])
        sys.modules["muscan"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    elif not os.path.samefile(loaded.__path__[0], package):
        raise SystemExit(
            f"This workflow uses muscan from two places, {os.path.dirname(loaded.__path__[0])} and {scripts}: use the"
            " same source for all modules."
        )


def folder_of(rules, is_main_process: bool) -> str:
    """Return the folder of muscan; that of a commit of a git repository is written first, unless it exists.

    Args, Raises: as `load_library`.
    """
    if hasattr(rules, "repo_path"):  # git+file:
        return _folder_of_git(rules, rules.repo_path, is_main_process)
    if hasattr(rules, "hosted_repo"):  # github(...), gitlab(...)
        return _folder_of_git(rules, rules.hosted_repo.repo.git_dir, is_main_process)
    if rules.is_local:
        return os.path.dirname(os.path.abspath(rules.get_path_or_uri(secret_free=True)))
    raise SystemExit(
        f"muscan cannot be used from {rules}, where only single files can be read. Use github(...), gitlab(...),"
        " git+file: or a clone."
    )


def _folder_of_git(rules, repository: str, is_main_process: bool) -> str:
    """Return the folder with the files of a commit. A branch may move during a run, so its jobs do not look it up."""
    from git import Repo

    inside = posixpath.dirname(rules.path.strip("/"))
    place = f"{repository} {rules.ref} {inside}"
    pointer = CACHE / f"commit-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
    if not is_main_process and pointer.exists():
        return str(CACHE / pointer.read_text(encoding="ascii"))
    with Repo(repository) as repo:
        commit = repo.commit(rules.ref).hexsha
        name = commit + inside.replace("/", "-")
        if not (CACHE / name).exists():
            _extract(repo, f"{commit}:{inside}" if inside else commit, CACHE / name)
    if not pointer.exists() or pointer.read_text(encoding="ascii") != name:
        temporary = pointer.with_name(f"{pointer.name}-{os.getpid()}")
        temporary.write_text(name, encoding="ascii")
        os.replace(temporary, pointer)
    return str(CACHE / name)


def _extract(repo, tree: str, folder: Path) -> None:
    """Write the files of a tree into a new folder, completely or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=".part-", dir=folder.parent)
    try:
        with tempfile.TemporaryFile() as file:
            repo.archive(file, tree, path=list(PARTS), format="tar")
            file.seek(0)
            with tarfile.open(fileobj=file) as archive:
                archive.extractall(temporary, filter="data")
        os.chmod(temporary, 0o755)
        try:
            os.rename(temporary, folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
