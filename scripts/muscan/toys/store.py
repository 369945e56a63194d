"""The toys of one signal point on disk, one file for each block.

Every file carries a key, the digest of all that its numbers depend on. A block whose file exists and has the right key
is not made again. A file that is missing, broken, or of another model, seed, fit or version of the code is replaced.
The files do not depend on how the blocks are shared among jobs.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from muscan.base import versions
from muscan.base.code import imported_modules
from muscan.base.files import write_bytes
from muscan.histfactory.model import model_digest
from muscan.inference.engine import Engine
from muscan.inference.fits import Fits
from muscan.toys import pseudo_data
from muscan.toys.pseudo_data import BACKGROUND_ONLY, WITH_SIGNAL, ToyResults

# The modules whose code, with all that they import, is a part of the key.
CODE_OF_TOYS = ("muscan/toys/pseudo_data.py", "muscan/inference/engines.py", "muscan/toys/store.py")


def block_file(folder: Path, hypothesis: str, mu: float, block: int) -> Path:
    """Return the file with the test statistics at mu of a block of toys."""
    return Path(folder) / f"mu_{mu:.10g}" / f"{hypothesis}_{block}.npz"


def free_fits_file(folder: Path, block: int) -> Path:
    """Return the file with the free fits of a block of background-only toys."""
    return Path(folder) / "free" / f"{block}.npz"


class BlockStore:
    """Blocks of toys of one signal point.

    Args:
        folder: of the files.
        engine: fits the toys.
        test_statistic: a key of `inference.test_statistics.VALUES`.
        seed: of all random numbers.
        size: toys of a block.

    Attributes:
        blocks_made: number of files that this object has written.
    """

    def __init__(self, folder: Path, engine: Engine, test_statistic: str, seed: int, size: int):
        self._folder, self._engine, self._statistic = Path(folder), engine, test_statistic
        self._seed, self._size = seed, size
        self._model = model_digest(engine.model)
        made_by = [_code_digest(), versions.numerical_versions()]
        self._common = [*made_by, self._model, engine.name, test_statistic, seed, size]
        # Bounds that are stated stop the fits, and toys there are counted; the digest of the model leaves this out.
        self._common.append(np.flatnonzero(engine.model.stated).tolist())
        self.blocks_made = 0

    def toys(self, hypothesis: str, mu: float, block: int, parameters: np.ndarray, tested: float) -> ToyResults:
        """Return a block of toys with their test statistic at one mu.

        Args:
            hypothesis: one of HYPOTHESES.
            mu: the signal strength of the toys.
            block: number of the block.
            parameters: the fit to the data with mu held, from which the toys are thrown, shape (npar,).
            tested: the tested signal strength.
        """

        def make() -> dict[str, np.ndarray]:
            data = self._throw(hypothesis, mu, block, np.asarray(parameters, dtype=float))
            free = self._engine.fit(data, [np.asarray(parameters, dtype=float)])
            return pseudo_data.calculate_q(self._engine, data, free, tested, self._statistic)._asdict()

        key = [hypothesis, float(tested), block, _parameters_digest(parameters), float(mu)]
        return ToyResults(**self._load_or_make(block_file(self._folder, hypothesis, tested, block), key, make))

    def _throw(self, hypothesis: str, mu: float, block: int, parameters: np.ndarray) -> np.ndarray:
        rng = pseudo_data.stream(self._seed, self._model, hypothesis, mu, block)
        return pseudo_data.throw(self._engine.likelihood, parameters, self._size, rng)

    def _load_or_make(self, path: Path, key: list, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """The arrays of a file, which is written if it does not exist or has another key."""
        key = hashlib.sha256(json.dumps([*self._common, *key]).encode()).hexdigest()
        stored = _read(path, key)
        if stored is not None:
            return stored
        self.blocks_made += 1
        content = make()
        file = io.BytesIO()
        np.savez(file, key=np.frombuffer(bytes.fromhex(key), np.uint8), **content)
        write_bytes(path, file.getvalue(), sealed=False)  # its key and the checksums of ZIP serve as a seal
        return content


class ToyStore(BlockStore):
    """Blocks of toys for limits: all values of mu share the background-only toys and their free fits.

    Args:
        folder: of the files.
        engine: fits the toys.
        test_statistic: "qtilde" or "q".
        background: the parameters from which background-only toys are thrown, shape (npar,).
        seed: of all random numbers.
        size: toys of a block.
    """

    def __init__(self, folder: Path, engine: Engine, test_statistic: str, background: np.ndarray, seed: int, size: int):
        super().__init__(folder, engine, test_statistic, seed, size)
        self._background = np.asarray(background, dtype=float)
        self._last_free: tuple[int, np.ndarray, Fits] | None = None  # block, data and free fits that were used last

    def signal_toys(self, mu: float, block: int, parameters: np.ndarray) -> ToyResults:
        """Return a block of signal+background toys with their test statistic at mu.

        Args:
            mu: the tested signal strength.
            block: number of the block.
            parameters: the fit to the data with mu held, from which the toys are thrown, shape (npar,).
        """
        return self.toys(WITH_SIGNAL, mu, block, parameters, mu)

    def background_toys(self, mu: float, block: int) -> ToyResults:
        """Return a block of background-only toys with their test statistic at mu."""

        def make() -> dict[str, np.ndarray]:
            return pseudo_data.calculate_q(self._engine, *self.free_fits(block), mu, self._statistic)._asdict()

        key = [BACKGROUND_ONLY, float(mu), block, _parameters_digest(self._background)]
        return ToyResults(**self._load_or_make(block_file(self._folder, BACKGROUND_ONLY, mu, block), key, make))

    def free_fits(self, block: int) -> tuple[np.ndarray, Fits]:
        """Return a block of background-only toys and their free fits.

        The toys, of shape (nmain + naux, size), are thrown again in every job; the fits are kept on disk.
        """
        if self._last_free is None or self._last_free[0] != block:
            data = self._throw(BACKGROUND_ONLY, 0.0, block, self._background)

            def make() -> dict[str, np.ndarray]:
                fits = self._engine.fit(data, [self._background])
                poi = fits.parameters[self._engine.model.poi]
                # Other parameters are only starting points of later fits: single precision is enough.
                return fits._asdict() | {"parameters": fits.parameters.astype(np.float32), "poi": poi}

            key = [BACKGROUND_ONLY, "free", block, _parameters_digest(self._background)]
            stored = self._load_or_make(free_fits_file(self._folder, block), key, make)
            fits = Fits(*(stored[name].astype(float) for name in Fits._fields[:-1]), stored["rescued"])
            fits.parameters[self._engine.model.poi] = stored["poi"]
            self._last_free = block, data, fits
        return self._last_free[1:]


def _read(path: Path, key: str) -> dict[str, np.ndarray] | None:
    """The arrays of a file; None if it is missing or broken, or has another key."""
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
            key_of_file = content.pop("key").tobytes().hex()
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, TypeError, zipfile.BadZipFile, zlib.error):
        return None
    return content if key_of_file == key else None


def _parameters_digest(parameters: np.ndarray) -> str:
    return hashlib.sha256(np.asarray(parameters, dtype=float).tobytes()).hexdigest()


def _code_digest() -> str:
    """SHA-256 of the code that makes toys."""
    files = sorted({file for script in CODE_OF_TOYS for file in imported_modules(script)})
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
