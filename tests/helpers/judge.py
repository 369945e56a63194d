"""All steps from a workspace to limits in one call, and pyhf as the judge of the limits."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyhf

import scan_signals
from helpers.steps import run_step
from helpers.workspaces import referee, tight_minuit
from muscan.histfactory.model import Model
from muscan.inference.hypotest import hypotests
from muscan.inference.signal_point import SignalFiles, load

SAME = 1e-5  # two minima this close in -2 log L are the same
ROUNDING = 4 * np.finfo(float).eps  # of pyhf's logpdf, in units of its terms


class Results(NamedTuple):
    """What the steps wrote; a step that failed wrote {"status": "failed", "reason": ...}."""

    folder: Path
    fit: dict
    limits: dict

    @property
    def reason(self) -> str:
        """Why there is no fit."""
        return self.fit["reason"]

    def all_limits(self) -> list[float | None]:
        return [self.limits["observed_limit"], *self.limits["expected_limit"]]

    def statuses(self) -> list[str]:
        return [self.limits["status"]["observed_limit"], *self.limits["status"]["expected_limit"]]


def limits_of(folder: Path, spec, *options: str) -> Results:
    """Run the steps from a workspace to limits, with `mu: auto` if the options do not say which mu is tested."""
    folder.mkdir(parents=True)  # a new one: what was read of a path is kept
    source, checked = folder / "input.json", folder / "checked.json"
    source.write_text(json.dumps(spec), encoding="utf-8")
    checked.write_text('{"status": "ok", "wrong_patches": {}}')
    files = ["--workspace", str(source), "--checked", str(checked), "--folder", str(folder)]
    run_step(scan_signals, [*files, "--signals", "signal", *options])
    return Results(folder / "signal", *(strict(folder / "signal" / name) for name in FILES))


FILES = ("fit.json", "asymptotics/limits.json")


def strict(path: Path):
    """Read JSON as the standard has it: without NaN and Infinity."""

    def refuse(constant: str):
        raise AssertionError(f"{path} holds {constant}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End what takes for ever with an error."""

    def stop(number, frame):
        raise AssertionError(f"still running after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Point(NamedTuple):
    """One minimum: where, and what pyhf's logpdf says there."""

    name: str
    parameters: np.ndarray
    value: float  # -2 log L


def complaints(results: Results, spec: dict, which=range(6), alpha: float = 0.05, tolerance: float = 1e-4) -> list[str]:
    """What pyhf has against the limits with status ok.

    Each limit rests on four minima: the free fit, the one that makes the Asimov data, and those with mu held at the
    limit, to the data and to the Asimov data. With pyhf's own logpdf at muscan's minima CLs must be alpha; and pyhf's
    own fits must not end lower than those.
    """
    six = [limit if i in which else None for i, limit in enumerate(results.all_limits())]
    mus = sorted({mu for mu in six if mu is not None})
    if not mus:
        return []
    engine, prepared, fitted = load(SignalFiles(*(str(results.folder / name) for name in ("model.npz", "fit.json"))))
    judge = Judge(spec, engine.model)
    seen = []
    fit = engine.fit
    engine.fit = lambda *arguments, **options: seen.append(fit(*arguments, **options)) or seen[-1]
    hypotests(engine, prepared, mus, fitted.test_statistic, "asymptotics")
    held, of_asimov = np.split(seen[0].parameters, 2, axis=1)
    asimov_mu, asimov = fitted.reference["mu"], judge.asimov(prepared.reference.parameters)
    free = judge.compare("free", prepared.free.parameters, judge.data, None)
    judge.compare("reference", prepared.reference.parameters, judge.data, asimov_mu)
    best = Point("best of Asimov", prepared.reference.parameters, judge.value(prepared.reference.parameters, asimov))
    for mu, here, there in zip(mus, held.T, of_asimov.T, strict=True):
        q = judge.compare(f"mu = {mu:g}", here, judge.data, mu).value - free.value
        q = 0.0 if prepared.free.parameters[engine.model.poi] > mu else max(q, 0.0)
        q_asimov = max(judge.compare(f"Asimov, mu = {mu:g}", there, asimov, mu).value - best.value, 0.0)
        cls = pyhfs_cls(q, q_asimov, fitted.test_statistic, judge)
        digits = judge.digits(judge.data) + judge.digits(asimov)
        for i in (i for i, limit in enumerate(six) if limit == mu):
            if not abs(cls[i] - alpha) <= tolerance + digits:
                judge.found.append(f"limit {i}, mu = {mu:.7g}: CLs = {cls[i]:.7g}, q = {q:.6g}, qA = {q_asimov:.6g}")
    return judge.found


def pyhfs_cls(q: float, q_asimov: float, test_statistic: str, judge: "Judge") -> list[float]:
    """CLs, observed and the five expected ones, with pyhf's asymptotic distributions."""
    calculator = pyhf.infer.calculators.AsymptoticCalculator(judge.data, judge.model, test_stat=test_statistic)
    root, calculator.sqrtqmuA_v = np.sqrt(q), np.sqrt(q_asimov)
    far = test_statistic == "qtilde" and root > calculator.sqrtqmuA_v > 0
    value = (q - q_asimov) / (2 * calculator.sqrtqmuA_v) if far else root - calculator.sqrtqmuA_v
    distributions = calculator.distributions(1.0)
    observed = calculator.pvalues(value, *distributions)[-1]
    return [float(observed), *map(float, calculator.expected_pvalues(*distributions)[-1])]


class Judge:
    """pyhf's model, with the bounds that muscan's fits had."""

    def __init__(self, spec: dict, ours: Model):
        self.model, self.data = referee(spec, ours.interpolation)
        self.ours = ours
        self.found: list[str] = []

    def value(self, parameters: np.ndarray, data: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            return -2 * float(self.model.logpdf(parameters, data)[0])

    def digits(self, data: np.ndarray) -> float:
        """How far rounding may move -2 log L; each term of pyhf's is about n log n."""
        sizes = np.abs(data)
        return ROUNDING * float((sizes * (1 + np.log1p(sizes))).sum() + abs(self.value(self.ours.initial, data)))

    def asimov(self, parameters: np.ndarray) -> np.ndarray:
        return np.asarray(self.model.expected_data(parameters))

    def compare(self, name: str, parameters: np.ndarray, data: np.ndarray, mu: float | None) -> Point:
        """muscan's minimum; pyhf's fits, one of which begins there, must not find a lower one."""
        value = self.value(parameters, data)
        starts = [self.ours.initial, parameters]
        for theirs in (each for start in starts if (each := self.fit(start, data, mu)) is not None):
            lower = self.value(theirs, data)
            if lower < value - SAME - self.digits(data) and self.model.expected_actualdata(theirs).min() >= -1e-9:
                self.found.append(f"{name}: pyhf's fit ends {value - lower:.3g} lower, at {theirs}, not {parameters}")
        return Point(name, parameters, value)

    def fit(self, start: np.ndarray, data: np.ndarray, mu: float | None) -> np.ndarray | None:
        model = self.ours
        low, high = model.bounds.T
        fixed = model.fixed | (low == high)  # Minuit takes equal bounds for none
        start = np.where(model.fixed, model.initial, np.clip(start, low, high))
        if mu is not None:
            start[model.poi], fixed[model.poi] = mu, True
        if fixed.all():
            return start
        try:
            with tight_minuit(maxiter=2_000), np.errstate(all="ignore"):
                found = pyhf.infer.mle.fit(
                    data.tolist(), self.model, start.tolist(), model.bounds.tolist(), fixed.tolist()
                )
        except (pyhf.exceptions.FailedMinimization, ValueError):
            return None
        return np.asarray(found)
