"""The step that makes the workspace of one signal from a published one."""

from dataclasses import dataclass

from muscan.base.errors import InputError
from muscan.base.files import prefix_errors, read_result, record_failure, write_json
from muscan.base.options import option
from muscan.inputs.blinding import blind_workspace
from muscan.inputs.patches import signal_workspace


@dataclass(frozen=True)
class PatchSettings:
    """How published files are read."""

    max_megabytes: float = option("of a file, when it is unpacked")
    measurement: str | None = option("name of the measurement; default: the first")
    blind: bool = option("replace the observed data")


@dataclass(frozen=True)
class Published:
    """The files of a published likelihood, and the signal that is wanted of them.

    Raises:
        InputError: if there are both a patch set and a patch.
    """

    workspace: str = option("pyhf workspace, plain or gzipped")
    checked: str = option("what check_published.py wrote about the files")
    signal: str = option("name of the patch", default="signal")
    patchset: str | None = option("patch set, plain or gzipped", default=None)
    patch: str | None = option("a JSON patch", default=None)

    def __post_init__(self):
        if self.patchset and self.patch:
            raise InputError("give either a patch set or a patch")


def patch_workspace(output: str, published: Published, settings: PatchSettings) -> None:
    """Write workspace.json, or why there is none."""
    with record_failure(output):
        wrong = read_result(published.checked).get("wrong_patches", {})
        files = {kind: getattr(published, kind) for kind in ("workspace", "patchset", "patch")}
        workspace = signal_workspace(files, published.signal, wrong, settings.measurement, settings.max_megabytes)
        with prefix_errors(published.workspace):
            write_json(output, blind_workspace(workspace) if settings.blind else workspace)
