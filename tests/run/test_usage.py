"""Which paths of a module get its prefix."""

from types import SimpleNamespace

import pytest
import snakemake.api  # noqa: F401 (before the others: modules of Snakemake import one another in a circle)
from snakemake.path_modifier import PathModifier

from muscan.run.usage import Usage


def usage(prefix: str | None = None, replace: dict | None = None, module: str | None = "limits") -> tuple:
    """How a workflow is used, and the modifier of Snakemake that puts prefixes in front of paths."""
    workflow = SimpleNamespace(
        storage_settings=SimpleNamespace(default_storage_provider=None),
        configfiles=["mine.yaml"],
        rules=[SimpleNamespace(is_producer=lambda file: file.startswith("data/"))],
    )
    paths = PathModifier(replace, prefix, workflow)
    workflow.modifier = SimpleNamespace(is_main_snakefile=lambda: module is None, namespace=module, path_modifier=paths)
    return Usage(workflow), paths


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        ({}, "results"),
        ({"prefix": "limits"}, "limits/results"),
        ({"prefix": "a/b/"}, "a/b/results"),
        ({"replace": {"results/": "elsewhere/limits/"}}, "elsewhere/limits"),
    ],
)
def test_the_folder_of_the_results(options, folder):
    assert usage(**options)[0].results == folder


def test_files_of_the_configuration_get_no_prefix():
    found, paths = usage("limits")
    named = found.named(lambda wildcards: ["data/a.csv", "data/b.csv"])
    assert [str(paths.modify(path)) for path in named(None)] == ["data/a.csv", "data/b.csv"]
    assert str(paths.modify(found.named(lambda wildcards: "data/a.csv")(None))) == "data/a.csv"
    assert found.named(lambda wildcards: [])(None) == []
    assert str(paths.modify("results/limits.csv")) == "limits/results/limits.csv"


def test_the_main_workflow_names_its_configuration():
    found, _ = usage(module=None)
    assert (found.module, found.configfiles) == (None, ["mine.yaml"])
    assert usage()[0].configfiles == []


def test_a_file_that_neither_exists_nor_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = usage("limits")[0].named(lambda wildcards: "mine.csv")
    with pytest.raises(SystemExit, match=r"module limits needs mine\.csv, which neither exists nor is made"):
        named(None)
    (tmp_path / "mine.csv").touch()
    assert named(None) == "mine.csv"
