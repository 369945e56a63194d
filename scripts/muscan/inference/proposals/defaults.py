"""The proposals of the engines, in the order in which they are tried. A new proposal is a line here."""

from muscan.inference.proposals.along_poi import AlongPoi
from muscan.inference.proposals.exchanges import Exchanges
from muscan.inference.proposals.free_normalisations import FreeNormalisations
from muscan.inference.proposals.held_fits import HeldFits
from muscan.inference.proposals.ridges import Ridges
from muscan.inference.proposals.scattered import Scattered

NEWTON = (Scattered, Ridges, FreeNormalisations, Exchanges, AlongPoi, HeldFits)
# Of a single start, where pyhf's users begin too: pyhf is the reference.
PYHF = (AlongPoi, HeldFits)
