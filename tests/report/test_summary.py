"""The findings of a run under "Check first": their kinds, their thresholds and their order."""

import json

import pytest

from muscan.config.signals import path_name
from muscan.diagnosis.findings import DOUBT, HINDER, UNTIDY
from muscan.diagnosis.findings import Finding as Warned
from muscan.records.columns import LIMIT_COLUMNS
from muscan.report import run_findings
from muscan.report.fit_section import fit_section
from muscan.report.run_findings import FAILED, NOTE, WARNING, collect_findings
from muscan.report.sections import list_findings
from muscan.report.summary import describe_all_clear, summary_lines

LIMITS = dict(zip(LIMIT_COLUMNS, ("1", "0.5", "0.7", "0.9", "1.2", "1.5"), strict=True))


def row(analysis: str, **changes: str) -> dict[str, str]:
    """A row of limits.csv with nothing to look at."""
    names = {"analysis": analysis, "signal": "signal", "calculator": "asymptotics", "status": "ok", "reason": ""}
    fit = {"mu_hat": "0.3", "mu_hat_error": "0.2", "mu_hat_at_bound": "False", "gof_p_value": "0.5"}
    return names | LIMITS | fit | changes


def fit(pulls: dict[str, float] | None = None, **more) -> dict:
    """fit.json of a POI, parameters with these pulls and constraints of width 2, and a fixed one that is far off."""
    pulls = {"shift": 0.3} if pulls is None else pulls
    names = ["mu", *pulls, "free", "fixed"]
    number = len(names)
    parameters = {
        "names": names,
        "values": [0.3, *(5 + 2 * pull for pull in pulls.values()), 7.0, 99.0],
        "errors": [0.2, *(1.8 for _ in pulls), 0.1, 0.0],
        "correlations": [[0.0] * number] * number,
        "initial": [1.0, *(5.0 for _ in pulls), 1.0, 1.0],
        "constraint_widths": [None, *(2.0 for _ in pulls), None, None],
        "fixed": [False, *(False for _ in pulls), False, True],
        "at_bound": [False] * number,
    }
    return {"poi": "mu", "parameters": parameters, **more}


FITTED = {"mu_hat": None, "goodness_of_fit": None}


def found(*rows: dict[str, str], fits: dict | None = None) -> list[tuple[str, str, str]]:
    known = {(each["analysis"], each["signal"]): fit() for each in rows} | (fits or {})
    return [(each.kind, each.scan, each.message) for each in collect_findings(list(rows), known)]


def test_nothing_to_look_at():
    assert found(row("a"), row("b")) == []


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"status": "fit_failed", "reason": "no patch"}, "failed", "fit_failed (no patch)"),
        ({"status": "above_scan: expected_p2", "expected_p2": "", "reason": "extend mu"}, "limit", "above_scan"),
        ({"status": "toys_too_few"}, "limit", "toys_too_few"),
        ({"reason": "failed tests: mu = 2"}, "tests", "failed tests: mu = 2"),
        ({"gof_p_value": "0.0499"}, "fit", "p = 0.05"),
        ({"observed_limit": "1.51"}, "outside", "0.5 to 1.5"),
        ({"observed_limit": "0.49"}, "outside", "0.5 to 1.5"),
        ({"mu_hat": "0", "mu_hat_error": "", "mu_hat_at_bound": "True"}, "mu_hat", "bound 0: no excess"),
    ],
)
def test_findings_of_the_table(changes, kind, words):
    ((this, scan, message),) = found(row("a", **changes))
    assert (this, scan) == (kind, "a")
    assert words in message


@pytest.mark.parametrize(
    "changes",
    [
        {"gof_p_value": "0.05"},
        {"gof_p_value": ""},
        {"observed_limit": "1.5"},
        {"observed_limit": "0.5"},
        {"expected_p2": "", "observed_limit": "9"},
    ],
)
def test_what_is_just_fine(changes):
    """At a threshold there is nothing to say, nor where a number is missing."""
    assert found(row("a", **changes)) == []


@pytest.mark.parametrize(
    ("pulls", "words"),
    [
        ({"shift": 2.0}, None),
        ({"shift": -2.0}, None),
        ({"shift": 2.01}, "a pull beyond 2, +2 of shift"),
        ({"small": 0.1, "shift": -2.6, "other": 2.1}, "2 pulls beyond 2, the largest -2.6 of shift"),
    ],
)
def test_pulls(pulls, words):
    """In units of the constraint; free and fixed parameters have none."""
    messages = [message for _, _, message in found(row("a"), fits={("a", "signal"): fit(pulls)})]
    assert messages == ([words] if words else [])


def test_parameters_at_bounds():
    """Parameters that met their bounds in the same fits share a line."""
    met = {"free": {"one": 0.0, "two": 5.0}, "reference": {"two": 5.0, "three": 10.0}}
    fits = {("a", "signal"): fit(at_bounds=met, reference={"mu": 0.0})}
    held = "in the fit at mu = 0 that defines the Asimov data: limits depend on it"
    assert found(row("a"), fits=fits) == [
        ("bounds", "a", "one is at its bound 0 in the best fit"),
        ("bounds", "a", f"two is at its bound 5 in the best fit, {held}"),
        ("bounds", "a", f"three is at its bound 10 {held}"),
    ]


def warned(weight: str, kind: str, where: str = "bin 1", message: str = "odd", advice: str = "mend it") -> dict:
    """A warning as fit.json has it."""
    return Warned(weight, kind, where, message, advice)._asdict()


@pytest.mark.parametrize(
    ("weight", "kind", "severity"),
    [
        (DOUBT, "doubt", WARNING),
        (HINDER, "hinder", WARNING),
        (UNTIDY, "untidy", NOTE),
        ("unheard of", "doubt", WARNING),
    ],
)
def test_warnings_about_the_model(weight, kind, severity):
    """Their weight, given where they are made, says how they are told; what is not known is not played down."""
    (told,) = collect_findings([row("a")], {("a", "signal"): fit(warnings=[warned(weight, "shape")])})
    assert (told.kind, told.severity, told.message, told.advice) == (kind, severity, "bin 1: odd", "mend it")


def test_warnings_of_older_results_are_read():
    """Plain texts, which have no weight."""
    fits = {("a", "signal"): fit(warnings=["one"])}
    assert found(row("a"), fits=fits) == [("doubt", "a", "one")]
    assert fit_section(fit(warnings=["one", warned(UNTIDY, "x")]) | FITTED, [], {})["warnings"] == ["one"]


def test_blinded_is_a_note_and_no_problem():
    blinded = row("a", status="blinded: observed_limit", observed_limit="", mu_hat="", gof_p_value="", reason="blinded")
    blinded |= {"mu_hat_error": "", "mu_hat_at_bound": ""}
    fits = {("a", "signal"): {"poi": "mu", "mu_hat": None, "goodness_of_fit": None, "blinded": True}}
    assert found(blinded, fits=fits) == [("blinded", "a", "blinded: expected limits only")]
    both = blinded | {"status": "blinded: observed_limit; above_scan: expected_p2", "expected_p2": ""}
    assert [kind for kind, _, _ in found(both, fits=fits)] == ["limit", "blinded"]


def test_the_worst_comes_first():
    """Failures, missing limits, bounds, bad fits (the worst first), far limits, pulls, then notes."""
    rows = [
        row("at bound", mu_hat_at_bound="True", mu_hat="0", mu_hat_error=""),
        row("bad", gof_p_value="0.04"),
        row("far", observed_limit="3"),
        row("worst", gof_p_value="1e-9"),
        row("farther", observed_limit="0.001"),
        row("short", status="above_scan", reason="extend"),
        row("broken", status="fit_failed", reason="no patch"),
        row("pulled"),
        row("pulled more"),
    ]
    fits = {
        ("pulled", "signal"): fit({"x": 2.5}, at_bounds={"free": {"free": 0.0}}),
        ("pulled more", "signal"): fit({"x": -4.0}),
    }
    told = [(kind, scan) for kind, scan, _ in found(*rows, fits=fits)]
    assert told == [
        ("failed", "broken"),
        ("limit", "short"),
        ("bounds", "pulled"),
        ("fit", "worst"),
        ("fit", "bad"),
        ("outside", "farther"),
        ("outside", "far"),
        ("pulls", "pulled more"),
        ("pulls", "pulled"),
        ("mu_hat", "at bound"),
    ]
    severities = [
        each.severity for each in collect_findings(rows, {(each["analysis"], "signal"): fit() for each in rows})
    ]
    assert severities == [FAILED, *[WARNING] * 5, NOTE]


def test_a_fit_is_told_once_for_both_calculators():
    rows = [row("a", gof_p_value="0.01", calculator=name) for name in ("asymptotics", "toybased")]
    assert [(kind, scan) for kind, scan, _ in found(*rows)] == [("fit", "a")]
    rows[1] |= {"observed_limit": "2"}
    assert found(*rows)[1][1] == "a / toybased"


def test_few_lines_for_many_signals():
    """A kind of finding has one line for all signals, with what the worst says; notes are not there."""
    rows = [
        row("g", signal=f"s{i}", mu_hat_at_bound="True", mu_hat="0", mu_hat_error="", gof_p_value=f"{0.001 * (i + 1)}")
        for i in range(40)
    ]
    rows.append(row("g", signal="broken", status="fit_failed", reason="no patch"))
    fits = {("g", each["signal"]): fit(warnings=[warned(UNTIDY, "shape")]) for each in rows}
    told = collect_findings(rows, fits)
    assert [each.kind for each in told].count("untidy") == 41
    (failed, first), (warning, second) = summary_lines(told)
    assert (failed, warning) == (FAILED, WARNING)
    assert first == "g / broken: fit_failed (no patch)"
    assert second.startswith("40 signals of g; the worst is g / s0: goodness of fit p = 0.001: ")


def test_signals_of_several_analyses_share_a_line():
    rows = [
        row(name, signal=f"s{i}") for name, number in (("one", 12), ("two", 1), ("three", 5)) for i in range(number)
    ]
    warnings = [warned(DOUBT, "shape"), warned(DOUBT, "other", message="strange")]
    told = collect_findings(rows, {(each["analysis"], each["signal"]): fit(warnings=warnings) for each in rows})
    owners = "12 signals of one, two / s0, 5 signals of three"
    assert summary_lines(told) == [(WARNING, f"{owners}: bin 1: odd"), (WARNING, f"{owners}: bin 1: strange")]


def test_what_differs_in_details_is_an_example():
    fits = {("a", f"s{i}"): fit(warnings=[warned(DOUBT, "shape", message=f"odd {i}")]) for i in range(4)}
    ((_, text),) = summary_lines(collect_findings([row("a", signal=f"s{i}") for i in range(4)], fits))
    assert text == "4 signals of a; for example a / s0: bin 1: odd 0"
    fits = {("a", "signal"): fit(warnings=[warned(DOUBT, "shape", message=f"odd {i}") for i in range(3)])}
    ((_, text),) = summary_lines(collect_findings([row("a")], fits))
    assert text == "a: bin 1: odd 0 (and 2 more findings of this kind)"
    fits["a", "signal"]["warnings"].pop()
    ((_, text),) = summary_lines(collect_findings([row("a")], fits))
    assert text == "a: bin 1: odd 0 (and 1 more finding of this kind)"


def test_many_analyses_are_counted():
    rows = [row(name, gof_p_value=f"{0.001 * (i + 1)}") for i, name in enumerate("abcd")]
    ((_, text),) = summary_lines(collect_findings(rows, {(name, "signal"): fit() for name in "abcd"}))
    assert text.startswith("4 analyses (a, b, c, ...); the worst is a: goodness of fit p = 0.001")


def test_the_report_has_all_of_it():
    """What may change a limit, once for all signals that share it; notes, a line for each kind with its advice."""
    warnings = [
        warned(DOUBT, "shape"),
        warned(UNTIDY, "empty", message="none"),
        warned(UNTIDY, "empty", message="zero"),
    ]
    rows = [row("a", signal=f"s{i}", gof_p_value="0.01" if i == 3 else "0.5") for i in range(5)]
    shown = list_findings(collect_findings(rows, {("a", each["signal"]): fit(warnings=warnings) for each in rows}))
    assert [(each["scan"], each["kind"]) for each in shown["findings"]] == [
        ("5 signals of a", "doubt"),
        ("a / s3", "fit"),
    ]
    assert shown["notes"] == [{"line": "5 signals of a; for example a / s0: bin 1: none", "advice": "mend it"}]


@pytest.mark.parametrize(("number", "lines"), [(3, 4), (4, 5), (5, 2)])
def test_reasons_of_failures_are_told_if_there_is_room(number, lines):
    rows = [row(f"a{i}", status="fit_failed", reason=f"reason {i}") for i in range(number)] + [row("b")]
    told = summary_lines(collect_findings(rows, {("b", "signal"): fit({"x": 3.0})}))
    assert len(told) == lines
    assert told[-1][1].startswith("b: a pull")
    assert told[0][1].endswith("a0: fit_failed (reason 0)")


@pytest.mark.parametrize(("number", "lines"), [(4, 4), (5, 5), (6, 5), (30, 5)])
def test_never_more_than_five_lines(number, lines):
    """Doubtful limits come before what hinders fits; the last line counts the others."""
    warnings = [warned(HINDER if i else DOUBT, f"kind {i}", message=f"odd {i}") for i in reversed(range(number))]
    told = summary_lines(collect_findings([row("a")], {("a", "signal"): fit(warnings=warnings)}))
    assert len(told) == lines
    assert told[0][1] == "a: bin 1: odd 0"
    assert (told[-1] == (NOTE, f"... and {number - 4} more, in the report")) == (number > 5)


def test_what_is_fine_holds_with_notes_alone():
    """Nothing is said to be without problems that is blinded, or has notes about its model."""
    assert "status ok, and every observed limit" in describe_all_clear([])
    told = collect_findings([row("a", status="blinded: observed_limit", observed_limit="")], {("a", "signal"): fit()})
    assert summary_lines(told) == []
    assert "for blind analyses only the expected limits" in describe_all_clear(told)


def test_lines_are_short_and_without_control_characters():
    lines = summary_lines([run_findings.RunFinding("failed", "a\x1b[2J\nb", "x" * 5000 + "\x07")])
    ((_, text),) = lines
    assert len(text) < 350
    assert text.endswith("…")
    assert text.isprintable()


def test_fits_are_found_whatever_the_signal_is_called(tmp_path):
    """A file that is missing or no JSON is said to be unread."""
    name = "50 %/<b> ?"
    folder = tmp_path / "a" / path_name(name)
    folder.mkdir(parents=True)
    (folder / "fit.json").write_text(json.dumps(fit({"x": 3.0})))
    (tmp_path / "b" / "signal").mkdir(parents=True)
    (tmp_path / "b" / "signal" / "fit.json").write_text("{")
    rows = [row("a", signal=name), row("b"), row("c")]
    fits = run_findings.read_fits(tmp_path, rows)
    told = [(each.kind, each.scan) for each in collect_findings(rows, fits)]
    assert told == [("unread", "b"), ("unread", "c"), ("pulls", f"a / {name}")]
