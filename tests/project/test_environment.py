"""The pins of the environments."""

import re
import sys
from pathlib import Path

import pytest
import yaml

ENVS = Path(__file__).parents[2] / "envs"
sys.path.append(str(ENVS))

import conda_pins  # noqa: E402


def test_conda_environment_has_the_pins_of_the_lock():
    assert (ENVS / "muscan.yaml").read_text() == conda_pins.environment()
    packages = yaml.safe_load((ENVS / "muscan.yaml").read_text())["dependencies"][-1]["pip"]
    lock = conda_pins.pins((ENVS / "requirements.txt").read_text())
    pinned = dict(package.split("==") for package in packages)
    assert {re.sub(r"\[.*\]", "", name): version for name, version in pinned.items()} == {
        name: lock[name] for name in (re.sub(r"\[.*\]", "", each) for each in pinned)
    }
    assert {"snakemake", "pyhf", "numpy", "iminuit", "matplotlib", "pandas"} <= set(pinned)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt", "requirements-docs.txt"])
def test_lock_has_hashes_and_no_urls(name):
    text = (ENVS / name).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 50
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_further_environments_extend_the_first():
    """All are installed into one."""
    texts = ((ENVS / f"requirements{name}.txt").read_text() for name in ("", "-test", "-docs"))
    run, test, docs = map(conda_pins.pins, texts)
    assert run.items() <= test.items()
    assert run.items() <= docs.items()
    assert all(test[name] == docs[name] for name in test.keys() & docs.keys())
