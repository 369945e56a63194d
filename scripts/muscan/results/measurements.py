"""Measurements of signals as the table of limits shows them: p0 and Z, and which measurements failed."""

from collections.abc import Iterable
from pathlib import Path

from muscan.base.errors import StepError
from muscan.base.files import read_result
from muscan.records.columns import DISCOVERY_COLUMNS, P0_COLUMNS, Z_COLUMNS
from muscan.records.discovery import Discovery

FAILED_MEASUREMENTS = "failed_measurements"  # a column of limits.csv
# Statuses of failures. Others, such as a bound that is met, are results.
FAILURES = ("failed", "fit_failed", "lower_minimum")


def files_of_scan(outline: dict, analysis: str, calculator: str) -> list[str]:
    """Return the files of measurements that belong to a scan, as paths in the folder of the signal.

    Args:
        outline: of the configuration, see `config.scans.outline_of`.
        analysis: its name.
        calculator: of the scan; files of other calculators are left out.
    """
    files = outline["analyses"][analysis]["measurements"]
    return [file for file in files if file.endswith(".json") and file.rpartition("/")[0] in ("", calculator)]


def has_discovery(measurements: Iterable[list[str]]) -> bool:
    """Return whether the significance of an excess is among the files of measurements of any analysis."""
    return any(Path(file).stem == "discovery" for files in measurements for file in files)


def describe_failed(folder: Path, files: list[str]) -> str:
    """Return which measurements failed, wholly or in a main part, and why; "" if none did.

    Args:
        folder: of the signal.
        files: of its measurements, as paths in the folder.
    """
    failed: dict[str, list[str]] = {}
    for file in files:
        try:
            reasons = failed_parts(Path(file).stem, read_result(folder / file))
        except StepError as error:
            reasons = [str(error)]
        for reason in dict.fromkeys(filter(None, reasons)):
            failed.setdefault(reason, []).append(Path(file).stem.replace("_", " "))
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in failed.items())


def failed_parts(measurement: str, record: dict) -> list[str]:
    """Return why main parts of a measurement failed.

    Main parts are the observed and the expected p0, the intervals of mu, and each scan of the likelihood; not the
    impacts of single parameters, which have a status of their own.

    Args:
        measurement: the name of its file without suffix.
        record: its content.
    """
    if measurement == "discovery":
        return [record["reason"][name] for name, status in record["status"].items() if status in FAILURES]
    if measurement == "likelihood_scans":
        return [f"{scan['name']}: {scan['reason']}" for scan in record["scans"] if scan["status"] in FAILURES]
    if measurement == "intervals":
        of_poi = [each for each in record["intervals"] if each["parameter"] == record["poi"]]
        return [each["reason"][end] for each in of_poi for end, status in each["status"].items() if status in FAILURES]
    if measurement == "feldman_cousins":
        ends = [interval[side] for interval in record["intervals"] for side in ("lower", "upper")]
        return [end["reason"] for end in ends if end["status"] in FAILURES]
    return [record["reason"]] if record.get("status") in FAILURES else []


def discovery_columns(folder: Path, files: list[str]) -> dict[str, float | str | None]:
    """Return {column: value} of the significance of an excess; values are None if there is none.

    Args:
        folder: of the signal.
        files: of its measurements that belong to the scan, see `files_of_scan`.
    """
    known = [file for file in files if Path(file).stem == "discovery"]
    found = dict.fromkeys(DISCOVERY_COLUMNS)
    if not known:
        return found
    try:
        record = Discovery.read(folder / known[0])
    except StepError:
        return found | {"p0_status": "fit_failed"}
    median = len(record.p0_exp) // 2
    return {
        **dict(zip(P0_COLUMNS, [record.p0_obs, *record.p0_exp], strict=True)),
        **dict(zip(Z_COLUMNS, [record.Z_obs, *record.Z_exp], strict=True)),
        "p0_obs_error": record.p0_obs_error,
        "p0_exp_error": record.p0_exp_error[median],
        "p0_obs_bound": record.p0_obs_bound,
        "p0_exp_bound": record.p0_exp_bound[median],
        "p0_status": _status(record),
    }


def _status(record: Discovery) -> str:
    """One status if observed and expected p0 share it; otherwise each that is not `ok`, with its column."""
    if len(set(record.status.values())) == 1:
        return record.status["observed"]
    columns = {"observed": "p0_obs", "expected": "p0_exp"}
    return "; ".join(f"{status}: {columns[name]}" for name, status in record.status.items() if status != "ok")


def has_other_failures(row: dict[str, str]) -> bool:
    """Return whether measurements of a row of limits.csv failed for another reason than its limits."""
    failed = row.get(FAILED_MEASUREMENTS)
    return bool(failed) and not (row["reason"] and row["reason"] in failed)
