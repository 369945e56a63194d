"""muscan as a module of another workflow: from a local folder with and without a prefix, and from git repositories."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyhf
import pytest
import yaml

from helpers.workflow import REPO, clone, copy, environment

COUNTS = {"d": {"histograms": {"counts": {"SR": {"signal": 5.0, "background": 20.0, "observed": 21}}}}}
MODEL = {"m": {"samples": {"signal": [{"name": "mu", "type": "normfactor"}], "background": []}}}
MODULE = """
module {name}:
    snakefile:
        {source}
    config:
        config["{config}"]
    {prefix}


use rule * from {name} as {name}_*


"""


def configuration(analysis: str, **scan) -> dict:
    analyses = {analysis: {"dataset": "d", "model": "m"}}
    return {"datasets": COUNTS, "models": MODEL, "scan": {"plots": [], **scan}, "analyses": analyses}


def module(name: str, source: str, prefix: str = "", config: str = "a") -> str:
    return MODULE.format(name=name, source=source, prefix=f'prefix: "{prefix}"' if prefix else "", config=config)


def snakemake(folder: Path, *options: str, **changes: str) -> str:
    """The output of a run that must succeed."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *options]
    result = subprocess.run(
        command, cwd=folder, env=environment(**changes), capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def contents(folder: Path) -> dict[str, bytes]:
    """{file: content}, seals included."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Path:
    copied = clone(tmp_path_factory.mktemp("example") / "muscan")
    folder = copy(REPO / "docs" / "module", copied / "docs" / "module")
    snakemake(folder)
    return folder


class TestExample:
    """The workflow of the documentation."""

    def test_its_own_rule_uses_the_limits(self, example):
        predicted = yaml.safe_load((example / "config.yaml").read_text())["cross_section"]
        (limits,) = rows(example / "limits" / "results" / "limits.csv")
        (scaled,) = rows(example / "cross_section.csv")
        assert limits["status"] == scaled["status"] == "ok"
        for name in ("observed_limit", "expected"):
            assert float(scaled[name]) == pytest.approx(predicted * float(limits[name]), rel=1e-12)

    def test_the_limit_is_that_of_pyhf(self, example):
        """For the histograms that the other workflow made, CLs is 0.05 at the limit."""
        results = example / "limits" / "results"
        model = pyhf.Workspace(json.loads((results / "search" / "signal" / "workspace.json").read_text()))
        made = rows(example / "histograms" / "search.csv")
        (channel,) = model["channels"]
        samples = {sample["name"]: sample["data"] for sample in channel["samples"]}
        assert samples["signal"] == pytest.approx([float(row["signal"]) for row in made])
        limit = float(rows(results / "limits.csv")[0]["observed_limit"])
        pdf = model.model()
        assert pyhf.infer.hypotest(limit, model.data(pdf), pdf, test_stat="qtilde") == pytest.approx(0.05, abs=1e-4)

    def test_everything_else_is_below_the_prefix(self, example):
        own = {"Snakefile", "config.yaml", "make_histograms.py", "cross_section.py"}
        made = {".snakemake", "histograms", "limits", "logs", "cross_section.csv"}
        assert {path.name for path in example.iterdir()} == own | made
        assert {path.name for path in (example / "limits").iterdir()} == {"results", "logs"}
        assert {path.name for path in (example / "logs").iterdir()} == {"make_histograms.log", "cross_section.log"}

    def test_a_changed_result_is_made_again(self, example, tmp_path):
        folder = copy(example.parents[1], tmp_path / "muscan") / "docs" / "module"
        assert "Nothing to be done" in snakemake(folder, "-n")
        changed = folder / "limits" / "results" / "search" / "signal" / "fit.json"
        changed.write_text(changed.read_text() + " ")
        output = snakemake(folder, "-n")
        name = "limits/results/search/signal/fit.json"
        assert f"{name} was cut off, edited or replaced: it will be made again." in output
        assert "muscan_fit" in output
        assert not changed.exists()

    def test_a_file_that_no_rule_makes(self, example, tmp_path):
        """Snakemake alone would keep the results that were made of another file."""
        copied = copy(example.parents[1], tmp_path / "muscan") / "docs" / "module"
        text = (copied / "config.yaml").read_text()
        (copied / "config.yaml").write_text(text.replace("csv: histograms/search.csv", "csv: histograms/other.csv"))
        command = [sys.executable, "-m", "snakemake", "-n"]
        result = subprocess.run(command, cwd=copied, env=environment(), capture_output=True, text=True, timeout=600)
        assert result.returncode == 1
        assert "module muscan needs histograms/other.csv, which neither exists nor is made by a rule." in result.stderr


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    # An analysis may have the name of the folder of results.
    first = configuration("results", mu=[0.5, 2, 4], signals_per_job=2)
    configs = {"a": first, "b": configuration("other", mu=[1, 5], mu_per_job=2, confidence_level=0.9)}
    (folder / "configs.json").write_text(json.dumps(configs))
    source = json.dumps(str(REPO / "Snakefile"))
    thin = json.dumps(str(REPO / "workflow" / "Snakefile"))
    targets = ["first/results/manifest.json", "results/manifest.json", "a/b/results/limits.csv"]
    (folder / "Snakefile").write_text(
        f'configfile: "configs.json"\n\n\nrule all:\n    input:\n        {targets},\n\n\n'
        + module("first", source, "first")
        + module("plain", thin)
        + module("second", source, "a/b", "b")
        + "import json\n\nassert config == json.load(open('configs.json'))\n\n"
        + "onsuccess:\n    second.onsuccess()\n"
    )
    (folder / "output.txt").write_text(snakemake(folder))
    return folder


class TestSeveral:
    """Modules of different configurations, with different prefixes and with none."""

    def test_a_prefix_changes_no_byte(self, several):
        plain, first = (contents(several / place) for place in ("results", "first/results"))
        manifests = [each.pop("manifest.json").decode() for each in (plain, first)]
        for each in (plain, first):
            each.pop(".sha256/manifest.json")
        assert len(plain) > 15
        assert first == plain
        assert manifests[0] == manifests[1].replace("first/results/", "results/")
        listed = [record["file"] for record in json.loads(manifests[1])["results"]]
        assert {Path(file).parts[:2] for file in listed} == {("first", "results")}

    def test_each_has_its_own_configuration(self, several):
        for place, expected in (("", ("results", "0.95")), ("a/b", ("other", "0.9"))):
            (row,) = rows(several / place / "results" / "limits.csv")
            assert (row["analysis"], row["confidence_level"]) == expected
        assert (several / "a/b/results/other/signal/asymptotics/hypotest").is_dir()

    def test_it_prints_nothing_of_its_own_unless_asked(self, several):
        """The handler of a module shows the limits of this module."""
        output = (several / "output.txt").read_text()
        assert "steps, about" not in output
        assert output.count("Tables: ") == 1
        assert "Tables: a/b/results/limits.csv, a/b/results/limits.md" in output


def git(hub: Path, *options: str) -> None:
    names = ["-c", "user.name=tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *names, *options], cwd=hub / "owner" / "muscan", check=True, capture_output=True)


def commit(hub: Path) -> None:
    git(hub, "add", "--all")
    git(hub, "commit", "--quiet", "--message", "a state")


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Path:
    """A folder with a repository that takes the place of GitHub."""
    hub = tmp_path_factory.mktemp("hub")
    (hub / "owner").mkdir()
    shutil.copytree(REPO / "workflow", clone(hub / "owner" / "muscan") / "workflow")
    git(hub, "init", "--quiet", "--initial-branch", "main")
    commit(hub)
    return hub


class TestGit:
    """From git repositories, of which Snakemake itself fetches single files only."""

    TARGET = "limits/results/datasets/d/histograms.csv"

    def run(self, folder: Path, hub: Path, source: str, *options: str) -> str:
        (folder / "configs.json").write_text(json.dumps({"a": configuration("x", mu=[1, 2])}))
        (folder / "Snakefile").write_text('configfile: "configs.json"\n\n' + module("muscan", source, "limits"))
        return snakemake(
            folder,
            self.TARGET,
            *options,
            XDG_CACHE_HOME=str(folder / "cache"),
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0=f"url.file://{hub}/.insteadOf",
            GIT_CONFIG_VALUE_0="https://github.com/",
        )

    def test_every_source_gives_the_same(self, hub, tmp_path):
        """What one has made need not be made again from another; a branch follows its newest commit."""
        output = self.run(tmp_path, hub, 'github("owner/muscan", path="workflow/Snakefile", branch="main")')
        assert "1 of 1 steps (100%) done" in output
        assert rows(tmp_path / self.TARGET)[0]["signal"] == "5"
        trees = tmp_path / ".snakemake" / "muscan" / "source"
        (first,) = [path.name for path in trees.iterdir() if path.is_dir()]
        assert re.fullmatch("[0-9a-f]{40}", first)
        assert {path.name for path in (trees / first).iterdir()} == {
            "Snakefile",
            "config",
            "report",
            "rules",
            "scripts",
        }

        local = json.dumps(f"git+file://{hub}/owner/muscan/Snakefile@main")
        assert "Nothing to be done" in self.run(tmp_path, hub, local, "-n")
        assert "Nothing to be done" in self.run(tmp_path, hub, json.dumps(str(REPO / "Snakefile")), "-n")

        script = hub / "owner" / "muscan" / "scripts" / "read_histograms.py"
        script.write_text(script.read_text() + "# changed\n")
        commit(hub)
        output = self.run(tmp_path, hub, 'github("owner/muscan", path="Snakefile", branch="main")', "-n")
        assert "Params have changed since last execution" in output
        assert len([path for path in trees.iterdir() if path.is_dir()]) == 2


def test_the_thin_snakefile_does_the_same(tmp_path):
    """`workflow/Snakefile`, where the catalog of workflows looks, has the default target of the real one."""
    (tmp_path / "test.json").write_text(json.dumps(configuration("x", mu=[1, 2])))
    counts = []
    for place in ("Snakefile", os.path.join("workflow", "Snakefile")):
        output = snakemake(
            tmp_path, "-n", "--snakefile", str(REPO / place), "--workflow-profile", "none", "--configfile", "test.json"
        )
        counts.append(re.findall(r"^(\w+) +(\d+)$", output, re.MULTILINE))
    assert ("all", "1") in counts[0]
    assert counts[0] == counts[1]
