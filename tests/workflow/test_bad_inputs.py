"""Bad inputs: each is named in words, and none of them stops a good analysis, runs a command or writes elsewhere."""

import gzip
import json
import os
import re
import signal as system
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pyhf
import pytest
import yaml

import check_published
import grid_points
import read_histograms
import scan_signals
from helpers import bad_inputs
from helpers.bad_inputs import (
    BACKGROUND,
    EVERY_MODIFIER,
    GOOD_CSV,
    GOOD_XS,
    HOSTILE,
    MODEL,
    PATCHSET,
    Bad,
    changed,
    patchset,
)
from helpers.steps import run_step
from helpers.workflow import COLUMNS, clone, limits, snakemake, write_config
from helpers.workspaces import referee
from muscan.base.errors import InputError
from muscan.config import check as config_check
from muscan.config import text as config_text
from muscan.config.scans import outline_of
from muscan.config.schema import complete
from muscan.config.signals import path_name
from muscan.inputs import patches as patch_workspace
from muscan.inputs.root_histograms import histograms_from_root
from muscan.records.limits import Limits
from muscan.results import tables
from muscan.results.grid_points import read_cross_sections

MU = ["0.5", "1", "3", "8", "20"]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    patch_workspace.read_published.cache_clear()
    return tmp_path


@contextmanager
def in_time(seconds: int = 20) -> Iterator[None]:
    """End what waits for ever."""

    def too_late(*_):
        raise TimeoutError

    before = system.signal(system.SIGALRM, too_late)
    system.alarm(seconds)
    try:
        yield
    finally:
        system.alarm(0)
        system.signal(system.SIGALRM, before)


Outcome = tuple[str, str]  # status and reason, as they stand in the tables


def scan(*source: str, signals: tuple[str, ...] = ("signal",)) -> dict[str, Outcome]:
    """All steps of some signals."""
    run_step(scan_signals, [*source, "--mu", *MU, "--poi-bound", "20", "--folder", "results/a", "--signals", *signals])
    records = {each: json.loads(Path("results/a", each, "asymptotics", "limits.json").read_text()) for each in signals}
    limits = {signal: Limits.from_json(record) for signal, record in records.items()}
    return {signal: (tables.status_text(each), tables.reason_text(each)) for signal, each in limits.items()}


def published(
    workspace: str, patchset: str | None = None, patch: str | None = None, signals: tuple[str, ...] = ("signal",)
) -> dict[str, Outcome]:
    """The steps of a published workspace."""
    files = ["--workspace", workspace, *(["--patchset", patchset] if patchset else [])]
    check_published.main([*files, "--max-megabytes", "200", "--output", "checked.json"])
    loose = ["--patches", patch] if patch else []
    return scan(*files, *loose, "--checked", "checked.json", signals=signals)


def binned(spec: dict, model: dict = MODEL) -> Outcome:
    """The steps of histograms and a model."""
    read_histograms.main(["--spec", json.dumps(spec), "--output", "histograms.csv"])
    return scan("--histograms", "histograms.csv", "--model", json.dumps(model))["signal"]


def from_root(file: str, signal: str = "SR/signal", observed: str = "SR/data") -> Outcome:
    names = {"observed": observed, "background": "SR/background", "signal": signal}
    return binned({"root": {"file": file, "channels": {"SR": names}}})


def assert_named(outcome: Outcome, *words: str) -> None:
    """A failure in one short line that has all the words."""
    status, reason = outcome
    assert status == "fit_failed"
    for word in words:
        assert word in reason
    assert reason.isprintable()
    assert len(reason) < 500


def cases(*collections: dict) -> list:
    return [pytest.param(bad, id=name) for each in collections for name, bad in each.items()]


class TestWorkspaces:
    def test_the_good_one(self, here):
        Bad(EVERY_MODIFIER, ()).write(here / "good.json")
        assert published("good.json")["signal"] == ("ok", "")

    @pytest.mark.parametrize("bad", cases(bad_inputs.WORKSPACES))
    def test_wrong_ones(self, here, bad):
        bad.write(here / "wrong.json")
        outcome = published("wrong.json")["signal"]
        assert_named(outcome, ".json: ", *bad.words)

    @pytest.mark.parametrize("bad", cases(bad_inputs.WORKSPACES))
    def test_wrong_ones_that_a_patch_makes(self, here, bad):
        content = json.loads(bad.content) if isinstance(bad.content, str) else bad.content
        Bad(BACKGROUND, ()).write(here / "good.json")
        Bad([{"op": "replace", "path": "", "value": content}], ()).write(here / "wrong.json")
        assert_named(published("good.json", patch="wrong.json")["signal"], ".json: ", *bad.words)

    @pytest.mark.parametrize("bad", cases(bad_inputs.TEXTS))
    @pytest.mark.parametrize("kind", ["workspace", "patch", "patchset"])
    def test_what_is_not_json(self, here, bad, kind):
        Bad(BACKGROUND, ()).write(here / "good.json")
        bad.write(here / "wrong.json")
        files = {"workspace": "good.json"} | {kind: "wrong.json"}
        assert_named(published(**files)["signal"], "wrong.json: ", *bad.words)

    @pytest.mark.parametrize("mistaken", cases(bad_inputs.MISTAKEN))
    def test_json_of_another_kind(self, here, mistaken):
        kind, content, words = mistaken
        Bad(BACKGROUND, ()).write(here / "good.json")
        Bad(content, ()).write(here / "wrong.json")
        assert_named(published(**{"workspace": "good.json"} | {kind: "wrong.json"})["signal"], "wrong.json: ", *words)

    def test_histfactory_xml_of_the_field(self, here, field):
        outcome = published(str(field / "measurement.xml"))["signal"]
        assert_named(outcome, "measurement.xml: not JSON but HistFactory XML", "pyhf xml2json measurement.xml")

    def test_each_missing_key_of_an_object_is_named(self, here, field):
        outcome = published(str(field / "no_sample_keys.json"))["signal"]
        where = "channels[0].samples[0] (channel 'SR', sample 'sig')"
        assert_named(outcome, f"{where}: the key 'data' is missing, the key 'modifiers' is missing")

    @pytest.mark.parametrize("bad", cases(bad_inputs.SEVERAL))
    def test_all_problems_of_an_object_are_named_once(self, here, bad):
        bad.write(here / "wrong.json")
        status, reason = published("wrong.json")["signal"]
        assert status == "fit_failed"
        assert [reason.count(word) for word in bad.words] == [1] * len(bad.words)

    @pytest.mark.parametrize(
        "kind", ["channel", "sample", "observation", "measurement", "config", "modifier", "normsys"]
    )
    def test_all_keys_that_are_missing_through_a_patch_are_named(self, here, kind):
        bad = bad_inputs.SEVERAL[kind]
        Bad(BACKGROUND, ()).write(here / "good.json")
        Bad([{"op": "replace", "path": "", "value": bad.content}], ()).write(here / "wrong.json")
        words = (word.removeprefix("the key ") for word in bad.words)
        assert_named(published("good.json", patch="wrong.json")["signal"], ".json: ", *words)

    @pytest.mark.parametrize("empty", [[], [bad_inputs.SIGNAL], [bad_inputs.SIGNAL, bad_inputs.TOP, bad_inputs.FAKES]])
    def test_without_events_of_the_signal_there_is_no_limit(self, here, empty):
        """Templates without events are no error; a limit on what is not there would be one."""
        Bad(changed(EVERY_MODIFIER, *[(f"{sample}/data", [0.0] * 3) for sample in empty]), ()).write(here / "w.json")
        assert published("w.json")["signal"][0] == ("above_scan" if empty else "ok")


class TestPatches:
    def test_the_good_one(self, here):
        Bad(BACKGROUND, ()).write(here / "good.json")
        Bad([bad_inputs.add()], ()).write(here / "patch.json")
        assert published("good.json", patch="patch.json")["signal"] == ("ok", "")

    @pytest.mark.parametrize("bad", cases(bad_inputs.PATCHES))
    def test_wrong_ones(self, here, bad):
        Bad(BACKGROUND, ()).write(here / "good.json")
        bad.write(here / "wrong.json")
        assert_named(published("good.json", patch="wrong.json")["signal"], ".json: ", *bad.words)


class TestPatchSets:
    def test_the_good_one(self, here):
        Bad(BACKGROUND, ()).write(here / "good.json")
        Bad(PATCHSET, ()).write(here / "set.json")
        both = published("good.json", patchset="set.json", signals=("m100", "m200"))
        assert both == {"m100": ("ok", ""), "m200": ("ok", "")}

    @pytest.mark.parametrize("bad", cases(bad_inputs.PATCHSETS))
    def test_wrong_ones(self, here, bad):
        Bad(BACKGROUND, ()).write(here / "good.json")
        bad.write(here / "wrong.json")
        for outcome in published("good.json", patchset="wrong.json", signals=("m100", "m200")).values():
            assert_named(outcome, "wrong.json: ", *bad.words)

    @pytest.mark.parametrize("bad", cases(bad_inputs.SINGLE_PATCHES))
    def test_a_wrong_patch_concerns_its_signal_alone(self, here, bad):
        Bad(BACKGROUND, ()).write(here / "good.json")
        bad.write(here / "wrong.json")
        both = published("good.json", patchset="wrong.json", signals=("m100", "m200"))
        assert_named(both["m100"], "wrong.json, m100: ", *bad.words)
        assert both["m200"] == ("ok", "")

    @pytest.mark.parametrize("name", HOSTILE)
    def test_names_that_the_schema_refuses(self, here, name):
        Bad(BACKGROUND, ()).write(here / "good.json")
        patchset("", ("patches/0/metadata/name", name)).write(here / "wrong.json")
        before = everything(here.parent) | {"checked.json"}
        both = published("good.json", patchset="wrong.json", signals=(path_name(name), "m200"))
        assert_named(
            both[path_name(name)], f"wrong.json, {name}: ", "patches[0].metadata.name", "letters, digits and _"
        )
        assert both["m200"] == ("ok", "")
        new = {path for path in everything(here.parent) - before if not path.startswith(f"{here.name}/results")}
        assert new <= {f"{here.name}/checked.json"}


def everything(folder: Path) -> set[str]:
    """Names of all that is in a folder, hidden files included."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


class TestHistograms:
    def test_the_good_ones(self, here):
        Bad(GOOD_CSV, ()).write(here / "good.csv")
        assert binned({"csv": "good.csv"}) == ("ok", "")
        bad_inputs.root(here)
        assert from_root("mine.root") == ("ok", "")

    @pytest.mark.parametrize("bad", cases(bad_inputs.CSV))
    def test_wrong_csv(self, here, bad):
        bad.write(here / "wrong.csv")
        assert_named(binned({"csv": "wrong.csv"}), ".csv", *bad.words)

    def test_a_csv_with_thousands_of_columns_is_read(self, here):
        more = ",".join(f"c{i}" for i in range(3000))
        text = "\n".join(f"{line},{more if i == 0 else ',' * 2999}" for i, line in enumerate(GOOD_CSV.splitlines()))
        (here / "wide.csv").write_text(text)
        assert binned({"csv": "wide.csv"}) == ("ok", "")

    def test_a_csv_with_thousands_of_channels_is_read_in_time(self, here):
        lines = "".join(f"c{i},0,1,2,3,4\n" for i in range(20_000))
        (here / "long.csv").write_text(f"channel,{bad_inputs.HEADER}{lines}c0,1,2,3,4,-1\n")
        with in_time(10):
            read_histograms.main(["--spec", json.dumps({"csv": "long.csv"}), "--output", "out.csv"])
        assert "line 20002, column observed: -1 is negative" in (here / "out.csv").read_text()

    def test_a_csv_that_is_too_large(self, here):
        with (here / "wrong.csv").open("wb") as file:
            file.truncate(60_000_000)
        assert_named(binned({"csv": "wrong.csv"}), "wrong.csv: ", "50 MB")

    @pytest.mark.parametrize("bad", cases(bad_inputs.MODELS))
    def test_wrong_models(self, here, bad):
        changes, words = bad
        Bad(GOOD_CSV, ()).write(here / "good.csv")
        assert_named(binned({"csv": "good.csv"}, changed(MODEL, *changes)), *words)

    @pytest.mark.parametrize("bad", cases(bad_inputs.ROOT))
    def test_wrong_root_histograms(self, root_file, bad):
        names, words = bad
        assert_named(from_root("mine.root", *names), "mine.root: ", *words)

    @pytest.mark.parametrize("length", [0, 1, 4, 50, 99, 300, 1000, 2000])
    def test_root_files_that_were_cut_off(self, root_file, length):
        (root_file / "wrong.root").write_bytes((root_file / "mine.root").read_bytes()[:length])
        assert_named(from_root("wrong.root"), "wrong.root: ")

    @pytest.mark.parametrize(
        "content", [GOOD_CSV.encode(), gzip.compress(GOOD_CSV.encode(), mtime=0), b"root" + bytes(5000), b"<html>" * 99]
    )
    def test_what_is_no_root_file(self, here, content):
        (here / "wrong.root").write_bytes(content)
        assert_named(from_root("wrong.root"), "wrong.root: ")

    def test_root_files_with_wrong_bytes(self, root_file):
        """Whatever it leads uproot to, either it is no matter, or the file is named."""
        good, random, messages = (root_file / "mine.root").read_bytes(), np.random.default_rng(1), []
        names = {"signal": "SR/signal", "observed": "SR/data"}
        for _ in range(150):
            content = bytearray(good[:20_000])
            for i in random.integers(0, 8000, random.integers(1, 9)):
                content[i] = random.choice([0, 255, 127, int(random.integers(256))])
            (root_file / "wrong.root").write_bytes(content)
            try:
                with in_time():
                    histograms_from_root({"file": "wrong.root", "channels": {"SR": names}})
            except InputError as error:
                messages.append(str(error))
        assert len(messages) > 20
        assert all("wrong.root: " in message and message.isprintable() for message in messages)


@pytest.fixture(scope="module")
def one_root_file(tmp_path_factory) -> Path:
    return bad_inputs.root(tmp_path_factory.mktemp("root"))


@pytest.fixture
def root_file(here, one_root_file) -> Path:
    """A folder with mine.root."""
    (here / "mine.root").symlink_to(one_root_file)
    return here


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Limits of the two signals of the patch set."""
    folder = tmp_path_factory.mktemp("grid")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Bad(BACKGROUND, ()).write(folder / "good.json")
        Bad(PATCHSET, ()).write(folder / "set.json")
        published("good.json", patchset="set.json", signals=("m100", "m200"))
    return folder


class TestCrossSections:
    def points(self, folder: Path) -> None:
        source = {"file": str(folder / "good.json"), "patchset": str(folder / "set.json")}
        config = {
            "datasets": {"a": {"workspace": source}},
            "analyses": {"a": {"dataset": "a"}},
            "grids": {"g": {"analyses": ["a"], "x": "mass", "cross_sections": {"csv": "xs.csv", "unit": "pb"}}},
        }
        options = [
            "--outline",
            json.dumps(outline_of(complete(config))),
            "--grid",
            "g",
            "--results",
            str(folder / "results"),
        ]
        grid_points.main([*options, "--csv", "points.csv", "--markdown", "points.md"])

    def test_the_good_one(self, here, results):
        Bad(GOOD_XS, ()).write(here / "xs.csv")
        self.points(results)
        assert "m100" in (here / "points.csv").read_text()

    @pytest.mark.parametrize("bad", cases(bad_inputs.CROSS_SECTIONS))
    def test_wrong_ones(self, here, results, bad):
        bad.write(here / "xs.csv")
        with pytest.raises(InputError) as error:
            self.points(results)
        assert_named(("fit_failed", str(error.value)), "xs.csv", *bad.words)
        assert not (here / "points.csv").exists()


class TestNotFiles:
    """What would never end, or is no file at all."""

    KINDS = ("missing", "folder", "pipe", "device", "link-to-nothing", "link-to-itself", "link-to-a-device", "socket")

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("reader", ["workspace", "patch", "patchset", "csv", "root", "cross sections"])
    def test_is_named(self, here, kind, reader):
        name = "/dev/zero" if kind == "device" else "wrong"
        Bad(BACKGROUND, ()).write(here / "good.json")
        with in_time():
            if kind == "socket":
                with unix_socket(here / name):
                    outcome = self.read(reader, name)
            else:
                make_special(here / name, kind)
                outcome = self.read(reader, name)
        assert_named(outcome, f"{name}: ")

    def read(self, reader: str, name: str) -> Outcome:
        if reader == "csv":
            return binned({"csv": name})
        if reader == "root":
            return from_root(name)
        if reader == "cross sections":
            with pytest.raises(InputError) as error:
                read_cross_sections(name, ["mass"])
            return "fit_failed", str(error.value)
        return published(**{"workspace": "good.json"} | {reader: name})["signal"]


def make_special(path: Path, kind: str) -> None:
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind.startswith("link"):
        targets = {"link-to-nothing": "gone", "link-to-itself": path.name, "link-to-a-device": "/dev/zero"}
        path.symlink_to(targets[kind])


@contextmanager
def unix_socket(path: Path) -> Iterator[None]:
    import socket

    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
        yield


# --- Configurations


def messages(config) -> list[str]:
    return [problem.text for problem in config_check.find_problems(config)]


def places(value, path: tuple = ()) -> list[tuple]:
    """All places in a configuration but the top."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in entries for place in ((*path, key), *places(each, (*path, key)))]


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> dict:
    """A configuration that has every key, with files that are there."""
    folder = tmp_path_factory.mktemp("full")
    for name, content in {"w.json": BACKGROUND, "set.json": PATCHSET, "a.csv": GOOD_CSV, "xs.csv": GOOD_XS}.items():
        Bad(content, ()).write(folder / name)
    (folder / "m_1.json").write_text("[]")
    text = bad_inputs.FULL_CONFIG.replace("FOLDER", str(folder))
    return yaml.safe_load(text)


WRONG = {"text": "no such thing", "list": [[]], "number": -0.5, "true": True, "nothing": None, "block": {"no such": 1}}
# Names that the user chooses; and raw data of a modifier, which is looked at when the workspace is built.
CHOSEN = re.compile(
    r"(datasets|models|analyses|grids)\.[^.]+|.*\.(components|samples|axis_labels|channels|counts)\.[^.]+"
    r"|.*\.(channels|counts)\.[^.]+\.[^.]+|.*\.data(\..*)?"
)
# With a grid, the check of labels meets what is wrong under `scan`.
HALF_CHECKED = ("scan.calculators", "scan.toys", "scan.interpolation")


def key_of(place: tuple) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def value_at(config: dict, place: tuple):
    for part in place:
        config = config[part]
    return config


def put(config: dict, place: tuple, value):
    return changed(config, ("/".join(map(str, place)), value)) if place else value


class TestConfigurations:
    def test_the_full_one(self, full):
        assert messages(full) == []

    def assert_named(self, config: dict, place: tuple, wrong) -> None:
        """A value is refused with a message about its place, or of a type that is wanted there."""
        found, key = messages(put(config, place, wrong)), key_of(place)
        of_one_type = isinstance(wrong, type(value_at(config, place))) or (
            isinstance(wrong, float) and isinstance(value_at(config, place), int | list)
        )
        assert found or of_one_type or CHOSEN.fullmatch(key), key
        entry = ".".join(key.split(".")[:2]).partition("[")[0]
        assert not found or any(key.startswith(text.partition(":")[0]) or text.startswith(entry) for text in found), key

    @pytest.mark.parametrize("wrong", cases(WRONG))
    def test_every_key_with_every_other_type(self, full, wrong):
        for place in places(full):
            if not key_of(place).startswith(HALF_CHECKED):
                self.assert_named(full, place, wrong)

    @pytest.mark.parametrize("wrong", cases(WRONG))
    def test_the_keys_of_scan_without_a_grid(self, full, wrong):
        for place in places({"scan": full["scan"]}):
            self.assert_named(put(full, ("grids",), {}), place, wrong)

    @pytest.mark.parametrize("key", [key.split(".")[1] for key in HALF_CHECKED])
    def test_a_wrong_scan_with_a_grid(self, full, key):
        self.assert_named(full, ("scan", key), None)

    def test_every_key_misspelt(self, full):
        for *parents, key in places(full):
            where = key_of((*parents, key))
            if isinstance(key, int) or CHOSEN.fullmatch(where):
                continue
            wrong = f"{key}x"
            config = put(full, ("grids",), {}) if where.startswith(HALF_CHECKED) else full
            block = {wrong if name == key else name: each for name, each in value_at(config, parents).items()}
            config = put(config, tuple(parents), block)
            found = " ".join(messages(config))
            assert f"unknown key {wrong!r}" in found or f"the key {key!r} is missing" in found, where

    @pytest.mark.parametrize("bad", cases(bad_inputs.YAML))
    def test_wrong_yaml(self, here, bad):
        bad.write(here / "wrong.yaml")
        with in_time(), pytest.raises(InputError) as error:
            config_text.check_file("wrong.yaml")
        message = str(error.value)
        for word in ("wrong.yaml", *bad.words):
            assert word in message
        assert len(message) < 500


# --- The whole workflow

# Names of signals that need no more than percent-encoding.
ODD_NAMES = (
    "a b",
    "$(touch canary)",
    "; touch canary",
    "`touch canary`",
    "%2e%2e",
    "-rf",
    "a'b\"c",
    "µ ∞",
    "a\nb",
    "*",
)
# Of channels, samples and parameters.
ODD = ("$x_{1}$ \\frac <b>&'\"", "../../; touch canary {0} %s\n`touch canary`")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> "Run":
    return Run(tmp_path_factory.mktemp("battery") / "inner" / "run")


class Run:
    """One run of the workflow with everything that is bad, and some good analyses."""

    def __init__(self, folder: Path):
        folder.parent.mkdir()
        self.folder = clone(folder)
        self.words: dict[str, tuple[str, ...]] = {}
        self.config = {
            "datasets": {},
            "models": {"good": MODEL},
            "scan": {"mu": [0.5, 1, 3, 8, 20], "signals_per_job": 2, "plots": []},
            "analyses": {},
            "grids": {},
        }
        self.good()
        self.patches()
        self.files()
        self.special_files()
        self.grids()
        write_config(self.folder, self.config)
        before = everything(folder.parents[1])
        result = snakemake(self.folder, "--cores", "2", check=False)
        self.code, self.output = result.returncode, result.stdout + result.stderr
        self.new = everything(folder.parents[1]) - before
        self.table = limits(self.folder)

    def add(self, name: str, dataset: dict, words: tuple[str, ...] = (), signal: str = "signal", **analysis) -> None:
        self.config["datasets"][name] = dataset
        self.config["analyses"][name] = {"dataset": name, **analysis}
        if words:
            self.words[f"{name}/{signal}"] = words

    def write(self, name: str, bad: Bad) -> str:
        path = self.folder / "inputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        bad.write(path)
        return f"inputs/{name}"

    def good(self) -> None:
        self.write("good.json", Bad(BACKGROUND, ()))
        self.write("set.json", Bad(PATCHSET, ()))
        self.add("good", {"histograms": {"csv": self.write("good.csv", Bad(GOOD_CSV, ()))}}, model="good")
        self.add("sets", {"workspace": {"file": "inputs/good.json", "patchset": "inputs/set.json"}})
        odd = json.dumps(EVERY_MODIFIER)
        for old, new in zip(("region", "top"), ODD, strict=True):
            odd = odd.replace(json.dumps(old), json.dumps(new))
        odd = odd.replace('"jets"', json.dumps(ODD[0])).replace('"mc"', json.dumps(ODD[1]))
        workspace = self.write("odd names.json", Bad(odd, ()))
        self.add("odd", {"workspace": {"file": workspace}}, plots=["brazil", "yields", "pulls"])

    def patches(self) -> None:
        """Wrong workspaces, texts and patches as signals of one analysis, and odd names among them."""
        for name in ODD_NAMES:
            self.write(f"patches/{name}.json", Bad([bad_inputs.add()], ()))
        whole = {
            f"whole-{name}": Bad([{"op": "replace", "path": "", "value": content_of(bad)}], bad.words)
            for name, bad in bad_inputs.WORKSPACES.items()
        }
        for name, bad in (whole | bad_inputs.PATCHES | bad_inputs.TEXTS).items():
            self.write(f"patches/{name}.json", bad)
            self.words[f"patches/{name}"] = bad.words
        self.add(
            "patches", {"workspace": {"file": "inputs/good.json", "patches": "inputs/patches"}}, signals_per_job=60
        )

    def files(self) -> None:
        """Some of the other cases, each as an analysis; they are all handed to the scripts above."""
        for name, bad in some(bad_inputs.WORKSPACES, 16) + some(bad_inputs.TEXTS, 5):
            path = self.write(f"{name}.json", bad)
            self.add(f"bad-{name}", {"workspace": {"file": path}}, (".json", *bad.words))
        for name, bad in some(bad_inputs.PATCHSETS, 6):
            source = {"file": "inputs/good.json", "patchset": self.write(f"{name}.json", bad), "signals": ["m100"]}
            self.add(f"bad-{name}", {"workspace": source}, (name, *bad.words), "m100")
        for name, bad in some(bad_inputs.CSV, 6):
            spec = {"csv": self.write(f"{name}.csv", bad)}
            self.add(f"bad-{name}", {"histograms": spec}, (".csv", *bad.words), model="good")
        for name, (changes, words) in some(bad_inputs.MODELS, 3):
            self.config["models"][name] = changed(MODEL, *changes)
            self.config["analyses"][f"bad-{name}"] = {"dataset": "good", "model": name}
            self.words[f"bad-{name}/signal"] = words
        bad_inputs.root(self.folder / "inputs")
        for name, (names, words) in some(bad_inputs.ROOT, 4):
            histograms = dict(zip(("signal", "observed"), (*names, "SR/data"), strict=False))
            spec = {"file": "inputs/mine.root", "channels": {"SR": {"background": "SR/background"} | histograms}}
            self.add(f"bad-{name}", {"histograms": {"root": spec}}, ("mine.root", *words), model="good")

    def special_files(self) -> None:
        """What is no file, and patch sets whose names of patches are no names of folders."""
        for kind in ("missing", "folder", "pipe", "link-to-nothing", "link-to-a-device"):
            make_special(self.folder / "inputs" / kind, kind)
            path = f"inputs/{kind}"
            self.add(f"bad-{kind}-workspace", {"workspace": {"file": path}}, (path, "workspace.file"))
            self.add(f"bad-{kind}-csv", {"histograms": {"csv": path}}, (path, "histograms.csv"), model="good")
            source = {"file": "inputs/good.json", "patchset": path}
            self.add(f"bad-{kind}-set", {"workspace": source}, (path, "workspace.patchset"))
            self.add(f"bad-{kind}-patches", {"workspace": {"file": "inputs/good.json", "patches": path}}, (path,))
        for i, name in enumerate(["a\nb", "", "x" * 201, "\x1b[31m", 7, None]):
            bad = patchset("", ("patches/0/metadata/name", name))
            source = {"file": "inputs/good.json", "patchset": self.write(f"named-{i}.json", bad)}
            self.add(f"bad-named-{i}", {"workspace": source}, (f"named-{i}.json", "name"))
        brace = self.write("braces/{x}.json", Bad([bad_inputs.add()], ()))
        self.add(
            "bad-braces", {"workspace": {"file": "inputs/good.json", "patches": "inputs/braces"}}, (brace, "braces")
        )

    def grids(self) -> None:
        for name, bad in {"plane": Bad(GOOD_XS, ()), "bad-xs": bad_inputs.CROSS_SECTIONS["xs-text"]}.items():
            file = self.write(f"{name}.csv", bad)
            cross_sections = {"csv": file, "unit": "pb"}
            self.config["grids"][name] = {"analyses": ["sets"], "x": "mass", "cross_sections": cross_sections}


def content_of(bad: Bad):
    return json.loads(bad.content) if isinstance(bad.content, str) else bad.content


def some(collection: dict, every: int) -> list:
    return list(collection.items())[::every]


def test_the_message_about_a_long_name_is_short(here):
    Bad(BACKGROUND, ()).write(here / "good.json")
    patchset("", ("patches/0/metadata/name", "x" * 10_000)).write(here / "set.json")
    dataset = {"workspace": {"file": "good.json", "patchset": "set.json"}}
    (message,) = messages({"datasets": {"a": dataset}, "analyses": {"a": {"dataset": "a"}}})
    assert "set.json" in message
    assert len(message) < 500


@pytest.mark.parametrize("name", ["yaml-tabs", "yaml-billion-laughs", "yaml-python-object", "yaml-inner-key-twice"])
def test_wrong_yaml_in_the_workflow(tmp_path, name):
    folder = clone(tmp_path / "run")
    bad_inputs.YAML[name].write(folder / "test.yaml")
    limited = ("bash", "-c", 'ulimit -v 4000000; exec "$@"', "bash")
    result = snakemake(folder, "-n", check=False, prefix=limited, timeout=60)
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "Traceback" not in output
    assert "line" in output
    assert not (folder / "canary").exists()


class TestRun:
    def test_ends_with_an_error_and_no_traceback(self, run):
        assert run.code == 1
        assert "Traceback" not in run.output
        logs = [*(run.folder / "logs").rglob("*.log"), *(run.folder / ".snakemake" / "log").rglob("*.log")]
        assert len(logs) > 50
        assert [str(log) for log in logs if "Traceback" in log.read_text(encoding="utf-8")] == []

    def test_everything_bad_is_a_row_with_its_reason(self, run):
        assert len(run.words) > 200
        for name, words in run.words.items():
            row = run.table[name]
            assert_named((row["status"], row["reason"]), *words)
            assert [row[column] for column in COLUMNS] == [""] * 6

    def test_everything_else_has_limits(self, run):
        good = set(run.table) - set(run.words)
        assert {
            "good/signal",
            "odd/signal",
            "sets/m100",
            "sets/m200",
            *(f"patches/{name}" for name in ODD_NAMES),
        } == good
        for name in good:
            assert run.table[name]["status"] == "ok"

    def test_the_good_limits_are_those_of_pyhf(self, run):
        for analysis, signal in (("good", "signal"), ("sets", "m100"), ("odd", "signal"), ("patches", "a%20b")):
            workspace = json.loads((run.folder / "results" / analysis / signal / "workspace.json").read_text())
            # pyhf itself stumbles over a slash in names.
            model, data = referee(EVERY_MODIFIER if analysis == "odd" else workspace)
            limit = float(run.table[f"{analysis}/{unquote(signal)}"]["observed_limit"])
            bounds = model.config.suggested_bounds()
            bounds[model.config.poi_index] = (0, 40)
            assert float(pyhf.infer.hypotest(limit, data, model, par_bounds=bounds)) == pytest.approx(0.05, abs=2e-4)

    def test_pictures_of_odd_names(self, run):
        plots = run.folder / "results" / "odd" / "signal" / "asymptotics" / "plots"
        assert (plots / "brazil.png").is_file()
        assert (plots / "pulls.png").is_file()
        assert {path.name for path in (plots / "yields").glob("*_postfit.png")} == {
            f"{path_name(ODD[0])}_postfit.png",
            "control_postfit.png",
        }

    def test_a_bad_table_of_cross_sections_stops_its_grid_alone(self, run):
        results = run.folder / "results"
        assert (results / "grids" / "plane" / "points.csv").is_file()
        assert not (results / "grids" / "bad-xs").exists()
        assert "grids.bad-xs.cross_sections.csv: inputs/bad-xs.csv, line 2, column cross_section: 'two'" in run.output
        for name in ("report.html", "manifest.json"):
            assert (results / name).is_file()

    def test_nothing_is_written_elsewhere_and_no_command_runs(self, run):
        inside = "inner/run/"
        assert [path for path in run.new if not path.startswith(inside)] == []
        first = {path.removeprefix(inside).split("/")[0] for path in run.new}
        assert first <= {"results", "logs", "benchmarks", ".snakemake", "scripts"}
        assert all("__pycache__" in path for path in run.new if path.startswith(f"{inside}scripts/"))
        assert [path for path in everything(run.folder) if Path(path).name == "canary"] == []

    def test_what_failed_is_said_at_the_end(self, run):
        end = re.sub(r"\s+", "", run.output)
        for name in run.words:
            assert f"{name.removesuffix('/signal').replace('/', '/')}:fit_failed(" in end, name
