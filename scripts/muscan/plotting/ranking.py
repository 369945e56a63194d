"""Draw the ranking of nuisance parameters: their pulls, and their impacts on the best fit of mu.

Reads ranking.json, writes a PNG and a PDF beside it.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator, NullLocator

from muscan.plotting import style
from muscan.plotting.registry import ScanFiles
from muscan.records.ranking import USABLE, Impact, Ranking

SHOW = 20  # parameters in the picture, if the configuration does not state their number
ROW = 0.27  # height of a row, in inches
NAME = 0.075  # width of a letter of a name, in inches
LONGEST = 48  # letters of a name
UP, DOWN = style.PALETTE[0], style.PALETTE[1]
THICK = 0.72  # height of a bar, in rows
STATUS_WORDS = {"lower_minimum": "lower minimum", "at_bound": "at a bound", "undetermined": "no uncertainty"}


def draw_bars(axes: Axes, row: int, shifts: tuple, halves: bool, filled: bool) -> None:
    """Draw the two impacts of a row, (down, up); in halves of its height, `up` above `down`, if they overlap."""
    for value, color, place in zip(shifts, (DOWN, UP), (1, -1), strict=True):
        if value is None:
            continue
        look = {"facecolor": color, "linewidth": 0, "alpha": 0.75} if filled else {"facecolor": "none"}
        look |= {} if filled else {"edgecolor": color, "linewidth": 1.1}
        axes.barh(row + halves * place * THICK / 4, value, THICK / (1 + halves), **look)


def draw_impacts(axes: Axes, impacts: list[Impact]) -> None:
    """Draw pre-fit impacts as open and post-fit ones as filled bars, on an axis with zero in the middle."""
    sizes = [0.0]
    for row, impact in enumerate(impacts):
        pairs = {
            True: (impact.impact_postfit_down, impact.impact_postfit_up),
            False: (impact.impact_prefit_down, impact.impact_prefit_up),
        }
        halves = any(None not in pair and pair[0] * pair[1] > 0 for pair in pairs.values())
        for filled, pair in pairs.items():
            draw_bars(axes, row, pair, halves, filled)
            sizes += [abs(value) for value in pair if value is not None]
    reach = 1.1 * max(sizes) or 1.0
    axes.set_xlim(-reach, reach)


def draw_pulls(axes: Axes, impacts: list[Impact]) -> None:
    """Draw pulls with constraints, which have the axis at the bottom."""
    known = [(row, each) for row, each in enumerate(impacts) if each.pull is not None]
    rows, pulls = [row for row, _ in known], [each.pull for _, each in known]
    errors = style.nan_to_zero([each.constraint for _, each in known])
    for position, look in ((0, "-"), (-1, ":"), (1, ":")):
        axes.axvline(position, color="0.3", linestyle=look, linewidth=0.8)
    axes.errorbar(pulls, rows, xerr=errors, fmt="o", color="black", markersize=4, elinewidth=1.2)
    reach = max([2.0, *(1.1 * (abs(pull) + error) for pull, error in zip(pulls, errors, strict=True))])
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MultipleLocator(max(1, round(reach / 4))))


def note(impact: Impact) -> tuple[str, str]:
    """Return what is written beside a row, and its colour."""
    words, color = [], "black"
    if impact.prefit_uncertainty is None:
        words.append(style.with_error(impact.value, impact.postfit_uncertainty))
    if impact.status != "ok":
        words.append(STATUS_WORDS.get(impact.status, style.status_words(impact.status)))
        color = style.SIGNAL_COLOR
    if any("observable" not in name for name in impact.stopped):
        words.append("shift stopped at a bound")
    if impact.methods_agree is False:
        words.append("not Gaussian")
    return ", ".join(words), color


def legend(figure: Figure) -> None:
    """Explain the colours below the frame."""
    handles = [
        *(Patch(facecolor=color, alpha=0.75, label=f"Post-fit impact, θ {side}") for side, color in SIDES),
        *(Patch(facecolor="none", edgecolor=color, label=f"Pre-fit impact, θ {side}") for side, color in SIDES),
        Line2D([], [], color="black", marker="o", markersize=4, label="Pull and constraint"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=9, columnspacing=1.2)


SIDES = (("up", UP), ("down", DOWN))


@style.styled
def draw(ranking: Ranking, title: str) -> Figure:
    """Return the picture of the parameters with the largest post-fit impacts, the largest on top."""
    impacts = [Impact.from_json(each) for each in ranking.parameters][: ranking.show or SHOW]
    if not impacts:
        return style.placeholder("The model has no free nuisance parameters.", title)
    if ranking.status not in USABLE:
        return style.placeholder(ranking.reason or ranking.status, title)
    names = [style.one_line(each.name, LONGEST) for each in impacts]
    notes = [note(each) for each in impacts]
    width = 5.2 + NAME * (max(map(len, names)) + max(len(text) for text, _ in notes))
    figure = Figure(figsize=(max(7.0, width), len(impacts) * ROW + 2.1))
    bars = figure.subplots()
    pulls = bars.twiny()
    draw_impacts(bars, impacts)
    draw_pulls(pulls, impacts)
    bars.set_yticks(range(len(impacts)), names, fontsize=9)
    bars.yaxis.set_minor_locator(NullLocator())
    bars.tick_params(axis="y", length=0)
    bars.set_ylim(len(impacts) - 0.4, -0.6)
    for axes, place, other, label in (
        (bars, "top", "bottom", f"Change of the best-fit μ ({style.with_error(ranking.mu_hat, ranking.mu_hat_error)})"),
        (pulls, "bottom", "top", "Pull (fitted − nominal) / σ"),
    ):
        axes.xaxis.set_ticks_position(place)
        axes.tick_params(axis="x", which="both", **{place: True, other: False})
        axes.xaxis.set_label_position(place)
        axes.set_xlabel(label, fontsize=10)
    for row, (text, color) in enumerate(notes):
        bars.text(1.02, row, text, transform=bars.get_yaxis_transform(), va="center", fontsize=8, color=color)
    legend(figure)
    style.draw_figure_title(figure, f"{title} (blinded: expected for μ = 1)" if ranking.blinded else title)
    return figure


def picture(files: ScanFiles) -> Figure:
    """Return the picture of a signal, from ranking.json."""
    return draw(Ranking.read(files.measurement), files.title)
