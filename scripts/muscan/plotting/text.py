"""Numbers and statuses as text for pictures and the report; without matplotlib."""

import math

STATUS_WORDS = {
    "above_scan": "above the scan",
    "below_scan": "below the scan",
    "multiple_crossings": "CLs crosses several times",
    "not_monotone": "CLs rises with μ",
    "toys_too_few": "too few toys",
    "points_disagree": "no smooth CLs",
    "fit_failed": "fit failed",
    "blinded": "blinded",
    "beyond_tested": "beyond the tested μ",
}


def status_words(status: str, bound: float | None = None) -> str:
    """Return in words why a limit has no number, such as "above the scan, > 5"."""
    sign = {"above_scan": ">", "below_scan": "<"}.get(status)
    words = STATUS_WORDS.get(status, status.replace("_", " "))
    return f"{words}, {sign} {bound:g}" if sign and bound is not None else words


def number(value: float, digits: int = 3) -> str:
    """Return a number as text with some significant digits and a typographic minus sign.

    All digits before the decimal point are kept.
    """
    power = math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:.{max(0, digits - 1 - power)}f}" if -4 < power < 7 else f"{value:.{digits - 1}e}"
    return text.replace("-", "−")


def with_error(value: float, up: float | None, down: float | None = None) -> str:
    """Return a value with one error (± 0.21), or with two, as text rounded to two digits of the smaller error."""
    errors = [abs(error) for error in (up, down) if error]
    if not errors:
        return number(value)
    places = max(0, min(6, 1 - math.floor(math.log10(min(errors)))))
    rounded = f"{round(value, places) + 0.0:.{places}f}"  # + 0.0: no "-0.00"
    spread = [f"{sign}{abs(error):.{places}f}" for sign, error in (("+", up), ("−", down)) if error]
    text = f"{rounded} {' '.join(spread)}" if down is not None else f"{rounded} ± {up:.{places}f}"
    return text.replace("-", "−")
