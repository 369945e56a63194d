"""Check a configuration and all its models before anything runs.

Reads configuration files and all that they name, makes the models of all signals in memory, and says what is wrong or
odd about them: errors, which would end as `fit_failed`, and warnings. Writes nothing.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from muscan.base.errors import StepError
from muscan.base.words import join_items
from muscan.config.check import without_row
from muscan.config.loading import load
from muscan.config.problems import ConfigError
from muscan.config.signals import signals_of
from muscan.diagnosis.diagnose import diagnose
from muscan.diagnosis.findings import ERROR, WEIGHTS, severity
from muscan.inputs.sources import Sources

ALIKE = 3  # more warnings of one kind, of the signals of an analysis, are one line
STYLES = {"error": "bold red", "warning": "yellow"}


class Problem(NamedTuple):
    """A finding of a signal, or of all signals of an analysis."""

    analysis: str
    signal: str | None  # None: of all signals
    weight: str  # one of inference.findings.WEIGHTS
    kind: str
    text: str

    @property
    def severity(self) -> str:
        return severity(self.weight)


class Size(NamedTuple):
    """How large a model is."""

    channels: int
    bins: int
    parameters: int


class Checked(NamedTuple):
    """What was looked at, and what was found."""

    signals: dict[str, int]  # number of each analysis
    sizes: list[Size]  # of all models
    problems: list[Problem]


def check(config: dict, not_run: dict[str, str]) -> Checked:
    """Make and check the models of all analyses and signals.

    Args:
        config: what can be used of a configuration.
        not_run: why other analyses cannot.
    """
    sources = Sources(config)
    checked = Checked(dict.fromkeys(not_run, 1), [], [])
    for analysis, reason in not_run.items():
        checked.problems.append(Problem(analysis, None, ERROR, "input", reason))
    for analysis in config["analyses"]:
        dataset = config["analyses"][analysis]["dataset"]
        signals = list(signals_of(config, analysis).values())
        checked.signals[analysis] = len(signals)
        try:
            sources.read(analysis)
        except (StepError, OSError) as error:
            checked.problems.append(Problem(analysis, None, ERROR, "input", f"data set {dataset!r}: {error}"))
            continue
        checked.problems.extend(
            Problem(analysis, None, each.weight, each.kind, str(each)) for each in sources.findings(analysis)
        )
        for signal in signals:
            try:
                model = sources.model(analysis, signal)
            except (StepError, OSError) as error:
                checked.problems.append(Problem(analysis, signal, ERROR, "input", str(error)))
                continue
            checked.sizes.append(Size(len(model.channels), model.nmain, len(model.names)))
            found = (Problem(analysis, signal, each.weight, each.kind, str(each)) for each in diagnose(model))
            checked.problems.extend(found)
    return checked


def lines(checked: Checked) -> Iterator[tuple[str, str]]:
    """Yield (severity, text) of all problems, the most serious first; problems that many signals share are one line."""
    for weight in WEIGHTS:
        same: dict[tuple[str, str], list[Problem]] = {}
        for problem in checked.problems:
            if problem.weight == weight:
                same.setdefault((problem.kind, problem.text), []).append(problem)
        similar: dict[tuple, list[list[Problem]]] = {}
        for (kind, _), problems in same.items():
            analyses = tuple(dict.fromkeys(problem.analysis for problem in problems))
            similar.setdefault((kind, analyses), []).append(problems)
        for groups in similar.values():
            yield from ((severity(weight), text) for text in _texts(groups, checked.signals))


def _texts(groups: list[list[Problem]], signals: dict[str, int]) -> Iterator[str]:
    """Yield lines for problems of one kind; warnings of many signals that differ only in details are one line."""
    together = [problem for problems in groups for problem in problems]
    several = len({problem.signal for problem in together}) > 1
    if several and len(groups) > ALIKE and together[0].severity == "warning":
        example = max(groups, key=len)[0].text
        yield f"{_owners(together, signals)}: {len(groups)} findings that differ in details, such as {example}"
        return
    for problems in groups:
        yield f"{_owners(problems, signals)}: {problems[0].text}"


def _owners(problems: list[Problem], signals: dict[str, int]) -> str:
    """Return in words to which analyses and signals problems belong."""
    by_analysis: dict[str, list[str | None]] = {}
    for problem in problems:
        by_analysis.setdefault(problem.analysis, []).append(problem.signal)
    return ", ".join(
        f"{analysis}{_of(list(dict.fromkeys(of)), signals[analysis])}" for analysis, of in by_analysis.items()
    )


def _of(mine: list[str | None], number: int) -> str:
    """Return in words which signals of an analysis are meant."""
    if number == 1:
        return ""
    if None in mine or len(mine) == number:
        return f" (all {number} signals)"
    if len(mine) == 1:
        return f" / {mine[0]}"
    return f" ({len(mine)} of {number} signals: {join_items(mine, 3)})"


def summary(checked: Checked) -> str:
    """Return one line that says what was checked and found."""
    numbers = [(len(checked.signals), "analysis"), (sum(checked.signals.values()), "signal")]
    texts = [f"{number} {_plural(word, number)}" for number, word in numbers]
    for name, values in zip(Size._fields, zip(*checked.sizes, strict=True), strict=False):
        low, high = min(values), max(values)
        texts.append(f"{low} {_plural(name[:-1], low)}" if low == high else f"{low} to {high} {name}")
    found = Counter(name for name, _ in lines(checked))
    counts = [f"{found[name]} {_plural(name, found[name])}" for name in STYLES if found[name]]
    return f"{' and '.join(counts) or 'No problems'}: {', '.join(texts)}."


def _plural(word: str, number: int) -> str:
    if number == 1:
        return word
    return "analyses" if word == "analysis" else f"{word}s"


def report(config: dict, not_run: dict[str, str], others: list[str], console: Console) -> int:
    """Print all problems, others than those of analyses among them; the exit code is 1 if there are errors."""
    checked = check(config, not_run)
    for text in others:
        console.print(Text.assemble(("error", STYLES["error"]), f" {text}"), soft_wrap=True)
    for name, text in lines(checked):
        console.print(Text.assemble((name, STYLES[name]), f" {text}"), soft_wrap=True)
    console.print(summary(checked), markup=False, highlight=False, soft_wrap=True)
    return int(bool(others) or any(problem.severity == "error" for problem in checked.problems))


def main(argv: list[str] | None = None) -> int:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--configfiles", nargs="+", required=True)
    args = parse.parse_args(argv)
    try:
        config, not_run, problems = load(args.configfiles)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    return report(config, not_run, without_row(problems, not_run), Console())
