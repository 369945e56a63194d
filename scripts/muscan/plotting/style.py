"""Common parts of all plots: style, text of users, format of numbers, header and legend, files without dates."""

import io
import math
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from muscan.base.errors import StepError, WrongFileError
from muscan.base.files import atomic_write_folder, write_bytes
from muscan.base.words import printable_text
from muscan.plotting.text import number as number
from muscan.plotting.text import status_words as status_words
from muscan.plotting.text import with_error as with_error

# Names come from users: with parse_math off, a `$` in them does not start a formula; labels of ours have none either.
# The default style of matplotlib comes first, so that a matplotlibrc of the user does not change the pictures.
LOOK = {
    "text.parse_math": False,
    "font.family": "DejaVu Sans",  # ships with matplotlib
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 12,
    "axes.linewidth": 0.9,
    "axes.axisbelow": False,
    "axes.formatter.useoffset": False,
    "xtick.major.pad": 6,
    "xaxis.labellocation": "right",
    "yaxis.labellocation": "top",
    **{f"{axis}tick.direction": "in" for axis in "xy"},
    **{f"{axis}tick.major.size": 6 for axis in "xy"},
    **{f"{axis}tick.minor.size": 3 for axis in "xy"},
    **{f"{axis}tick.minor.visible": True for axis in "xy"},
    "xtick.top": True,
    "ytick.right": True,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "hatch.linewidth": 0.6,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
}
styled = style.context(["default", LOOK])  # a decorator of functions that draw

DPI = 160  # dots per inch of PNG files
LOG_RANGE = 30  # numbers that differ by more than this factor get a logarithmic axis
GREEN, YELLOW = "#00cc00", "#ffd500"  # bands of one and two standard deviations
SIGNAL_COLOR = "#bd1f01"
GREY = "0.4"
# The colours of M. Petroff for every kind of colour vision (arXiv:2107.02270), without the red, which the signal has.
PALETTE = ("#3f90da", "#ffa90e", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")


def one_line(text: str, longest: int = 60) -> str:
    """Return the text of a user without line breaks, and with an ellipsis in the middle if it is very long."""
    text = printable_text(text)
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-((longest - 1) // 2) :]}"


def nan_to_zero(errors: list[float | None]) -> np.ndarray:
    """Return errors to be drawn, with zero for unknown ones: they get no bar and no band."""
    return np.nan_to_num(np.array(errors, dtype=float))


def draw_header(axes: Axes, left: str, right: str) -> None:
    """Write two texts above the frame, with smaller letters if they need more room.

    Call `legend_on_top` before, which determines the width of the frame.

    Args:
        axes: of the frame.
        left: bold text on the left.
        right: text on the right, with the same number of lines.
    """
    texts = axes.set_title(left, loc="left", fontweight="bold"), axes.set_title(right, loc="right")
    widest = 0.0
    for lines in zip(left.split("\n"), right.split("\n"), strict=True):
        for text, line in zip(texts, lines, strict=True):
            text.set_text(line)
        widest = max(widest, sum(text.get_window_extent().width for text in texts))
    scale = min(1.0, 0.96 * axes.get_window_extent().width / widest) if widest else 1.0
    for text, whole in zip(texts, (left, right), strict=True):
        text.set(text=whole, fontsize=max(5.0, scale * text.get_fontsize()))


def draw_figure_title(figure: Figure, title: str) -> None:
    """Write a title above the whole figure, with smaller letters if it is wider than the figure."""
    text = figure.suptitle(one_line(title), x=0.02, ha="left", fontsize=11, fontweight="bold")
    text.set_fontsize(11 * min(1.0, 0.92 * figure.bbox.width / max(text.get_window_extent().width, 1)))


def label_axis(axes: Axes, axis: str, text: str) -> None:
    """Set the label of the axis "x" or "y", in smaller letters if it is long."""
    text = one_line(text)
    getattr(axes, f"set_{axis}label")(text, fontsize=min(12, 330 / max(len(text), 1)))


def footnote(axes: Axes, text: str, line: int = 0) -> None:
    """Write a line of small letters below the label of the x axis."""
    below = {"xycoords": "axes fraction", "xytext": (0, -38 - 11 * line), "textcoords": "offset points"}
    axes.annotate(text, (0, 0), **below, va="top", color=GREY, fontsize=min(9, 540 / len(text)))


def legend_on_top(axes: Axes, handles: list, columns: tuple[int, ...] = (2, 1)) -> float:
    """Put the legend at the top of the frame, in the first number of columns that fits.

    Returns:
        the fraction of the height of the frame that the legend takes; curves should stay below.
    """
    handles = [handle for handle in handles if not str(handle.get_label()).startswith("_")]
    for number_of_columns in columns:
        legend = axes.legend(handles=handles, loc="upper right", ncols=number_of_columns, columnspacing=1.2)
        axes.figure.get_layout_engine().execute(axes.figure)
        excess = legend.get_window_extent().width / (0.98 * axes.get_window_extent().width)
        if excess < 1.2:
            break
    for text in legend.get_texts() if excess > 1 else []:
        text.set_fontsize(max(5.0, text.get_fontsize() / excess / 1.05))
    return min(0.75, legend.get_window_extent().height / axes.get_window_extent().height + 0.02)


def _power_of_ten(value: float) -> int:
    """The exponent of a positive number, also of one that rounding has left a little below a power of ten."""
    return math.floor(math.log10(value) + 1e-9)


def format_log_axis(axis: Axis) -> None:
    """Format the ticks of a logarithmic axis as plain text: 0.01, 0.1, 1, 10, ... and 10⁵ where that is shorter."""
    superscripts = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

    def plain(value: float, _position: int | None = None) -> str:
        power = _power_of_ten(value) if value > 0 else 0
        digit = round(value / 10.0**power)
        factor = f"{digit}×" if digit > 1 else ""
        return f"{value:g}" if -4 < power < 4 else f"{factor}10{str(power).translate(superscripts)}"

    def between(value: float, _position: int | None = None) -> str:
        low, high = axis.get_view_interval()
        digit = round(value / 10.0 ** _power_of_ten(value))
        return plain(value) if high < 30 * low and digit in (2, 5) else ""

    axis.set_major_locator(LogLocator(numticks=12))
    axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=12))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(FuncFormatter(between))


@styled
def placeholder(reason: str, title: str = "") -> Figure:
    """Return a picture that states why there is nothing to show."""
    lines = textwrap.wrap(printable_text(reason), 72, max_lines=12)
    figure = Figure(figsize=(7, 4.2))
    draw_figure_title(figure, title)
    figure.text(0.02, 0.82, "There is nothing to show:", va="top", color=SIGNAL_COLOR)
    figure.text(0.02, 0.72, "\n".join(lines), va="top")
    return figure


@styled
def save(figure: Figure, path: str | Path) -> None:
    """Write a PNG to `path` and a PDF beside it: each complete or not at all, without dates and versions."""
    # One layout for both files: `Figure.savefig` would make one for each, with a drawing that it throws away.
    figure.set_dpi(DPI)
    layout = figure.get_layout_engine()
    if layout and figure.axes:
        layout.execute(figure)
        figure.set_layout_engine("none")
    png, pdf = io.BytesIO(), io.BytesIO()  # a full disk gives the error of `write_bytes`, not one of matplotlib
    FigureCanvasAgg(figure).print_png(png, metadata=dict.fromkeys(["Software"]))
    FigureCanvasPdf(figure).print_pdf(pdf, metadata=dict.fromkeys(["CreationDate", "Creator", "Producer"]))
    for suffix, content in ((".png", png), (".pdf", pdf)):
        write_bytes(Path(path).with_suffix(suffix), content.getvalue())


def save_figure(output: str | Path, draw: Callable[[], Figure], title: str) -> None:
    """Draw and save a picture; if it cannot be drawn, save one that states the reason.

    Args:
        output: a PNG, beside which a PDF is written.
        draw: returns the figure, or raises a StepError.
        title: of the picture that states the reason.

    Raises:
        WrongFileError: if a file is not of the kind from which the picture is drawn; no picture is written.
    """
    try:
        figure = draw()
    except WrongFileError:
        raise
    except StepError as error:
        figure = placeholder(str(error), title)
    save(figure, output)


def save_folder(output: str | Path, pictures: Iterable[tuple[str, Figure]], title: str, name: str, reason: str) -> None:
    """Save pictures in a folder; if there are none, or if one cannot be drawn, save only one that states the reason.

    Args:
        output: the folder.
        pictures: pairs of a name without suffix and a figure; iteration may raise a StepError.
        title: of the picture that states the reason.
        name: of the file of that picture, without suffix.
        reason: why there are no pictures, if there are none.

    Raises:
        WrongFileError: if a file is not of the kind from which the pictures are drawn; no picture is written.
    """
    with atomic_write_folder(output) as folder:
        try:
            for each, figure in pictures:
                save(figure, folder / f"{each}.png")
        except WrongFileError:
            raise
        except StepError as error:
            reason = str(error)
            for file in list(folder.iterdir()):
                file.unlink()
        if not any(folder.iterdir()):
            save(placeholder(reason, title), folder / f"{name}.png")
