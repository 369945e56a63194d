"""Write the captions of Snakemake's report, report/captions/, from report/captions.yaml."""

from pathlib import Path

import yaml

from muscan.commands.parser import command_parser
from muscan.report.captions import caption_files
from muscan.report.sections import CAPTIONS


def main(argv: list[str] | None = None) -> None:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--output", type=Path, default=CAPTIONS.with_suffix(""), help="folder of the captions")
    folder = parse.parse_args(argv).output
    for name, text in caption_files(yaml.safe_load(CAPTIONS.read_text(encoding="utf-8"))).items():
        (folder / name).write_text(text, encoding="utf-8")
