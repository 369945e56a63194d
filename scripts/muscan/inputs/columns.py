"""What the columns of a table of histograms are, as far as their names tell: templates, uncertainties, variations."""

import re
from typing import NamedTuple

from muscan.base.errors import InputError
from muscan.base.words import listed
from muscan.inputs.histograms import Histograms

# Words in names. Columns of data or sums would be counted twice as templates.
SIGNAL_NAMES = {"signal", "sig", "bsm"}
NO_TEMPLATE = {
    "data": "data",
    "obs": "data",
    "observed": "data",
    "total": "a sum of templates",
    "sum": "a sum of templates",
}
STATISTICAL = ("stat", "mcstat", "error", "err", "uncertainty", "unc", "sigma")  # the first is preferred
SIDES = {
    "up": "up",
    "down": "down",
    "hi": "up",
    "lo": "down",
    "1up": "up",
    "1down": "down",
    "dn": "down",
}
SEPARATORS = r"[_\-. ]"


class Variation(NamedTuple):
    """A template varied by one standard deviation: its parameter, and the columns."""

    name: str
    up: str
    down: str


class Roles(NamedTuple):
    """What columns are.

    Attributes:
        signal: the template of the signal.
        named: whether its name says that it is the signal; it is the first template otherwise.
        backgrounds: the other templates.
        statistical: the column with the statistical uncertainty of a template.
        variations: the variations of a template.
        others: columns that have no role, and why.
    """

    signal: str
    named: bool
    backgrounds: list[str]
    statistical: dict[str, str]
    variations: dict[str, list[Variation]]
    others: dict[str, str]


def roles(histograms: Histograms) -> Roles:
    """What the names of columns tell.

    Raises:
        InputError: if there is no template.
    """
    names = list(
        dict.fromkeys(name for columns in histograms.columns.values() for name in columns if name != "observed")
    )
    ends = {name: _end(name) for name in names}
    others = {name: _no_template(name) for name in names if ends[name] is None and _no_template(name)}
    templates = [name for name in names if ends[name] is None and name not in others]
    if not templates:
        raise InputError(": ".join(["no column is a template", *filter(None, [listed(names)])]))
    statistical, sides = {}, {}
    for name in names:
        if ends[name] is None:
            continue
        stem, end = ends[name]
        template = _template_of(stem, templates)
        if template is None or (end in STATISTICAL and template != stem):
            others[name] = f"ends in {end}, but belongs to no template"
        elif end in SIDES:
            both = sides.setdefault((template, _parameter(template, stem)), {})
            if both.setdefault(SIDES[end], name) != name:
                others[name] = f"is the same variation as {both[SIDES[end]]}"
        else:
            statistical.setdefault(template, []).append((STATISTICAL.index(end), name))
    for template, found in statistical.items():
        others |= {name: f"another uncertainty of {template}" for _, name in sorted(found)[1:]}
    variations: dict[str, list[Variation]] = {}
    for (template, parameter), both in sides.items():
        if len(both) == 2:
            variations.setdefault(template, []).append(Variation(parameter, both["up"], both["down"]))
        else:
            others |= dict.fromkeys(both.values(), "is varied to one side only")
    signals = [name for name in templates if SIGNAL_NAMES & _words(name)]
    signal = (signals or templates)[0]
    others |= dict.fromkeys(signals[1:], "another signal; copy the model for it")
    return Roles(
        signal=signal,
        named=bool(signals),
        backgrounds=[name for name in templates if name != signal and name not in others],
        statistical={template: min(found)[1] for template, found in statistical.items() if template not in others},
        variations={template: found for template, found in variations.items() if template not in others},
        others=others,
    )


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower()))


def _no_template(name: str) -> str | None:
    """Why a column without an ending is no template."""
    if not name:
        return "has no name"
    return next((f"looks like {NO_TEMPLATE[word]}" for word in sorted(_words(name)) if word in NO_TEMPLATE), None)


def _end(name: str) -> tuple[str, str] | None:
    """The name without the ending that makes it an uncertainty or a variation, and the ending."""
    found = re.fullmatch(rf"(.+?){SEPARATORS}+({'|'.join([*STATISTICAL, *SIDES])})", name, re.IGNORECASE | re.DOTALL)
    return (found[1], found[2].lower()) if found else None


def _template_of(stem: str, templates: list[str]) -> str | None:
    """The longest template with whose name another begins."""
    found = [name for name in templates if stem == name or re.match(re.escape(name) + SEPARATORS, stem)]
    return max(found, key=len, default=None)


def _parameter(template: str, stem: str) -> str:
    """The parameter of a variation: what stands between the template and the ending, which templates may share."""
    between = stem[len(template) + 1 :]
    return between if between and between != "mu" else f"{template}_{between or 'shape'}"
