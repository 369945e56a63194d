"""The draft of a configuration for each kind of input: its content, and that it is accepted and gives a model."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import uproot
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.configurations import complete_model
from helpers.workspaces import SMALL, counting, workspace
from muscan.base.errors import InputError
from muscan.commands import init
from muscan.commands.commented_yaml import END, to_yaml
from muscan.config.check import check
from muscan.config.signals import label_values
from muscan.histfactory.compile import compile_workspace
from muscan.inputs import build_workspace, read_histograms
from muscan.inputs.column_roles import Variation, infer_roles
from muscan.inputs.histograms import Histograms

ROOT = Path(__file__).parents[2]
SEARCH = ROOT / "docs" / "tutorial" / "search.csv"


def made(*words: str, output: str) -> tuple[dict, str]:
    """Return the configuration that the command writes, which must be accepted, and its text."""
    init.main([*words, "--output", output])
    text = Path(output).read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    check(config)
    return config, text


def model_of(config: dict):
    """Return the compiled model of a configuration with one analysis of histograms."""
    (analysis,) = config["analyses"].values()
    kind, source = next(iter(config["datasets"][analysis["dataset"]]["histograms"].items()))
    model = complete_model(config["models"][analysis["model"]])
    spec = build_workspace.build(read_histograms.READERS[kind](source), model)
    return compile_workspace(spec)


@pytest.fixture
def output(tmp_path) -> str:
    return str(tmp_path / "made.yaml")


# --- Histograms


def test_the_search_of_the_tutorial(output):
    config, text = made("--from", str(SEARCH), output=output)
    samples = config["models"]["search"]["samples"]
    assert list(samples) == ["signal", "ttbar", "wjets"]
    stat = {"type": "staterror", "uncertainty": {"column": "ttbar_stat"}}
    assert samples["ttbar"] == [
        {"name": "mcstat_SR", **stat, "channels": ["SR"]},
        {"name": "mcstat_CR", **stat, "channels": ["CR"]},
        {"name": "jes", "type": "histosys", "up": "ttbar_jes_up", "down": "ttbar_jes_down"},
    ]
    assert samples["signal"][0] == {"name": "mu", "type": "normfactor"}
    assert [each.get("channels") for each in samples["signal"]] == [None, ["SR"], None]
    model = model_of(config)
    assert model.poi_name == "mu"
    assert set(model.names) == {"mu", "jes", *(f"mcstat_{c}[{i}]" for c, n in (("SR", 6), ("CR", 4)) for i in range(n))}
    assert "SR: 6 bins from 200 to 800" in text


def test_observed_counts_are_not_shown(tmp_path, output, capsys):
    """Users with a blind analysis must not see observed counts by accident."""
    (tmp_path / "mine.csv").write_text("bin_low,bin_high,signal,b,observed\n0,1,2,30,97531\n")
    _, text = made("--from", str(tmp_path / "mine.csv"), output=output)
    assert "97531" not in text + capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("bin_low,bin_high,signal,b\n0,1,2,30\n", "the header line lacks the column observed"),
        ("bin_low,bin_high,signal,b,observed\n0,1,2,30,\n", "has no observed counts"),
        ("bin_low,bin_high,signal,b,observed\n0,1,2,30,-3\n", "-3 is negative"),
    ],
)
def test_without_observed_counts_an_analysis_is_blind(tmp_path, output, capsys, lines, reason):
    (tmp_path / "mine.csv").write_text(lines)
    config, text = made("--from", str(tmp_path / "mine.csv"), output=output)
    assert config["analyses"]["mine"]["blind"] is True
    assert reason in text
    assert reason in capsys.readouterr().out


def lines_to_uncomment(text: str) -> list[int]:
    return [i for i, line in enumerate(text.splitlines()) if re.match(r" *# (- \{|mu: |signals: |axis_labels: )", line)]


def uncommented(text: str, number: int) -> dict:
    """Return the configuration with one comment activated; it replaces an entry of the same name."""
    lines = text.splitlines()
    lines[number] = re.sub(r"^( *)# ", r"\1", lines[number])
    key = re.match(r" *\w+: ", lines[number])
    kept = [line for i, line in enumerate(lines) if i == number or not (key and line.startswith(key[0]))]
    owner = max(i for i in range(number) if not lines[i].lstrip().startswith("#"))  # of the comment
    kept = [re.sub(r" \[\] .*remove the \[\].*", "", line) if line is lines[owner] else line for line in kept]
    return yaml.safe_load("\n".join(kept))


def test_every_comment_can_be_used(output, seed_question):
    for i, file in enumerate([SEARCH, seed_question / "original.csv"]):
        config, text = made("--from", str(file), output=f"{output}{i}")
        before = set(model_of(config).names)
        choices = lines_to_uncomment(text)
        assert len(choices) == (6 if i == 0 else 5)
        for number in choices:
            changed = uncommented(text, number)
            check(changed)
            if "- {" in text.splitlines()[number]:
                assert set(model_of(changed).names) > before
            else:
                assert changed["scan"]["mu"] != config["scan"]["mu"]


def histograms(*names: str, channels: tuple[str, ...] = ("channel",)) -> Histograms:
    columns = {name: np.array([4.0, 9.0]) for name in (*names, "observed")}
    return Histograms({channel: np.arange(3.0) for channel in channels}, dict.fromkeys(channels, columns))


@pytest.mark.parametrize(
    ("names", "signal", "backgrounds"),
    [
        (["bkg", "signal"], "signal", ["bkg"]),
        (["bkg", "Sig"], "Sig", ["bkg"]),
        (["bkg", "my-signal.200"], "my-signal.200", ["bkg"]),
        (["sigma_x", "bsm_model"], "bsm_model", ["sigma_x"]),
        (["design", "signature"], None, ["signature"]),
        (["total", "data", "sum_of_mc", "s", "b"], None, ["b"]),
        (["bkg_of_signal_region", "signal"], "signal", ["bkg_of_signal_region"]),
    ],
)
def test_which_column_is_the_signal(names, signal, backgrounds):
    found = infer_roles(histograms(*names))
    assert found.named == (signal is not None)
    assert found.signal == (signal or next(name for name in names if name in ("design", "s")))
    assert found.backgrounds == backgrounds


@pytest.mark.parametrize(
    ("names", "signal", "why"),
    [
        (["bkg", "higgs"], "higgs", "the names of all other templates are those of backgrounds"),
        (["qcd", "higgs", "stop"], "higgs", "it is the first that is not named like a background"),
        (["ttbar_1l", "qcd-fakes"], "ttbar_1l", "it is the first template"),
        (["ttbar"], "ttbar", "it is the only template"),
        (["ttbar", "signal"], "signal", "its name says so"),
    ],
)
def test_a_background_is_the_signal_only_if_no_other_template_is_left(names, signal, why):
    found = infer_roles(histograms(*names))
    assert (found.signal, found.why) == (signal, why)


def test_a_signal_that_is_not_named_is_asked_for(tmp_path, output, capsys):
    (tmp_path / "mine.csv").write_text("bin_low,bin_high,bkg,higgs,observed\n0,1,30,2,31\n")
    config, text = made("--from", str(tmp_path / "mine.csv"), output=output)
    assert config["models"]["mine"]["samples"]["higgs"] == [{"name": "mu", "type": "normfactor"}]
    assert "CHECK: no column is called signal. This one was taken, because the names of all other templates" in text
    _, first, *others = capsys.readouterr().out.splitlines()  # the first line says what was written
    assert first.startswith("  CHECK: no column is called signal. Is it higgs? If not, ")
    assert "  channel: one, with 1 bin from 0 to 1" in others


def test_what_endings_say():
    names = [
        "sig",
        "b",
        "b_2",
        "b_error",
        "b_stat",
        "b_2_unc",
        "b_up",
        "b_down",
        "b_jes_UP",
        "b_jes_DOWN",
        "b_2_jes_hi",
    ]
    names += ["b_2_jes_lo", "b_tilt_up", "other_up", "b_mu_up", "b_mu_down", "b_jes_hi", "b_jes_up_stat", "sig_200"]
    found = infer_roles(histograms(*names))
    assert (found.signal, found.backgrounds) == ("sig", ["b", "b_2"])
    assert found.statistical == {"b": "b_stat", "b_2": "b_2_unc"}
    assert found.variations == {
        "b": [
            Variation("b_shape", "b_up", "b_down"),
            Variation("jes", "b_jes_UP", "b_jes_DOWN"),
            Variation("b_mu", "b_mu_up", "b_mu_down"),
        ],
        "b_2": [Variation("jes", "b_2_jes_hi", "b_2_jes_lo")],
    }
    assert found.others == {
        "b_error": "another uncertainty of b",
        "b_tilt_up": "is varied in one direction only",
        "other_up": "ends in up, but belongs to no template",
        "b_jes_hi": "is the same variation as b_jes_UP",
        "b_jes_up_stat": "ends in stat, but belongs to no template",
        "sig_200": "another signal; copy the model for it",
    }


def test_columns_that_only_some_channels_have(tmp_path, output):
    (tmp_path / "mine.csv").write_text(
        "channel,bin_low,bin_high,signal,b,b_stat,b_x_up,b_x_down,observed\n"
        "A,0,1,2,30,1,33,28,31\nB,0,1,,30,,,,31\nC,0,1,2,10,-1,33,28,31\n"
    )
    config, _ = made("--from", str(tmp_path / "mine.csv"), output=output)
    stat, shape = config["models"]["mine"]["samples"]["b"]
    assert stat["channels"] == ["A"]  # B has none, and that of C is negative
    assert shape["channels"] == ["A", "C"]
    assert set(model_of(config).names) == {"mu", "x", "mcstat_A[0]"}


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1, max_size=12).map(str.strip)
COLUMNS = st.lists(NAMES.filter(bool), min_size=2, max_size=5, unique=True)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(NAMES.filter(bool), min_size=2, max_size=5, unique=True),
    st.lists(NAMES, min_size=1, max_size=3, unique=True),
)
def test_any_name(tmp_path_factory, names, channels):
    """With any names of columns and channels, the draft is correct and accepted, and gives a model."""
    folder = tmp_path_factory.mktemp("any")
    names = [name for name in names if name not in ("channel", "bin_low", "bin_high", "observed")]
    names = ["signal", *(name for name in names if name != "signal")]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["channel", "bin_low", "bin_high", *names, "observed"])
    writer.writerows([channel, 0, 1, *range(5, 5 + len(names)), 9] for channel in channels)
    (folder / "mine.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    config, _ = made("--from", str(folder / "mine.csv"), output=str(folder / "made.yaml"))
    samples = config["models"]["mine"]["samples"]
    assert set(samples) <= set(names)
    model = model_of(config)
    assert model.poi_name == "mu"
    assert set(model.channels) == set(channels)
    assert set(model.samples) == set(samples)


TEXTS = st.text(max_size=8)
TREES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, st.dictionaries(TEXTS, TREES, min_size=1, max_size=3), min_size=1, max_size=3))
def test_comments_change_nothing(tree):
    comments = {(block, key): ["a: b"] for block, entries in tree.items() for key in entries}
    comments |= {(block, END): ["- end"] for block in tree}
    assert yaml.safe_load(to_yaml(tree, {})) == tree
    assert yaml.safe_load(to_yaml(tree, comments)) == tree


def test_very_long_names(tmp_path, output):
    long = "x" * 3000
    (tmp_path / "mine.csv").write_text(f"bin_low,bin_high,signal,{long},observed\n0,1,2,30,31\n")
    config, text = made("--from", str(tmp_path / "mine.csv"), output=output)
    assert long in config["models"]["mine"]["samples"]
    assert not [line for line in text.splitlines() if line.startswith("#") and len(line) > 300]


EDGES = np.array([0.0, 1.0, 2.0])


def test_root(tmp_path, output):
    file = tmp_path / "my histograms.root"
    with uproot.recreate(file) as root:
        for name in ("SR/signal", "SR/data", "SR/bkg", "SR/bkg_jes_up", "SR/bkg_jes_down", "CR/bkg", "CR/data_obs"):
            root[name] = (np.array([3.0, 5.0]), EDGES)
    config, _ = made("--from", str(file), output=output)
    source = config["datasets"]["my-histograms"]["histograms"]["root"]
    assert source["file"] == str(file)
    assert source["channels"]["CR"] == {"bkg": "CR/bkg", "observed": "CR/data_obs"}
    bkg = config["models"]["my-histograms"]["samples"]["bkg"]
    assert [(each["name"], each["channels"]) for each in bkg] == [
        ("mcstat_SR", ["SR"]),
        ("mcstat_CR", ["CR"]),
        ("jes", ["SR"]),
    ]
    model = model_of(config)
    np.testing.assert_array_equal(model.data[:4], [3, 5, 3, 5])


def test_root_without_folders(tmp_path, output):
    with uproot.recreate(tmp_path / "flat.root") as root:
        root["sig"], root["channel"], root["data"] = [(np.array([3.0, 5.0]), EDGES)] * 3
    config, _ = made("--from", str(tmp_path / "flat.root"), output=output)
    assert list(config["models"]["flat"]["samples"]) == ["sig", "channel_template"]
    assert set(model_of(config).samples) == {"sig", "channel_template"}


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (
            {"SR/signal": (np.array([3.0]), np.array([0.0, 1.0]))},
            "the folder 'SR' has no histogram with the name observed",
        ),
        ({"text": "nothing"}, "no one-dimensional histograms"),
    ],
)
def test_root_files_that_do_not_suffice(tmp_path, output, objects, message):
    with uproot.recreate(tmp_path / "mine.root") as root:
        for name, value in objects.items():
            root[name] = value
    with pytest.raises(InputError, match=message):
        init.main(["--from", str(tmp_path / "mine.root"), "--output", output])
    assert not Path(output).exists()


# --- Workspaces


def dump(path: Path, content) -> str:
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", SMALL)
def test_complete_workspaces(name, tmp_path, output):
    config, text = made("--from", dump(tmp_path / "w.json", SMALL[name]), output=output)
    assert config["datasets"]["w"]["workspace"]["file"] == str(tmp_path / "w.json")
    assert "The parameter of interest is mu, which scales signal." in text
    assert "grids" not in config


PUBLISHED = [
    *((f"pyhf-testsuite/{name}.json", []) for name in ("2-bin_1-channel", "ws_1bin_normsys", "ws_2bin_2channel")),
    *((f"pyhf-testsuite/ws_2bin_2channel_{name}.json", []) for name in ("coupledhistosys", "coupledshapefactor")),
    *((f"discovery-regions/{name}.json", []) for name in ("Rpc2L0b", "Rpc2L1b", "SRMET", "SRMU")),
    ("pyhf-testsuite/example_bkgonly.json", ["--patchset", "pyhf-testsuite/example_patchset.json"]),
    ("sbottom-A/BkgOnly.json.gz", ["--patches", "sbottom-A/patches"]),
    ("stau-highmass/BkgOnly.json.gz", ["--patchset", "stau-highmass/patchset.json"]),
]


@pytest.mark.parametrize(("file", "signals"), PUBLISHED, ids=lambda each: each if isinstance(each, str) else "")
def test_published_workspaces(data, file, signals, output, monkeypatch):
    monkeypatch.chdir(data)
    config, text = made("--from", file, *signals, output=output)
    for number in lines_to_uncomment(text):
        check(uncommented(text, number))
    assert config["scan"]["mu"] == "auto"


def test_a_published_grid(data, output, monkeypatch):
    """The metadata of the patch set: 125 points in two masses."""
    monkeypatch.chdir(data)
    config, text = made("--from", "1Lbb/BkgOnly.json.gz", "--patchset", "1Lbb/patchset.json.gz", output=output)
    for number in lines_to_uncomment(text):
        check(uncommented(text, number))
    assert config["scan"]["mu"] == "auto"
    assert config["grids"] == {"BkgOnly": {"analyses": ["BkgOnly"], "x": "m1", "y": "m2"}}
    assert config["scan"]["signals_per_job"] == 16
    assert config["scan"]["plots"] == []
    assert "125 signals: C1N2_Wh_hbb_150_0, C1N2_Wh_hbb_165_35, " in text
    assert len(text) < 4000


@pytest.mark.parametrize("file", ["sbottom-A/BkgOnly.json.gz", "stau-highmass/BkgOnly.json.gz"])
def test_a_missing_signal(data, file, output):
    with pytest.raises(
        InputError, match=r"BkgOnly\.json\.gz: a signal is missing: .*'mu_SIG'.*PATCHSET=patchset\.json"
    ):
        init.main(["--from", str(data / file), "--output", output])
    assert not Path(output).exists()


BACKGROUND = workspace({"channel": ([9.0], {"b": ([7.0], [("norm", "normsys", {"hi": 1.1, "lo": 0.9})])})})


def patchset(points: dict[str, list], labels: list[str], spec: dict = BACKGROUND) -> dict:
    import pyhf

    signal = {"name": "s", "data": [2.0], "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]}
    patch = [{"op": "add", "path": "/channels/0/samples/0", "value": signal}]
    return {
        "metadata": {
            "references": {"hepdata": "ins1234567"},
            "digests": {"sha256": pyhf.utils.digest(spec)},
            "labels": labels,
            "description": "",
        },
        "patches": [{"metadata": {"name": name, "values": values}, "patch": patch} for name, values in points.items()],
        "version": "1.0.0",
    }


@pytest.mark.parametrize(
    ("points", "labels", "axes"),
    [
        ({"a": [1, 2], "b": [2, 2]}, ["m1", "m2"], {"x": "m1", "y": "m2"}),
        ({"a": [1], "b": [2]}, ["no"], {"x": "no"}),
        ({"a": [1, 2, 3]}, ["x", "y", "z"], None),
        ({"a": ["wino", 2]}, ["kind", "m"], None),
        ({"a": [1, 2], "b": [3, 4]}, ["y", "1e3"], {"x": "y", "y": "1e3"}),
    ],
)
def test_labels_of_a_patch_set(tmp_path, output, points, labels, axes):
    files = dump(tmp_path / "b.json", BACKGROUND), dump(tmp_path / "p.json", patchset(points, labels))
    config, text = made("--from", files[0], "--patchset", files[1], output=output)
    assert config.get("grids") == (axes and {"b": {"analyses": ["b"], **axes}})
    for number in lines_to_uncomment(text):
        check(uncommented(text, number))


def test_the_measurement_that_has_a_signal(tmp_path, output):
    spec = counting([9.0], [2.0], [7.0], poi="elsewhere")
    spec["measurements"].append({"name": "with: signal", "config": {"poi": "mu", "parameters": []}})
    config, text = made("--from", dump(tmp_path / "w.json", spec), output=output)
    assert config["datasets"]["w"]["workspace"]["measurement"] == "with: signal"
    assert "Other measurements: measurement." in text


def test_a_patch_that_does_not_apply_is_not_all(tmp_path, output):
    broken = patchset({"first": [1], "second": [2]}, ["m"])
    broken["patches"][0]["patch"] = [{"op": "remove", "path": "/channels/7"}]
    files = dump(tmp_path / "b.json", BACKGROUND), dump(tmp_path / "p.json", broken)
    config, _ = made("--from", files[0], "--patchset", files[1], output=output)
    assert len(label_values(config["datasets"]["b"]["workspace"])) == 2
    broken["patches"].pop()
    only = dump(tmp_path / "q.json", broken)
    with pytest.raises(InputError, match=r"q\.json, first: the patch does not apply"):
        init.main(["--from", files[0], "--patchset", only, "--output", f"{output}2"])


def test_a_patch_set_whose_version_is_no_text(tmp_path, output):
    files = (
        dump(tmp_path / "b.json", BACKGROUND),
        dump(tmp_path / "p.json", patchset({"a": [1]}, ["m"]) | {"version": [1]}),
    )
    with pytest.raises(InputError, match=r"p\.json: the patch set has the unknown version \[1\]"):
        init.main(["--from", files[0], "--patchset", files[1], "--output", output])


# --- Files


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "there is no file '.*none.csv'"),
        ("mine.csv", b"", "mine.csv: the file is empty"),
        ("mine.csv", b"bin_low,bin_high,observed\n0,1,2\n", "mine.csv: no column is a template, .* of your choice$"),
        (
            "mine.csv",
            b"bin_low,bin_high,b_up,observed\n0,1,2,2\n",
            "mine.csv: no column is a template, .* there are only b_up$",
        ),
        ("mine.csv", b"\xff\xfe\x00", "mine.csv: not text in UTF-8"),
        ("mine.csv", b"bin_low,bin_high,s,observed\n0,1,nan,2\n", "mine.csv, line 2, column s: 'nan' is not a finite"),
        ("mine.root", b"not root", "mine.root: not a readable ROOT file"),
        ("mine.root", b"", "mine.root: the file is empty"),
        ("mine.json", b"", "mine.json: not JSON: the file is empty"),
        ("mine.json", b"{", "mine.json: not JSON: .*; the file may be cut off$"),
        (
            "mine.json.gz",
            b"\0\1",
            "mine.json.gz: not JSON: .*; its name ends in .gz, but it is not compressed with gzip",
        ),
        ("mine.json", b"[]", "mine.json: not a valid pyhf workspace: top level: needs an object, has an empty list"),
        ("mine.json", b'[{"op": "add"}]', "mine.json: a patch, not a pyhf workspace: .* PATCHES and FROM"),
        ("mine.json", b'{"patches": []}', "mine.json: a patch set, not a pyhf workspace: .* PATCHSET and FROM"),
        ("mine.json", b'{"distributions": []}', "mine.json: HS3, not a pyhf workspace: .* xml2json"),
        ("mine.json", b'{"a": 1}', "mine.json: not a valid pyhf workspace: .* the key 'channels' is missing"),
        ("mine.json", b'{"channels": 1}', "mine.json: not a valid pyhf workspace"),
        ("mine.xml", b"<Combination>", "mine.xml: not JSON but HistFactory XML: .*pyhf xml2json mine.xml"),
        ("mine", b"root\x00", "mine: not JSON but a ROOT file: name its histograms"),
        ("{mine}.csv", b"bin_low,bin_high,s,observed\n0,1,1,2\n", "braces in paths are wildcards of Snakemake"),
    ],
)
def test_inputs_that_cannot_be_used(tmp_path, output, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        init.main(["--from", str(tmp_path / name), "--output", output])
    assert "\n" not in str(error.value)
    assert not Path(output).exists()


def test_patches_of_histograms(output):
    with pytest.raises(InputError, match="patches belong to a workspace"):
        init.main(["--from", str(SEARCH), "--patches", str(SEARCH), "--output", output])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from", "", "--output", "new.yaml"], "there is no file ''"),
        (["--from", "w.json", "--patchset", "", "--output", "new.yaml"], "there is no file ''"),
        (["--from", "a.csv", "--output", "nowhere/new.yaml"], "there is no folder 'nowhere' for nowhere/new.yaml"),
    ],
)
def test_paths_that_lead_nowhere(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.json").write_text("{}")
    (tmp_path / "a.csv").write_text("bin_low,bin_high,signal,bkg,observed\n0,1,1,5,6\n")
    with pytest.raises(InputError, match=message):
        init.main(options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "w.json"]


def test_nothing_is_overwritten(tmp_path):
    """The draft is named after the file and written to the current folder; a second call fails with one line."""
    command = [sys.executable, str(ROOT / "scripts" / "muscan"), "init", "--from", str(SEARCH)]
    first = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "signal: signal" in first.stdout
    before = (tmp_path / "search.yaml").read_bytes()
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 1
    assert again.stderr == "failed: search.yaml already exists; choose another name: OUT=other.yaml\n"
    assert (tmp_path / "search.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a/BkgOnly.json.gz", "BkgOnly"),
        ("my search (v2).csv", "my-search-v2"),
        ("--.csv", "mine"),
        ("grids.root", "my-grids"),
        ("limits.csv.csv", "my-limits"),
        ("é.json", "mine"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_of_blocks(file, name):
    assert init.block_name(file) == name
