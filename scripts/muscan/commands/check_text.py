"""Check the YAML of configuration files before Snakemake reads them."""

import sys

from muscan.base.errors import InputError
from muscan.commands.parser import command_parser
from muscan.config.text import check_file


def main(argv: list[str] | None = None) -> None:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("files", nargs="+", help="configuration files")
    for file in parse.parse_args(argv).files:
        try:
            check_file(file)
        except InputError as error:
            sys.exit(str(error))
