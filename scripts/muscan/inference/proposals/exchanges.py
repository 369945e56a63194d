"""Starting points at which other factors of a template scale it than in the fit that has ended.

If the data require far fewer events of a template than expected, a factor with a Gaussian constraint of width s can go
to zero at a cost of 1/s^2 in the deviance (staterror, or a histosys that empties a bin), whereas the cost of one with a
Poisson constraint, or of a normsys, rises with the logarithm of the factor. It then costs less to change one factor
alone than to share the change among several, and there may be a minimum for each factor.
"""

import numpy as np

from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.poisson import poisson_deviance
from muscan.inference.emptied_templates import large_factors, may_be_emptied
from muscan.inference.proposals.proposal import FurtherStarts, Known, Proposal, Scope

# The settings below are round numbers: looser conditions and finer scans take longer, stricter and coarser ones may
# miss a minimum. tests/physics/test_pathological.py and `make study-fuzz` compare limits with those of pyhf.

# A fit is strained if constrained parameters scale a template beyond these factors, and if this changes the events of a
# bin with n observed events by more than MOVED * sqrt(n).
LOW, HIGH, MOVED = 0.6, 1.7, 0.3
# Values that are tried: of global parameters, in widths of their constraints, and of the gammas of a bin.
VALUES = np.linspace(-4, 4, 17)
GAMMAS = np.concatenate([np.geomspace(1e-6, 10, 29), [1.0]])
# Number of scans around the best value, and the ratio of the range of one scan to that of the one before.
ZOOMS, CLOSER = 5, 0.2
# Largest numbers of pairs of a global parameter and a bin, and of starting points, of one fit.
MOST_LINES, MOST_STARTS = 64, 16
# A starting point must differ from the end of the fit by more than this in at least one parameter.
DIFFERENT = 1e-3


class Exchanges(Proposal):
    """Points at which other factors scale a template, for fits in which one is scaled far down or up."""

    scope = Scope.EVERY_FIT

    def __init__(self, likelihood: Likelihood):
        super().__init__(likelihood)
        kinds = large_factors(self.model)
        self._templates = may_be_emptied(self.model, kinds)
        self.possible = bool(self._templates.any())
        if self.possible:
            sample, bin_, parameter = (np.concatenate(each) for each in list(zip(*kinds, strict=True))[:3])
            used = self._templates[sample, bin_]
            self._local = self._local_parameters(parameter[used])
            shared = ~np.isin(parameter, self._local) & used
            parameter, bin_ = parameter[shared], bin_[shared]
            alone = np.unique(parameter)
            # (parameter, bin whose deviance it is to minimise); -1 for all bins
            lines = [np.stack([alone, np.full(len(alone), -1)]), np.unique(np.stack([parameter, bin_]), axis=1)]
            self._lines = np.hstack(lines)[:, :MOST_LINES].astype(int)

    def starts(self, known: Known) -> FurtherStarts:
        parameters, data = known.fits.parameters, known.data
        which = np.flatnonzero(self._strained(parameters, data))
        found = [self._starts_for(parameters[:, index], data[:, index]) for index in which]
        fit = np.repeat(which, [each.shape[1] for each in found])
        return FurtherStarts(fit, [np.hstack([parameters[:, :0], *found])])

    def _strained(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Which fits scale such a template far down or up, shape (B,).

        Args:
            parameters: of B fits, shape (npar, B).
            data: shape (nmain + naux, B).
        """
        events = self.likelihood.expected_by_sample(parameters)[self._templates]
        before = self.likelihood.expected_by_sample(self._nominal(parameters))[self._templates]
        room = np.sqrt(np.maximum(data[: self.model.nmain], 1.0))[np.nonzero(self._templates)[1]]
        far = (events < LOW * before) | (events > HIGH * before)
        return (far & (np.abs(events - before) > MOVED * room)).any(axis=0)

    def _starts_for(self, parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Starting points for one fit, shape (npar, T).

        Each global factor of such templates gets its best value, for all bins or for one bin, while the constrained
        parameters otherwise keep their values or are all set to their initial ones. Then, in each bin, the gamma that
        lowers the deviance most gets its best value.

        Args:
            parameters: of the fit, shape (npar,).
            data: shape (nmain + naux,).
        """
        here = np.repeat(parameters[:, None], 2, axis=1)
        here[:, 1:] = self._nominal(here[:, 1:])
        with np.errstate(all="ignore"):
            found = np.hstack([here, self._along_lines(here, data)])
            found = self._best_gammas(found, data)
            value = self._terms(found, data)[0]
        order = np.argsort(np.where(np.isfinite(value), value, np.inf), kind="stable")
        found = found[:, order[np.isfinite(value[order])]]
        different = np.abs(found - parameters[:, None]).max(axis=0) > DIFFERENT
        return found[:, different][:, :MOST_STARTS]

    def _nominal(self, parameters: np.ndarray) -> np.ndarray:
        """These parameters with the initial values of the constrained ones."""
        constrained = ~np.isnan(self.model.constrained_widths())[:, None]
        return np.where(constrained, self.model.initial[:, None], parameters)

    def _local_parameters(self, parameters: np.ndarray) -> np.ndarray:
        """Those of the parameters that are gammas of a single bin, shape (K, nmain); npar where there is none."""
        layout, npar = self.likelihood.layout, len(self.model.names)
        local = np.empty((layout.locals_, self.model.nmain), int)
        local[:, layout.bins] = layout.order[layout.globals_ :].reshape(local.shape)
        return np.where(np.isin(local, parameters), local, npar)

    def _along_lines(self, bases: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Each base with the best value of one global factor, for each factor and base, shape (npar, T)."""
        model = self.model
        parameter, of_bin = np.tile(self._lines, (1, bases.shape[1]))
        starts = np.repeat(bases, self._lines.shape[1], axis=1)
        low, high = model.bounds[parameter].T
        if not len(parameter):
            return starts
        best, reach, line = model.initial[parameter], model.constrained_widths()[parameter], np.arange(len(parameter))
        for _ in range(ZOOMS):
            values = np.clip(best[:, None] + reach[:, None] * VALUES, low[:, None], high[:, None])
            tried = np.repeat(starts, len(VALUES), axis=1)
            tried[np.repeat(parameter, len(VALUES)), np.arange(tried.shape[1])] = values.ravel()
            terms = self._terms(tried, data)
            total, bins, prices = (each.reshape(*each.shape[:-1], -1, len(VALUES)) for each in terms)
            value = np.where((of_bin < 0)[:, None], total, bins[of_bin, line] + prices[parameter, line])
            best = values[line, np.where(np.isfinite(value), value, np.inf).argmin(axis=1)]
            reach = reach * CLOSER
        starts[parameter, line] = best
        return starts

    def _best_gammas(self, points: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Each point with the best value of one gamma in each bin, and initial values of the other gammas of the bin.

        A bin is left as it is if this does not lower its deviance. Both arrays of points have the shape (npar, T).
        """
        model, number = self.model, points.shape[1]
        initial, bounds = (np.concatenate([each, each[:1]]) for each in (model.initial, model.bounds))
        best, found = self._of_bins(points, data), points.copy()
        for chosen in self._local[(self._local < len(points)).any(axis=1)]:
            bins = np.flatnonzero(chosen < len(points))
            # The last row, with index npar, is a placeholder where a bin has no such parameter.
            tried = np.repeat(np.concatenate([points, points[:1]]), len(GAMMAS), axis=1)
            of_bins = self._local[:, bins]
            tried[of_bins] = initial[of_bins][..., None]
            values = np.clip(np.tile(GAMMAS, (len(bins), number)), *bounds[chosen[bins]].T[..., None])
            tried[chosen[bins]] = values
            value = self._of_bins(tried[:-1], data)[bins].reshape(len(bins), number, len(GAMMAS))
            value = np.where(np.isfinite(value), value, np.inf)
            least = value.argmin(axis=2)
            value = np.take_along_axis(value, least[..., None], axis=2)[..., 0]
            for i, (bin_, lower) in enumerate(zip(bins, value < best[bins], strict=True)):
                of_bin = self._local[:, bin_]
                of_bin = of_bin[of_bin < len(points)]
                found[np.ix_(of_bin, lower)] = initial[of_bin][:, None]
                found[chosen[bin_], lower] = values.reshape(len(bins), number, len(GAMMAS))[i, lower, least[i, lower]]
                best[bin_] = np.where(lower, value[i], best[bin_])
        return found

    def _of_bins(self, points: np.ndarray, data: np.ndarray) -> np.ndarray:
        """The deviance of each bin, including the constraint terms of its gammas, shape (nmain, T)."""
        _, bins, prices = self._terms(points, data)
        return bins + prices[self._local].sum(axis=0)

    def _terms(self, points: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The deviance, shape (T,), its parts by bin, shape (nmain, T), and by constraint, shape (npar + 1, T)."""
        model, constraints = self.model, self.model.constraints
        measured, poisson = data[model.nmain :, None], constraints.is_poisson[:, None]
        expected = constraints.factor[:, None] * points[constraints.parameter]
        pull = (expected - measured) / constraints.sigma[:, None]
        prices = np.zeros((len(points) + 1, points.shape[1]))
        prices[constraints.parameter] = np.where(poisson, poisson_deviance(measured, expected), pull * pull)
        bins = poisson_deviance(data[: model.nmain, None], self.likelihood.expected(points))
        return bins.sum(axis=0) + prices.sum(axis=0), bins, prices
