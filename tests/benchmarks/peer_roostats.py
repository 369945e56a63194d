"""Time RooStats' toy fits on one core: a free fit and one with the POI held at mu to each toy.

Reads workspace.json, toys.npy and meta.json of a folder that `bench.py --dump` wrote, and prints one line of JSON.
HistFactory builds the model, of normfactor, normsys, histosys, staterror and shapesys only, with its own interpolation.
ProfileLikelihoodTestStat makes the fits, with Minuit2 at strategy 0 and one likelihood for all toys; it is two-sided
because the one-sided one leaves out the second fit where the first finds more than mu. The data sets of the toys are
made before the clock starts.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Iterable
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # ROOT's wheels call themselves alpha
    import ROOT

FACTORY = ROOT.RooStats.HistFactory
NORM_BOUND = 10.0  # of a normfactor that is not the POI, as in pyhf
WORSE = 0.01  # a free fit by so much above the held one has failed


def histogram(name: str, values: Iterable[float]) -> ROOT.TH1D:
    """A histogram with one bin of width 1 per value, which HistFactory will own."""
    values = np.asarray(values, dtype=float)
    made = ROOT.TH1D(name, name, len(values), 0.0, float(len(values)))
    for i, value in enumerate(values.tolist()):
        made.SetBinContent(i + 1, value)
    ROOT.SetOwnership(made, False)
    return made


def relative(errors: list[float], nominal: list[float]) -> np.ndarray:
    nominal = np.asarray(nominal, dtype=float)
    return np.divide(errors, nominal, out=np.zeros_like(nominal), where=nominal > 0)


def add_modifier(sample: FACTORY.Sample, modifier: dict, nominal: list[float], bounds: dict) -> None:
    name, kind, data = modifier["name"], modifier["type"], modifier["data"]
    label = f"{sample.GetName()}_{name}"
    match kind:
        case "normfactor":
            sample.AddNormFactor(name, 1.0, 0.0, bounds.get(name, NORM_BOUND))
        case "normsys":
            sample.AddOverallSys(name, data["lo"], data["hi"])
        case "histosys":
            shape = FACTORY.HistoSys()
            shape.SetName(name)
            shape.SetHistoLow(histogram(f"{label}_low", data["lo_data"]))
            shape.SetHistoHigh(histogram(f"{label}_high", data["hi_data"]))
            sample.AddHistoSys(shape)
        case "staterror":
            sample.GetStatError().Activate(True)
            sample.GetStatError().SetUseHisto(True)
            sample.GetStatError().SetErrorHist(histogram(f"{label}_error", relative(data, nominal)))
        case "shapesys":
            shape = FACTORY.ShapeSys()
            shape.SetName(name)
            shape.SetConstraintType(FACTORY.Constraint.Poisson)
            shape.SetErrorHist(histogram(f"{label}_error", relative(data, nominal)))
            sample.AddShapeSys(shape)
        case _:
            raise ValueError(f"no {kind} here")


def channel_of(spec: dict, observed: list[float], bounds: dict) -> FACTORY.Channel:
    channel = FACTORY.Channel(spec["name"])
    channel.SetData(histogram(f"{spec['name']}_data", observed))
    channel.SetStatErrorConfig(0.0, FACTORY.Constraint.Gaussian)
    for each in spec["samples"]:
        sample = FACTORY.Sample(f"{spec['name']}_{each['name']}")
        sample.SetHisto(histogram(f"{spec['name']}_{each['name']}", each["data"]))
        sample.SetNormalizeByTheory(False)  # no luminosity
        for modifier in each["modifiers"]:
            add_modifier(sample, modifier, each["data"], bounds)
        channel.AddSample(sample)
    return channel


def model_of(spec: dict, poi: str, poi_bound: float) -> ROOT.RooWorkspace:
    """The RooFit model of a workspace of pyhf."""
    measurement = FACTORY.Measurement("measurement", "measurement")
    measurement.SetPOI(poi)
    measurement.SetLumi(1.0)
    measurement.AddConstantParam("Lumi")
    observed = {each["name"]: each["data"] for each in spec["observations"]}
    for channel in spec["channels"]:
        measurement.AddChannel(channel_of(channel, observed[channel["name"]], {poi: poi_bound}))
    return FACTORY.HistoToWorkspaceFactoryFast.MakeCombinedModel(measurement)  # writes no files


def global_names(spec: dict, meta: dict) -> list[str]:
    """HistFactory's name of each auxiliary measurement."""
    bins = {}
    samples = {channel["name"]: channel["samples"] for channel in spec["channels"]}
    for channel, (first, last) in meta["channels"].items():
        here = {each["name"]: each["type"] for sample in samples[channel] for each in sample["modifiers"]}
        for name, kind in here.items():
            prefix = f"nom_gamma_stat_{channel}" if kind == "staterror" else f"nom_gamma_{name}"
            bins.setdefault(name, []).extend(f"{prefix}_bin_{i}" for i in range(last - first))
    names = []
    for parameter in meta["auxiliary"]:
        name, _, index = parameter.removesuffix("]").rpartition("[")
        names.append(bins[name][int(index)] if name in bins else f"nom_alpha_{parameter}")
    return names


def datasets(model: ROOT.RooStats.ModelConfig, channels: dict, toys: np.ndarray) -> list[ROOT.RooDataSet]:
    """A weighted data set of the combined model for each toy."""
    observables, category = model.GetObservables(), model.GetPdf().indexCat()
    weight = ROOT.RooRealVar("weightVar", "", 1.0, -1e30, 1e30)
    columns = ROOT.RooArgSet(observables)
    columns.add(weight)
    made = [ROOT.RooDataSet(f"toy_{i}", "", columns, ROOT.RooFit.WeightVar(weight)) for i in range(toys.shape[1])]
    for channel, (first, last) in channels.items():
        category.setLabel(channel)
        for i in range(first, last):
            observables[f"obs_x_{channel}"].setVal(i - first + 0.5)
            for data, count in zip(made, toys[i].tolist(), strict=True):
                data.add(observables, count)
    return made


def test_statistic(model: ROOT.RooStats.ModelConfig) -> ROOT.RooStats.ProfileLikelihoodTestStat:
    made = ROOT.RooStats.ProfileLikelihoodTestStat(model.GetPdf())
    made.SetReuseNLL(True)
    made.SetMinimizer("Minuit2")
    made.SetStrategy(0)
    made.SetPrintLevel(-1)
    made.SetGlobalObservables(model.GetGlobalObservables())
    return made


def silence() -> None:
    """Keep HistFactory and Minuit from talking."""
    ROOT.gROOT.SetBatch(True)
    ROOT.gErrorIgnoreLevel = ROOT.kFatal
    ROOT.TH1.AddDirectory(False)
    ROOT.RooMsgService.instance().setGlobalKillBelow(ROOT.RooFit.FATAL)
    ROOT.Math.MinimizerOptions.SetDefaultPrintLevel(-1)
    ROOT.RooStats.UseNLLOffset(True)


def evaluate(workspace: ROOT.RooWorkspace, spec: dict, meta: dict, toys: np.ndarray) -> tuple[float, np.ndarray]:
    """Seconds of the fits, and the test statistic of each toy: half of pyhf's."""
    model = workspace.obj("ModelConfig")
    statistic, poi = test_statistic(model), ROOT.RooArgSet(workspace.var(meta["poi"]))
    parameters = ROOT.RooArgSet(model.GetNuisanceParameters(), poi)
    start = parameters.snapshot()
    measured = [workspace.var(name) for name in global_names(spec, meta)]
    values = np.full(toys.shape[1], np.nan)
    data, auxiliary = datasets(model, meta["channels"], toys), toys[meta["nmain"] :].T.tolist()
    began = time.perf_counter()
    for i, toy in enumerate(data):
        for variable, value in zip(measured, auxiliary[i], strict=True):
            variable.setVal(value)
        parameters.assign(start)
        workspace.var(meta["poi"]).setVal(meta["mu"])
        values[i] = statistic.Evaluate(toy, poi)
    return time.perf_counter() - began, values


def main() -> None:
    folder, number = Path(sys.argv[1]), int(sys.argv[2])
    spec, meta = (json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("workspace", "meta"))
    silence()
    workspace = model_of(spec, meta["poi"], meta["poi_bound"])
    toys = np.load(folder / "toys.npy")[:, :number]
    seconds, values = evaluate(workspace, spec, meta, toys)
    failed = int(np.sum(~(values > -WORSE)))  # or not a number
    result = {"toys": toys.shape[1], "seconds": round(seconds, 4), "failed": failed}
    print(json.dumps({"program": "RooStats", "version": ROOT.gROOT.GetVersion()} | result))


if __name__ == "__main__":
    main()
