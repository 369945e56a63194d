"""HTML pages from a template: names are literal, links relative, pictures beside the page or in it."""

import base64
import os
import struct
from functools import partial
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from muscan.base.words import printable

DOTS_PER_INCH = 160  # of our pictures
PIXELS_PER_INCH = 100  # on the page


def render(template: Path, folder: Path, embed: bool, content: dict) -> str:
    """A page.

    Args:
        template: of Jinja. Its filters: `url` of a file, `source` and `size` of a PNG.
        folder: of the page; links are relative to it.
        embed: whether pictures are a part of the page.
        content: what the template names.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_literal,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    url = partial(relative_url, folder=folder)
    environment.filters |= {"url": url, "source": data_uri if embed else url, "size": size}
    return environment.get_template(template.name).render(content | {"embed": embed})


def _literal(value):
    """Control characters are no part of HTML; escaping comes after this."""
    return (
        printable(value, but="\n\N{NO-BREAK SPACE}")
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


def relative_url(file: str | Path, folder: Path) -> str:
    """A file as the page in a folder links it, percent-encoded."""
    return quote(os.path.relpath(file, folder))


def data_uri(file: str | Path) -> str:
    """A PNG as a part of the page."""
    return f"data:image/png;base64,{base64.b64encode(Path(file).read_bytes()).decode('ascii')}"


def size(file: str | Path) -> tuple[int, int]:
    """Width and height of a PNG on the page, in its pixels; they stand in the header of the file."""
    with open(file, "rb") as png:
        pixels = struct.unpack(">II", png.read(24)[16:])
    return tuple(round(each * PIXELS_PER_INCH / DOTS_PER_INCH) for each in pixels)
