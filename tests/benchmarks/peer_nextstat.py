"""Time NextStat's toy fits on one core: a free fit and one with the POI held at mu to each toy.

Reads workspace.json and meta.json of a folder that `bench.py --dump` wrote, and prints one line of JSON. NextStat's
fits take main data only, so the toys are its own: `hypotest_toys`, its fastest way, draws half of them at mu and half
without signal. To judge by its rates at several mu, it leaves out the held fit where the free one finds more than mu,
which is to its advantage. The fits to the observed data are timed with the toys.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", RAYON_NUM_THREADS="1")

import nextstat


def with_poi_bound(workspace: dict, poi: str, bound: float) -> dict:
    """The workspace with the POI between zero and a bound in its first measurement."""
    config = workspace["measurements"][0]["config"]
    known = {each["name"]: each for each in config.get("parameters", [])}
    known[poi] = known.get(poi, {"name": poi}) | {"bounds": [[0.0, bound]]}
    first = {**workspace["measurements"][0], "config": {**config, "poi": poi, "parameters": list(known.values())}}
    return {**workspace, "measurements": [first]}


def timed(model: nextstat.HistFactoryModel, mu: float, number: int) -> dict:
    """Fit so many toys, half of each ensemble."""
    half = max(number // 2, 1)
    start = time.perf_counter()
    found = nextstat.hypotest_toys(mu, model, n_toys=half, seed=1, return_meta=True)
    seconds = time.perf_counter() - start
    failed = sum(found[f"n_{kind}_{ensemble}"] for kind in ("error", "nonconverged") for ensemble in ("b", "sb"))
    return {"toys": found["n_toys_b"] + found["n_toys_sb"], "seconds": round(seconds, 4), "failed": failed}


def main() -> None:
    folder, number = Path(sys.argv[1]), int(sys.argv[2])
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    workspace = json.loads((folder / "workspace.json").read_text(encoding="utf-8"))
    nextstat.set_threads(1)
    model = nextstat.from_pyhf(json.dumps(with_poi_bound(workspace, meta["poi"], meta["poi_bound"])))
    timed(model, meta["mu"], 2)  # does not count
    print(json.dumps({"program": "NextStat", "version": nextstat.__version__} | timed(model, meta["mu"], number)))


if __name__ == "__main__":
    main()
