"""Read data sets of a configuration, given as JSON on standard input, and remember which of them cannot be read.

A run does this in a process of its own, because pyhf and the content of patch sets need memory, which Snakemake would
keep.
"""

import json
import sys

from muscan.commands.parser import command_parser
from muscan.run.look_ahead import unreadable_datasets


def main(argv: list[str] | None = None) -> None:
    command_parser(__name__, __doc__).parse_args(argv)
    unreadable_datasets(json.load(sys.stdin))
