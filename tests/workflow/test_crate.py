"""An RO-Crate of a run: complete, true, without what is hidden, and enough to make the run again."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest

from helpers.workflow import clone, contents, environment, snakemake, write_config

HIDDEN = 73_529_417  # observed events of the blind analysis
MODEL = {"samples": {"signal": [{"name": "mu", "type": "normfactor"}], "background": []}}
CSV = "bin_low,bin_high,signal,background,observed\n0,1,3,5,{}\n"


def crate(folder: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, folder / "scripts" / "muscan", "crate", *options]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


class Packed(NamedTuple):
    """A finished run, what the command said, and the crate: its files, and its entities by their identifiers."""

    folder: Path
    output: str
    files: dict[str, bytes]
    entities: dict[str, dict]

    def linked(self, name: str, key: str) -> list[str]:
        """The identifiers that a property of an entity links to."""
        values = self.entities[name].get(key, [])
        return [each["@id"] for each in (values if isinstance(values, list) else [values])]


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Packed:
    """An analysis of a CSV file with an odd name, one of a file elsewhere, and a blind one of a third file."""
    folder = clone(tmp_path_factory.mktemp("crate") / "run")
    (folder / "my data%.csv").write_text(CSV.format(5))
    (folder.parent / "elsewhere.csv").write_text(CSV.format(6))
    (folder / "secret.csv").write_text(CSV.format(HIDDEN))
    write_config(folder, {
        "datasets": {
            "near": {"histograms": {"csv": "my data%.csv"}},
            "far": {"histograms": {"csv": "../elsewhere.csv"}},
            "secret": {"histograms": {"csv": "secret.csv"}},
            "counts": {"histograms": {"counts": {"SR": {"signal": 3, "background": 5, "observed": HIDDEN}}}},
        },
        "models": {"simple": MODEL},
        "scan": {"mu": [1, 3], "mu_per_job": 2, "plots": []},
        "analyses": {
            "near": {"dataset": "near", "model": "simple"},
            "far": {"dataset": "far", "model": "simple"},
            "blind": {"dataset": "secret", "model": "simple", "blind": True},
            "blind_counts": {"dataset": "counts", "model": "simple", "blind": True},
        },
    })  # fmt: skip
    snakemake(folder)
    result = crate(folder, "--author", "Ada Lovelace <https://orcid.org/0000-0002-1825-0097>", "A. Nonymous")
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(folder / "crate.zip") as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    graph = json.loads(inside["ro-crate-metadata.json"])["@graph"]
    assert len(graph) == len({entity["@id"] for entity in graph})
    return Packed(folder, result.stdout, inside, {entity["@id"]: entity for entity in graph})


def test_all_results_and_inputs_are_in_the_crate_with_their_digests(packed):
    manifest = json.loads((packed.folder / "results" / "manifest.json").read_text())
    moved = {"../elsewhere.csv": "inputs/1/elsewhere.csv"}
    described = {unquote(name): entity for name, entity in packed.entities.items()}
    for record in manifest["results"] + [each for each in manifest["inputs"] if each["file"] != "secret.csv"]:
        name = moved.get(record["file"], record["file"])
        assert hashlib.sha256(packed.files[name]).hexdigest() == record["sha256"] == described[name]["sha256"]
        assert described[name]["contentSize"] == str(len(packed.files[name]))
    made = {unquote(name) for name in packed.linked("#run", "result")}
    assert made == {record["file"] for record in manifest["results"]}
    used = {unquote(name) for name in packed.linked("#run", "object")}
    assert used == {"config.json", "my data%.csv", "inputs/1/elsewhere.csv", "#hidden-1"}


def test_versions_are_those_of_the_run(packed):
    manifest = json.loads((packed.folder / "results" / "manifest.json").read_text())
    packages = [packed.entities[name] for name in packed.linked("muscan/Snakefile", "softwareRequirements")]
    known = {package["name"]: package["version"] for package in packages}
    known |= {"muscan": packed.entities["muscan/Snakefile"]["version"], "code": packed.entities["#code"]["value"]}
    assert known == manifest["versions"]


def test_the_description_is_consistent(packed):
    """Links lead to entities or into the web, files are there, terms are defined."""
    context = json.loads(files("rocrate.data").joinpath("ro-crate.jsonld").read_text(encoding="utf-8"))["@context"]
    for entity in packed.entities.values():
        kinds = entity["@type"] if isinstance(entity["@type"], list) else [entity["@type"]]
        assert {*kinds, *entity} - {"@id", "@type", "sha256"} <= context.keys()
        if "File" in kinds:
            assert unquote(entity["@id"]) in packed.files or entity["@id"] == "ro-crate-metadata.json"
        for key in entity.keys() - {"@id", "@type"}:
            for value in entity[key] if isinstance(entity[key], list) else [entity[key]]:
                assert (
                    not isinstance(value, dict)
                    or value["@id"] in packed.entities
                    or value["@id"].startswith("https://")
                )


def test_the_profiles_ask_for_these_entities(packed):
    """Workflow Run Crate 0.5: a workflow as main entity, executed by an action; RO-Crate 1.1: name, date, license."""
    root = packed.entities["./"]
    assert packed.linked("./", "mainEntity") == packed.linked("#run", "instrument") == ["muscan/Snakefile"]
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow"} == set(packed.entities["muscan/Snakefile"]["@type"])
    profiles = ["https://w3id.org/ro/wfrun/process/0.5", "https://w3id.org/ro/wfrun/workflow/0.5"]
    assert set(profiles) < set(packed.linked("./", "conformsTo"))
    assert packed.linked("./", "mentions") == ["#run"]
    assert all(root[key] for key in ("name", "description", "license"))
    assert packed.linked("./", "author") == ["https://orcid.org/0000-0002-1825-0097", "#author-2"]
    assert len(root["datePublished"]) == len("2026-01-31")


def test_a_blind_run_stays_blind(packed):
    assert not [name for name, content in packed.files.items() if str(HIDDEN).encode() in content]
    assert "secret.csv" not in packed.files
    assert "Not included, because of blind analyses: secret.csv" in packed.output
    snakemake(packed.folder, "--report", "snakemake.html")
    assert str(HIDDEN) not in (packed.folder / "snakemake.html").read_text()


def test_no_place_of_this_machine_is_in_the_crate(packed):
    place = str(packed.folder.parent).encode()
    assert not [name for name, content in packed.files.items() if place in content]


def test_the_same_run_gives_the_same_bytes(packed, tmp_path):
    for name in ("one.zip", "two.zip"):
        assert crate(packed.folder, "--output", str(tmp_path / name)).returncode == 0
        (packed.folder / "results" / "limits.csv").touch()
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_run_can_be_repeated_from_the_crate(packed, tmp_path):
    """With the workflow and the configuration in it, after the inputs have been put where README.md says."""
    folder = tmp_path / "inner" / "folder"
    with zipfile.ZipFile(packed.folder / "crate.zip") as archive:
        archive.extractall(folder)
    shutil.copy(folder / "inputs" / "1" / "elsewhere.csv", folder.parent)
    assert "- `inputs/1/elsewhere.csv`" in (folder / "README.md").read_text()
    shutil.rmtree(folder / "results")
    limits = ["results/near/signal/asymptotics/limits.json", "results/far/signal/asymptotics/limits.json"]
    command = ["--snakefile", "muscan/Snakefile", "--configfile", "config.json", "--cores", "1", "-q", "all"]
    result = subprocess.run(
        [sys.executable, "-m", "snakemake", *limits, *command],
        cwd=folder, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    old, new = contents(packed.folder), contents(folder)
    assert [file for file in limits if old[file] != new[file]] == []


@pytest.mark.parametrize("file", ["results/limits.csv", "my data%.csv"])
def test_a_file_that_was_changed_is_an_error(packed, tmp_path, file):
    folder = shutil.copytree(packed.folder, tmp_path / "changed", symlinks=True)
    shutil.copy(packed.folder.parent / "elsewhere.csv", tmp_path)
    (folder / "crate.zip").unlink()
    with (folder / file).open("a") as opened:
        opened.write("\n")
    result = crate(folder)
    assert result.returncode != 0
    assert f"{file}: changed since that run" in result.stderr
    assert not (folder / "crate.zip").exists()
