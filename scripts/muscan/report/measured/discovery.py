"""The significance of an excess of a signal in the report."""

from collections.abc import Iterator

from muscan.base.words import join_items
from muscan.plotting.text import number
from muscan.records.discovery import Discovery
from muscan.records.limits import BLINDED
from muscan.report.measured.section import MeasuredSection, MeasuredTable

TITLE = "Significance of an excess"
OBSERVED = "observed"
CASES = ("expected −2σ", "expected −1σ", "expected, median", "expected +1σ", "expected +2σ")
MEDIAN = 2
WITHOUT = ("fit_failed", "no_effect")  # statuses without a number or a bound
NOTHING = "–"


def describe(record: dict) -> MeasuredSection:
    """Return what the report shows of discovery.json."""
    found = Discovery.from_json(record)
    return MeasuredSection(TITLE, list(_sentences(found)), [_table(found)], list(_warnings(found)))


def _sentences(found: Discovery) -> Iterator[str]:
    method = "asymptotic formulae"
    if found.toys:
        method = f"{found.toys['thrown']:,} toys".replace(",", "\u202f")
    yield (
        "p0 is the probability of data that look at least as much like a signal as these data do, if there is no "
        f"signal. Z is the same in standard deviations of a normal distribution. They come from {method}."
    )
    yield from _observed_sentence(found)
    low, median, high = (found.Z_exp[case] for case in (MEDIAN - 1, MEDIAN, MEDIAN + 1))
    if found.status["expected"] not in WITHOUT:
        value = _values(found.p0_exp[MEDIAN], found.p0_exp_bound[MEDIAN], median, found.Z_exp_bound[MEDIAN])
        known = low is not None and high is not None
        spread = f"; in 68 % of such data Z is from {z_text(low, None)} to {z_text(high, None)}" if known else ""
        yield f"Expected for data with a signal of μ = 1: {value} (median){spread}."
    yield (
        "By convention, Z above 3 is evidence for a signal and Z above 5 an observation. If many signals are tested, a "
        "large Z of one of them is more likely than its p0 says: p0 is local."
    )


def _observed_sentence(found: Discovery) -> Iterator[str]:
    if found.status[OBSERVED] == BLINDED:
        yield "The analysis is blind: there is no observed p0, and the expected ones do not depend on the data."
    elif found.no_excess:
        yield f"The best fit has no excess (mu_hat = {number(found.mu_hat)}): p0 is 0.5 and Z is 0."
    elif found.status[OBSERVED] not in WITHOUT:
        value = _values(found.p0_obs, found.p0_obs_bound, found.Z_obs, found.Z_obs_bound)
        yield f"Observed: {value}, with mu_hat = {number(found.mu_hat)}."


def _values(p0: float | None, bound: float | None, z: float | None, z_bound: float | None) -> str:
    """p0 and Z, or their bounds, as text."""
    known = [("p0", p0_text(p0, bound)), ("Z", z_text(z, z_bound))]
    return " and ".join(f"{name} {text if text[0] in '<>' else f'= {text}'}" for name, text in known if text != NOTHING)


def p0_text(p0: float | None, bound: float | None, error: float | None = None) -> str:
    """Return p0, with its statistical error if there is one, or its upper bound, as text."""
    if p0 is not None:
        return number(p0) + (f" ± {number(error, 2)}" if error else "")
    return NOTHING if bound is None else f"< {number(bound, 2)}"


def z_text(z: float | None, bound: float | None) -> str:
    """Return Z, or its lower bound, as text."""
    if z is not None:
        return _decimals(z)
    return NOTHING if bound is None else f"> {_decimals(bound)}"


def _decimals(z: float) -> str:
    return f"{z:.2f}".replace("-", "−")


def _table(found: Discovery) -> MeasuredTable:
    rows = list(_rows(found))
    columns = ["", "p0", "Z"]
    if found.asymptotics:
        columns += ["asymptotic p0", "asymptotic Z"]
        others = _rows(Discovery.from_json(found.asymptotics))
        rows = [[*row, *other[1:]] for row, other in zip(rows, others, strict=True)]
    return MeasuredTable("", columns, [row for row in rows if row[0] != OBSERVED or found.status[OBSERVED] != BLINDED])


def _rows(found: Discovery) -> Iterator[list[str]]:
    p0 = p0_text(found.p0_obs, found.p0_obs_bound, found.p0_obs_error)
    yield [OBSERVED, p0, z_text(found.Z_obs, found.Z_obs_bound)]
    values = (found.p0_exp, found.p0_exp_bound, found.p0_exp_error, found.Z_exp, found.Z_exp_bound)
    for name, value, bound, error, z, z_bound in zip(CASES, *values, strict=True):
        yield [name, p0_text(value, bound, error), z_text(z, z_bound)]


def _warnings(found: Discovery) -> Iterator[str]:
    for name, reason in found.reason.items():
        if reason and found.status[name] in WITHOUT:
            yield f"There is no {name} p0: {reason}."
        elif reason:
            level = " at 95 % confidence level" if found.toys else ""
            yield f"Of the {name} p0 there is only an upper bound{level}: {reason}."
    if found.toys:
        yield from _warnings_of_toys(found)


def _warnings_of_toys(found: Discovery) -> Iterator[str]:
    toys = found.toys
    if toys["target_reached"] is False:
        yield f"The relative error of p0 is not below {toys['target']:g}: raise max of the toys."
    failed = sum(counts["failed"] for counts in toys.values() if isinstance(counts, dict) and "failed" in counts)
    if failed and found.failed_toys:
        kinds = [name for name in ("p0_obs", "p0_exp") if name != "p0_obs" or found.status[OBSERVED] != BLINDED]
        ranges = [_range(found, name) for name in kinds]
        they_give = join_items(ranges)
        yield f"The fits of {failed} toys failed. Counted in the tail, and outside of it, they give {they_give}."


def _range(found: Discovery, name: str) -> str:
    """The values of p0 with the failed toys counted in the tail, and outside of it."""
    values = [found.failed_toys[place][name] for place in ("in_tail", "outside")]
    values = [value[MEDIAN] if isinstance(value, list) else value for value in values]
    texts = [NOTHING if value is None else number(value) for value in values]
    return f"{'an observed' if name == 'p0_obs' else 'a median expected'} p0 of {texts[0]} and {texts[1]}"
