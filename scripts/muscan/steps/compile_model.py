"""The step that compiles a workspace into the arrays that the fits use."""

from dataclasses import dataclass

from muscan.base.files import prefix_errors, read_result, record_failure, write_bytes
from muscan.base.options import option
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.model import INTERPOLATIONS, to_npz


@dataclass(frozen=True)
class CompileSettings:
    """Interpolation codes, with the names of pyhf."""

    normsys: str = option("interpolation code of normsys modifiers", INTERPOLATIONS["normsys"])
    histosys: str = option("interpolation code of histosys modifiers", INTERPOLATIONS["histosys"])


def compile_model(output: str, workspace: str, settings: CompileSettings) -> None:
    """Write model.npz, or the reason why there is none."""
    with record_failure(output):
        codes = {kind: getattr(settings, kind) for kind in INTERPOLATIONS}
        read = read_result(workspace)
        with prefix_errors(workspace):
            model = compile_workspace(read, codes)
        write_bytes(output, to_npz(model))
