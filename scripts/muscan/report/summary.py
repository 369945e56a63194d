"""The summary of a run: its most important findings in a few lines."""

from collections.abc import Iterable, Sequence

from muscan.base.words import join_items, printable_text
from muscan.report.run_findings import FAILED, LARGE_PULL, NOTE, POOR_FIT, RunFinding

LINES, LETTERS, NAMES = 5, 240, 3  # lines, letters of each message, and names in each line


def summary_lines(findings: Iterable[RunFinding], most: int = LINES) -> list[tuple[str, str]]:
    """Return (severity, line) of the most important findings, one line for each kind. Notes are left to the report.

    Args:
        findings: the worst first, as `collect_findings` returns them.
        most: the largest number of lines, including the line that counts the findings left out.
    """
    important = [finding for finding in findings if finding.severity != NOTE]
    failed = [finding for finding in important if finding.severity == FAILED]
    others = group_findings([finding for finding in important if finding.severity != FAILED])
    groups = group_findings(failed, ("message",)) + others  # each reason of a failure has a line, if there is room
    if len(groups) > most:
        groups = group_findings(failed) + others
    room = most if len(groups) <= most else most - 1
    left_out = sum(len(group) for group in groups[room:])
    lines = [(group[0].severity, describe_group(group)) for group in groups[:room]]
    return lines + [(NOTE, f"... and {left_out} more, in the report")] * bool(left_out)


def describe_all_clear(findings: Iterable[RunFinding]) -> str:
    """Say what was examined in a run that has no findings but notes."""
    blinded = any(finding.kind == "blinded" for finding in findings)
    hidden = "; for blind analyses only the expected limits and the models were examined" if blinded else ""
    return (
        "every limit has the status ok, and every observed limit is inside its expected 2 sigma range; goodness of "
        f"fit p >= {POOR_FIT:g}, no pull beyond {LARGE_PULL:g}, no doubt about asymptotic formulae, no limit that "
        f"depends on a bound of a parameter, and nothing in a model that could change a limit{hidden}"
    )


def group_findings(findings: Iterable[RunFinding], by: tuple[str, ...] = ("kind", "subject")) -> list[list[RunFinding]]:
    """Group findings that share a line, in the order of their first ones.

    Args:
        findings: the worst first.
        by: fields that are the same in a group.
    """
    groups: dict[tuple[str, ...], list[RunFinding]] = {}
    for finding in findings:
        groups.setdefault(tuple(getattr(finding, name) for name in by), []).append(finding)
    return list(groups.values())


def describe_group(group: Sequence[RunFinding], letters: int = LETTERS) -> str:
    """Return a line for several findings: the scans that they are about, and the message of the worst of them.

    Args:
        group: findings that share the line, the worst first.
        letters: the largest length of the message.
    """
    worst, scans = group[0], {finding.scan for finding in group}
    message = printable_text(worst.message)
    message = message if len(message) <= letters else f"{message[: letters - 1]}…"
    messages = len({finding.message for finding in group})
    if messages == 1:
        return f"{scan_names(group)}: {message}"
    if len(scans) == 1:
        others = "1 more finding" if messages == 2 else f"{messages - 1} more findings"
        return f"{scan_names(group)}: {message} (and {others} of this kind)"
    how = "the worst is" if group[-1].rank > worst.rank else "for example"
    return f"{scan_names(group)}; {how} {printable_text(worst.scan)}: {message}"


def scan_names(group: Iterable[RunFinding]) -> str:
    """Return the names of the scans that findings are about; many signals of an analysis are counted instead."""
    scans = list(dict.fromkeys(finding.scan for finding in group))
    if len(scans) <= NAMES:
        return join_items([printable_text(scan) for scan in scans])
    scans_by_analysis: dict[str, dict[str, str]] = {}
    for finding in group:
        analysis, signal = finding.signal
        scans_by_analysis.setdefault(analysis, {}).setdefault(signal, finding.scan)
    names = [
        f"{len(signals)} signals of {analysis}" if len(signals) > 1 else next(iter(signals.values()))
        for analysis, signals in scans_by_analysis.items()
    ]
    written = [printable_text(name) for name in names]
    if len(written) <= NAMES:
        return join_items(written)
    return f"{len(written)} analyses ({join_items(written[:NAMES])}, ...)"
