"""What several tests share."""

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

# As in the workflow: a process has one core. Threads of OpenBLAS that wait for one another take ten times as long, and
# the last bits of a result may then depend on what else runs.
assert "numpy" not in sys.modules, "the number of threads must be set before NumPy is imported"
os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of published workspaces, which are not part of the repository."""
    folder = Path(os.environ.get("MUSCAN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            f"there is no folder {folder} with the reference data; name it in MUSCAN_DATA (config/examples/README.md)"
        )
    return folder


@pytest.fixture(scope="session")
def field(data: Path) -> Path:
    """The folder of small inputs made after public reports of the field."""
    return data.parent / "field"


@pytest.fixture(scope="session")
def seed_question() -> Path:
    """The histograms of the default question, drawn without muscan, and pyhf's results for them."""
    return ROOT / "tests" / "data" / "seed-question"


@pytest.fixture(scope="session")
def default_config() -> dict:
    return yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that run the whole workflow come first: they take longest, and all cores are to end at the same time."""
    items.sort(key=lambda item: not runs_workflow(item.module))


def runs_workflow(module: ModuleType) -> bool:
    from helpers import workflow

    return vars(module).get("workflow") is workflow or vars(module).get("clone") is workflow.clone
