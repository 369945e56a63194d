"""The step that calculates the result of a measurement from toys: p-values of a discovery, or intervals of mu."""

import sys

from muscan.base.files import made_by, record_failure, write_json
from muscan.steps.discovery_from_toys import discovery_from_toys
from muscan.steps.intervals_from_toys import intervals_from_toys
from muscan.steps.plan_measurement import DISCOVERY
from muscan.toys.plan import ToyFiles
from muscan.toys.samples import collect_samples, open_measurement


def measure_with_toys(output: str, files: ToyFiles) -> None:
    """Write discovery.json or feldman_cousins.json, or the reason why there is none."""
    with record_failure(output):
        opened = open_measurement(files)
        thrown = collect_samples(opened)
        if opened.store.blocks_made:
            print(f"{opened.store.blocks_made} blocks of toys were missing and have been made", file=sys.stderr)
        measure = discovery_from_toys if opened.plan.measurement == DISCOVERY else intervals_from_toys
        record = measure(opened, thrown)
        write_json(output, record.to_json() | {"made_by": made_by([files.model, files.fit, files.plan])})
