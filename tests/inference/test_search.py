"""The loop of the search with proposals made for the test, where the deviance has valleys at whole numbers."""

import numpy as np
import pytest

from muscan.inference.fits import Fits, keep_lower
from muscan.inference.proposals.proposal import Border, FurtherStarts, Known, Proposal, Scope
from muscan.inference.search import MOST_ROUNDS, search, stages

DEPTHS = np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.25, 0.0])  # of the valleys at 0, 1, 2, ...


class Terrain:
    """Fits that end in the valley in which they start; says what was asked."""

    def __init__(self, number: int):
        self.asked: list[FurtherStarts] = []
        self.best = self.ends(np.zeros((1, number)))
        self.data = np.arange(number)[None, :].astype(float)

    @staticmethod
    def ends(start: np.ndarray) -> Fits:
        valley = np.clip(np.rint(start), 0, len(DEPTHS) - 1)
        number = valley.shape[1]
        return Fits(valley, DEPTHS[valley[0].astype(int)].copy(), np.zeros(number), np.zeros(number, bool))

    def fit(self, further: FurtherStarts) -> Fits:
        self.asked.append(further)
        return self.ends(further.starts[0])

    def search(self, *proposals: Proposal, **options) -> None:
        search(self.best, self.data, stages(proposals, Scope.EVERY_FIT), self.fit, **options)


class Next(Proposal):
    """One valley further, for data sets with an odd number."""

    scope = Scope.EVERY_FIT

    def __init__(self):
        self.seen: list[Known] = []

    def starts(self, known: Known) -> FurtherStarts:
        self.seen.append(known)
        which = np.flatnonzero(known.data[0] % 2 == 1)
        return FurtherStarts(which, [known.fits.parameters[:, which] + 1])


class Bordered(Next):
    """The same with a border; says with which number it comes among those of one fit."""

    one_sided = True

    def __init__(self, parameter: int, step: float):
        super().__init__()
        self.parameter, self.step = parameter, step

    def starts(self, known: Known) -> FurtherStarts:
        number = known.data.shape[1]
        border = Border(np.full(number, self.parameter), np.zeros(number))
        return FurtherStarts(np.arange(number), [known.fits.parameters + self.step], border)


class Impossible(Next):
    possible = False


def test_fits_that_improve_are_looked_at_again_and_others_are_not():
    terrain, proposal = Terrain(4), Next()
    terrain.search(proposal)
    assert terrain.best.parameters[0].tolist() == [0, MOST_ROUNDS, 0, MOST_ROUNDS]
    assert terrain.best.deviance.tolist() == [5, DEPTHS[MOST_ROUNDS], 5, DEPTHS[MOST_ROUNDS]]
    assert [known.data[0].tolist() for known in proposal.seen] == [[0, 1, 2, 3]] + [[1, 3]] * (MOST_ROUNDS - 1)
    assert [known.first for known in proposal.seen] == [True] + [False] * (MOST_ROUNDS - 1)
    assert all(each.fit.tolist() == [1, 3] for each in terrain.asked)


def test_it_ends_where_nothing_becomes_lower():
    terrain, proposal = Terrain(2), Next()
    terrain.best = terrain.ends(np.full((1, 2), len(DEPTHS) - 2.0))
    terrain.search(proposal)
    assert terrain.best.deviance.tolist() == [0.25, 0.0]
    assert len(proposal.seen) == 2


def test_fits_that_have_found_nothing_are_left_alone():
    terrain, proposal = Terrain(4), Next()
    terrain.best.deviance[[1, 2]] = np.nan
    terrain.search(proposal)
    assert proposal.seen[0].data[0].tolist() == [0, 3]
    np.testing.assert_array_equal(terrain.best.deviance, [5, np.nan, np.nan, DEPTHS[MOST_ROUNDS]])


def test_proposals_that_are_not_possible_are_not_asked():
    terrain, proposal = Terrain(2), Impossible()
    terrain.search(proposal)
    assert proposal.seen == terrain.asked == []


def test_proposals_with_borders_are_one_batch_and_the_others_see_what_it_has_found():
    terrain, last = Terrain(2), Next()
    terrain.search(Bordered(3, 1.0), last, Bordered(1, 2.0), rounds=1)
    assert [len(each.fit) for each in terrain.asked] == [4, 1]
    assert last.seen[0].fits.parameters[0].tolist() == [2, 2]
    assert terrain.best.parameters[0].tolist() == [2, 3]


@pytest.mark.parametrize("first", [0, 1])
def test_of_ends_that_are_equally_low_the_first_border_counts(first):
    """The order of the parameters, not that of the proposals."""
    terrain = Terrain(1)
    ends = [1.0, 2.0]
    terrain.fit = lambda further: terrain.ends(further.starts[0])._replace(deviance=np.zeros(2))
    proposals = [Bordered(3, ends[0]), Bordered(1, ends[1])]
    terrain.search(proposals[first], proposals[1 - first])
    assert terrain.best.parameters[0, 0] == ends[1]


def test_the_end_of_a_held_fit_counts_where_it_stays_lower():
    terrain = Terrain(3)
    held = terrain.ends(np.array([[0.0, 1.0, 0.0]]))
    held.deviance[2] += 1
    terrain.search(held=held)
    assert terrain.best.parameters[0].tolist() == [0, 1, 0]
    assert terrain.best.deviance.tolist() == [5, 4, 5]


def test_what_is_kept_is_lower_by_more_than_the_margin():
    best, others = (Terrain.ends(np.array([place])) for place in ([0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 2.0]))
    best.deviance[3] = np.nan
    others.deviance[1] -= 1e-9
    keep_lower(best, others, np.arange(4))
    assert best.parameters[0].tolist() == [1, 1, 1, 2]
    assert best.deviance.tolist() == [4, 4, 4, 3]
    keep_lower(best, others.some(np.array([1])), np.array([1]), margin=0.0)
    assert best.deviance[1] == 4 - 1e-9
