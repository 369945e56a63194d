"""The values of mu of a scan, as text, and the jobs that test them."""

AUTO = "auto"  # instead of values of mu: they are chosen from the limits


def mu_grid(mu: list | dict | str) -> list[str]:
    """Return the tested values of mu as text, in ascending order, each once.

    The values remain text until a script parses them, so that paths and results have the same digits.

    Args:
        mu: a list of values; a dict with `start`, `stop` (included) and `number`; or "auto", for which no values are
            returned.
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
    """Return the consecutive values of mu that each job tests: {label in its file name: values}.

    Without values of mu there is one job, {"auto": []}.
    """
    if not mu:
        return {AUTO: []}
    chunks = [mu[i : i + mu_per_job] for i in range(0, len(mu), mu_per_job)]
    return {chunk[0] if len(chunk) == 1 else f"{chunk[0]}_to_{chunk[-1]}": chunk for chunk in chunks}


def poi_bound(largest: float) -> int:
    """Return the upper bound of mu in the fits: the first of 10, 20, 40, ... that is at least `largest`.

    In such steps it seldom changes when larger values of mu are added to a scan.
    """
    bound = 10
    while bound < largest:
        bound *= 2
    return bound
