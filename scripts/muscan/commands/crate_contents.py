"""What an RO-Crate of a run contains: the files of inputs, results, configuration and code, and their places in it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from muscan.base.options import option
from muscan.base.versions import ROOT
from muscan.config.datasets import unblinded_datasets
from muscan.config.result_files import MANIFEST, all_inputs
from muscan.records.manifest import Manifest
from muscan.report.sections import without_blinded_counts

CODE = "muscan"  # the folder of the code
CONFIG, README = "config.json", "README.md"
# Files of muscan that a run needs, and those that say how to install, use and cite it; nothing that users edit.
CODE_FILES = (
    "Snakefile",
    "rules/*.smk",
    "scripts/**/*.py",
    "config/config.schema.yaml",
    "report/*.*",
    "report/captions/*.rst",
    "envs/*.*",
    "LICENSE",
    "CITATION.cff",
)


@dataclass(frozen=True)
class CrateSettings:
    """What a crate says beyond its files."""

    title: str = option("name of the crate", default="Limits on the signal strength, calculated with muscan")
    author: list[str] = option('authors, such as "Ada Lovelace <https://orcid.org/0000-...>"', default_factory=list)
    license: str | None = option("URL of the license of inputs and results", default=None)


class Part(NamedTuple):
    """A file of a crate, or a folder, whose name ends with a slash and whose source is empty."""

    name: str  # its path in the crate
    source: Path | str  # a file, or the text itself

    def content(self) -> bytes:
        """Return the bytes of the file."""
        return self.source.encode() if isinstance(self.source, str) else self.source.read_bytes()


class Contents(NamedTuple):
    """The files of a crate.

    Attributes:
        config, manifest, readme: texts without observed counts that blind analyses hide.
        inputs: inputs by their path in the configuration.
        hidden: paths of inputs that are left out, because blind analyses alone use them, and they may have the data.
        results: the results, without the manifest.
        code: muscan's own files.
    """

    config: Part
    manifest: Part
    readme: Part
    inputs: dict[str, Part]
    hidden: list[str]
    results: list[Part]
    code: list[Part]

    def all_parts(self) -> list[Part]:
        """Return all files, in the order in which they are written."""
        data = [self.config, *self.inputs.values(), *self.results, self.manifest]
        return [self.readme, *data, Part(f"{CODE}/", ""), *self.code]


def crate_contents(manifest: Manifest) -> Contents:
    """Return the files of the crate of a run in the working directory.

    The manifest is that of the run, unless observed counts have to be taken out of its configuration.
    """
    config = without_blinded_counts(manifest.config)
    open_datasets = unblinded_datasets(manifest.config)
    shown = {name: each for name, each in manifest.config["datasets"].items() if name in open_datasets}
    visible = set(all_inputs(manifest.config | {"datasets": shown}))
    files = [record["file"] for record in manifest.inputs]
    inputs = {file: Part(input_name(file, number), Path(file)) for number, file in enumerate(files) if file in visible}
    hides = config != manifest.config
    return Contents(
        Part(CONFIG, json.dumps(config, indent=1) + "\n"),
        Part(MANIFEST, json.dumps(manifest.to_json() | {"config": config}) + "\n" if hides else Path(MANIFEST)),
        Part(README, readme_text([part for file, part in inputs.items() if part.name != file])),
        inputs,
        [file for file in files if file not in visible],
        [Part(record["file"], Path(record["file"])) for record in manifest.results],
        [Part(f"{CODE}/{file.relative_to(ROOT).as_posix()}", file) for file in code_files()],
    )


def input_name(file: str, number: int) -> str:
    """Return the path of an input in the crate: its own, or one in `inputs/` if it is outside of the folder of the run.

    Args:
        file: the path in the configuration.
        number: distinguishes files of one name.
    """
    path = os.path.normpath(file)
    outside = os.path.isabs(path) or path.startswith(os.pardir)
    taken = path in (CONFIG, README) or path.split(os.sep)[0] in (CODE, Path(MANIFEST).parts[0])
    return f"inputs/{number}/{os.path.basename(path)}" if outside or taken else Path(path).as_posix()


def code_files() -> Iterator[Path]:
    """Yield the files of muscan that belong to the crate, in a fixed order."""
    for pattern in CODE_FILES:
        yield from sorted(file for file in ROOT.glob(pattern) if file.is_file())


def readme_text(moved: list[Part]) -> str:
    """Return the text that explains the crate to people.

    Args:
        moved: inputs that have other paths in the crate than in the configuration.
    """
    lines = [
        "# Limits on the signal strength, calculated with muscan",
        "",
        f"`results/` has the results, `{CONFIG}` the configuration, `{CODE}/` the workflow. "
        "`ro-crate-metadata.json` lists inputs and results with their SHA-256 digests, and all versions.",
        "",
        "To make the results again, install the packages and run the workflow in this folder, without `results/`:",
        "",
        "```",
        f"pip install --require-hashes -r {CODE}/envs/requirements.txt",
        f"snakemake --snakefile {CODE}/Snakefile --configfile {CONFIG} --cores all",
        "```",
    ]
    if moved:
        lines += ["", f"First put these inputs where `{CONFIG}` expects them:", ""]
        lines += [f"- `{part.name}`" for part in moved]
    return "\n".join(lines) + "\n"
