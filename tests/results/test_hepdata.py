"""Submissions to HEPData: valid, with the numbers of the table of points, and the same bytes every time."""

import getpass
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hepdata_lib import Table
from hepdata_validator.full_submission_validator import FullSubmissionValidator

import hepdata
from muscan.base.errors import InputError
from muscan.base.versions import ROOT
from muscan.records.columns import LIMIT_COLUMNS, P0_COLUMNS, Z_COLUMNS

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # hepdata_validator leaves them open
SCRIPT = ROOT / "scripts" / "hepdata.py"
LIMIT = dict(zip(LIMIT_COLUMNS, [1.5, 0.5, 0.7, 1.0, 1.4, 1.9], strict=True))
CLS_COLUMNS = ("CLs_obs", "CLs_exp_m2", "CLs_exp_m1", "CLs_exp", "CLs_exp_p1", "CLs_exp_p2")
CLS = dict(zip(CLS_COLUMNS, [0.12345, 0.001, 0.0123, 0.05, 0.2, 0.45], strict=True))
LIMITS, NOMINAL, CROSS_SECTION = (
    "Upper limits on the signal strength",
    "CLs at nominal signal strength",
    "Upper limits on the cross section",
)
EDGES = {"1 sigma": ("m1", "p1"), "2 sigma": ("m2", "p2")}
HOSTILE = [
    "two\nlines",
    "a: b # c",
    """'single' "double" \\ {x} [y] - &a *a !t | > % @ `""",
    "χ̃⁰ 😀 ümlaut",
    "-",
    "NA",
    "null",
    "1e5",
    "900-300",
    "900 - 3e2\n",
    "../../outside/x",
    "long" * 2500,
]


def point(labels: dict | None = None, cross_section: float | None = None, **changes) -> dict:
    """A row of points.csv."""
    error, unit = (None, "") if cross_section is None else (0.1 * cross_section, "pb")
    row = {"signal": "s", **(labels or {}), "analysis": "a", "calculator": "asymptotics", "confidence_level": 0.95}
    row |= LIMIT | {"status": "ok"} | CLS
    row |= {"cross_section": cross_section, "cross_section_error": error, "unit": unit} | changes
    for column in LIMIT_COLUMNS:
        known = None not in (row[column], row["cross_section"])
        row[f"xsec_{column}"] = row[column] * row["cross_section"] if known else None
    return row | {"excluded": "", "expected_excluded": "", "reason": ""}


def mass(m1: float, m2: float, cross_section: float | None = None, **changes) -> dict:
    return point({"m1": m1, "m2": m2}, cross_section, **changes)


def plane(height, **changes) -> list[dict]:
    """Signals on a grid whose limits are exp(height(m1, m2))."""
    masses = [(m1, m2) for m1 in range(200, 1001, 100) for m2 in range(0, 401, 50)]
    scale = {at: float(np.exp(height(*at))) for at in masses}
    limits = {at: {column: factor * value for column, value in LIMIT.items()} for at, factor in scale.items()}
    return [mass(*at, **limits[at] | {"observed_limit": scale[at]} | changes) for at in masses]


class Written:
    """A submission that is read back."""

    def __init__(self, folder: Path):
        validator = FullSubmissionValidator()
        assert validator.validate(directory=str(folder)), validator.get_messages()
        self.folder = folder
        self.about, *documents = yaml.safe_load_all((folder / "submission.yaml").read_text())
        self.documents = {each["name"]: each for each in documents}
        self.tables = {
            name: yaml.safe_load((folder / each["data_file"]).read_text()) for name, each in self.documents.items()
        }

    def variables(self, table: str, kind: str) -> dict[str, dict]:
        return {each["header"]["name"]: each for each in self.tables[table][f"{kind}_variables"]}

    def values(self, table: str, name: str) -> list:
        variables = self.variables(table, "independent") | self.variables(table, "dependent")
        return [each["value"] for each in variables[name]["values"]]

    def errors(self, table: str, name: str) -> list[dict]:
        """Of each point, the errors by their label."""
        values = self.variables(table, "dependent")[name]["values"]
        return [{error["label"]: error for error in each.get("errors", [])} for each in values]


@pytest.fixture
def submit(tmp_path):
    """Write points.csv, run the script and read back what it wrote."""

    def run(points: list[dict], *options: str, grid: str = "grid") -> Written:
        pd.DataFrame(points).to_csv(tmp_path / "points.csv", index=False)
        output = tmp_path / "submission"
        hepdata.main(["--points", str(tmp_path / "points.csv"), "--grid", grid, "--output", str(output), *options])
        return Written(output)

    return run


def assert_bands(written: Written, table: str, name: str, points: list[dict], median: str) -> None:
    for value, errors, row in zip(written.values(table, name), written.errors(table, name), points, strict=True):
        assert value == pytest.approx(row[median], rel=1e-5)
        assert set(errors) == set(EDGES)
        for label, (low, high) in EDGES.items():
            asymmetric = errors[label]["asymerror"]
            assert asymmetric["minus"] < 0 < asymmetric["plus"]
            assert value + asymmetric["minus"] == pytest.approx(row[f"{median}_{low}"], rel=2e-5)
            assert value + asymmetric["plus"] == pytest.approx(row[f"{median}_{high}"], rel=2e-5)


def test_tables_have_the_numbers_of_the_points(submit):
    points = [
        mass(900, 300.5, 0.0123456789),
        mass(1234.567890123, 0, 3.456789e-7, **{column: 3.21987654e-5 * value for column, value in LIMIT.items()}),
        mass(150, 0, 12.0, **{column: 123456.789 * value for column, value in LIMIT.items()}),
    ]
    written = submit(points)
    assert list(written.tables) == [LIMITS, NOMINAL, CROSS_SECTION]
    for table, observed, median, name in [
        (LIMITS, "observed_limit", "expected", "upper limit on the signal strength"),
        (NOMINAL, "CLs_obs", "CLs_exp", "CLs at mu = 1"),
        (CROSS_SECTION, "xsec_observed_limit", "xsec_expected", "upper limit on the cross section"),
    ]:
        assert written.values(table, "m1") == [900, 1234.567890123, 150]
        assert written.values(table, "m2") == [300.5, 0, 0]
        numbers = written.values(table, f"Observed {name}")
        assert all(type(each) is float for each in numbers)
        assert numbers == pytest.approx([row[observed] for row in points], rel=1e-5)
        assert_bands(written, table, f"Expected {name}", points, median)


def test_cross_section_of_theory_has_its_error_and_unit(submit):
    written = submit([mass(900, 0, 2.5), mass(950, 0), mass(1000, 0, 1.5, cross_section_error=None)])
    name = "Cross section of theory"
    assert written.values(CROSS_SECTION, name) == [2.5, "-", 1.5]
    assert written.errors(CROSS_SECTION, name) == [{"theory": {"label": "theory", "symerror": 0.25}}, {}, {}]
    headers = [each["header"] for each in written.variables(CROSS_SECTION, "dependent").values()]
    assert [header["units"] for header in headers] == ["pb"] * 3


def test_missing_values_are_dashes_and_missing_edges_leave_out_their_band(submit):
    nothing = dict.fromkeys([*LIMIT, *CLS])
    points = [
        mass(100, 0, expected_p2=None, observed_limit=None, CLs_exp_m1=None),
        mass(200, 0, expected=None, CLs_obs=None),
        mass(300, 0, **nothing | {"status": "fit_failed"}),
    ]
    written = submit(points)
    strength = "upper limit on the signal strength"
    assert written.values(LIMITS, f"Observed {strength}") == ["-", 1.5, "-"]
    assert written.values(LIMITS, f"Expected {strength}") == [1.0, "-", "-"]
    assert [set(each) for each in written.errors(LIMITS, f"Expected {strength}")] == [{"1 sigma"}, set(), set()]
    assert written.values(NOMINAL, "Observed CLs at mu = 1") == [0.12345, "-", "-"]
    assert [set(each) for each in written.errors(NOMINAL, "Expected CLs at mu = 1")] == [
        {"2 sigma"},
        {"1 sigma", "2 sigma"},
        set(),
    ]
    assert "nan" not in "".join(path.read_text() for path in written.folder.iterdir())


def test_cls_of_zero_is_a_number(submit):
    written = submit([mass(100, 0, **dict.fromkeys(CLS, 0.0)), mass(200, 0, **CLS | {"CLs_exp_m2": 0.0})])
    assert written.values(NOMINAL, "Expected CLs at mu = 1") == [0.0, 0.05]
    assert written.errors(NOMINAL, "Expected CLs at mu = 1")[1]["2 sigma"]["asymerror"]["minus"] == -0.05


def test_there_are_no_tables_without_numbers(submit):
    assert list(submit([mass(100, 0, **dict.fromkeys(CLS))]).tables) == [LIMITS]
    assert list(submit([mass(100, 0, 1.0, **dict.fromkeys(CLS))]).tables) == [LIMITS, CROSS_SECTION]


def test_results_say_their_kind_method_and_level(submit):
    written = submit([mass(100, 0, 1.0, calculator="toybased", confidence_level=0.683)])
    for table in (LIMITS, CROSS_SECTION):
        for kind in ("observed", "expected"):
            (variable,) = [
                each
                for name, each in written.variables(table, "dependent").items()
                if name.startswith(f"{kind.capitalize()} upper limit")
            ]
            assert {each["name"]: each["value"] for each in variable["qualifiers"]} == {
                "Confidence level": "68.3 %",
                "Method": "toys",
                "Result": kind,
            }
        assert "at 68.3 % confidence level by the CLs method" in written.documents[table]["description"]
    qualifiers = written.variables(NOMINAL, "dependent")["Observed CLs at mu = 1"]["qualifiers"]
    assert {each["name"] for each in qualifiers} == {"Method", "Result"}
    assert all(each["keywords"] == [{"name": "observables", "values": ["CLS"]}] for each in written.documents.values())


def test_analysis_and_method_are_columns_where_they_differ(submit):
    analysis, which = "Analysis with the best expected limit", "Method"
    same = submit([mass(100, 0), mass(200, 0, analysis="", calculator="")])
    assert not {analysis, which} & set(same.variables(LIMITS, "dependent"))
    points = [mass(100, 0, 1.0), mass(200, 0, 1.0, analysis="b", calculator="toybased"), mass(300, 0, analysis="")]
    written = submit(points)
    for table in (LIMITS, NOMINAL, CROSS_SECTION):
        assert written.values(table, analysis) == ["a", "b", "-"]
        assert written.values(table, which) == ["asymptotic formulae", "toys", "asymptotic formulae"]
        assert "from asymptotic formulae and toys" in written.documents[table]["description"]


def test_units_are_those_of_the_user(submit):
    points = [point({"m1": 100, "a=b": 0.5, "tau": 3}), point({"m1": 200, "a=b": 0.5, "tau": 3})]
    written = submit(points, "--units", "m1=GeV", "a=b=ns", "--x", "tau")
    headers = [each["header"] for each in written.tables[LIMITS]["independent_variables"]]
    assert headers == [{"name": "tau"}, {"name": "m1", "units": "GeV"}, {"name": "a=b", "units": "ns"}]


def test_one_label(submit):
    written = submit([point({"m1": m1}) for m1 in (100, 200)], "--x", "m1", "--units", "m1=GeV")
    assert list(written.tables) == [LIMITS, NOMINAL]
    assert list(written.variables(LIMITS, "independent")) == ["m1"]
    assert written.values(LIMITS, "m1") == [100, 200]


def test_labels_may_be_text_or_missing(submit):
    points = [point({"m1": 100, "model": "900-300"}), point({"m1": None, "model": ""})]
    written = submit(points)
    assert written.values(LIMITS, "m1") == [100, "-"]
    assert written.values(LIMITS, "model") == ["model 900-300", "-"]


def test_without_labels_signals_have_names(submit):
    written = submit([point(signal="first"), point(signal="NA")])
    assert list(written.variables(LIMITS, "independent")) == ["Signal"]
    assert written.values(LIMITS, "Signal") == ["first", "NA"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_of_any_kind(submit, name):
    written = submit([point(signal=name), point(signal="s", analysis=name)], grid=name)
    bin_like = name.startswith("900")  # HEPData would take such a name for a bin
    assert written.values(LIMITS, "Signal") == [f"Signal {name}" if bin_like else name, "s"]
    assert written.values(LIMITS, "Analysis with the best expected limit") == ["a", name]
    assert f"grid {name}, from" in written.documents[LIMITS]["description"]
    assert f"grid {name}." in written.about["comment"]
    assert sorted(path.name for path in written.folder.parent.iterdir()) == ["points.csv", "submission"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_labels_of_any_name(submit, name):
    written = submit([point({name: m1}) for m1 in (100, 200)], f"--units={name}={name}")
    assert written.values(LIMITS, name) == [100, 200]
    assert written.variables(LIMITS, "independent")[name]["header"]["units"] == name


# p0 and Z


P0 = dict(zip(P0_COLUMNS, [1.23456789e-3, 0.5, 0.1, 1e-2, 1e-4, 1e-7], strict=True))
Z = dict(zip(Z_COLUMNS, [3.0284, 0.0, 1.2816, 2.3263, 3.719, 5.1993], strict=True))
OTHERS = dict.fromkeys(("p0_obs_error", "p0_exp_error", "p0_obs_bound", "p0_exp_bound")) | {"p0_status": "ok"}
LOCAL_P0, SIGNIFICANCE = "Local p0", "Local significance"


def test_p0_and_z_have_tables(submit):
    points = [mass(m1, 0, **P0 | Z | OTHERS) for m1 in (100, 200)]
    written = submit(points, "--x", "m1", "--units", "m1=GeV")
    assert list(written.tables) == [LIMITS, NOMINAL, LOCAL_P0, SIGNIFICANCE]
    for table, name, columns in ((LOCAL_P0, "local p0", P0), (SIGNIFICANCE, "local significance", Z)):
        observed, *_ = columns
        assert written.values(table, "m1") == [100, 200]
        assert written.values(table, f"Observed {name}") == pytest.approx([columns[observed]] * 2, rel=1e-5)
        assert "data with a signal of mu = 1" in written.documents[table]["description"]
    assert_bands(written, SIGNIFICANCE, "Expected local significance", points, "Z_exp")
    (errors, _) = written.errors(LOCAL_P0, "Expected local p0")
    assert errors["1 sigma"]["asymerror"] == pytest.approx({"minus": 1e-4 - 1e-2, "plus": 0.1 - 1e-2}, rel=1e-5)
    assert errors["2 sigma"]["asymerror"] == pytest.approx({"minus": 1e-7 - 1e-2, "plus": 0.5 - 1e-2}, rel=1e-5)
    assert list(submit([mass(100, 0, **dict.fromkeys(P0 | Z) | OTHERS)]).tables) == [LIMITS, NOMINAL]


def test_p0_from_toys_has_errors_and_bounds(submit):
    toys = {"calculator": "toybased", "p0_obs_error": 2e-4, "p0_exp_error": 3e-3}
    bounded = dict.fromkeys(("p0_obs", "Z_obs", "p0_obs_error")) | {"p0_obs_bound": 2e-5}
    points = [mass(100, 0, **P0 | Z | OTHERS | toys), mass(200, 0, **P0 | Z | OTHERS | toys | bounded)]
    written = submit(points)
    assert written.values(LOCAL_P0, "Observed local p0")[1] == "-"
    assert written.errors(LOCAL_P0, "Observed local p0")[0] == {
        "statistical": {"label": "statistical", "symerror": 2e-4}
    }
    assert written.errors(LOCAL_P0, "Expected local p0")[1]["statistical"]["symerror"] == 3e-3
    bound = "Upper bound of the observed local p0"
    assert written.values(LOCAL_P0, bound) == ["-", 2e-5]
    qualifiers = written.variables(LOCAL_P0, "dependent")[bound]["qualifiers"]
    assert {"name": "Confidence level", "value": "95 %"} in qualifiers
    assert "Upper bound of the expected local p0" not in written.variables(LOCAL_P0, "dependent")
    assert written.values(SIGNIFICANCE, "Observed local significance")[1] == "-"
    said = "the values of which only a bound is known"
    assert all(said in written.documents[table]["description"] for table in (LOCAL_P0, SIGNIFICANCE))
    without = submit(points[:1])
    assert not any(said in without.documents[table]["description"] for table in (LOCAL_P0, SIGNIFICANCE))


def test_blind_analyses_have_expected_p0_only(submit):
    hidden = {"status": "blinded: observed_limit", "p0_obs": None, "Z_obs": None, "observed_limit": None}
    written = submit([mass(100, 0, **P0 | Z | OTHERS | hidden)])
    assert list(written.variables(LOCAL_P0, "dependent")) == ["Expected local p0"]
    assert list(written.variables(SIGNIFICANCE, "dependent")) == ["Expected local significance"]


# Contours


def test_contours_are_where_the_limit_is_1(submit):
    points = plane(lambda m1, m2: (m1 + m2 - 700) / 500, cross_section=2.0, cross_section_error=0.2, unit="pb")
    written = submit(points, "--x", "m1", "--y", "m2", "--units", "m1=GeV", "m2=TeV")
    sums = {
        "Observed contour": 700,
        "Expected contour": 700,
        "Expected contour minus 1 sigma": 700 - 500 * np.log(0.7),
        "Expected contour plus 1 sigma": 700 - 500 * np.log(1.4),
        "Observed contour theory minus 1 sigma": 700 + 500 * np.log(0.9),
        "Observed contour theory plus 1 sigma": 700 + 500 * np.log(1.1),
    }
    assert list(written.tables) == [LIMITS, NOMINAL, CROSS_SECTION, *sums]
    for table, total in sums.items():
        m1, m2 = (np.array(written.values(table, name)) for name in ("m1", "m2"))
        np.testing.assert_allclose(m1 + m2, total, atol=0.01)
        assert m2.min() == 0
        assert m2.max() == pytest.approx(min(400, total - 200))
        (dependent,) = written.tables[table]["dependent_variables"]
        assert dependent["header"] == {"name": "m2", "units": "TeV"}
        kind = table.partition(" ")[0].lower()
        assert {"name": "Result", "value": kind} in dependent["qualifiers"]
        assert "at 95 % confidence level" in written.documents[table]["description"]


def test_pieces_of_a_contour_are_numbered(submit):
    points = plane(lambda m1, m2: 2 - ((m1 - 600) / 100) ** 2, **dict.fromkeys(CLS))
    written = submit(points, "--x", "m1", "--y", "m2")
    table = "Observed contour"
    pieces = np.array(written.values(table, "Piece of the contour"))
    m1 = np.array(written.values(table, "m1"))
    assert list(np.unique(pieces)) == [1, 2]
    assert {bool((m1[pieces == number] < 600).all()) for number in (1, 2)} == {True, False}
    assert {bool((m1[pieces == number] > 600).all()) for number in (1, 2)} == {True, False}


def test_contours_say_on_what_they_rest(submit):
    """A Poisson count of zero without background: CLs = exp(-s), the limit is ln 20 / s, and 1 where CLs is 0.05."""
    points = plane(lambda m1, m2: (m1 + m2 - 700) / 500)
    for row in points:
        row |= dict.fromkeys(LIMIT, row["observed_limit"]) | dict.fromkeys(CLS, 0.05 ** (1 / row["observed_limit"]))
    axes = ("--x", "m1", "--y", "m2")

    def basis(points: list[dict], kind: str) -> str:
        (variable,) = submit(points, *axes).tables[f"{kind} contour"]["dependent_variables"]
        return next(each["value"] for each in variable["qualifiers"] if each["name"] == "Interpolated")

    assert basis(points, "Observed") == "upper limits on mu"
    for row in points:
        row["observed_limit"] = None if row["m1"] == 1000 else row["observed_limit"]
    assert basis(points, "Observed") == "upper limits on mu, CLs at mu = 1 at 9 of 81 points"
    assert basis(points, "Expected") == "upper limits on mu"
    assert basis([row | dict.fromkeys(LIMIT) for row in points], "Expected") == "CLs at mu = 1"


def test_a_contour_that_does_not_exist_has_no_table(submit):
    written = submit(plane(lambda m1, m2: 5 + m1 / 500 + m2 / 500, **dict.fromkeys(CLS)), "--x", "m1", "--y", "m2")
    assert list(written.tables) == [LIMITS]


# The folder


def test_the_same_bytes_every_time_and_nothing_of_the_machine(tmp_path):
    points = plane(lambda m1, m2: (m1 + m2 - 700) / 500, cross_section=2.0, cross_section_error=0.2, unit="pb")
    pd.DataFrame(points).to_csv(tmp_path / "points.csv", index=False)
    written = []
    for seed in ("1", "2"):
        home = tmp_path / seed
        home.mkdir()
        command = [sys.executable, SCRIPT, "--points", "../points.csv", "--grid", "g", "--x", "m1", "--y", "m2"]
        done = subprocess.run(
            [*command, "--output", "deep/er/out"],
            cwd=home,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("", "")
        assert [path.name for path in home.iterdir()] == ["deep"]
        assert [path.name for path in (home / "deep" / "er").iterdir()] == ["out"]
        written.append({path.name: path.read_bytes() for path in (home / "deep" / "er" / "out").iterdir()})
    assert written[0] == written[1]
    assert len(written[0]) == 10
    assert {Path(name).suffix for name in written[0]} == {".yaml"}
    everything = b"".join(written[0].values()).decode()
    for private in (str(tmp_path), "/tmp", socket.gethostname(), f"/{getpass.getuser()}"):
        assert private not in everything


def test_an_older_folder_is_replaced_whole(submit, tmp_path):
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "old.yaml").touch()
    written = submit([mass(100, 0)])
    assert sorted(path.name for path in written.folder.iterdir()) == [
        "cls_at_nominal_signal_strength.yaml",
        "submission.yaml",
        "upper_limits_on_the_signal_strength.yaml",
    ]


def test_a_failure_leaves_the_older_folder(submit, tmp_path, monkeypatch):
    old = {path.name: path.read_bytes() for path in submit([mass(100, 0)]).folder.iterdir()}

    def broken(self, outdir):
        (Path(outdir) / "half.yaml").touch()
        raise OSError("no space left")

    monkeypatch.setattr(Table, "write_output", broken)
    with pytest.raises(OSError, match="no space left"):
        submit([mass(200, 0)])
    assert {path.name: path.read_bytes() for path in (tmp_path / "submission").iterdir()} == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["points.csv", "submission"]


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        ([mass(1, 0), mass(2, 0, confidence_level=0.9)], [], "'confidence_level': one value .* found 0.95, 0.9"),
        ([mass(1, 0, 1.0), mass(2, 0, 1.0, unit="fb")], [], "'unit': one value .* found 'pb', 'fb'"),
        ([mass(1, 0)], ["--x", "mass"], "no label 'mass', only m1, m2"),
        ([mass(1, 0)], ["--units", "m3=GeV"], "no label 'm3', only m1, m2"),
        ([point()], ["--x", "m1"], "no label 'm1', only names"),
    ],
)
def test_what_cannot_be_written_is_an_error(submit, tmp_path, points, options, message):
    with pytest.raises(InputError, match=rf"points\.csv: .*{message}"):
        submit(points, *options)
    assert not (tmp_path / "submission").exists()


def test_a_unit_needs_its_label(submit):
    with pytest.raises(InputError, match=r"^'GeV' is not LABEL=UNIT$"):
        submit([mass(1, 0)], "--units", "GeV")
