"""Check a configuration and all its models before a run.

Reads configuration files and their input files, builds the models of all signals in memory, and prints errors, which
would give the status `fit_failed`, and warnings. Writes no files.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from muscan.base.errors import StepError
from muscan.base.words import join_items
from muscan.commands.parser import command_parser
from muscan.config.check import problems_outside_analyses
from muscan.config.loading import load
from muscan.config.problems import ConfigError
from muscan.config.signals import signals_of
from muscan.diagnosis.diagnose import diagnose
from muscan.diagnosis.findings import ERROR, WEIGHTS, severity
from muscan.inputs.sources import Sources

MAX_SIMILAR = 3  # largest number of similar warnings about the signals of an analysis that get a line each
STYLES = {"error": "bold red", "warning": "yellow"}


class Problem(NamedTuple):
    """A problem of one signal, or of all signals of an analysis."""

    analysis: str
    signal: str | None  # None: all signals of the analysis
    weight: str  # one of diagnosis.findings.WEIGHTS
    kind: str
    text: str
    places: tuple[str, ...] = ()  # names of files or of the signal, in front of the text

    @property
    def severity(self) -> str:
        """ "error" or "warning"."""
        return severity(self.weight)


class Size(NamedTuple):
    """The size of a model."""

    channels: int
    bins: int
    parameters: int


class CheckResult(NamedTuple):
    """The models that were checked, and their problems."""

    signals: dict[str, int]  # number of signals of each analysis
    sizes: list[Size]  # of all models
    problems: list[Problem]


def check(config: dict, not_run: dict[str, str]) -> CheckResult:
    """Build and check the models of all analyses and signals.

    Args:
        config: the part of a configuration that can be run.
        not_run: the reasons why other analyses cannot be run, {analysis: reason}.
    """
    sources = Sources(config)
    checked = CheckResult(dict.fromkeys(not_run, 1), [], [])
    for analysis, reason in not_run.items():
        checked.problems.append(Problem(analysis, None, ERROR, "input", reason))
    for analysis in config["analyses"]:
        signals = list(signals_of(config, analysis).values())
        checked.signals[analysis] = len(signals)
        unreadable = sources.unreadable(analysis)
        if unreadable:
            checked.problems.append(Problem(analysis, None, ERROR, "input", unreadable))
            continue
        checked.problems.extend(
            Problem(analysis, None, each.weight, each.kind, str(each)) for each in sources.findings(analysis)
        )
        for signal in signals:
            try:
                model = sources.model(analysis, signal)
            except (StepError, OSError) as error:
                text, places = getattr(error, "text", str(error)), getattr(error, "places", ())
                checked.problems.append(Problem(analysis, signal, ERROR, "input", text, places))
                continue
            checked.sizes.append(Size(len(model.channels), model.nmain, len(model.names)))
            found = (Problem(analysis, signal, each.weight, each.kind, str(each)) for each in diagnose(model))
            checked.problems.extend(found)
    return checked


def problem_lines(checked: CheckResult) -> Iterator[tuple[str, str]]:
    """Yield (severity, text) of all problems, the most serious first; problems that signals share get one line."""
    found = _with_shared_places(checked.problems)
    for weight in WEIGHTS:
        same: dict[tuple[str, str], list[Problem]] = {}
        for problem in found:
            if problem.weight == weight:
                same.setdefault((problem.kind, problem.text), []).append(problem)
        similar: dict[tuple, list[list[Problem]]] = {}
        for (kind, _), problems in same.items():
            analyses = tuple(dict.fromkeys(problem.analysis for problem in problems))
            similar.setdefault((kind, analyses), []).append(problems)
        for groups in similar.values():
            yield from ((severity(weight), text) for text in _texts(groups, checked.signals))


def _with_shared_places(problems: list[Problem]) -> list[Problem]:
    """Put in front of each text the places that all problems of the analysis with this text share.

    The texts are then equal, and the names of the signals are left to `_owners`.
    """
    places: dict[tuple[str, str], tuple[str, ...]] = {}
    for each in problems:
        shared = places.get((each.analysis, each.text), each.places)
        places[each.analysis, each.text] = tuple(place for place in shared if place in each.places)
    shared_places = (places[each.analysis, each.text] for each in problems)
    return [
        each._replace(text=f"{', '.join(shared)}: {each.text}" if shared else each.text)
        for each, shared in zip(problems, shared_places, strict=True)
    ]


def _texts(groups: list[list[Problem]], signals: dict[str, int]) -> Iterator[str]:
    """Yield texts of problems of one kind; one text for warnings of many signals that differ only in details."""
    merged = [problem for problems in groups for problem in problems]
    several = len({problem.signal for problem in merged}) > 1
    if several and len(groups) > MAX_SIMILAR and merged[0].severity == "warning":
        example = max(groups, key=len)[0].text
        yield f"{_owners(merged, signals)}: {len(groups)} findings that differ in details, such as {example}"
        return
    for problems in groups:
        yield f"{_owners(problems, signals)}: {problems[0].text}"


def _owners(problems: list[Problem], signals: dict[str, int]) -> str:
    """List the analyses and signals to which problems belong."""
    by_analysis: dict[str, list[str | None]] = {}
    for problem in problems:
        by_analysis.setdefault(problem.analysis, []).append(problem.signal)
    return ", ".join(
        f"{analysis}{_describe_signals(list(dict.fromkeys(names)), signals[analysis])}"
        for analysis, names in by_analysis.items()
    )


def _describe_signals(names: list[str | None], number: int) -> str:
    """Describe some of the signals of an analysis, which has `number` signals."""
    if number == 1:
        return ""
    if None in names or len(names) == number:
        return f" (all {number} signals)"
    if len(names) == 1:
        return f" / {names[0]}"
    return f" ({len(names)} of {number} signals: {join_items(names, 3)})"


def summary(checked: CheckResult) -> str:
    """Return one line with the numbers of problems and of what was checked."""
    numbers = [(len(checked.signals), "analysis"), (sum(checked.signals.values()), "signal")]
    texts = [f"{number} {_plural(word, number)}" for number, word in numbers]
    for name, values in zip(Size._fields, zip(*checked.sizes, strict=True), strict=False):
        low, high = min(values), max(values)
        texts.append(f"{low} {_plural(name[:-1], low)}" if low == high else f"{low} to {high} {name}")
    found = Counter(name for name, _ in problem_lines(checked))
    counts = [f"{found[name]} {_plural(name, found[name])}" for name in STYLES if found[name]]
    return f"{' and '.join(counts) or 'No problems'}: {', '.join(texts)}."


def _plural(word: str, number: int) -> str:
    if number == 1:
        return word
    return "analyses" if word == "analysis" else f"{word}s"


def report(config: dict, not_run: dict[str, str], others: list[str], console: Console) -> int:
    """Check the models and print all problems.

    Args:
        config, not_run: as in `check`.
        others: problems that do not belong to an analysis.
        console: where the problems are printed.

    Returns:
        the exit code: 1 if there are errors, otherwise 0.
    """
    checked = check(config, not_run)
    for text in others:
        console.print(Text.assemble(("error", STYLES["error"]), f" {text}"), soft_wrap=True)
    for name, text in problem_lines(checked):
        console.print(Text.assemble((name, STYLES[name]), f" {text}"), soft_wrap=True)
    console.print(summary(checked), markup=False, highlight=False, soft_wrap=True)
    return int(bool(others) or any(problem.severity == "error" for problem in checked.problems))


def main(argv: list[str] | None = None) -> int:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--configfiles", nargs="+", required=True, help="configuration files")
    args = parse.parse_args(argv)
    try:
        config, not_run, problems = load(args.configfiles)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    return report(config, not_run, problems_outside_analyses(problems, not_run), Console())
