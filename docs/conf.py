"""Settings of Sphinx; `make docs` builds the site."""

import os
import re
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math import latex2mathml
from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT / "scripts"))

from muscan.base.versions import VERSION  # noqa: E402
from muscan.commands.document_records import field_comments  # noqa: E402
from muscan.commands.document_site import COPIES, LINK  # noqa: E402

project = "muscan"
author = "The muscan developers"
copyright = "The muscan developers, BSD-3-Clause"
version = release = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"muscan {VERSION}"
html_copy_source = False
highlight_language = "none"
html_static_path = ["static"]
html_css_files = ["site.css"]
smartquotes = False  # f'' is no quotation mark

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

napoleon_numpy_docstring = False
napoleon_use_ivar = True  # the attributes have entries of their own
autodoc_default_options = {"members": True, "undoc-members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
add_module_names = False
# Types such as `type` in an annotation are not the fields of that name.
suppress_warnings = ["ref.python"]
lexers["csv"] = TextLexer()  # Pygments has none
# Single backticks in docstrings are code, as in Markdown.
default_role = "code"

# Pages of the site that show what the repository keeps elsewhere.
PAGES = COPIES | {
    "README.md": "docs/index.md",
    "scripts/muscan": "docs/reference/library/index.rst",
    "scripts/muscan/records": "docs/reference/records.md",
}


def link_pages(app, page: str, source: list[str]) -> None:
    """Let links to files outside of `docs/` lead to the pages of the site that show them."""
    folder = (DOCS / page).parent

    def to_page(link: re.Match) -> str:
        file = os.path.relpath(folder / link[1], ROOT)
        return os.path.relpath(ROOT / PAGES[file], folder) if file in PAGES else link[0]

    source[0] = LINK.sub(to_page, source[0])


def escaped(text: str) -> str:
    """A text that is plain but for `code`, with what else reStructuredText takes for markup escaped."""
    parts = re.split(r"(`+[^`]*`+)", text)
    parts[::2] = [re.sub(r"[*|\\]|(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def escape_markup(app, what, name, obj, options, lines: list[str]) -> None:
    """Docstrings are plain text."""
    lines[:] = map(escaped, lines)


def describe_fields(app, what, name, obj, options, lines: list[str]) -> None:
    """The comment beside a field of a class describes it."""
    if what != "attribute" or any(line and not line.startswith("Alias for field number") for line in lines):
        return
    module, owner, field = name.rsplit(".", 2)
    file = (ROOT / "scripts" / module.replace(".", "/")).with_suffix(".py")
    if file.is_file():
        lines[:] = [escaped(field_comments(file).get(owner, {}).get(field, "")), ""]


def show_math(self, node) -> None:
    """Write a formula as MathML, which browsers show without any script."""
    self.body.append(latex2mathml.tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app) -> None:
    app.connect("source-read", link_pages)
    # napoleon stands between them: it would take a comment with a colon for a type and a text.
    app.connect("autodoc-process-docstring", escape_markup, priority=400)
    app.connect("autodoc-process-docstring", describe_fields, priority=600)
    app.add_html_math_renderer("mathml", (show_math, None), (show_math, None))


html_math_renderer = "mathml"
