"""The engines by their names in the configuration."""

from muscan.histfactory.model import Model
from muscan.inference.engine import Engine
from muscan.inference.newton import Newton
from muscan.inference.pyhf_engine import Pyhf

ENGINES = ("newton", "pyhf")


def engine(name: str, model: Model, workspace: dict | None = None) -> Engine:
    """The engine of this name.

    Args:
        name: one of ENGINES.
        model: what is fitted.
        workspace: of which the model was compiled; pyhf's engine needs it.
    """
    return Newton(model) if name == "newton" else Pyhf(model, workspace)
