"""Names of columns in the tables limits.csv and points.csv."""

FIVE_NONE = (None,) * 5  # for five expected limits that do not exist
# The six limits, in the order of `Limits.entries`.
LIMIT_COLUMNS = ("observed_limit", "expected_m2", "expected_m1", "expected", "expected_p1", "expected_p2")
# CLs at mu = 1, in the same order.
CLS_COLUMNS = ("CLs_obs", "CLs_exp_m2", "CLs_exp_m1", "CLs_exp", "CLs_exp_p1", "CLs_exp_p2")
CROSS_SECTION_COLUMNS = tuple(f"xsec_{name}" for name in LIMIT_COLUMNS)  # upper limits on the cross section
ERROR_COLUMNS = tuple(f"{name}_error" for name in LIMIT_COLUMNS)  # statistical errors of limits from toys
# p0 and Z of an excess: observed, then expected for mu = 1. Only tables of runs that ask for them have these columns.
P0_COLUMNS = ("p0_obs", "p0_exp_m2", "p0_exp_m1", "p0_exp", "p0_exp_p1", "p0_exp_p2")
Z_COLUMNS = tuple(name.replace("p0", "Z") for name in P0_COLUMNS)
DISCOVERY_NUMBERS = (*P0_COLUMNS, *Z_COLUMNS, "p0_obs_error", "p0_exp_error", "p0_obs_bound", "p0_exp_bound")
DISCOVERY_COLUMNS = (*DISCOVERY_NUMBERS, "p0_status")
FIT_COLUMNS = ("mu_hat", "mu_hat_error", "mu_hat_at_bound", "gof_p_value")
# Names of the tables' own columns, which labels of signals must not have.
_COLUMNS = frozenset(
    LIMIT_COLUMNS + ERROR_COLUMNS + CLS_COLUMNS + CROSS_SECTION_COLUMNS + FIT_COLUMNS + DISCOVERY_COLUMNS
) | {
    *("analysis", "signal", "calculator", "confidence_level", "status", "test_statistic", "failed_points", "reason"),
    *("warning", "failed_measurements"),
    *("limit", "toybased", "error", "asymptotics", "ratio", "ratio_error", "for_exclusion", "against_exclusion"),
    *("cross_section", "cross_section_error", "unit", "excluded", "expected_excluded"),
}


def label_column(label: str | None) -> str | None:
    """Return the name of the column for a label of the signals: the label, with a prefix if a column has that name."""
    return f"label_{label}" if label in _COLUMNS else label


def parse_statuses(text: str) -> dict[str, str]:
    """Return the status of each limit from the column `status` of a table.

    Args:
        text: one status for all limits, such as "ok", or the limits that are not ok, such as
            "above_scan: expected_p1 expected_p2; not_monotone: observed_limit".
    """
    if ":" not in text:
        return dict.fromkeys(LIMIT_COLUMNS, text)
    parts = [part.partition(":") for part in text.split(";")]
    status_by_column = {column: status.strip() for status, _, columns in parts for column in columns.split()}
    return dict.fromkeys(LIMIT_COLUMNS, "ok") | status_by_column
