"""Update the tables of keys in config/README.md from the schema of configurations."""

from pathlib import Path

from muscan.base.versions import ROOT
from muscan.commands.parser import command_parser
from muscan.config.reference import update_tables

README = ROOT / "config" / "README.md"


def main(argv: list[str] | None = None) -> None:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--file", type=Path, default=README, help="a Markdown file with such tables")
    file = parse.parse_args(argv).file
    file.write_text(update_tables(file.read_text(encoding="utf-8")), encoding="utf-8")
