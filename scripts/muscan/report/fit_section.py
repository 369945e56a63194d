"""The part of the report about the fits and tests of one signal."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from muscan.base.errors import StepError
from muscan.base.files import read_json
from muscan.records.fit import Parameters
from muscan.records.limits import Limits
from muscan.report.bounds_met import describe_bounds_met
from muscan.report.run_findings import is_untidy, largest_pulls, warning_text
from muscan.results.table_rows import NOTHING
from muscan.steps.limit_check import BY_EVENTS, BY_TOYS, NAMES, with_error

MOST = 5  # largest number of pulls and of correlations that are shown
FITTERS = {"newton": "Newton", "minuit": "Minuit", "pyhf": "pyhf"}
Fact = tuple[str, str]  # a name and a text


def format_number(value: float | None, digits: int = 4) -> str:
    """Format a number with `digits` significant digits; None becomes a dash."""
    return NOTHING if value is None else f"{value:.{digits}g}"


def fit_section(fit: dict | None, tests: list[dict], limits: Mapping[str, Limits]) -> dict:
    """Collect what the template shows of the fits and tests of a signal.

    Args:
        fit: fit.json; None if it cannot be read.
        tests: records of all tested mu of the asymptotic calculator.
        limits: limits.json by calculator.

    Returns:
        `failed`, why there is no fit, or ""; `facts`, pairs of a name and a text; `pulls`, (name, pull, error);
        `correlations` with mu, (name, correlation); and texts in `bounds`, `failed_tests`, `warnings`, which may change
        a limit, and `untidy`, which do not.
    """
    section = {"failed": "", "facts": [], "pulls": [], "correlations": [], "bounds": [], "warnings": [], "untidy": []}
    section["failed_tests"] = [
        f"{calculator}: mu = {point['mu']:g}: {point['reason']}"
        for calculator, scan in limits.items()
        for point in scan.failed_points
    ]
    if fit is None or fit.get("status") == "failed":
        return section | {"failed": fit["reason"] if fit else "fit.json cannot be read"}
    section["facts"] = [*_fit_facts(fit), *_test_facts(tests), *_toy_facts(limits), *_check_facts(limits)]
    for warning in fit.get("warnings") or []:
        section["untidy" if is_untidy(warning) else "warnings"].append(warning_text(warning))
    if fit.get("parameters"):
        parameters = Parameters.from_json(fit["parameters"])
        section["pulls"] = [
            (name, f"{pull:+.2f}", f"{error:.2f}" if error else NOTHING)
            for name, pull, error in largest_pulls(parameters)[:MOST]
        ]
        correlations = strongest_correlations(parameters, fit["poi"])
        section["correlations"] = [(name, f"{value:+.2f}") for name, value in correlations]
        section["bounds"] = [message.sentence for message in describe_bounds_met(fit, limits.values())]
    return section


def strongest_correlations(parameters: Parameters, poi: str) -> list[tuple[str, float]]:
    """Return the parameters with the strongest correlations with the POI at the best fit, the strongest first.

    Returns:
        (name, correlation); empty if the fit has no covariance.
    """
    index = parameters.names.index(poi)
    row = parameters.correlations[index] if parameters.correlations else []
    correlations = [
        (name, value)
        for i, (name, value) in enumerate(zip(parameters.names, row, strict=False))
        if i != index and value and not parameters.fixed[i]
    ]
    return sorted(correlations, key=lambda entry: -abs(entry[1]))[:MOST]


def _fit_facts(fit: dict) -> Iterator[Fact]:
    goodness = fit.get("goodness_of_fit") or {}
    if goodness.get("p_value") is not None:
        numbers = f"statistic {goodness['statistic']:.4g}, degrees of freedom {goodness['ndof']}"
        yield "Goodness of fit", f"p = {goodness['p_value']:.2g} ({numbers})"
    if fit.get("mu_hat") is not None:
        down, up = fit["mu_hat_minos"]
        low, high = fit["poi_bounds"]
        minos = f"; MINOS {format_number(down, 2)}, +{format_number(up, 2)}" if None not in (down, up) else ""
        error = f" ± {fit['mu_hat_error']:.2g}" if fit["mu_hat_error"] is not None else ""
        yield "Best fit", f"mu_hat = {format_number(fit['mu_hat'])}{error}{minos}; mu between {low:g} and {high:g}"
    fitted_by = fit.get("fitted_by") or {}
    if "free" in fitted_by:
        free, held = (FITTERS.get(fitted_by[name], fitted_by[name]) for name in ("free", "reference"))
        yield "Fitted by", f"{free}; with mu held: {held}"


def _test_facts(tests: list[dict]) -> Iterator[Fact]:
    if tests:
        rescued = sum(test.get("rescued_fits", 0) for test in tests)
        yield "Tests", f"{len(tests)} values of mu; fits that Minuit had to finish: {rescued}"


def _toy_facts(limits: Mapping[str, Limits]) -> Iterator[Fact]:
    for scan in limits.values():
        if scan.toys:
            thrown = scan.toys["thrown"]
            counts = [counted for point in scan.points for counted in (point.get("toys") or {}).values()]
            failed, rescued = (sum(counted.get(name, 0) for counted in counts) for name in ("failed", "rescued"))
            yield (
                "Toys",
                f"{thrown['signal']} with signal and {thrown['background']} background-only; "
                f"fits that failed: {failed}; fits that Minuit had to finish: {rescued}",
            )


def _check_facts(limits: Mapping[str, Limits]) -> Iterator[Fact]:
    """Describe the check of the asymptotic limits."""
    for scan in limits.values():
        check = scan.check
        if not check:
            continue
        checked = [(name, check[name]) for name in NAMES if check.get(name)]
        if check["by"] == BY_TOYS:
            failed = f", {check['failed_toys']} of them failed" if check["failed_toys"] else ""
            parts = [f"CLs at the {name} limit {format_number(at['mu'])}: {_format_CLs(at)}" for name, at in checked]
            text = f"{'; '.join(parts)} ({check['toys']} toys{failed})"
        elif check["by"] == BY_EVENTS:
            text = f"{'; '.join(_describe_events(name, at) for name, at in checked)} ({check['reason']})"
        else:
            text = f"none: {check['reason']}"
        yield "Check of asymptotic limits", text


def _describe_events(name: str, at: dict) -> str:
    deviation = f", it may be off by up to {100 * at['off']:.2g} %" if at["off"] else ""
    return f"the {name} limit rests on about {format_number(at['events'], 2)} events{deviation}"


def _format_CLs(at: dict) -> str:
    return "unknown" if at["CLs"] is None else with_error(at["CLs"], at["CLs_error"])


def read_tests(folder: Path, names: list[str]) -> list[dict]:
    """Read the records of all tests of a scan. Files that cannot be read are left out.

    Args:
        folder: results of one signal and calculator.
        names: the files, which hold one record or a list of records.
    """
    tests: list[dict] = []
    for name in names:
        try:
            record = read_json(folder / name)
        except StepError:
            continue
        tests += [test for test in (record if isinstance(record, list) else [record]) if "mu" in test]
    return tests
