"""ROOT histograms: under- and overflow, edges that differ by rounding, several files, negative bins."""

import json
from itertools import permutations

import numpy as np
import pyhf
import pytest
import uproot

import read_histograms
import scan_signals
from helpers.steps import run_step
from helpers.workspaces import counting, referee, tight_minuit
from muscan.base.errors import InputError
from muscan.commands import init
from muscan.commands.check import check as check_models
from muscan.commands.check import problem_lines
from muscan.config.check import check, usable_part
from muscan.config.datasets import input_files
from muscan.config.result_files import all_inputs
from muscan.config.schema import complete
from muscan.inputs import bin_edges, histograms, sources
from muscan.inputs import read_histograms as read_histograms_library

EDGES = np.array([0.0, 1.0, 2.5, 4.0])
FIELD = {"SR": {"signal": "SR/signal", "background": "SR/background", "observed": "SR/data"}}
MODEL = {
    "samples": {
        "signal": [{"name": "mu", "type": "normfactor"}],
        "background": [{"name": "stat", "type": "staterror", "uncertainty": {"column": "background_stat"}}],
    }
}


def th1(contents, squares=None, edges=EDGES):
    """A TH1 with under- and overflow, and its sums of squared weights."""
    axis = uproot.writing.identify.to_TAxis("x", "", len(edges) - 1, edges[0], edges[-1], fXbins=np.asarray(edges))
    contents = np.asarray(contents, float)
    squares = np.zeros(0) if squares is None else np.asarray(squares, float)
    return uproot.writing.identify.to_TH1x("h", "", contents, 1.0, 1.0, 1.0, 0.0, 0.0, squares, axis)


def written(file, **named):
    with uproot.recreate(file) as root:
        for name, histogram in named.items():
            root[name] = histogram
    return str(file)


def read(file, names=("signal", "background", "observed"), observed=True, **settings):
    """Histograms of one channel, each under the name of its column; `clip` stands outside of `root`."""
    outer = {key: settings.pop(key) for key in ("clip", "uncertainties") if key in settings}
    names = names if isinstance(names, dict) else {name: name for name in names}
    return read_histograms_library.read_source(
        {"root": {"file": file, "channels": {"SR": names}, **settings}, **outer}, observed
    )


def told(found) -> dict[str, str]:
    return {each.kind: str(each) for each in found.findings}


# --- Under- and overflow


def pyhfs_cls(spec: dict, mu: float) -> float:
    model, data = referee(spec)
    with tight_minuit():
        return float(pyhf.infer.hypotest(mu, data, model))


@pytest.mark.parametrize(
    ("overflow", "limit", "contents"),
    [
        (None, 1.418, ([83, 27, 9, 1], [1, 2, 3, 2], [80, 30, 8, 2], [90, 31, 7, 1.5])),
        ("last_bin", 0.549, ([83, 27, 9, 2], [1, 2, 3, 8], [80, 30, 8, 3.2], [90, 31, 7, 2.7])),
    ],
)
def test_limits_with_and_without_the_overflow(tmp_path, field, overflow, limit, contents):
    spec = {"root": {"file": str(field / "overflow.root"), "channels": FIELD}}
    spec["root"] |= {"overflow": overflow} if overflow else {}
    files = [str(tmp_path / name) for name in ("histograms.csv", "findings.json")]
    read_histograms.main(["--spec", json.dumps(spec), "--output", files[0], "--findings", files[1]])
    argv = ["--histograms", files[0], "--findings", files[1], "--model", json.dumps(MODEL)]
    run_step(scan_signals, [*argv, "--folder", str(tmp_path), "--signals", "signal"])
    found = json.loads((tmp_path / "signal/asymptotics/limits.json").read_text())["observed_limit"]
    assert found == pytest.approx(limit, abs=6e-4)
    observed, signal, background, squares = contents
    by_hand = counting(observed, signal, background, ("stat", "staterror", np.sqrt(squares).tolist()))
    assert pyhfs_cls(by_hand, found) == pytest.approx(0.05, abs=2e-4)
    warnings = " ".join(each["message"] for each in json.loads((tmp_path / "signal/fit.json").read_text())["warnings"])
    assert ("signal 6 of 14 (42.9 %), background 1.2 of 124.2 (0.966 %), observed 1 of 121" in warnings) != bool(
        overflow
    )
    assert "below the first edge lie background 3 of 124.2 (2.42 %), in no bin" in warnings


@pytest.fixture
def flows(tmp_path):
    return written(
        tmp_path / "flows.root",
        signal=th1([1, 1, 2, 3, 2], [0.5, 1, 2, 3, 1.5]),
        background=th1([0, 20, 10, 5, 4], [0, 2, 2, 1, 0.75]),
        error=th1([3, 4, 1, 3, 4], np.ones(5)),
        observed=th1([2, 21, 9, 5, 3]),
    )


def test_both_sides_are_counted_in_all_histograms(flows):
    names = ("signal", "background", "error", "observed")
    found = read(flows, names, overflow="last_bin", underflow="first_bin", uncertainties=["error"])
    columns = {name: values.tolist() for name, values in found.columns["SR"].items() if name != "error_stat"}
    assert columns == {
        "signal": [2, 2, 5],
        "signal_stat": pytest.approx([1.5**0.5, 2**0.5, 4.5**0.5]),
        "background": [20, 10, 9],
        "background_stat": pytest.approx([2**0.5, 2**0.5, 1.75**0.5]),
        "error": pytest.approx([5, 1, 5]),  # in quadrature
        "observed": [23, 9, 8],
    }
    assert found.findings == ()


def test_a_single_bin_takes_both_sides(tmp_path):
    file = written(tmp_path / "one.root", s=th1([1, 5, 2], edges=[0, 1]), observed=th1([3, 4, 5], edges=[0, 1]))
    found = read(file, ("s", "observed"), overflow="last_bin", underflow="first_bin")
    assert {name: values.tolist() for name, values in found.columns["SR"].items()} == {
        "s": [8],
        "s_stat": [8**0.5],
        "observed": [12],
    }


def test_what_is_ignored_on_purpose_is_not_said(flows):
    found = read(flows, overflow="ignore", underflow="ignore")
    assert found.columns["SR"]["signal"].tolist() == [1, 2, 3]
    assert found.findings == ()


def test_errors_name_the_numbers(flows):
    with pytest.raises(
        InputError, match=r"channel 'SR': beyond the last edge lie background 4 of 39 .*`overflow: error`"
    ):
        read(flows, ("background", "observed"), overflow="error")
    found = read(flows, ("background",), observed=False, underflow="error", overflow="ignore")
    assert found.findings == ()  # there is nothing below


def test_the_overflow_of_data_is_not_seen_in_blind_analyses(flows):
    found = read(flows, observed=False)
    assert set(told(found)) == {"underflow", "overflow"}
    assert all("observed" not in text and "data" not in text for text in told(found).values())
    read(flows, ("observed", "signal"), observed=False, overflow="last_bin")
    assert read(flows, ("background", "observed"), observed=False, underflow="error").findings != ()


@pytest.mark.parametrize(
    ("column", "contents", "squares", "settings", "message"),
    [
        ("s", [0, 1, 2, 3, np.nan], None, {"overflow": "last_bin"}, "'s': the content beyond the last edge is nan"),
        ("s", [0, 1, 2, 3, np.inf], None, {"overflow": "last_bin"}, "'s': the content beyond the last edge is inf"),
        ("s", [np.nan, 1, 2, 3, 0], None, {"underflow": "error"}, "below the first edge lie s nan, which is not a"),
        ("observed", [0, 1, 2, 3, -1], None, {"overflow": "last_bin"}, "'observed': the content beyond .* is -1: "),
        ("s", [0, 1, 2, 3, 1], [0, 1, 2, 3, -1], {"overflow": "last_bin"}, "squared uncertainty beyond .* is -1"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted(tmp_path, column, contents, squares, settings, message):
    good = {"s": th1([0, 1, 2, 3, 0]), "observed": th1([0, 1, 2, 3, 0])}
    file = written(tmp_path / "bad.root", **good | {column: th1(contents, squares)})
    with pytest.raises(InputError, match=message):
        read(file, ("s", "observed"), **settings)
    assert read(file, ("s", "observed"), overflow="ignore", underflow="ignore").findings == ()


def test_what_is_no_number_is_said(tmp_path):
    file = written(tmp_path / "nan.root", s=th1([0, 1, 2, 3, np.nan]), b=th1([0, 1, 2, 3, 2]))
    text = told(read(file, ("b", "s"), observed=False))["overflow"]
    assert "beyond the last edge lie s nan, which is not a number of events, b 2 of 8 (25 %), in no bin" in text


def test_negative_weights_outside(tmp_path):
    """The share is of all contents, whatever their signs."""
    file = written(tmp_path / "negative.root", s=th1([0, 4, 2, 2, -2], [0, 4, 2, 2, 2]))
    assert "s -2 of 6 (20 %)" in told(read(file, ("s",), observed=False))["overflow"]
    counted = read(file, ("s",), observed=False, overflow="last_bin")
    assert counted.columns["SR"]["s"].tolist() == [4, 2, 0]
    assert counted.columns["SR"]["s_stat"].tolist() == [2, 2**0.5, 2]


@pytest.mark.parametrize(
    ("template", "data", "words"),
    [
        (0, 2, "the data have 2 events, but no template has any. If those of the templates"),
        (4, 0, "templates have up to 4 events (s), but the data have none. If those of the data"),
        (1, 0, None),  # e^-1: an empty overflow is no wonder
        (4, 2, None),
    ],
)
@pytest.mark.parametrize(
    ("setting", "fear"), [({}, "are in the last bin already"), ({"overflow": "last_bin"}, "were dropped when")]
)
def test_overflow_of_the_data_or_of_templates_alone(tmp_path, template, data, words, setting, fear):
    file = written(tmp_path / "one.root", s=th1([0, 1, 2, 3, template]), observed=th1([0, 1, 2, 3, data]))
    text = told(read(file, ("s", "observed"), **setting)).get("one-sided-overflow")
    assert (text is None) == (words is None)
    assert words is None or (words in text and fear in text)
    assert read(file, ("s", "observed"), overflow="ignore").findings == ()


def test_the_check_says_it(field):
    root = {"file": str(field / "overflow.root"), "channels": FIELD, "underflow": "ignore"}
    config = {
        "datasets": {"mine": {"histograms": {"root": root}}},
        "models": {"m": MODEL},
        "analyses": {"a": {"dataset": "mine", "model": "m"}, "blind": {"dataset": "mine", "model": "m", "blind": True}},
    }
    checked = check_models(complete(config), {})
    found = [problem for problem in checked.problems if problem.kind == "overflow"]
    assert [(each.analysis, "observed 1 of 121 (0.826 %)" in each.text) for each in found] == [
        ("a", True),
        ("blind", False),
    ]
    printed = [text for _, text in problem_lines(checked)]
    assert sum("signal 6 of 14 (42.9 %)" in text for text in printed) == len(found)


def test_a_channel_without_templates(tmp_path):
    file = written(tmp_path / "mine.root", h=th1(np.ones(5)))
    for spec in ({"root": {"file": file, "channels": {"SR": {"observed": "h"}}}}, {"counts": {"SR": {"observed": 1}}}):
        with pytest.raises(InputError, match="channel 'SR' has no templates"):
            read_histograms_library.read_source(spec, observed=False)


# --- Edges


@pytest.mark.parametrize("name", ["edges.root", "float32.root"])
def test_edges_that_differ_by_rounding(field, name):
    names = {"signal": "signal", "background": "background", "observed": "data"}
    kept = set()
    for order in permutations(names.items()):
        found = read(str(field / name), dict(order), overflow="ignore")
        np.testing.assert_allclose(found.edges["SR"], np.arange(11) / 10, rtol=0, atol=1e-15)
        kept.add(found.edges["SR"].tobytes())
        assert found.columns["SR"]["signal"].tolist() == [0, 0, 1, 2, 4, 2, 1, 0, 0, 0.5]
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        (0.9e-6, None),
        (1.1e-6, "edge 2 is 1.000001 against 1"),
        (1e-5, r"mine\.root: 'b' has other bins than .*mine\.root: 'a': edge 2 is 1\.00001 against 1$"),
        (0.5, "edge 2 is 1.5 against 1"),
    ],
)
def test_edges_agree_within_a_millionth_of_the_narrower_bin(tmp_path, shift, message):
    shifted = EDGES + np.array([0, shift, 0, 0])
    file = written(tmp_path / "mine.root", a=th1(np.ones(5)), b=th1(np.ones(5), edges=shifted))
    if message is None:
        assert read(file, ("a", "b"), observed=False).edges["SR"].tolist() == EDGES.tolist()
    else:
        with pytest.raises(InputError, match=message):
            read(file, ("a", "b"), observed=False)


def test_rounding_does_not_add_up_and_the_order_does_not_matter(tmp_path):
    """Neighbours agree, the two outer ones do not, whichever comes first."""
    shifts = {"a": 0.0, "b": 0.7e-6, "c": 1.4e-6}
    edges = {name: EDGES + np.array([0, shift, 0, 0]) for name, shift in shifts.items()}
    file = written(tmp_path / "mine.root", **{name: th1(np.ones(5), edges=each) for name, each in edges.items()})
    for order in permutations(shifts):
        with pytest.raises(InputError, match="edge 2 is "):
            read(file, order, observed=False)
    kept = {tuple(bin_edges.representative_edges([edges[name] for name in order])) for order in permutations("ab")}
    assert len(kept) == 1


def test_the_number_of_bins_is_told(tmp_path):
    file = written(tmp_path / "mine.root", a=th1(np.ones(5)), b=th1(np.ones(6), edges=[0, 1, 2, 3, 4]))
    with pytest.raises(InputError, match=r"'b' has other bins than .*'a': 4 against 3"):
        read(file, ("a", "b"), observed=False)


def test_edges_in_csv(tmp_path):
    file = tmp_path / "mine.csv"
    rows = "bin_low,bin_high,s,observed\n0,{0},1,2\n{1},0.5,2,3\n"
    for ends in (("0.30000000000000004", "0.3"), ("0.3", "0.30000001192092896")):
        file.write_text(rows.format(*ends))
        assert histograms.read_histograms(file).edges["channel"].tolist() == [0, 0.3, 0.5]
    file.write_text(rows.format("0.3", "0.30001"))
    with pytest.raises(InputError, match=r"this one is from 0 to 0.3, the next from 0.30001"):
        histograms.read_histograms(file)


# --- Several files


@pytest.fixture
def three(tmp_path, monkeypatch):
    """A data set whose histograms stand in three files."""
    monkeypatch.chdir(tmp_path)
    written("signal.root", h=th1([0, 1, 2, 3, 0]))
    written("background.root", b=th1([0, 20, 10, 5, 0]))
    written("data.root", h=th1([0, 21, 11, 4, 0]))
    return {
        "signal": {"file": "signal.root", "name": "h"},
        "background": "b",
        "observed": {"file": "data.root", "name": "h"},
    }


def configuration(names, **analysis) -> dict:
    root = {"file": "background.root", "channels": {"SR": names, "observed": {"background": "b", "observed": "b"}}}
    dataset = {"mine": {"histograms": {"root": root}}}
    return {
        "datasets": dataset,
        "models": {"m": MODEL},
        "analyses": {"a": {"dataset": "mine", "model": "m", **analysis}},
    }


def test_histograms_of_a_channel_in_several_files(three):
    config = configuration(three)
    check(config)
    model = sources.Sources(complete(config)).model("a", "signal")
    assert model.data[:6].tolist() == [21, 11, 4, 20, 10, 5]
    assert model.nominal.tolist() == [[20, 10, 5, 20, 10, 5], [1, 2, 3, 0, 0, 0]]
    assert list(input_files(config["datasets"]["mine"]).values()) == ["signal.root", "background.root", "data.root"]
    assert all_inputs(complete(config)) == ["signal.root", "background.root", "data.root"]


def test_blind_analyses_need_no_file_of_data(three, tmp_path):
    (tmp_path / "data.root").unlink()
    config = configuration(three, blind=True)
    check(config)
    assert all_inputs(complete(config)) == ["signal.root", "background.root"]
    assert sources.Sources(complete(config)).model("a", "signal").data[:3].tolist() == [20, 10, 5]
    config["analyses"]["seen"] = config["analyses"]["a"] | {"blind": False}
    kept, reasons, _ = usable_part(config)
    assert list(kept["analyses"]) == ["a"]
    key = "datasets.mine.histograms.root.channels.SR.observed.file"
    assert reasons == {"seen": f"{key}: there is no file 'data.root'"}


def test_files_that_are_missing_are_named_with_the_others(three):
    three["signal"]["file"] = "none.root"
    with pytest.raises(InputError, match=r"none\.root: no such file.*no histogram 'x'"):
        read("background.root", three | {"x": "x"})


# --- Negative bins


def test_negative_bins_stay_unless_they_are_clipped(tmp_path):
    values, squares = [0, 4, -0.75, 3, -1], [0, 4, 1.44, 3, 1]
    file = written(tmp_path / "negative.root", s=th1(values, squares), observed=th1([0, 1, 2, 3, 0]))
    settings = {"names": ("s", "observed"), "overflow": "last_bin"}
    assert read(file, **settings).columns["SR"]["s"].tolist() == [4, -0.75, 2]
    found = read(file, clip=0, **settings)
    assert found.columns["SR"]["s"].tolist() == [4, 0, 2]
    assert found.columns["SR"]["s_stat"].tolist() == pytest.approx([2, 1.2, 2])
    text = "channel 'SR', template 's': negative and set to zero: bin 2 (-0.75). Its sum changes from 5.25 to 6"
    assert told(found) == {"clipped": text}


def test_clipping_of_csv_and_counts(tmp_path):
    counts = {"SR": {"s": [1, -2], "s_up": [-3, 1], "error": [1, -1], "observed": [2, 3]}}
    names = list(counts["SR"])
    rows = zip(*counts["SR"].values(), strict=True)
    (tmp_path / "mine.csv").write_text(
        "\n".join(
            [",".join(["channel,bin_low,bin_high", *names])]
            + [f"SR,{i},{i + 1},{','.join(map(str, row))}" for i, row in enumerate(rows)]
        )
    )
    for spec in ({"counts": counts}, {"csv": str(tmp_path / "mine.csv")}):
        found = read_histograms_library.read_source(spec | {"clip": 0, "uncertainties": ["error"]})
        columns = {name: values.tolist() for name, values in found.columns["SR"].items()}
        assert columns == {"s": [1, 0], "s_up": [0, 1], "error": [1, -1], "observed": [2, 3]}
        assert [str(each) for each in found.findings] == [
            "channel 'SR', template 's': negative and set to zero: bin 2 (-2). Its sum changes from -1 to 1",
            "channel 'SR', template 's_up': negative and set to zero: bin 1 (-3). Its sum changes from -2 to 1",
        ]


def test_uncertainties_are_known_from_the_models():
    """A negative uncertainty stays an error."""
    config = {
        "datasets": {
            "mine": {"histograms": {"counts": {"SR": {"signal": 1, "background": 2, "background_stat": -1}}, "clip": 0}}
        },
        "models": {"m": MODEL},
        "analyses": {"a": {"dataset": "mine", "model": "m", "blind": True}},
    }
    check(config)
    with pytest.raises(InputError, match="the uncertainty of bin 1, with 2 events, is -1"):
        sources.Sources(complete(config)).model("a", "signal")


def test_histograms_without_squared_weights_have_the_uncertainties_of_root(tmp_path):
    """TH1::GetBinError: the root of the absolute content."""
    file = written(tmp_path / "plain.root", s=th1([0, 4, -9, 1, 0]))
    assert read(file, ("s",), observed=False).columns["SR"]["s_stat"].tolist() == [2, 3, 1]


def test_a_first_configuration_says_what_could_become_of_the_overflow(tmp_path):
    file = written(tmp_path / "mine.root", signal=th1([0, 1, 2, 3, 1]), data=th1([0, 1, 2, 3, 0]))
    text = init.render(init.from_root("mine", file), file, "mine.yaml")
    assert "# overflow: last_bin" in text
    assert "underflow" not in text
