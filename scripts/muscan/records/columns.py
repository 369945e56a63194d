"""Names of the columns of the tables, limits.csv and points.csv."""

FIVE_NONE = (None,) * 5
# Names of the six limits, in the order of `Limits.six`: columns of limits.csv.
LIMIT_COLUMNS = ("observed_limit", "expected_m2", "expected_m1", "expected", "expected_p1", "expected_p2")
CLS_COLUMNS = ("CLs_obs", "CLs_exp_m2", "CLs_exp_m1", "CLs_exp", "CLs_exp_p1", "CLs_exp_p2")  # of mu = 1
CROSS_SECTION_COLUMNS = tuple(f"xsec_{name}" for name in LIMIT_COLUMNS)  # upper limits on cross sections
ERROR_COLUMNS = tuple(f"{name}_error" for name in LIMIT_COLUMNS)  # statistical errors of limits from toys
FIT_COLUMNS = ("mu_hat", "mu_hat_error", "mu_hat_at_bound", "gof_p_value")
# Names that labels of signals cannot have in tables.
_COLUMNS = frozenset(LIMIT_COLUMNS + ERROR_COLUMNS + CLS_COLUMNS + CROSS_SECTION_COLUMNS + FIT_COLUMNS) | {
    *("analysis", "signal", "calculator", "confidence_level", "status", "test_statistic", "failed_points", "reason"),
    "warning",
    *("limit", "toybased", "error", "asymptotics", "ratio", "ratio_error", "for_exclusion", "against_exclusion"),
    *("cross_section", "cross_section_error", "unit", "excluded", "expected_excluded"),
}


def label_column(label: str | None) -> str | None:
    """The column of a label of the signals in tables: its name, unless another column has it."""
    return f"label_{label}" if label in _COLUMNS else label


def statuses(text: str) -> dict[str, str]:
    """The status of each limit, from the column `status` of a table."""
    if ":" not in text:
        return dict.fromkeys(LIMIT_COLUMNS, text)
    parts = [part.partition(":") for part in text.split(";")]
    named = {column: status.strip() for status, _, columns in parts for column in columns.split()}
    return dict.fromkeys(LIMIT_COLUMNS, "ok") | named
