"""The table in the terminal, and the verdict on a run."""

from pathlib import Path

import pytest

import verdict
from muscan.commands import limits as limits_command
from muscan.results.table_rows import COLUMNS, POINTS

HEADER = (
    "analysis,signal,calculator,confidence_level,observed_limit,expected_m2,expected_m1,expected,expected_p1,"
    "expected_p2,status,mu_hat,mu_hat_error,mu_hat_at_bound,gof_p_value,reason\n"
)
GOOD = "an-analysis-of-long-name,signal,asymptotics,0.95,1.376,0.24,0.326,0.451,0.623,0.828,ok,1.03,0.21,False,0.73,\n"
FAILED = "search,[bold]odd,asymptotics,0.95,,,,,,,fit_failed,,,,,the patch does not apply\n"
SHAKY = "shaky,signal,asymptotics,0.95,1,0.5,0.6,0.8,1.2,1.5,ok,0.2,0.1,False,0.5,failed tests: mu = 2\n"
SHORT = (
    "short,signal,asymptotics,0.95,1,0.5,0.6,0.8,,,above_scan: expected_p1 expected_p2,0,,True,,extend mu beyond 1\n"
)


BLIND = "blind,signal,asymptotics,0.95,,0.5,0.6,0.8,1.2,,blinded: observed_limit; above_scan: expected_p2,,,,,more\n"


@pytest.fixture
def limits(tmp_path):
    def write(*rows):
        path = tmp_path / "limits.csv"
        path.write_text(HEADER + "".join(rows), encoding="utf-8")
        return ["--limits", str(path)]

    return write


@pytest.mark.parametrize("width", ["80", "120"])
def test_table_says_everything_at_any_width(limits, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    assert limits_command.main(limits(GOOD, FAILED, SHORT)) == 0
    output = capsys.readouterr().out
    assert max(map(len, output.splitlines())) <= 120
    flat = "".join(output.split())
    assert "an-analys" in flat
    for text in ("1.376", "0.451", "0.326", "0.623", "1.03±0.21", "0.73", "ok", "fit_failed", "above_scan", "0(bound)"):
        assert text in flat
    assert "Checkfirst:" in flat
    assert "search/[bold]odd:fit_failed(thepatchdoesnotapply)" in flat
    assert "extendmubeyond1" in flat


def test_blinding_does_not_hide_that_other_limits_are_missing(limits, capsys):
    assert limits_command.main(limits(BLIND)) == 0
    assert "above_scan" in capsys.readouterr().out.partition("Check first")[0]


def test_verdict_names_what_failed(limits, capsys):
    assert verdict.main(limits(GOOD, FAILED, SHORT)) == 1
    assert capsys.readouterr().err == "failed: search / [bold]odd: fit_failed (the patch does not apply)\n"


def test_measurements_that_failed_are_failures(limits, capsys):
    """They are said once: not those that failed because the fit did."""
    path = Path(limits()[1])
    because = FAILED.replace("\n", ",ranking: the patch does not apply\n")
    rows = (GOOD.replace("\n", ",ranking: no covariance\n"), SHORT.replace("\n", ",\n"), because)
    path.write_text(HEADER.replace("\n", ",failed_measurements\n") + "".join(rows), encoding="utf-8")
    assert verdict.main(["--limits", str(path)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "failed: an-analysis-of-long-name: ranking: no covariance",
        "failed: search / [bold]odd: fit_failed (the patch does not apply)",
    ]
    assert limits_command.main(["--limits", str(path)]) == 0
    shown = capsys.readouterr().out.partition("Check first")[2]
    assert "an-analysis-of-long-name: ranking: no covariance" in shown


def test_a_limit_beyond_the_scan_is_no_failure(limits, capsys):
    assert verdict.main(limits(GOOD, SHORT)) == 0
    assert capsys.readouterr().err == ""


def test_failed_tests_are_said_although_the_limits_stand(limits, capsys):
    assert limits_command.main(limits(SHAKY)) == 0
    assert "shaky: ok (failed tests: mu = 2)" in capsys.readouterr().out
    assert verdict.main(limits(SHAKY)) == 0


def test_control_characters_do_not_reach_the_terminal(limits, capsys):
    """A name that would clear the screen, or a reason that would write over lines, is shown without."""
    name, reason = "a\x1b[2Jb\x07", "one\r\x1b]0;title\x07two"
    row = FAILED.replace("[bold]odd", name).replace("the patch does not apply", f'"{reason}"')
    assert limits_command.main(limits(row)) == 0
    assert verdict.main(limits(row)) == 1
    output = "".join(capsys.readouterr())
    assert "a [2Jb" in output
    assert not set(output) & {"\x1b", "\x07", "\r"}


def test_what_is_fine_is_said(limits, tmp_path, capsys):
    """Nothing to look at is one statement; it is not made if the fit was not there to be looked at."""
    good = GOOD.replace("1.376", "0.5")
    assert limits_command.main(limits(good)) == 0
    output = capsys.readouterr().out
    assert "Check first" in output
    assert "fit.json cannot be read" in output
    fit = tmp_path / "an-analysis-of-long-name" / "signal" / "fit.json"
    fit.parent.mkdir(parents=True)
    fit.write_text('{"poi": "mu"}', encoding="utf-8")
    assert limits_command.main(limits(good)) == 0
    output = capsys.readouterr().out
    assert "Check first" not in output
    assert "Nothing needs attention" in output


def write_points(path: Path, rows: list[str]) -> None:
    """Write points.csv from rows of signal, status, excluded and expected_excluded; all other cells are empty."""
    told = ("signal", "status", "excluded", "expected_excluded")
    others = [name for columns in COLUMNS[POINTS] for name in columns if name not in told]
    path.parent.mkdir(parents=True)
    lines = [",".join([*told, *others]), *(row + "," * len(others) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_grid_is_summed_up(limits, tmp_path, capsys):
    """Three points excluded, one expected; one without a number. A grid that is not there is not mentioned."""
    rows = ["a,ok,True,True", "b,ok,True,False", "c,ok,True,False", "d,ok,False,False", "e,fit_failed,,"]
    write_points(tmp_path / "grids" / "plane" / "points.csv", rows)
    assert limits_command.main([*limits(GOOD), "--grids", "plane", "other"]) == 0
    output = capsys.readouterr().out.replace("\n", "")
    assert "Grid plane: 3 of 5 points excluded, 1 expected, 1 without a number" in output
    assert "Grid other" not in output


def test_a_blind_grid_is_summed_up(limits, tmp_path, capsys):
    rows = ["a,blinded: observed_limit,,True", "b,blinded: observed_limit,,False", "c,fit_failed,,"]
    write_points(tmp_path / "grids" / "plane" / "points.csv", rows)
    assert limits_command.main([*limits(GOOD), "--grids", "plane"]) == 0
    output = capsys.readouterr().out.replace("\n", "")
    assert "Grid plane: 1 of 3 points expected to be excluded (blinded), 1 without a number" in output


def test_the_significance_has_a_column_where_it_was_asked_for(limits, capsys):
    """Observed; a lower bound, here of p0 at three standard deviations; expected, of a blind analysis; none."""
    columns = "Z_obs,Z_exp,p0_obs_bound,p0_exp_bound,p0_status"
    added = {
        GOOD.replace("an-analysis-of-long-name", "excess"): "4.267,3,,,ok",
        GOOD.replace("an-analysis-of-long-name", "toys"): ",2,0.0013498980316301,,toys_too_few: p0_obs",
        BLIND: ",2.5,,,blinded: p0_obs",
        FAILED: ",,,,fit_failed",
        SHAKY: ",,,,",
    }
    path = Path(limits()[1])
    rows = [f"{row.strip()},{more}\n" for row, more in added.items()]
    path.write_text(HEADER.replace("\n", f",{columns}\n") + "".join(rows), encoding="utf-8")
    assert limits_command.main(["--limits", str(path)]) == 0
    table = capsys.readouterr().out.partition("Check first")[0]
    assert " Z " in table
    for text in (" 4.27 ", " > 3.00 ", " 2.50 (exp.) "):
        assert text in table
    assert limits_command.main(limits(GOOD)) == 0
    assert " Z " not in capsys.readouterr().out
