"""Draw the rules of the workflow and what they need from each other.

Reads the graph that `snakemake --rulegraph` prints from the standard input, and the files of rules/ for the stage to
which each rule belongs; writes an SVG picture. Needs of a rule that follow from its other needs are left out, as are
those of the manifest and the report, which read all results.
"""

import argparse
import re
import sys
from collections.abc import Iterable
from html import escape
from itertools import pairwise
from pathlib import Path

from muscan.base.code import SCRIPTS
from muscan.base.files import write_text

Edge = tuple[str, str]  # (a rule, a rule that needs it)

RULE = re.compile(r"^(?:rule|use rule \w+ as) (\w+)(?: with)?:", re.MULTILINE)  # the name of a rule, in its file

STAGE_COLOURS = {
    "datasets": "#dbe9f6",
    "workspaces": "#e3f1dd",
    "fits": "#fdf0cf",
    "scan": "#fbdfd3",
    "toys": "#ecdff2",
    "plots": "#e8e8e8",
    "grids": "#d6efee",
}
LETTER, BOX_HEIGHT, LAYER_HEIGHT, GAP, MARGIN = 7.4, 28, 58, 18, 20  # pixels
SWEEPS = 24  # over all layers, to bring connected rules close to each other


def read_graph(dot: str) -> list[Edge]:
    """Edges between rules in the graph that `snakemake --rulegraph` prints."""
    names = dict(re.findall(r"(\d+)\[label = \"(\w+)\"", dot))
    pairs = [(names[one], names[other]) for one, other in re.findall(r"(\d+) -> (\d+)", dot)]
    return sorted({pair for pair in pairs if pair[0] != pair[1]})


def stages(rules: Path) -> dict[str, str]:
    """The stage of each rule: the name of its file in rules/."""
    files = sorted(rules.glob("*.smk"))
    return {rule: file.stem for file in files for rule in RULE.findall(file.read_text())}


def split_cycles(edges: Iterable[Edge], order: Iterable[str]) -> tuple[list[Edge], list[Edge]]:
    """Edges without cycles, and those that close one: toys are thrown and allocated in turns.

    Args:
        order: of the rules; edges that go along it are kept where there is a choice.
    """
    place = {rule: number for number, rule in enumerate(order)}
    forward: list[Edge] = []
    back: list[Edge] = []
    for edge in sorted(edges, key=lambda edge: place.get(edge[0], 0) > place.get(edge[1], 0)):
        (back if _reaches(edge[1], edge[0], forward) else forward).append(edge)
    return forward, back


def without_shortcuts(edges: list[Edge]) -> list[Edge]:
    """The edges that do not follow from a longer path (the transitive reduction of a graph without cycles)."""
    return [edge for edge in edges if not _reaches(*edge, [other for other in edges if other != edge])]


def _reaches(start: str, end: str, edges: list[Edge]) -> bool:
    seen, new = set(), {start}
    while new:
        seen |= new
        new = {below for above, below in edges if above in new} - seen
    return end in seen


def layers_of(edges: list[Edge]) -> dict[str, int]:
    """How many rules stand before each rule on the longest way to it."""
    layer = dict.fromkeys([name for edge in edges for name in edge], 0)
    for _ in layer:
        for above, below in edges:
            layer[below] = max(layer[below], layer[above] + 1)
    return layer


class Drawing:
    """Places of the rules: layers from top to bottom, with a bend of each edge in the layers that it passes."""

    def __init__(self, edges: list[Edge]):
        self.edges = edges
        self.layer = layers_of(edges)
        self.paths = {edge: self._path(edge) for edge in edges}
        self.rows: list[list[str]] = [[] for _ in range(max(self.layer.values()) + 1)]
        for name, layer in self.layer.items():
            self.rows[layer].append(name)
        steps = [step for path in self.paths.values() for step in pairwise(path)]
        self.above = {name: [one for one, other in steps if other == name] for name in self.layer}
        self.below = {name: [other for one, other in steps if one == name] for name in self.layer}
        self.x: dict[str, float] = {}
        for row in self.rows:
            self._pack(row, dict.fromkeys(row, 0.0))
        for sweep in range(SWEEPS):
            self._sweep(downwards=sweep % 2 == 0)

    def _path(self, edge: Edge) -> list[str]:
        """The rules at the ends of an edge, and its bends between them."""
        first, last = self.layer[edge[0]], self.layer[edge[1]]
        bends = {f"{edge[0]} {edge[1]} {layer}": layer for layer in range(first + 1, last)}
        self.layer |= bends
        return [edge[0], *bends, edge[1]]

    def _sweep(self, downwards: bool) -> None:
        near = self.above if downwards else self.below
        for row in self.rows if downwards else reversed(self.rows):
            wanted = {name: _mean([self.x[other] for other in near[name]], self.x[name]) for name in row}
            row.sort(key=wanted.__getitem__)
            self._pack(row, wanted)

    def _pack(self, row: list[str], wanted: dict[str, float]) -> None:
        """Place a row from left to right without overlaps, and shift it to where it wants to be on average."""
        right = None
        for name in row:
            half = width(name) / 2
            self.x[name] = wanted[name] if right is None else max(wanted[name], right + GAP + half)
            right = self.x[name] + half
        shift = _mean([wanted[name] - self.x[name] for name in row], 0.0)
        for name in row:
            self.x[name] += shift

    def shifted_to(self, left: float) -> None:
        """Move everything so that the leftmost box begins at `left`."""
        offset = left - min(x - width(name) / 2 for name, x in self.x.items())
        self.x = {name: x + offset for name, x in self.x.items()}

    def y(self, name: str) -> float:
        return MARGIN + BOX_HEIGHT / 2 + LAYER_HEIGHT * self.layer[name]


def width(name: str) -> float:
    """Of the box of a rule; a bend of an edge has none."""
    return 0.0 if " " in name else LETTER * len(name) + 22


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def svg(edges: list[Edge], back: list[Edge], stage: dict[str, str]) -> str:
    """The picture."""
    drawing = Drawing(edges)
    drawing.shifted_to(MARGIN + 110)
    rules = [name for name in drawing.layer if " " not in name]
    right = max(drawing.x[name] + width(name) / 2 for name in rules) + MARGIN
    bottom = max(map(drawing.y, rules)) + BOX_HEIGHT / 2 + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:.0f} {bottom:.0f}" '
        f'width="{right:.0f}" height="{bottom:.0f}" font-family="sans-serif" font-size="13">',
        "<title>The rules of muscan and what they need from each other</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#777"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
        *(_curve(drawing, path) for path in drawing.paths.values()),
        *(_return(drawing, edge) for edge in back),
        *(_box(drawing, name, STAGE_COLOURS.get(stage.get(name, ""), "white")) for name in rules),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _curve(drawing: Drawing, path: list[str]) -> str:
    points = [(drawing.x[name], drawing.y(name)) for name in path]
    points[0] = (points[0][0], points[0][1] + BOX_HEIGHT / 2)
    points[-1] = (points[-1][0], points[-1][1] - BOX_HEIGHT / 2 - 1)
    text = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        text += f" C{x0:.0f} {middle:.0f} {x1:.0f} {middle:.0f} {x1:.0f} {y1:.0f}"
    return f'<path d="{text}" fill="none" stroke="#999" stroke-width="1.4" marker-end="url(#tip)"/>'


def _return(drawing: Drawing, edge: Edge) -> str:
    """An edge back to a rule that stands above."""
    (x0, y0), (x1, y1) = ((drawing.x[name] + width(name) / 2, drawing.y(name)) for name in edge)
    out = max(x0, x1) + 40
    text = f"M{x0:.0f} {y0:.0f} C{out:.0f} {y0:.0f} {out:.0f} {y1:.0f} {x1 + 1:.0f} {y1:.0f}"
    return f'<path d="{text}" fill="none" stroke="#999" stroke-dasharray="5 3" marker-end="url(#tip)"/>'


def _box(drawing: Drawing, name: str, colour: str) -> str:
    x, y, wide = drawing.x[name], drawing.y(name), width(name)
    return (
        f'<rect x="{x - wide / 2:.0f}" y="{y - BOX_HEIGHT / 2:.0f}" width="{wide:.0f}" height="{BOX_HEIGHT}" rx="6" '
        f'fill="{colour}" stroke="#777"/><text x="{x:.0f}" y="{y + 4.5:.0f}" text-anchor="middle">{escape(name)}</text>'
    )


def _legend() -> list[str]:
    lines = [f'<text x="{MARGIN}" y="{MARGIN + 10}" font-weight="bold">rules/</text>']
    for number, (name, colour) in enumerate(STAGE_COLOURS.items(), 1):
        y = MARGIN + 10 + 22 * number
        lines.append(
            f'<rect x="{MARGIN}" y="{y - 11}" width="14" height="14" rx="3" fill="{colour}" stroke="#777"/>'
            f'<text x="{MARGIN + 20}" y="{y}">{name}.smk</text>'
        )
    return lines


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--output", type=Path, required=True, help="SVG file")
    args = parse.parse_args(argv)
    stage = stages(SCRIPTS.parent / "rules")
    forward, back = split_cycles(read_graph(sys.stdin.read()), stage)
    write_text(args.output, svg(without_shortcuts(forward), back, stage))
