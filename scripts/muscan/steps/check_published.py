"""The step that checks a published workspace and its patch set, once for all signals."""

from dataclasses import dataclass

from muscan.base.files import record_failure, write_json
from muscan.base.json_input import read_json
from muscan.base.options import option
from muscan.inputs.published import check_files


@dataclass(frozen=True)
class PublishedFiles:
    """The files of a published likelihood."""

    workspace: str = option("pyhf workspace, plain or gzipped")
    max_megabytes: float = option("largest size of a file after unpacking, in megabytes")
    patchset: str | None = option("patch set, plain or gzipped", default=None)


def check_published(output: str, files: PublishedFiles) -> None:
    """Write {"status": "ok", "wrong_patches": {name: reason}}, or the reason why the files cannot be used."""
    with record_failure(output):
        wrong = check_files(files.workspace, files.patchset, read_json, files.max_megabytes)
        write_json(output, {"status": "ok", "wrong_patches": wrong})
