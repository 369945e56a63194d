"""Where no package but Snakemake is installed: what works, and what says which package to install."""

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement

from helpers import workflow
from muscan.base import missing_packages
from muscan.commands.parser import COMMANDS

SCRIPTS = sorted(path.name for path in (workflow.REPO / "scripts").glob("*.py"))
WHAT_TO_INSTALL = re.compile(
    r"failed: the Python package \w+ is not installed for \S+: pip install -r \S+requirements.txt\n"
)


def requirements_of(name: str, found: dict) -> dict:
    """Return a distribution and all that it requires: {name: distribution}."""
    try:
        found[name] = distribution(name)
    except PackageNotFoundError:  # required on other systems
        return found
    for text in found[name].requires or ():
        needed = Requirement(text)
        if needed.name not in found and (needed.marker is None or needed.marker.evaluate({"extra": ""})):
            requirements_of(needed.name, found)
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A function that runs Python with Snakemake and what it requires, from a folder of links, in a copy of muscan."""
    folder = tmp_path_factory.mktemp("alone")
    packages = folder / "packages"
    packages.mkdir()
    for each in requirements_of("snakemake", {}).values():
        for part in {file.parts[0] for file in each.files} - {"..", "__pycache__"}:
            if not (packages / part).exists():
                (packages / part).symlink_to(each.locate_file(part))
    clone = workflow.clone(folder / "clone")

    def run(*arguments: str) -> subprocess.CompletedProcess:
        environment = os.environ | {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-S", *arguments]  # -S leaves out the packages of the environment
        return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)

    return run


def test_only_snakemake_is_there(alone):
    """Otherwise the tests below would show nothing."""
    for name in ("numpy", "pyhf", "rich", "snakemake_logger_plugin_rich", "snakemake_executor_plugin_slurm"):
        assert f"No module named '{name}'" in alone("-c", f"import {name}").stderr
    assert alone("-c", "import snakemake, jsonschema, yaml").returncode == 0


def test_a_dry_run(alone):
    run = alone("-m", "snakemake", "-n")
    assert run.returncode == 0, run.stderr
    assert re.search(r"^hypotest +\d\d+$", run.stdout, re.MULTILINE)
    assert re.search(r"Data sets are not read before the run: the Python package \w+ is not installed", run.stderr)
    assert "Traceback" not in run.stderr


def test_help_and_lint_of_snakemake(alone):
    assert alone("-m", "snakemake", "--help").stdout.startswith("usage: ")
    assert "Error" not in alone("-m", "snakemake", "--lint").stderr


def test_lint_of_the_example_of_a_module(alone, tmp_path):
    """The rules have other names there."""
    example = workflow.REPO / "docs" / "module"
    workflow.copy(example, tmp_path / "module")
    run = alone("-m", "snakemake", "--lint", "--snakefile", f"{example}/Snakefile", "-d", str(tmp_path / "module"))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Congratulations, your workflow is in a good condition!" in run.stdout + run.stderr


@pytest.mark.parametrize("profile", ["slurm", "htcondor"])
def test_a_profile_of_a_cluster_says_what_to_install(alone, profile):
    run = alone("-m", "snakemake", "-n", "--workflow-profile", f"profiles/{profile}")
    assert run.returncode == 1
    text = f"profiles/{profile} needs a package: pip install snakemake-executor-plugin-{profile}"
    assert run.stderr.splitlines()[1:] == [text]  # after Snakemake's line about the profile


@pytest.mark.parametrize(
    "arguments", [*([f"scripts/{name}"] for name in SCRIPTS), *(["scripts/muscan", name] for name in COMMANDS)]
)
def test_help_of_scripts_and_commands(alone, arguments):
    """The options, or one line with what to install."""
    run = alone(*arguments, "--help")
    if run.returncode:
        assert WHAT_TO_INSTALL.fullmatch(run.stderr)
    else:
        assert run.stdout.startswith("usage: ")


def test_help_of_all_commands(alone):
    assert alone("scripts/muscan", "--help").stdout.startswith("usage: python scripts/muscan COMMAND")


def test_the_log_of_a_job_says_what_to_install(alone, tmp_path):
    """The imports fail before messages go to the log."""
    log = tmp_path / "logs" / "fit.log"
    run = alone("scripts/fit.py", "--model", "model.npz", "--log", str(log))
    assert run.returncode == 1
    assert log.read_text() == run.stderr
    assert WHAT_TO_INSTALL.fullmatch(run.stderr)


def test_a_missing_module_of_muscan_is_a_defect():
    """Its traceback is needed."""
    assert missing_packages.describe(ModuleNotFoundError("", name="muscan.nothing")) is None
    assert missing_packages.describe(ImportError("", name="numpy")) is None
    assert "package numpy " in missing_packages.describe(ModuleNotFoundError("", name="numpy.linalg"))
