"""Check a configuration against its schema, and check the names and files that it refers to.

All problems are reported at once, each with the key, what is wrong and what to do.
"""

from collections.abc import Iterator

from muscan.config import remote_inputs
from muscan.config.entry_check import file_problems, reference_problems
from muscan.config.problems import ENTRIES, ConfigError, Problem, format_problems
from muscan.config.schema import complete
from muscan.config.schema_check import problems_of_schema, valid_part


def check(config: dict) -> None:
    """Check a configuration.

    Raises:
        ConfigError: if there are problems; lists all of them, with their keys and what to do.
    """
    found = find_problems(config)
    if found:
        raise ConfigError(format_problems(found))


def usable_part(config: dict, others_make: bool = False) -> tuple[dict, dict[str, str], list[str]]:
    """Return the part of a configuration that can be run: analyses without problems, and grids of such analyses.

    Remote input files are replaced by their copies (see `remote_inputs`), which `fetch.fetch_inputs` makes before.

    Args:
        config: the configuration, which is not changed.
        others_make: whether rules of another workflow may make input files, so that some may not exist yet.

    Returns:
        That part of the configuration, complete with all defaults; the reason why each of the other analyses cannot be
        run, {analysis: reason}; the texts of all problems.

    Raises:
        ConfigError: if a problem affects all analyses, or no analysis is left.
    """
    config = remote_inputs.with_copies(config)
    found = [Problem(each.owner, remote_inputs.name_queries(each.text)) for each in find_problems(config, others_make)]
    broken = {problem.owner for problem in found}
    if not broken:
        return complete(config), {}, []
    fatal = ConfigError(format_problems(found))
    if any(len(owner) < 2 or owner[0] not in ENTRIES for owner in broken):
        raise fatal
    found += [problem for problem in _consequences(config, found) if problem.owner not in broken]
    broken = {problem.owner for problem in found}
    kept = {
        block: {name: entry for name, entry in config[block].items() if (block, name) not in broken}
        for block in ENTRIES
        if block in config
    }
    if not kept["analyses"]:
        raise fatal
    return complete(config | kept), _reasons(config, found), list(dict.fromkeys(problem.text for problem in found))


def problems_outside_analyses(problems: list[str], reasons: dict[str, str]) -> list[str]:
    """Return the problems that are not the reason why an analysis is left out, such as those of grids.

    Args:
        problems: all problems, as `usable_part` returns them.
        reasons: why analyses are left out, {analysis: reason}.
    """
    return [text for text in problems if not any(text in reason for reason in reasons.values())]


def _reasons(config: dict, found: list[Problem]) -> dict[str, str]:
    """Return {analysis: reason} for the analyses that have problems, in the order of the configuration."""
    reasons: dict[str, list[str]] = {}
    for problem in found:
        if problem.owner[0] == "analyses":
            reasons.setdefault(problem.owner[1], []).append(problem.text)
    return {name: "; ".join(reasons[name]) for name in config["analyses"] if name in reasons}


def _consequences(config: dict, found: list[Problem]) -> Iterator[Problem]:
    """Yield problems of analyses whose data set or model has a problem, and of grids that contain such an analysis."""
    texts: dict[tuple, list[str]] = {}
    for problem in found:
        texts.setdefault(problem.owner, []).append(problem.text)
    lost = {name for block, name in texts if block == "analyses"}
    for name, analysis in config["analyses"].items():
        if name in lost or not isinstance(analysis, dict):
            continue
        for block, key in (("datasets", "dataset"), ("models", "model")):
            for text in texts.get((block, analysis.get(key)), ()):
                lost.add(name)
                yield Problem(("analyses", name), text)
    for name, grid in config.get("grids", {}).items():
        missing = (
            [analysis for analysis in grid["analyses"] if analysis in lost] if ("grids", name) not in texts else []
        )
        if missing:
            yield Problem(("grids", name), f"grids.{name}: needs {', '.join(missing)}, which cannot be run")


def find_problems(config: dict, others_make: bool = False) -> list[Problem]:
    """Return all problems of a configuration, each once; `others_make` as in `usable_part`."""
    found = problems_of_schema(config)
    valid = valid_part(config, {problem.owner for problem in found})
    found += [*reference_problems(valid), *file_problems(valid, others_make)] if valid else []
    return list(dict.fromkeys(found))
