"""Pack a finished run into an RO-Crate: inputs, results, configuration, versions and the workflow in one ZIP file.

Reads manifest.json and the files that it lists. A file that was changed since the run is an error. Observed counts that
blind analyses hide are left out, as are the inputs that may hold them. The same run gives the same bytes.
"""

import json
import os
import zipfile
from datetime import UTC, datetime

from muscan.base import versions
from muscan.base.errors import InputError
from muscan.base.files import atomic_write
from muscan.base.options import add_options, settings_of
from muscan.base.words import format_size, join_items
from muscan.commands.crate_contents import CrateSettings, Part, crate_contents
from muscan.commands.parser import command_parser
from muscan.config.result_files import MANIFEST, require_results
from muscan.records.manifest import Manifest
from muscan.results.manifest import changed_files

DESCRIPTION = "ro-crate-metadata.json"


def require_unchanged(manifest: Manifest) -> None:
    """Require that inputs, results and code are those of the run.

    Raises:
        InputError: with the names of what is not.
    """
    changed = changed_files([*manifest.inputs, *manifest.results])
    if changed:
        raise InputError(f"{MANIFEST}: {join_items(changed, 3)}: changed since that run, or missing; run it again")
    if versions.all_versions()["code"] != manifest.versions["code"]:
        raise InputError(
            f"{MANIFEST}: the code of muscan has changed since that run; snakemake --forcerun manifest, with the same "
            "configuration, makes again what this affects"
        )


def write_zip(output: str, parts: list[Part]) -> None:
    """Write a ZIP file whose bytes depend on the names and contents of its files alone."""
    with atomic_write(output, sealed=False) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for part in parts:
            entry = zipfile.ZipInfo(part.name)  # of 1980; the times of the files would differ
            entry.compress_type = zipfile.ZIP_STORED if entry.is_dir() else zipfile.ZIP_DEFLATED
            entry.external_attr = (0o40755 if entry.is_dir() else 0o100644) << 16
            archive.writestr(entry, part.content())


def main(argv: list[str] | None = None) -> None:
    parse = command_parser(__name__, __doc__)
    add_options(parse, CrateSettings)
    parse.add_argument("--output", default="crate.zip", help="the ZIP file")
    args = parse.parse_args(argv)
    try:
        from muscan.commands.crate_metadata import metadata
    except ModuleNotFoundError as error:
        if error.name != "rocrate":
            raise
        raise InputError("the package rocrate is missing: make crate installs it") from None
    settings = settings_of(args, CrateSettings)
    require_results(MANIFEST)
    manifest = Manifest.read(MANIFEST)
    require_unchanged(manifest)
    contents = crate_contents(manifest)
    # The run ended when its manifest was written. No result says when, so that results do not depend on it.
    day = datetime.fromtimestamp(os.path.getmtime(MANIFEST), UTC).date().isoformat()
    description = metadata(manifest, contents, settings, day)
    parts = [Part(DESCRIPTION, json.dumps(description, indent=1, ensure_ascii=False) + "\n"), *contents.all_parts()]
    write_zip(args.output, parts)
    print(f"{args.output}: {len(parts)} files, {format_size(os.path.getsize(args.output))}")
    missing = [name for name in ("author", "license") if not getattr(settings, name)]
    if missing:
        print(f"Not stated: {' and '.join(missing)}; see make help before you publish the crate.")
    if contents.hidden:
        print(f"Not included, because of blind analyses: {join_items(contents.hidden)}")
    paths = [each.get("fetched_from", each["file"]) for each in manifest.inputs if each["file"] in contents.inputs]
    local = [path for path in paths if os.path.isabs(path) or path.startswith(("fs:", "file:"))]
    if local:
        print(f"The configuration or the manifest in it has paths of this machine: {join_items(local, 3)}")
