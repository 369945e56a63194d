"""The engines by their names in the configuration."""

from muscan.histfactory.model import Model
from muscan.inference.engine import Engine
from muscan.inference.newton import Newton
from muscan.inference.pyhf_engine import Pyhf

ENGINES = ("newton", "pyhf")


def engine(name: str, model: Model, workspace: dict | None = None) -> Engine:
    """Return the engine of a name.

    Args:
        name: one of ENGINES.
        model: to be fitted.
        workspace: from which the model was compiled; needed by the engine of pyhf.
    """
    return Newton(model) if name == "newton" else Pyhf(model, workspace)
