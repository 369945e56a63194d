"""Draw the pictures of a scan, each by the module of its name."""

from importlib import import_module

from muscan.plotting.registry import ScanFiles
from muscan.plotting.style import save_figure, save_folder


def draw_scan(plot: str, output: str, files: ScanFiles) -> None:
    """Write a picture of a scan; what cannot be drawn becomes a picture that says why.

    Args:
        plot: one of `registry.READS`.
        output: a PNG, beside which a PDF is written, or a folder for several pictures.
        files: from which it is drawn.
    """
    module = import_module(f"muscan.plotting.{plot}")
    if hasattr(module, "pictures"):
        save_folder(output, module.pictures(files), files.title, *module.PLACEHOLDER)
    else:
        save_figure(output, lambda: module.picture(files), files.title)
