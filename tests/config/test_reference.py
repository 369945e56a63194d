"""The schema, the documentation of the configuration and the code agree."""

import copy
import json
import re
from collections.abc import Iterator

import pyhf
import pytest
import yaml

from helpers.configurations import DEFAULT, ROOT, SCHEMA_FILE, complete_model, problems
from muscan.config.reference import update_tables
from muscan.config.schema import complete
from muscan.config.settings import TOYBASED
from muscan.histfactory.model import INTERPOLATIONS
from muscan.inference.calculators import CALCULATORS
from muscan.inference.test_statistics import TEST_STATISTICS
from muscan.inputs import build_workspace, histograms
from muscan.inputs import simulation as simulate

SCHEMA = yaml.safe_load(SCHEMA_FILE.read_text(encoding="utf-8"))
README = (ROOT / "config" / "README.md").read_text(encoding="utf-8")


def schema_keys(schema: dict, path: str = "") -> set[str]:
    """Return the paths of all keys; <> stands for names that users choose, [] for entries of lists."""
    if "$ref" in schema and "properties" not in schema:  # an analysis overrides keys of `scan`, which stand there
        schema = schema | SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    found = set()
    for key, each in schema.get("properties", {}).items():
        here = f"{path}.{key}".lstrip(".")
        found |= {here} | schema_keys(each, here)
    if isinstance(schema.get("additionalProperties"), dict):
        found |= {f"{path}.<>"} | schema_keys(schema["additionalProperties"], f"{path}.<>")
    if isinstance(schema.get("items"), dict) and "object" in json.dumps(resolved(schema["items"]).get("type", "")):
        found |= schema_keys(schema["items"], f"{path}[]")
    return found


def resolved(schema: dict) -> dict:
    return SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def readme_rows() -> dict[str, list[str]]:
    """{path of a key: cells of its row}; the heading above a table gives the beginning of the paths."""
    rows, prefix, in_keys = {}, "", False
    for line in README.splitlines():
        if line.startswith("#"):
            heading = re.search("`(.+)`", line)
            prefix, in_keys = (heading[1] if heading else ""), False
        elif line.startswith("| key |"):
            in_keys = True
        elif not line.startswith("|"):
            in_keys = False
        elif in_keys and "`" in line:
            cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
            rows |= {f"{prefix}.{key}": cells for key in re.findall("`(.+?)`", cells[0])}
    return rows


def test_readme_explains_every_key_of_the_schema():
    overridable = {f"analyses.<>.{key}" for key in SCHEMA["$defs"]["scan"]["properties"]}
    wanted = {re.sub(r"\[\]$", "", key) for key in schema_keys(SCHEMA)} | overridable
    written = {re.sub("<.*?>", "<>", key) for key in readme_rows()}
    headings = {re.sub("<.*?>", "<>", key) for key in re.findall(r"^#+ `(.+?)(?:\[\])?`", README, flags=re.MULTILINE)}
    blocks = {key.rpartition(".")[0] for key in headings if "." in key}
    assert written | headings | blocks >= wanted
    assert wanted >= written


def test_tables_of_the_readme_are_those_of_the_schema():
    """`python scripts/muscan document` updates the tables."""
    assert update_tables(README) == README
    assert README.count("<!-- keys of ") == README.count("<!-- end of keys -->") == 10


def test_readme_has_the_defaults_that_are_used():
    """A minimal configuration gets the defaults in the tables."""
    rows = readme_rows()
    scan = complete({"analyses": {}})["scan"]
    nested = {f"{block}.{key}": value for block in ("toys", "interpolation") for key, value in scan[block].items()}
    for key, value in (scan | nested).items():
        if key not in ("toys", "interpolation"):
            assert yaml.safe_load(rows[f"scan.{key}"][2].partition(" without ")[0].strip("`")) == value, key
    assert len(nested) == 8
    assert rows["scan.toys.per_hypothesis"][2] == "`5000` without `target`"
    assert rows["scan.toys.max"][2] == "`1000000` with `target`"
    low = rows["datasets.<name>.simulate.components.<component>.low"][2]
    assert low == "needed for `uniform`; `0` for `exponential`"
    assert rows["models.<name>.samples.<sample>[].up"][2] == "needed for `normsys`, `histosys` without `data`"


def every_key(schema: dict, path: str = "") -> Iterator[tuple[str, dict]]:
    for key, each in schema.get("properties", {}).items():
        yield f"{path}.{key}", each
        yield from every_key(each, f"{path}.{key}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from every_key(schema[word], f"{path}.{word}")


@pytest.mark.parametrize("name", ["", *SCHEMA["$defs"]])
def test_every_key_of_the_schema_has_a_text(name):
    without = [key for key, each in every_key(SCHEMA["$defs"][name] if name else SCHEMA) if "description" not in each]
    assert without == []


@pytest.mark.parametrize(
    ("enum", "registry"),
    [
        (SCHEMA["$defs"]["component"]["properties"]["shape"]["enum"], simulate.SHAPES),
        (SCHEMA["$defs"]["modifier"]["properties"]["type"]["enum"], build_workspace.MODIFIERS),
        (SCHEMA["$defs"]["scan"]["properties"]["calculators"]["items"]["enum"], [*CALCULATORS, TOYBASED]),
        (
            SCHEMA["$defs"]["scan"]["properties"]["test_statistic"]["enum"],
            [name for name, statistic in TEST_STATISTICS.items() if statistic.asimov_mu == 0],  # those for limits
        ),
        *(
            (SCHEMA["$defs"]["scan"]["properties"]["interpolation"]["properties"][kind]["enum"], codes)
            for kind, codes in INTERPOLATIONS.items()
        ),
    ],
)
def test_schema_and_code_know_the_same_names(enum, registry):
    assert sorted(enum) == sorted(registry)
    for name in enum:
        assert f"`{name}`" in README


def test_every_plot_of_a_scan_has_its_script():
    plots = SCHEMA["$defs"]["scan"]["properties"]["plots"]["items"]["enum"]
    assert set(SCHEMA["$defs"]["scan"]["properties"]["plots"]["default"]) <= set(plots)
    assert {path.stem for path in (ROOT / "scripts" / "muscan" / "plotting").glob("*.py")} >= set(plots)


def test_schema_knows_the_interpolations():
    assert set(SCHEMA["$defs"]["scan"]["properties"]["interpolation"]["properties"]) == set(INTERPOLATIONS)
    defaults = complete({"analyses": {}})["scan"]["interpolation"]
    assert {kind: codes[0] for kind, codes in INTERPOLATIONS.items()} == defaults


def readme_examples() -> list[dict]:
    return [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)]


@pytest.mark.parametrize("example", readme_examples(), ids=lambda example: next(iter(example)))
def test_examples_in_the_readme_are_accepted(example):
    config = copy.deepcopy(DEFAULT)
    for block, entries in example.items():
        config[block] = config.get(block, {}) | entries
    assert [line for line in problems(config) if " there is no file " not in line and "no JSON files" not in line] == []


def test_models_in_the_readme_fit_the_csv_in_the_readme(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(re.search(r"```csv\n(.*?)```", README, flags=re.DOTALL)[1])
    models = {name: model for example in readme_examples() for name, model in example.get("models", {}).items()}
    assert len(models) >= 2
    for model in models.values():
        built = pyhf.Workspace(build_workspace.build(histograms.read_histograms(file), complete_model(model)))
        assert built.model().config.poi_name == "mu"
        assert {"SR", "CR"} == set(built.model().config.channels)
