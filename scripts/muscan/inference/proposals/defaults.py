"""The proposals of the engines, in the order in which they are tried. A new proposal is added here."""

from muscan.inference.proposals.along_poi import AlongPoi
from muscan.inference.proposals.exchanges import Exchanges
from muscan.inference.proposals.free_normalisations import FreeNormalisations
from muscan.inference.proposals.held_fits import HeldFits
from muscan.inference.proposals.ridges import Ridges
from muscan.inference.proposals.scattered import Scattered

NEWTON = (Scattered, Ridges, FreeNormalisations, Exchanges, AlongPoi, HeldFits)
# As pyhf is the reference, its fits begin at a single point, as those of its users do.
PYHF = (AlongPoi, HeldFits)
