"""The generated pages of the documentation, and pages that must agree with the code."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from muscan.base.files import write_json
from muscan.commands import document_records, document_site, rule_graph
from muscan.inference.limits import STATUSES
from muscan.records.columns import DISCOVERY_COLUMNS, FIT_COLUMNS
from muscan.records.limits import BLINDED, Limits
from muscan.results import compare_calculators
from muscan.results.grid_points import points_of_grid
from muscan.results.measurements import FAILED_MEASUREMENTS
from muscan.results.tables import limits_row

ROOT = Path(__file__).parents[2]
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
NOTHING = Limits.from_failure("", 0.95, calculator="asymptotics", test_statistic="qtilde")


def first_column(heading: str) -> list[str]:
    """Return the names in the first column of the table below a heading of docs/results.md."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", RESULTS, re.DOTALL | re.MULTILINE)[1]
    return re.findall(r"^\| (?:`(.+?)`|\(labels\)) \|", section, re.MULTILINE)


def test_all_statuses_are_explained():
    assert first_column("Statuses") == [*STATUSES, BLINDED]


def test_columns_of_the_table_of_limits():
    columns = list(limits_row("analysis", "signal", NOTHING, dict.fromkeys(FIT_COLUMNS)))
    columns.insert(2, "")  # the labels
    columns += [*DISCOVERY_COLUMNS, FAILED_MEASUREMENTS]  # if the configuration asks for them
    assert first_column("Columns of limits.csv") == columns


def test_columns_of_the_points_of_a_grid(tmp_path):
    (tmp_path / "a_1.json").write_text("[]")
    write_json(tmp_path / "results" / "mine" / "a_1" / "asymptotics" / "limits.json", NOTHING.to_json())
    source = {"file": "B.json", "patches": str(tmp_path), "labels": "a_{m}", "signals": ["a_1"]}
    outline = {
        "datasets": {"mine": {"workspace": source}},
        "analyses": {
            "mine": {"dataset": "mine", "calculators": ["asymptotics"], "measurements": ["asymptotics/discovery.json"]}
        },
        "grids": {
            "grid": {"analyses": ["mine"], "x": "m", "calculator": "asymptotics", "axis_labels": {}, "numbers": False}
        },
    }
    columns = list(points_of_grid(outline, "grid", tmp_path / "results"))
    assert first_column("Columns of points.csv") == ["" if name == "m" else name for name in columns]


def test_columns_of_the_table_of_toys():
    assert first_column("Columns of toybased.csv")[-len(compare_calculators.NUMBERS) :] == compare_calculators.NUMBERS


def test_comments_of_fields(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(
        "class A:\n"
        '    """What it is."""\n'
        "    kind: ClassVar[str] = 'a'\n"
        "    one: int  # behind | it\n"
        "    # above it,\n"
        "    # in two lines\n"
        "    two: list[str] = field(\n        default=()\n    )\n"
        "    three: float\n"
    )
    source = document_records.classes(file)["A"]
    assert source.docstring == "What it is."
    assert [tuple(each) for each in source.fields] == [
        ("one", "int", "behind | it"),
        ("two", "list[str]", "above it, in two lines"),
        ("three", "float", ""),
    ]
    assert document_records.table(source.fields).splitlines()[2] == r"| `one` | `int` | behind \| it |"
    assert document_records.field_comments(file) == {
        "A": {"one": "behind | it", "two": "above it, in two lines", "three": ""}
    }


def test_every_key_of_a_result_is_explained():
    """Each field has a comment, except those whose names are sufficient."""
    silent = {
        f"{name}.{each.name}"
        for name, source in document_records.records().items()
        for each in source.fields
        if not each.comment
    }
    assert silent <= {"Limits.confidence_level", "ToyPlan.confidence_level"}


def test_every_record_has_a_place():
    known = document_records.records()
    in_no_file = {"Record", "LimitEntry"}  # the base class, and a view of `Limits`
    assert set(document_records.PLACES) == set(known) - in_no_file
    page = document_records.page()
    assert all(f"## `{name}`" in page for name in document_records.PLACES)
    assert "| `mu_hat` | `float | None` |".replace(" | None", r" \| None") in page


@pytest.mark.parametrize(
    ("link", "there"),
    [
        ("[a](examples/README.md)", "[a](../../config/examples/README.md)"),
        ("[a](../docs/method.md#fits)", "[a](../method.md#fits)"),
        ("[a](#here)", "[a](#here)"),
        ("[a](https://b.c/d)", "[a](https://b.c/d)"),
    ],
)
def test_links_of_a_document_that_is_shown_elsewhere(link, there):
    assert document_site.moved(link, "config", "docs/reference") == there


def test_the_library_reference_has_every_module(tmp_path):
    packages = {path.parent.name for path in (ROOT / "scripts" / "muscan").glob("*/__init__.py")}
    assert set(document_site.packages()) == packages
    document_site.main(["--output", str(tmp_path)])
    library = tmp_path / "docs" / "reference" / "library"
    text = "".join(file.read_text() for file in library.glob("*.rst"))
    modules = [path for path in (ROOT / "scripts" / "muscan").glob("*/**/*.py") if path.stem != "__init__"]
    names = {".".join(path.relative_to(ROOT / "scripts").with_suffix("").parts) for path in modules}
    assert set(re.findall(r"^\.\. automodule:: (\S+)$", text, re.MULTILINE)) == names
    assert (tmp_path / "docs" / "reference" / "changelog.md").read_text().startswith("# Changelog")


# --- The picture of the rules

GRAPH = """digraph snakemake_dag {
    0[label = "all", color = "0.00 0.6 0.85", style="rounded"];
    1[label = "a", color = "0.00 0.6 0.85", style="rounded"];
    2[label = "b", color = "0.00 0.6 0.85", style="rounded"];
    3[label = "c", color = "0.00 0.6 0.85", style="rounded"];
    1 -> 2
    2 -> 2
    2 -> 3
    3 -> 2
    1 -> 3
    3 -> 0
}"""


def test_graph_of_rules():
    edges = rule_graph.read_graph(GRAPH)
    assert edges == [("a", "b"), ("a", "c"), ("b", "c"), ("c", "all"), ("c", "b")]
    forward, back = rule_graph.split_cycles(edges, "abc")
    assert back == [("c", "b")]
    assert rule_graph.split_cycles(edges, "acb")[1] == [("b", "c")]
    forward = rule_graph.without_shortcuts(forward)
    assert forward == [("a", "b"), ("b", "c"), ("c", "all")]
    assert rule_graph.assign_layers(forward) == {"a": 0, "b": 1, "c": 2, "all": 3}


def test_boxes_do_not_overlap():
    edges = [("top", name) for name in ("one", "another", "the_third_of_them")] + [("one", "end"), ("top", "end")]
    drawing = rule_graph.Drawing(edges)
    for row in drawing.rows:
        ends = [
            (drawing.x[name] - rule_graph.width(name) / 2, drawing.x[name] + rule_graph.width(name) / 2) for name in row
        ]
        assert all(right < left for (_, right), (left, _) in pairwise(ends))
    assert drawing.rows[1] == sorted(drawing.rows[1], key=drawing.x.get)
    assert len(drawing.paths["top", "end"]) == 3  # it bends where it passes a layer


def test_the_picture_of_the_rules_has_every_rule():
    """`make rulegraph` updates the picture."""
    picture = (ROOT / "docs" / "rulegraph.svg").read_text(encoding="utf-8")
    rules = rule_graph.stages(ROOT / "rules")
    assert set(re.findall(r">(\w+)</text>", picture)) == {*rules, "all"}
    assert set(rules.values()) <= set(rule_graph.STAGE_COLOURS)
