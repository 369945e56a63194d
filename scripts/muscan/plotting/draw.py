"""Draw the pictures of a scan, each with the module of the same name."""

from importlib import import_module

from muscan.base.errors import InputError
from muscan.plotting.registry import OPTIONAL, READS, ScanFiles
from muscan.plotting.style import save_figure, save_folder


def draw_scan(plot: str, output: str, files: ScanFiles) -> None:
    """Draw a picture of a scan; if it cannot be drawn, write a picture that states the reason.

    Args:
        plot: a key of `registry.READS`.
        output: a PNG, beside which a PDF is written, or a folder for several pictures.
        files: results of the scan.

    Raises:
        InputError: if a result that the picture needs is not among the files, or is of another kind.
    """
    missing = [f"--{name}" for name in READS[plot] if name not in OPTIONAL and not getattr(files, name)]
    if missing:
        raise InputError(f"the picture {plot} needs {' and '.join(missing)}")
    module = import_module(f"muscan.plotting.{plot}")
    if hasattr(module, "pictures"):
        save_folder(output, module.pictures(files), files.title, *module.PLACEHOLDER)
    else:
        save_figure(output, lambda: module.picture(files), files.title)
