"""Print the number of jobs of each rule for a configuration, as JSON. Nothing is run."""

import json
from pathlib import Path

from muscan.commands.parser import command_parser
from muscan.config.text import check_file
from muscan.run.job_counts import job_counts


def main(argv: list[str] | None = None) -> None:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--configfile", type=Path, required=True, help="configuration file")
    parse.add_argument(
        "--directory", type=Path, default=Path(), help="folder of the run; results in it reduce the number of jobs"
    )
    args = parse.parse_args(argv)
    check_file(args.configfile)
    print(json.dumps(job_counts(args.configfile, args.directory)))
