"""Infer from the names of columns what they hold: templates, statistical uncertainties or variations."""

import re
from typing import NamedTuple

from muscan.base.errors import InputError
from muscan.base.words import join_items
from muscan.inputs.histograms import OBSERVED, Histograms

SIGNAL_WORDS = {"signal", "sig", "bsm"}
# Words in names of templates that are not taken for the signal while another template is left.
BACKGROUND_WORDS = {
    *("background", "backgrounds", "backgr", "bkg", "bkgd", "bkgs", "bg", "fake", "fakes", "nonprompt", "other"),
    *("qcd", "multijet", "multijets", "dijet", "dijets", "top", "tt", "ttbar", "singletop", "ttv", "ttw", "ttz"),
    *("wjets", "zjets", "vjets", "dy", "drellyan", "diboson", "dibosons", "vv", "ww", "wz", "zz", "triboson", "vvv"),
}
# Words in names of columns that are no templates: as samples of the model, their events would be counted twice.
NO_TEMPLATE = {
    "data": "data",
    "obs": "data",
    "observed": "data",
    "total": "a sum of templates",
    "sum": "a sum of templates",
}
# Endings of the statistical uncertainty of a template; the first one is preferred if there are several.
STATISTICAL = ("stat", "mcstat", "error", "err", "uncertainty", "unc", "sigma")
# Endings of a varied template, and the direction of the variation.
DIRECTIONS = {
    "up": "up",
    "down": "down",
    "hi": "up",
    "lo": "down",
    "1up": "up",
    "1down": "down",
    "dn": "down",
}
SEPARATORS = r"[_\-. ]"

Candidates = dict[str, list[tuple[int, str]]]  # columns with statistical uncertainties of a template, with their ranks
Directions = dict[tuple[str, str], dict[str, str]]  # {(template, parameter): {"up": column, "down": column}}
Ending = tuple[str, str]  # a name without its ending, and the ending


class Variation(NamedTuple):
    """A template varied by one standard deviation of a parameter, up and down."""

    name: str  # of the parameter
    up: str  # column
    down: str  # column


class ColumnRoles(NamedTuple):
    """What the columns of a table of histograms hold.

    Attributes:
        signal: the template of the signal.
        named: whether its name says that it is the signal.
        why: why this template was taken for the signal.
        backgrounds: the other templates.
        statistical: {template: the column with its statistical uncertainty}.
        variations: {template: its variations}.
        others: {column without a role: why it has none}.
    """

    signal: str
    named: bool
    why: str
    backgrounds: list[str]
    statistical: dict[str, str]
    variations: dict[str, list[Variation]]
    others: dict[str, str]


def infer_roles(histograms: Histograms) -> ColumnRoles:
    """Infer the roles of all columns except the observed events from their names.

    Raises:
        InputError: if no column is a template.
    """
    names = list(dict.fromkeys(name for columns in histograms.columns.values() for name in columns if name != OBSERVED))
    endings = {name: _split_ending(name) for name in names}
    plain = [name for name in names if endings[name] is None]
    others = {name: reason for name in plain if (reason := _reason_for_no_template(name))}
    templates = [name for name in plain if name not in others]
    if not templates:
        found = f"; besides the bins and observed counts there are only {join_items(names)}" if names else ""
        raise InputError(f"no column is a template, that is, expected events with a name of your choice{found}")
    candidates, directions, without_template = _assign_to_templates(endings, templates)
    statistical, further = _choose_statistical(candidates)
    variations, one_sided = _pair_variations(directions)
    signals, signal, why = _choose_signal(templates)
    others |= without_template | further | one_sided
    others |= dict.fromkeys(signals[1:], "another signal; copy the model for it")
    return ColumnRoles(
        signal=signal,
        named=bool(signals),
        why=why,
        backgrounds=[name for name in templates if name != signal and name not in others],
        statistical={template: column for template, column in statistical.items() if template not in others},
        variations={template: varied for template, varied in variations.items() if template not in others},
        others=others,
    )


def _choose_signal(templates: list[str]) -> tuple[list[str], str, str]:
    """Choose the template of the signal by the words in the names.

    Returns:
        the templates whose names say that they are signals, the chosen template, and why it was chosen.
    """
    others = [name for name in templates if not BACKGROUND_WORDS & _words(name)] or templates
    signals = [name for name in others if SIGNAL_WORDS & _words(name)]
    if signals:
        return signals, signals[0], "its name says so"
    if len(templates) == 1:
        return [], templates[0], "it is the only template"
    if len(others) == 1:
        return [], others[0], "the names of all other templates are those of backgrounds"
    which = "the first template" if len(others) == len(templates) else "the first that is not named like a background"
    return [], others[0], f"it is {which}"


def _assign_to_templates(
    endings: dict[str, Ending | None], templates: list[str]
) -> tuple[Candidates, Directions, dict[str, str]]:
    """Assign columns with endings to templates; the last result says why the remaining ones have no role."""
    candidates: Candidates = {}
    directions: Directions = {}
    others: dict[str, str] = {}
    for name, (stem, ending) in ((name, each) for name, each in endings.items() if each is not None):
        template = _template_of(stem, templates)
        if template is None or (ending in STATISTICAL and template != stem):
            others[name] = f"ends in {ending}, but belongs to no template"
        elif ending in DIRECTIONS:
            columns = directions.setdefault((template, _parameter(template, stem)), {})
            first = columns.setdefault(DIRECTIONS[ending], name)
            if first != name:
                others[name] = f"is the same variation as {first}"
        else:
            candidates.setdefault(template, []).append((STATISTICAL.index(ending), name))
    return candidates, directions, others


def _choose_statistical(candidates: Candidates) -> tuple[dict[str, str], dict[str, str]]:
    """Choose one statistical uncertainty for each template; the other ones have no role."""
    chosen: dict[str, str] = {}
    others: dict[str, str] = {}
    for template, columns in candidates.items():
        (_, chosen[template]), *rest = sorted(columns)
        others |= {name: f"another uncertainty of {template}" for _, name in rest}
    return chosen, others


def _pair_variations(directions: Directions) -> tuple[dict[str, list[Variation]], dict[str, str]]:
    """Pair variations up and down; those in one direction only have no role."""
    variations: dict[str, list[Variation]] = {}
    others: dict[str, str] = {}
    for (template, parameter), columns in directions.items():
        if len(columns) == 2:
            variations.setdefault(template, []).append(Variation(parameter, columns["up"], columns["down"]))
        else:
            others |= dict.fromkeys(columns.values(), "is varied in one direction only")
    return variations, others


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower()))


def _reason_for_no_template(name: str) -> str | None:
    """Return why a column without an ending is no template, or None if it is one."""
    if not name:
        return "has no name"
    return next((f"looks like {NO_TEMPLATE[word]}" for word in sorted(_words(name)) if word in NO_TEMPLATE), None)


def _split_ending(name: str) -> Ending | None:
    """Split off the ending of an uncertainty or a variation; None if the name has no such ending."""
    match = re.fullmatch(
        rf"(.+?){SEPARATORS}+({'|'.join([*STATISTICAL, *DIRECTIONS])})", name, re.IGNORECASE | re.DOTALL
    )
    return (match[1], match[2].lower()) if match else None


def _template_of(stem: str, templates: list[str]) -> str | None:
    """Return the longest template with which a name begins; None if there is none."""
    matches = [name for name in templates if stem == name or re.match(re.escape(name) + SEPARATORS, stem)]
    return max(matches, key=len, default=None)


def _parameter(template: str, stem: str) -> str:
    """Return the parameter of a variation: the part of its name between the template and the ending.

    Variations of several templates share a parameter if this part is the same.
    """
    between = stem[len(template) + 1 :]
    return between if between and between != "mu" else f"{template}_{between or 'shape'}"
