"""Make HTML pages from a template: all texts are escaped, links are relative, pictures are linked or embedded."""

import base64
import os
import struct
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from muscan.base.words import printable_text

DOTS_PER_INCH = 160  # of the pictures
PIXELS_PER_INCH = 100  # of a picture on the page


def render(template: Path, folder: Path, embed: bool, content: dict) -> str:
    """Return a page.

    Args:
        template: a template of Jinja. Its filters are `url` of a file, and `source` and `size` of a PNG.
        folder: where the page will be; links are relative to it.
        embed: whether pictures become part of the page.
        content: values of the names in the template.

    Raises:
        jinja2.UndefinedError: if the template uses a name without a value.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_control_characters,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    url = partial(relative_url, folder=folder)
    environment.filters |= {"url": url, "source": data_uri if embed else url, "size": display_size}
    return environment.get_template(template.name).render(content | {"embed": embed})


def _without_control_characters(value: Any) -> Any:
    """Replace control characters, which HTML does not allow. Jinja escapes the text afterwards."""
    return (
        printable_text(value, keep="\n\N{NO-BREAK SPACE}")
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


def relative_url(file: str | Path, folder: Path) -> str:
    """Return the percent-encoded URL of a file for a page in a folder."""
    return quote(os.path.relpath(file, folder))


def data_uri(file: str | Path) -> str:
    """Return a PNG as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(Path(file).read_bytes()).decode('ascii')}"


def display_size(file: str | Path) -> tuple[int, int]:
    """Return width and height of a PNG on the page, in pixels of the page."""
    with open(file, "rb") as png:
        pixels = struct.unpack(">II", png.read(24)[16:])  # width and height are in the header of the file
    width, height = (round(number * PIXELS_PER_INCH / DOTS_PER_INCH) for number in pixels)
    return width, height
