"""Check the YAML of configuration files before Snakemake reads them."""

import argparse
import sys

from muscan.base.errors import InputError
from muscan.config.text import check_file


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("files", nargs="+", help="configuration files")
    for file in parse.parse_args(argv).files:
        try:
            check_file(file)
        except InputError as error:
            sys.exit(str(error))
