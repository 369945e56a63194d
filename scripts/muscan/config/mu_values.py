"""The values of mu of a scan, as text, and the jobs that test them."""

AUTO = "auto"  # in the place of values of mu: they follow from the limits


def mu_grid(mu: list | dict | str) -> list[str]:
    """Return the tested values of mu as text, ascending; they stay text until a script parses them.

    Args:
        mu: a list of values, or `start`, `stop` (included) and `number`, or "auto", which has no values yet.
    """
    if mu == AUTO:
        return []
    if isinstance(mu, dict):
        steps = max(mu["number"] - 1, 1)
        values = [mu["start"] + (mu["stop"] - mu["start"]) * i / steps for i in range(mu["number"])]
    else:
        values = mu
    return list(dict.fromkeys(f"{value + 0.0:.10g}" for value in sorted(values)))  # + 0.0: no minus before a zero


def mu_jobs(mu: list[str], mu_per_job: int) -> dict[str, list[str]]:
    """Return the consecutive values that each job tests, by the label in its file name; "auto" without values."""
    if not mu:
        return {AUTO: []}
    chunks = [mu[i : i + mu_per_job] for i in range(0, len(mu), mu_per_job)]
    return {chunk[0] if len(chunk) == 1 else f"{chunk[0]}_to_{chunk[-1]}": chunk for chunk in chunks}


def poi_bound(largest: float) -> int:
    """Return the bound of mu in the fits: 10, 20, 40, ..., so that it seldom changes when a scan grows."""
    bound = 10
    while bound < largest:
        bound *= 2
    return bound
