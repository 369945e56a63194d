"""The check of configurations: what is accepted, what is refused, and the messages."""

import copy
import json
import math
from io import StringIO

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.common.configfile import load_configfile

from helpers.bad_inputs import DELETE
from helpers.configurations import DEFAULT, ROOT, SCHEMA_FILE, changed, problems
from muscan.base.words import OBSERVED_HINT
from muscan.config.check import usable_part
from muscan.config.mu_values import mu_jobs, poi_bound
from muscan.config.problems import ConfigError
from muscan.config.schema import complete
from muscan.config.settings import scan_settings

# --- What is accepted


def test_default_configuration_is_accepted(default_config):
    assert problems(default_config) == []


def test_default_configuration_means_the_same_to_snakemake(default_config):
    assert load_configfile(str(ROOT / "config" / "config.yaml")) == default_config


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("models/unused", {"samples": {"signal": [{"name": "mu", "type": "normfactor", "data": None}]}}),
        ("models/locked/samples/other", []),
        ("models/locked/samples/background/0/uncertainty", 0),
        ("models/locked/samples/background/0/uncertainty", [1, 2.5]),
        ("models/locked/samples/background/0/uncertainty", {"column": "error"}),
        ("models/locked/samples/background/0", {"name": "b", "type": "shapesys", "data": [1, 2]}),
        ("models/locked/samples/background/0", {"name": "b", "type": "histosys", "up": "u", "down": "d"}),
        ("scan", {}),
        ("scan/mu", [3]),
        ("scan/mu", {"start": 1, "stop": 1, "number": 1}),
        ("scan/plots", []),
        ("analyses/original-locked/mu", [2, 1]),
        ("datasets/more", {"histograms": {"counts": {"SR": {"s": 1, "b": [2.5], "observed": 3}}}}),
    ],
)
def test_accepted(path, value):
    assert problems(changed(path, value)) == []


# --- What is refused

SIMULATE = "datasets/original/simulate"
COMPONENT = f"{SIMULATE}/components/signal"
SIGNAL = "models/locked/samples/signal"
BACKGROUND = "models/locked/samples/background"
UNCERTAINTY = "sqrt, a number, a list of numbers, or {column: name}"
NAMES = "names consist of letters, digits and . _ + -, begin with a letter or digit, and have at most 100 characters"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        # unknown keys
        ("analysis", {}, "the top level: unknown key 'analysis'; did you mean 'analyses'?"),
        ("extra", {}, "the top level: unknown key 'extra'; known are datasets, models, scan, analyses, grids"),
        ("scan/mu_pr_job", 2, "scan: unknown key 'mu_pr_job'; did you mean 'mu_per_job'?"),
        ("scan/mu/step", 1, "scan.mu: unknown key 'step'; did you mean 'stop'?"),
        (
            "scan/interpolation",
            {"normsis": "code4"},
            "scan.interpolation: unknown key 'normsis'; did you mean 'normsys'?",
        ),
        ("analyses/original-locked/plot", [], "analyses.original-locked: unknown key 'plot'; did you mean 'plots'?"),
        ("datasets/original", {"simulat": {}}, "datasets.original: unknown key 'simulat'; did you mean 'simulate'?"),
        (f"{SIMULATE}/seeds", 1, "datasets.original.simulate: unknown key 'seeds'; did you mean 'seed'?"),
        (
            f"{SIMULATE}/bins/width",
            1,
            "datasets.original.simulate.bins: unknown key 'width'; known are number, low, high",
        ),
        (
            f"{COMPONENT}/low",
            1,
            "datasets.original.simulate.components.signal: unknown key 'low'; "
            "normal has only shape, expected, observed, mean, width",
        ),
        ("models/locked/sample", {}, "models.locked: unknown key 'sample'; did you mean 'samples'?"),
        (
            f"{SIGNAL}/0/uncertainty",
            "sqrt",
            "models.locked.samples.signal[0]: unknown key 'uncertainty'; "
            "a normfactor or shapefactor has only name, type, channels, data",
        ),
        (
            f"{BACKGROUND}/0/data",
            [1.0],
            "models.locked.samples.background[0]: unknown key 'uncertainty'; "
            "a modifier with `data` has only name, type, channels, data",
        ),
        (
            f"{BACKGROUND}/0/up",
            1.1,
            "models.locked.samples.background[0]: unknown key 'up'; "
            "a shapesys or staterror has only name, type, channels, uncertainty, data",
        ),
        (
            "models/locked/parameters",
            [{"name": "mu", "init": [1]}],
            "models.locked.parameters[0]: unknown key 'init'; did you mean 'inits'?",
        ),
        # keys that are missing
        ("datasets", DELETE, "the top level: the key 'datasets' is missing"),
        ("analyses", DELETE, "the top level: the key 'analyses' is missing"),
        (f"{SIMULATE}/seed", DELETE, "datasets.original.simulate: the key 'seed' is missing"),
        (f"{SIMULATE}/bins/high", DELETE, "datasets.original.simulate.bins: the key 'high' is missing"),
        (f"{COMPONENT}/width", DELETE, "datasets.original.simulate.components.signal: the key 'width' is missing"),
        (f"{COMPONENT}/shape", DELETE, "datasets.original.simulate.components.signal: the key 'shape' is missing"),
        ("scan/mu/start", DELETE, "scan.mu: the key 'start' is missing"),
        ("models/locked/samples", DELETE, "models.locked: the key 'samples' is missing"),
        (f"{BACKGROUND}/0/name", DELETE, "models.locked.samples.background[0]: the key 'name' is missing"),
        (f"{BACKGROUND}/0/type", DELETE, "models.locked.samples.background[0]: the key 'type' is missing"),
        (
            f"{BACKGROUND}/0/uncertainty",
            DELETE,
            "models.locked.samples.background[0]: the key 'uncertainty' is missing",
        ),
        (
            f"{BACKGROUND}/0",
            {"name": "b", "type": "normsys", "up": 1.1},
            "models.locked.samples.background[0]: the key 'down' is missing",
        ),
        ("analyses/original-locked/dataset", DELETE, "analyses.original-locked: the key 'dataset' is missing"),
        (
            "analyses/original-locked/model",
            DELETE,
            "analyses.original-locked: the key 'model' is missing: a data set of histograms needs a model",
        ),
        ("datasets/more", {"workspace": {}}, "datasets.more.workspace: the key 'file' is missing"),
        (
            "datasets/original",
            {"histograms": {"root": {"file": "config/README.md", "channels": {"SR": {"s": "s"}}}}},
            f"datasets.original.histograms.root.channels: the key 'observed' is missing in 'SR'; {OBSERVED_HINT}",
        ),
        (
            "datasets/original",
            {"histograms": {"counts": {"SR": {"s": 1}, "CR": {"s": 1, "observed": 2}}}},
            f"datasets.original.histograms.counts: the key 'observed' is missing in 'SR'; {OBSERVED_HINT}",
        ),
        (
            "datasets/more",
            {"histograms": {"root": {"channels": {"SR": {"s": {"file": "config/README.md", "name": "s"}, "b": "b"}}}}},
            "datasets.more.histograms.root: the key 'file' is missing, and SR.b has no file of its own",
        ),
        (
            "datasets/more",
            {
                "histograms": {
                    "root": {"file": "config/README.md", "channels": {"SR": {"s": {"file": "x", "name": "s"}}}}
                }
            },
            "datasets.more.histograms.root.channels.SR.s.file: there is no file 'x'",
        ),
        (
            "datasets/more",
            {"histograms": {"root": {"file": "config/README.md", "channels": {"SR": {"s": {"file": "x"}}}}}},
            "datasets.more.histograms.root.channels.SR.s: the key 'name' is missing",
        ),
        (
            "datasets/more",
            {"histograms": {"csv": "config/README.md", "counts": {"SR": {"s": 1}}}},
            "datasets.more.histograms: needs exactly one of csv, root, counts",
        ),
        (
            "datasets/more",
            {"histograms": {"root": {"file": "config/README.md", "channels": {"SR": {"s": "s"}}}, "overflow": "error"}},
            "datasets.more.histograms: unknown key 'overflow'; it is a key of the block 'root'",
        ),
        (
            "datasets/more",
            {"histograms": {"clip": 0}},
            "datasets.more.histograms: needs exactly one of csv, root, counts",
        ),
        (
            "datasets/more",
            {"histograms": {"csv": "config/README.md", "clip": 1}},
            "datasets.more.histograms.clip: needs 0, has 1",
        ),
        (
            "datasets/more",
            {"histograms": {"root": {"file": "config/README.md", "channels": {"SR": {"s": "s"}}, "overflow": "last"}}},
            "datasets.more.histograms.root.overflow: needs one of ignore, last_bin, error, has the text 'last'; "
            "did you mean 'last_bin'?",
        ),
        # wrong types
        ("datasets", [], "datasets: needs a block of keys, has a list"),
        ("analyses", None, "analyses: needs a block of keys, has nothing"),
        ("scan", "mu", "scan: needs a block of keys, has the text 'mu'"),
        ("models", 3, "models: needs a block of keys, has 3"),
        ("datasets/more", None, "datasets.more: needs a block of keys, has nothing"),
        (
            "datasets/more",
            {"histograms": "mine.csv"},
            "datasets.more.histograms: needs a block of keys, has the text 'mine.csv'",
        ),
        (f"{SIMULATE}/seed", 1.5, "datasets.original.simulate.seed: needs a whole number, has 1.5"),
        (f"{SIMULATE}/seed", True, "datasets.original.simulate.seed: needs a whole number, has true"),
        (
            f"{SIMULATE}/seed",
            "0",
            "datasets.original.simulate.seed: needs a whole number, has the text '0'; write it without quotes, in a "
            "YAML file",
        ),
        (
            f"{SIMULATE}/bins",
            20,
            "datasets.original.simulate.bins: needs a list of edges, or {number, low, high}, has 20",
        ),
        (f"{SIGNAL}/0", "mu", "models.locked.samples.signal[0]: needs a block of keys, has the text 'mu'"),
        (f"{SIGNAL}", {"name": "mu"}, "models.locked.samples.signal: needs a list, has a block of keys"),
        (
            f"{BACKGROUND}/0/channels",
            "SR",
            "models.locked.samples.background[0].channels: needs a list, has the text 'SR'",
        ),
        ("scan/mu", "0:5", "scan.mu: needs a list of values, or {start, stop, number}, or auto, has the text '0:5'"),
        ("scan/mu/number", 51.0, "scan.mu.number: needs a whole number, has 51.0"),
        ("scan/mu_per_job", 2.0, "scan.mu_per_job: needs a whole number, has 2.0"),
        (
            "scan/confidence_level",
            "0.95",
            "scan.confidence_level: needs a number, has the text '0.95'; write it without quotes, in a YAML file",
        ),
        (
            "scan/mu",
            ["1e-3"],
            "scan.mu[0]: needs a number, has the text '1e-3'; write 1.0e-3: YAML needs a decimal point, and a sign "
            "after the e",
        ),
        (
            "scan/toys",
            {"target": "2.5E2"},
            "scan.toys.target: needs a number, has the text '2.5E2'; write 2.5e+2: YAML needs a decimal point, and a "
            "sign after the e",
        ),
        (
            "scan/toys",
            {"per_hypothesis": "1e5"},
            "scan.toys.per_hypothesis: needs a whole number, has the text '1e5'; write 100000",
        ),
        (
            "scan/calculators",
            "asymptotics",
            "scan.calculators: needs a list, has the text 'asymptotics'; write [asymptotics]",
        ),
        ("analyses/original-locked/model", 3, "analyses.original-locked.model: needs text, has 3"),
        (
            "datasets/more",
            {"workspace": {"file": "config/README.md", "signals": 3}},
            "datasets.more.workspace.signals: needs all, a list of names, or a pattern, has 3",
        ),
        # values out of range
        (f"{SIMULATE}/seed", -1, "datasets.original.simulate.seed: must be at least 0, is -1"),
        (f"{SIMULATE}/bins", [1], "datasets.original.simulate.bins: needs at least 2 entries, has 1"),
        (f"{SIMULATE}/bins", [1, 3, 2], "datasets.original.simulate.bins: the edges must be in ascending order"),
        (f"{SIMULATE}/bins/low", 10, "datasets.original.simulate.bins: the edges must be in ascending order"),
        (f"{SIMULATE}/components", {}, "datasets.original.simulate.components: needs at least one entry"),
        (
            f"{SIMULATE}/components/background/low",
            10,
            "datasets.original.simulate.components.background: low must be below high",
        ),
        (f"{COMPONENT}/width", 0, "datasets.original.simulate.components.signal.width: must be above 0, is 0"),
        (
            f"{COMPONENT}/expected",
            -3,
            "datasets.original.simulate.components.signal.expected: must be at least 0, is -3",
        ),
        (
            f"{COMPONENT}/mean",
            math.nan,
            "datasets.original.simulate.components.signal.mean: needs a finite number, has nan",
        ),
        ("scan/confidence_level", 95, "scan.confidence_level: must be below 1, is 95; write 0.95"),
        ("scan/confidence_level", 0, "scan.confidence_level: must be above 0, is 0"),
        ("scan/confidence_level", math.nan, "scan.confidence_level: needs a finite number, has nan"),
        ("scan/mu", [], "scan.mu: needs at least 1 entry, has 0"),
        ("scan/mu", [-1, 2], "scan.mu[0]: must be at least 0, is -1"),
        ("scan/mu", [1, math.inf], "scan.mu[1]: needs a finite number, has inf"),
        ("scan/mu", [1, math.nan], "scan.mu[1]: needs a finite number, has nan"),
        ("scan/mu", [1, 2, 1.0], "scan.mu: a value occurs twice; values are compared with 10 digits"),
        ("scan/mu/stop", 0, "scan.mu: the grid is empty: stop (0) must be above start (0)"),
        ("scan/mu/start", 6, "scan.mu: the grid is empty: stop (5) must be above start (6)"),
        ("scan/mu/number", 1, "scan.mu: with number 1, stop (5) must equal start (0)"),
        ("scan/mu/number", 0, "scan.mu.number: must be at least 1, is 0"),
        ("scan/mu/number", 10**7, "scan.mu.number: must be at most 100000, is 10000000"),
        (
            "analyses/original-locked/mu",
            {"start": 2, "stop": 1, "number": 3},
            "analyses.original-locked.mu: the grid is empty: stop (1) must be above start (2)",
        ),
        ("scan/plots", ["brazil", "brazil"], "scan.plots: 'brazil' occurs twice"),
        ("scan/toys", {"per_hypothesis": 0}, "scan.toys.per_hypothesis: must be at least 1, is 0"),
        ("scan/toys", {"target": 2}, "scan.toys.target: must be below 1, is 2"),
        (
            "scan/toys",
            {"max": 1000},
            "scan.toys.max: only limits the number of toys for a target; add target, or remove max",
        ),
        ("scan/toys", {"sed": 3}, "scan.toys: unknown key 'sed'; did you mean 'seed'?"),
        (
            "analyses/original-locked/toys",
            {"per_hypothesis": 1000, "target": 0.02},
            "analyses.original-locked.toys: per_hypothesis and target exclude each other; remove one",
        ),
        (
            f"{BACKGROUND}/0/uncertainty",
            -0.1,
            "models.locked.samples.background[0].uncertainty: must be at least 0, is -0.1",
        ),
        (
            f"{BACKGROUND}/0/uncertainty",
            [1, -1],
            "models.locked.samples.background[0].uncertainty[1]: must be at least 0, is -1",
        ),
        (
            f"{BACKGROUND}/0",
            {"name": "b", "type": "normsys", "up": 1.1, "down": 0},
            "models.locked.samples.background[0].down: must be above 0, is 0",
        ),
        (
            "datasets/more",
            {"histograms": {"counts": {"SR": {"s": -1, "observed": -1}}}},
            "datasets.more.histograms.counts.SR.observed: must be at least 0, is -1",
        ),
        (
            "datasets/more",
            {"histograms": {"counts": {"SR": {"s": [1, 2], "observed": [1, -1]}}}},
            "datasets.more.histograms.counts.SR.observed[1]: must be at least 0, is -1",
        ),
        # names that do not exist
        (
            "analyses/original-locked/dataset",
            "orignal",
            "analyses.original-locked.dataset: there is no data set 'orignal' under `datasets`; "
            "did you mean 'original'?",
        ),
        (
            "analyses/original-locked/model",
            "loked",
            "analyses.original-locked.model: there is no model 'loked' under `models`; did you mean 'locked'?",
        ),
        (
            f"{COMPONENT}/shape",
            "normall",
            "datasets.original.simulate.components.signal.shape: needs one of uniform, normal, exponential, "
            "has the text 'normall'; did you mean 'normal'?",
        ),
        (
            "scan/test_statistic",
            "q0",
            "scan.test_statistic: needs one of qtilde, q, has the text 'q0'; "
            "q0 is the test statistic of a discovery, which `discovery: true` adds; upper limits need qtilde or q",
        ),
        (
            "scan/interpolation",
            {"normsys": "code0"},
            "scan.interpolation.normsys: needs one of code4, code1, has the text 'code0'; did you mean 'code4'?",
        ),
        (
            f"{BACKGROUND}/0/uncertainty",
            "sqr",
            f"models.locked.samples.background[0].uncertainty: needs {UNCERTAINTY}, has the text 'sqr'",
        ),
        (
            "models/locked/poi",
            "sigma",
            "models.locked: no sample carries a normfactor 'sigma', the parameter of interest (key `poi`)",
        ),
        (
            f"{SIGNAL}/0",
            {"name": "mu", "type": "shapefactor"},
            "models.locked: no sample carries a normfactor 'mu', the parameter of interest (key `poi`)",
        ),
        (
            "models/locked/parameters",
            [{"name": "background_sat", "fixed": True}],
            "models.locked.parameters: no modifier has the name 'background_sat'; did you mean 'background_stat'?",
        ),
        (
            f"{BACKGROUND}/0",
            {"name": "lumi", "type": "lumi"},
            "models.locked.parameters: a lumi modifier needs an entry with the name lumi, "
            "which lacks auxdata, sigmas, inits, bounds",
        ),
        # sources
        (
            "datasets/more",
            {},
            "datasets.more: needs exactly one of simulate, histograms, workspace",
        ),
        (
            "datasets/original/workspace",
            {"file": "config/README.md"},
            "datasets.original: needs exactly one of simulate, histograms, workspace",
        ),
        (
            "datasets/more",
            {"workspace": {"file": "a", "patchset": "b", "patches": "c"}},
            "datasets.more.workspace: patchset and patches exclude each other; remove one",
        ),
        (
            "datasets/more",
            {"workspace": {"file": "config/README.md", "signals": "x*"}},
            "datasets.more.workspace.signals: no signal matches 'x*'; there are signal",
        ),
        (
            "datasets/more",
            {"workspace": {"file": "config/README.md", "signals": ["signl"]}},
            "datasets.more.workspace.signals: there is no signal 'signl'; did you mean 'signal'?",
        ),
        (
            "datasets/more",
            {"workspace": {"file": "config/README.md", "patchset": "config/README.md"}},
            "datasets.more.workspace.patchset: config/README.md: not JSON: Expecting value: line 1 column 1 (char 0)",
        ),
        (
            "datasets/more",
            {"workspace": {"file": "config/README.md", "patches": "none/*.json"}},
            "datasets.more.workspace.patches: there are no JSON files 'none/*.json'",
        ),
        (
            "datasets/more",
            {"workspace": {"file": "config/README.md", "patches": "docs"}},
            "datasets.more.workspace.patches: the folder 'docs' has no JSON files",
        ),
        (
            "datasets/more",
            {"histograms": {"csv": "none.csv"}},
            "datasets.more.histograms.csv: there is no file 'none.csv'",
        ),
        (
            "datasets/more",
            {"histograms": {"csv": "config"}},
            "datasets.more.histograms.csv: 'config' is a folder, not a file",
        ),
        # names that cannot be
        ("datasets/a b", DEFAULT["datasets"]["original"], f"datasets: 'a b' cannot be a name here: {NAMES}"),
        ("models/..", DEFAULT["models"]["locked"], f"models: '..' cannot be a name here: {NAMES}"),
        ("analyses/-x", DEFAULT["analyses"]["original-locked"], f"analyses: '-x' cannot be a name here: {NAMES}"),
        ("analyses/x\n", DEFAULT["analyses"]["original-locked"], f"analyses: 'x\\n' cannot be a name here: {NAMES}"),
        ("analyses/", DEFAULT["analyses"]["original-locked"], f"analyses: '' cannot be a name here: {NAMES}"),
        (
            "analyses/plots",
            DEFAULT["analyses"]["original-locked"],
            "analyses: 'plots' cannot be a name here: it is reserved",
        ),
        (
            "analyses/2024",
            DEFAULT["analyses"]["original-locked"],
            "analyses: 2024 cannot be a name here: write it in quotes",
        ),
        (
            f"{SIMULATE}/components/observed",
            DEFAULT["datasets"]["original"]["simulate"]["components"]["signal"],
            "datasets.original.simulate.components: 'observed' cannot be a name here: it is reserved",
        ),
        (
            "datasets/more",
            {"histograms": {"counts": {"SR": {"bin_low": 1, "observed": 1}}}},
            "datasets.more.histograms.counts.SR: 'bin_low' cannot be a name here: it is reserved",
        ),
    ],
)
def test_refused_in_one_line(path, value, message, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert problems(changed(path, value)) == [message]


def test_a_name_with_a_slash_is_refused():
    config = copy.deepcopy(DEFAULT)
    config["analyses"]["a/b"] = config["analyses"]["original-locked"]
    assert problems(config) == [f"analyses: 'a/b' cannot be a name here: {NAMES}"]


@pytest.mark.parametrize(
    ("config", "what"), [(None, "nothing"), ([], "a list"), ([1], "a list"), ("x", "the text 'x'")]
)
def test_a_file_that_is_no_block_of_keys(config, what):
    assert problems(config) == [f"the top level: needs a block of keys, has {what}"]


def test_empty_datasets_are_not_reported_once_per_analysis():
    assert problems(changed("datasets", {})) == ["datasets: needs at least one entry"]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("scan/test_statistic", "q0", "has the text 'q0'; q0 is the test statistic of a discovery"),
        ("scan/test_statistic", "q_mu", "write q for q_mu"),
        ("scan/test_statistic", "q_tilde_mu", "write qtilde"),
        ("scan/test_statistic", "t_mu", "t is two-sided"),
        ("scan/test_statistic", "LHC", "write qtilde"),
        ("scan/test_statistic", "Tevatron", "ratios to the background-only likelihood are not supported"),
        ("scan/test_statistic", "qtild", "has the text 'qtild'; did you mean 'qtilde'?"),
        ("analyses/original-locked/test_statistic", "q0", "q0 is the test statistic of a discovery"),
        ("scan/calculators", "hybrid", "needs a list, has the text 'hybrid'; toys whose nuisance"),
        ("scan/calculators", ["toybased", "frequentist"], "scan.calculators[1]: needs one of asymptotics, toybased"),
        ("scan/calculators", ["toybased", "frequentist"], "; write toybased"),
        ("scan/calculators", "toybased", "needs a list, has the text 'toybased'; write [toybased]"),
        ("scan/calculator", "hybrid", "unknown key 'calculator'; did you mean 'calculators'?; toys whose nuisance"),
        (
            "scan/statistic",
            "q0",
            "unknown key 'statistic'; did you mean 'test_statistic'?; q0 is the test statistic of a discovery",
        ),
        ("scan/engine", "minuit", "write pyhf, which fits with Minuit"),
        ("scan/confidence_level", 95, "must be below 1, is 95; write 0.95"),
        ("scan/confidence_level", 100, "must be below 1, is 100"),
    ],
)
def test_terms_of_the_field_are_explained(path, value, words, monkeypatch):
    monkeypatch.chdir(ROOT)
    (message,) = problems(changed(path, value))
    assert words in message
    assert ("did you mean" in message) == ("did you mean" in words)


def test_all_problems_are_reported_at_once():
    config = changed("scan/mu/stop", -1)
    config["scan"]["plots"] = ["brasil"]
    config["datasets"]["original"]["simulate"]["seed"] = "x"
    config["datasets"]["lost"] = {"histograms": {"csv": "lost.csv"}}
    config["models"]["locked"]["poi"] = "nu"
    config["analyses"]["original-floating"]["model"] = "flowting"
    keys = [line.split(":")[0] for line in problems(config)]
    assert sorted(keys) == [
        "analyses.original-floating.model",
        "datasets.lost.histograms.csv",
        "datasets.original.simulate.seed",
        "models.locked",
        "scan.mu.stop",
        "scan.plots[0]",
    ]


def test_the_rest_can_be_used():
    """A problem of an entry affects only the analyses that need it, and grids with such analyses."""
    config = copy.deepcopy(DEFAULT)
    config["datasets"]["mismatched"] = {"histograms": {"csv": "lost.csv"}}
    config["models"]["floating"]["poi"] = "nu"
    config["analyses"]["original-floating-mcstat"]["modle"] = "x"
    rest, reasons, found = usable_part(config)
    assert list(rest["analyses"]) == ["original-locked"]
    assert list(rest["datasets"]) == ["original"]
    assert problems(rest) == []
    lost = "datasets.mismatched.histograms.csv: there is no file 'lost.csv'"
    poi = "models.floating: no sample carries a normfactor 'nu', the parameter of interest (key `poi`)"
    unknown = "analyses.original-floating-mcstat: unknown key 'modle'; did you mean 'model'?"
    assert reasons == {
        "original-floating": poi,
        "original-floating-mcstat": unknown,
        "mismatched-locked": lost,
        "mismatched-floating": f"{lost}; {poi}",
        "mismatched-floating-mcstat": lost,
    }
    assert sorted(found) == sorted([lost, poi, unknown])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("scan/mu", []),
        ("scan/confidence_level", 2),
        ("grids", []),
        ("colour", "red"),
        ("analyses/a b", {"dataset": "original", "model": "locked"}),
        ("datasets/original/simulate/seed", "x"),
    ],
)
def test_what_concerns_all_stops_all(path, value):
    config = changed(path, value)
    for name in [name for name in config["analyses"] if name.startswith("mismatched")]:
        del config["analyses"][name]
    with pytest.raises(ConfigError):
        usable_part(config)


def test_a_model_on_a_workspace(tmp_path):
    file = tmp_path / "workspace.json"
    file.write_text("{}")
    config = changed("datasets/original", {"workspace": {"file": str(file)}})
    assert problems(config) == [
        f"analyses.{name}.model: the data set is a workspace, which contains its model; remove the key"
        for name in ("original-locked", "original-floating", "original-floating-mcstat")
    ]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["0.5", "1e-3", "sqrt", "all", "mu", "lumi", "original", 10**400, "\0", "x" * 300]),
    st.lists(st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.none()), max_size=3),
    st.dictionaries(st.one_of(st.text(max_size=5), st.integers(), st.none()), st.integers(), max_size=3),
    st.sampled_from(
        [
            {"workspace": {"file": str(SCHEMA_FILE), "patchset": str(SCHEMA_FILE)}},
            {"workspace": {"file": str(SCHEMA_FILE), "patches": "\0"}},
            {"histograms": {"csv": "x" * 5000}},
            {"histograms": {"counts": {"SR": {"observed": 1}}}},
            {"start": 0, "stop": 1, "number": 3},
            [{"name": "lumi", "type": "lumi"}],
        ]
    ),
)


def places(value, path=()) -> list[tuple]:
    """Yield the paths to all values of a configuration."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in entries for place in places(each, (*path, key)))]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_configuration_ends_in_another_error(data):
    config = copy.deepcopy(DEFAULT)
    for _ in range(data.draw(st.integers(1, 3))):
        *parents, last = data.draw(st.sampled_from(places(config)[1:]))
        block = config
        for part in parents:
            block = block[part]
        action = data.draw(st.sampled_from(["replace", "rename", "delete"]))
        if action == "replace":
            block[last] = copy.deepcopy(data.draw(VALUES))  # of values that a later step changes
        else:
            value = block.pop(last)
            if action == "rename" and isinstance(block, dict):
                block[data.draw(st.one_of(st.text(max_size=5), st.integers(), st.none()))] = value
        if len(places(config)) == 1:
            break
    if not problems(config):
        config = complete(config)
        for analysis in config["analyses"]:
            scan = scan_settings(config, analysis)
            assert mu_jobs(scan.mu, scan.mu_per_job)
            assert not scan.mu or poi_bound(float(scan.mu[-1])) >= float(scan.mu[-1])
            json.dumps(config)


def test_command_line_values_of_snakemake_are_named():
    """Snakemake passes nested values of --config as text."""
    config = DEFAULT | {"scan": yaml.load(StringIO("{mu: [0, 1], mu_per_job: 2}"), Loader=yaml.BaseLoader)}
    assert [line.split(",")[0] for line in problems(config)] == [
        "scan.mu[0]: needs a number",
        "scan.mu[1]: needs a number",
        "scan.mu_per_job: needs a whole number",
    ]


@pytest.mark.parametrize("form", ["no labels", "{m1}{m2}", "x_{1}", "{}"])
def test_a_form_of_names_is_refused(form):
    config = changed("datasets/more", {"workspace": {"file": "config/README.md", "labels": form}})
    assert problems(config) == [
        f"datasets.more.workspace.labels: needs names of signals with labels in braces, such as stau_{{m1}}_{{m2}}, "
        f"has the text {form!r}"
    ]


def test_braces_in_paths_are_refused(tmp_path):
    """Snakemake would interpret braces as wildcards, and has no way to escape them."""
    file = tmp_path / "{x}.json"
    file.write_text("[]")
    config = changed("datasets/more", {"workspace": {"file": str(file)}})
    assert problems(config) == [
        f"datasets.more.workspace.file: rename {str(file)!r}: braces in paths are wildcards of Snakemake"
    ]
    config = changed("datasets/more", {"workspace": {"file": "config/README.md", "patches": str(tmp_path)}})
    assert problems(config) == [
        f"datasets.more.workspace.patches: rename {str(file)!r}: braces in paths are wildcards of Snakemake"
    ]


def test_a_path_of_patches_is_no_option():
    config = changed("datasets/more", {"workspace": {"file": "config/README.md", "patches": "-x"}})
    assert problems(config) == [
        "datasets.more.workspace.patches: needs a path (write ./-x for a path that begins with -), has the text '-x'"
    ]


def test_problems_stand_in_the_order_of_the_file(monkeypatch):
    """The order of messages does not depend on that of the validator, which uses sets."""
    names = [f"m{i}" for i in range(12)]
    broken = {name: {"samples": {"signal": [{"type": "normfactor"}]}} for name in names}
    found = problems(DEFAULT | {"models": DEFAULT["models"] | broken})
    assert [text.split(".")[1] for text in found] == names
