"""The pins of the environments, the container image, and the citation."""

import re
import sys

import pytest
import yaml

from muscan.base.versions import ROOT, VERSION

ENVS = ROOT / "envs"
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


@pytest.mark.parametrize("name", conda_pins.ENVIRONMENTS)
def test_environments_of_rules_have_the_pins_of_the_lock(name):
    environment = yaml.safe_load((ENVS / f"{name}.yaml").read_text())
    everything = yaml.safe_load((ENVS / "muscan.yaml").read_text())
    packages = environment["dependencies"].pop()["pip"]
    everything["dependencies"].pop()
    assert environment == {key: everything[key] for key in ("channels", "dependencies")}
    found = conda_pins.pins("\n".join(packages))
    assert len(found) == len(packages)
    assert found.items() <= conda_pins.pins((ENVS / "requirements.txt").read_text()).items()


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-crate.txt", "requirements-test.txt", "requirements-docs.txt"]
)
def test_lock_has_hashes_and_no_urls(name):
    text = (ENVS / name).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 50
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_further_environments_extend_the_first():
    """All are installed into one."""
    texts = ((ENVS / f"requirements{name}.txt").read_text() for name in ("", "-crate", "-test", "-docs"))
    run, crate, test, docs = map(conda_pins.pins, texts)
    assert run.items() <= crate.items() <= test.items()
    assert crate.items() <= docs.items()
    assert all(test[name] == docs[name] for name in test.keys() & docs.keys())


def instructions(name: str) -> list[str]:
    """The instructions of the Dockerfile of one name, without comments and line breaks."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
    return re.findall(rf"^{name} (.*)$", text, re.MULTILINE)


def test_what_the_container_image_is_made_of_exists():
    shown = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [each.split() for each in instructions("COPY")]
    assert all((ROOT / source).exists() for *sources, _ in copied for source in sources)
    assert {source.split("/")[0] for *sources, _ in copied for source in sources} == shown
    targets = {source: target for *sources, target in copied for source in sources}
    needed = ["Snakefile", "rules", "scripts", "config", "profiles", "report", "envs"]
    assert all(targets[name].removesuffix(name).rstrip("/") == "/muscan" for name in needed)


def test_the_container_image_has_the_packages_of_the_lock_and_no_others():
    installs = [each for each in instructions("RUN") if "install" in each]
    assert len(installs) == 1
    found = re.fullmatch(r"pip install --no-cache-dir --require-hashes --requirement (/muscan/\S+)", installs[0])
    assert found[1] == "/muscan/envs/requirements.txt"


def test_the_container_image_has_a_python_for_which_the_lock_is_made():
    version = tuple(map(int, re.match(r"python:(\d+)\.(\d+)-", instructions("FROM")[0]).groups()))
    lowest, highest = re.search(r"python >=3\.(\d+),<3\.(\d+)", conda_pins.BASE).groups()
    assert (3, int(lowest)) <= version < (3, int(highest))


def test_the_citation_has_the_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == VERSION
