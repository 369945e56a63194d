"""The step that compiles a workspace into the arrays that the fits work on."""

from dataclasses import dataclass

from muscan.base.files import failure_recorded, named, read_result, write_bytes
from muscan.base.options import option
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.model import INTERPOLATIONS, to_npz


@dataclass(frozen=True)
class CompileSettings:
    """The codes of interpolation, with pyhf's names."""

    normsys: str = option("interpolation of normsys", INTERPOLATIONS["normsys"])
    histosys: str = option("interpolation of histosys", INTERPOLATIONS["histosys"])


def compile_model(output: str, workspace: str, settings: CompileSettings) -> None:
    """Write model.npz, or why there is none."""
    with failure_recorded(output):
        codes = {kind: getattr(settings, kind) for kind in INTERPOLATIONS}
        read = read_result(workspace)
        with named(workspace):
            model = compile_workspace(read, codes)
        write_bytes(output, to_npz(model))
