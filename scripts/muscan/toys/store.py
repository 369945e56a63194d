"""The toys of one signal on disk, a file for each block: what is there and was made in the same way is not made again.

Every file carries the digest of all that its numbers depend on. One that is missing, broken, or of another model, seed,
fit or version of the code is made again in its place; how the blocks were shared among jobs leaves no trace.
"""

import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np

from muscan.base import versions
from muscan.base.code import modules
from muscan.base.files import write_bytes
from muscan.histfactory.model import digest
from muscan.inference.fits import Fits
from muscan.toys import pseudo_data
from muscan.toys.pseudo_data import BACKGROUND_ONLY, WITH_SIGNAL, Toys

MADE_BY = ("muscan/toys/pseudo_data.py", "muscan/inference/engines.py", "muscan/toys/store.py")


def block_file(folder: Path, hypothesis: str, mu: float, number: int) -> Path:
    """Where a block of toys is, with their test statistic at mu."""
    return Path(folder) / f"mu_{mu:.10g}" / f"{hypothesis}_{number}.npz"


def free_file(folder: Path, number: int) -> Path:
    """Where the free fits of a block of background-only toys are."""
    return Path(folder) / "free" / f"{number}.npz"


class ToyStore:
    """Blocks of toys of one signal.

    Args:
        folder: where they are.
        engine: what fits.
        test_statistic: "qtilde" or "q".
        background: the fit that makes background-only toys, shape (npar,).
        seed: of all random numbers.
        size: toys of a block.
    """

    def __init__(self, folder: Path, engine, test_statistic: str, background: np.ndarray, seed: int, size: int):
        self._folder, self._engine, self._statistic = Path(folder), engine, test_statistic
        self._background, self._seed, self._size = np.asarray(background, dtype=float), seed, size
        self._model = digest(engine.model)
        self._common = [_code(), versions.of_numbers(), self._model, engine.name, test_statistic, seed, size]
        self._common.append(np.flatnonzero(engine.model.stated).tolist())  # where fits go on, or end and are counted
        self._free: tuple[int, np.ndarray, Fits] | None = None  # the block of free fits that was used last
        self.made = 0  # blocks that were not there

    def signal(self, mu: float, number: int, parameters: np.ndarray) -> Toys:
        """Toys with signal, thrown from the fit with mu held, and their test statistic at mu."""

        def make() -> dict[str, np.ndarray]:
            data = self._throw(WITH_SIGNAL, mu, number, np.asarray(parameters, dtype=float))
            free = self._engine.fit(data, [np.asarray(parameters, dtype=float)])
            return pseudo_data.test(self._engine, data, free, mu, self._statistic)._asdict()

        key = [WITH_SIGNAL, float(mu), number, _digest(parameters)]
        return Toys(**self._load_or_make(block_file(self._folder, WITH_SIGNAL, mu, number), key, make))

    def background(self, mu: float, number: int) -> Toys:
        """Background-only toys and their test statistic at mu."""

        def make() -> dict[str, np.ndarray]:
            return pseudo_data.test(self._engine, *self.free(number), mu, self._statistic)._asdict()

        key = [BACKGROUND_ONLY, float(mu), number, _digest(self._background)]
        return Toys(**self._load_or_make(block_file(self._folder, BACKGROUND_ONLY, mu, number), key, make))

    def free(self, number: int) -> tuple[np.ndarray, Fits]:
        """Background-only toys, which are thrown again, and their free fits, which are kept for more values of mu."""
        if self._free is None or self._free[0] != number:
            data = self._throw(BACKGROUND_ONLY, 0.0, number, self._background)

            def make() -> dict[str, np.ndarray]:
                fits = self._engine.fit(data, [self._background])
                poi = fits.parameters[self._engine.model.poi]
                # Other parameters are only where later fits begin: single precision is enough.
                return fits._asdict() | {"parameters": fits.parameters.astype(np.float32), "poi": poi}

            key = [BACKGROUND_ONLY, "free", number, _digest(self._background)]
            stored = self._load_or_make(free_file(self._folder, number), key, make)
            fits = Fits(*(stored[name].astype(float) for name in Fits._fields[:-1]), stored["rescued"])
            fits.parameters[self._engine.model.poi] = stored["poi"]
            self._free = number, data, fits
        return self._free[1:]

    def _throw(self, hypothesis: str, mu: float, number: int, parameters: np.ndarray) -> np.ndarray:
        rng = pseudo_data.stream(self._seed, self._model, hypothesis, mu, number)
        return pseudo_data.throw(self._engine.likelihood, parameters, self._size, rng)

    def _load_or_make(self, path: Path, key: list, make) -> dict[str, np.ndarray]:
        key = hashlib.sha256(json.dumps([*self._common, *key]).encode()).hexdigest()
        stored = _read(path, key)
        if stored is not None:
            return stored
        self.made += 1
        content = make()
        file = io.BytesIO()
        np.savez(file, key=np.frombuffer(bytes.fromhex(key), np.uint8), **content)
        write_bytes(path, file.getvalue(), sealed=False)  # its key, and the checksums of ZIP, do as well
        return content


def _read(path: Path, key: str) -> dict[str, np.ndarray] | None:
    """The arrays of a block, unless they are missing, broken, or made in another way."""
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
            made_as = content.pop("key").tobytes().hex()
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, TypeError, zipfile.BadZipFile, zlib.error):
        return None
    return content if made_as == key else None


def _digest(parameters: np.ndarray) -> str:
    return hashlib.sha256(np.asarray(parameters, dtype=float).tobytes()).hexdigest()


def _code() -> str:
    """Digest of the code that makes toys."""
    files = sorted({file for script in MADE_BY for file in modules(script)})
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
