"""Draw the graph of the rules of the workflow.

Reads the output of `snakemake --rulegraph` from the standard input, and the stage of each rule from the files in
rules/. Writes an SVG file. An arrow leads from each rule to the rules that use its results. Arrows that follow from
others are left out.
"""

import re
import sys
from collections.abc import Iterable
from html import escape
from itertools import pairwise
from pathlib import Path

from muscan.base.code import SCRIPTS
from muscan.base.errors import InputError
from muscan.base.files import write_text
from muscan.commands.parser import command_parser

Edge = tuple[str, str]  # (a rule, a rule that uses its results)
RULE = re.compile(r"^(?:rule|use rule \w+ as) (\w+)(?: with)?:", re.MULTILINE)  # the definition of a rule in its file
STAGE_COLOURS = {
    "datasets": "#dbe9f6",
    "workspaces": "#e3f1dd",
    "fits": "#fdf0cf",
    "scan": "#fbdfd3",
    "measurements": "#f8dceb",
    "toys": "#ecdff2",
    "plots": "#e8e8e8",
    "grids": "#d6efee",
}
LETTER, BOX_HEIGHT, LAYER_HEIGHT, GAP, MARGIN = 7.4, 28, 58, 18, 20  # pixels
SWEEPS = 24  # number of sweeps over all layers that move connected rules close to each other


def read_graph(dot: str) -> list[Edge]:
    """Return the edges between rules in the output of `snakemake --rulegraph`.

    Raises:
        InputError: if the text has no rules.
    """
    names = dict(re.findall(r"(\d+)\[label = \"(\w+)\"", dot))
    if not names:
        raise InputError("the standard input is not a graph of rules: it needs the output of snakemake --rulegraph")
    pairs = [(names[above], names[below]) for above, below in re.findall(r"(\d+) -> (\d+)", dot)]
    return sorted({pair for pair in pairs if pair[0] != pair[1]})


def stages(rules: Path) -> dict[str, str]:
    """Return the stage of each rule, which is the name of its file in `rules`."""
    files = sorted(rules.glob("*.smk"))
    return {rule: file.stem for file in files for rule in RULE.findall(file.read_text())}


def split_cycles(edges: Iterable[Edge], order: Iterable[str]) -> tuple[list[Edge], list[Edge]]:
    """Split edges into those of a graph without cycles and those that close a cycle.

    There is a cycle because toys are thrown and allocated in turns.

    Args:
        edges: all edges.
        order: the rules in the preferred order; if possible, edges against this order are those that close a cycle.
    """
    place = {rule: number for number, rule in enumerate(order)}
    forward: list[Edge] = []
    back: list[Edge] = []
    for edge in sorted(edges, key=lambda edge: place.get(edge[0], 0) > place.get(edge[1], 0)):
        (back if _reaches(edge[1], edge[0], forward) else forward).append(edge)
    return forward, back


def without_shortcuts(edges: list[Edge]) -> list[Edge]:
    """Return the edges without a longer path between their ends: the transitive reduction of a graph without cycles."""
    return [edge for edge in edges if not _reaches(*edge, [other for other in edges if other != edge])]


def _reaches(start: str, end: str, edges: list[Edge]) -> bool:
    seen, new = set(), {start}
    while new:
        seen |= new
        new = {below for above, below in edges if above in new} - seen
    return end in seen


def assign_layers(edges: list[Edge]) -> dict[str, int]:
    """Return the layer of each rule: the number of rules in front of it on the longest path to it."""
    layer = dict.fromkeys([name for edge in edges for name in edge], 0)
    for _ in layer:
        for above, below in edges:
            layer[below] = max(layer[below], layer[above] + 1)
    return layer


class Drawing:
    """The positions of rules, in layers from top to bottom; an edge has a bend in each layer that it passes."""

    def __init__(self, edges: list[Edge]) -> None:
        self.edges = edges
        self.layer = assign_layers(edges)
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
        """Return the rules at the ends of an edge, and its bends between them."""
        first, last = self.layer[edge[0]], self.layer[edge[1]]
        bends = {f"{edge[0]} {edge[1]} {layer}": layer for layer in range(first + 1, last)}
        self.layer |= bends
        return [edge[0], *bends, edge[1]]

    def _sweep(self, downwards: bool) -> None:
        """Order each row by the mean positions of its neighbours in the row above, or below."""
        near = self.above if downwards else self.below
        for row in self.rows if downwards else reversed(self.rows):
            wanted = {name: _mean([self.x[other] for other in near[name]], self.x[name]) for name in row}
            row.sort(key=wanted.__getitem__)
            self._pack(row, wanted)

    def _pack(self, row: list[str], wanted: dict[str, float]) -> None:
        """Place a row from left to right without overlaps, with the mean position of `wanted`."""
        right = None
        for name in row:
            half = width(name) / 2
            self.x[name] = wanted[name] if right is None else max(wanted[name], right + GAP + half)
            right = self.x[name] + half
        shift = _mean([wanted[name] - self.x[name] for name in row], 0.0)
        for name in row:
            self.x[name] += shift

    def shift_to(self, left: float) -> None:
        """Move everything so that the leftmost box begins at `left`."""
        offset = left - min(x - width(name) / 2 for name, x in self.x.items())
        self.x = {name: x + offset for name, x in self.x.items()}

    def y(self, name: str) -> float:
        """Return the vertical position of the centre of a box in pixels."""
        return MARGIN + BOX_HEIGHT / 2 + LAYER_HEIGHT * self.layer[name]


def width(name: str) -> float:
    """Return the width of the box of a rule in pixels; 0 for the bend of an edge."""
    return 0.0 if " " in name else LETTER * len(name) + 22


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def svg(edges: list[Edge], back: list[Edge], stage: dict[str, str]) -> str:
    """Return the picture as SVG.

    Args:
        edges: edges without cycles.
        back: edges that close cycles.
        stage: the stage of each rule.
    """
    drawing = Drawing(edges)
    drawing.shift_to(MARGIN + 110)
    rules = [name for name in drawing.layer if " " not in name]
    right = max(drawing.x[name] + width(name) / 2 for name in rules) + MARGIN
    bottom = max(map(drawing.y, rules)) + BOX_HEIGHT / 2 + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:.0f} {bottom:.0f}" '
        f'width="{right:.0f}" height="{bottom:.0f}" font-family="sans-serif" font-size="13">',
        "<title>The rules of muscan, with arrows to the rules that use their results</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#777"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
        *(_curve(drawing, path) for path in drawing.paths.values()),
        *(_back_edge(drawing, edge) for edge in back),
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


def _back_edge(drawing: Drawing, edge: Edge) -> str:
    """Return an edge that leads upwards, to a rule in a layer above."""
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
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--output", type=Path, required=True, help="SVG file")
    args = parse.parse_args(argv)
    stage = stages(SCRIPTS.parent / "rules")
    forward, back = split_cycles(read_graph(sys.stdin.read()), stage)
    write_text(args.output, svg(without_shortcuts(forward), back, stage))
