"""The captions of pictures in the report that `snakemake --report` writes, in reStructuredText."""

import re
import textwrap

# The parts of a caption, with their headings.
PARTS = {"drawn": "What is drawn", "read": "How to read it", "check": "What to check"}
# Rules that draw one kind of picture, with its key in captions.yaml; the rules of all others have the wildcard `plot`.
RULES = {
    "compare_limits": "limits",
    "plot_contour": "exclusion",
    "plot_mass_limits": "mass_limits",
    "plot_significance": "significance",
    "plot_p0": "p0",
}
NOTE = ".. Made from report/captions.yaml by python scripts/muscan captions.\n"


def caption_files(captions: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return {file name: content} of the captions.

    Snakemake takes one file for each rule and fills it in as a template of Jinja, so that of the rule `plot` has the
    captions of all its pictures.

    Args:
        captions: the content of captions.yaml: {kind of picture: {part: text}}.
    """
    files = {f"{rule}.rst": f"{NOTE}\n{caption_text(captions[kind])}" for rule, kind in RULES.items()}
    others = (kind for kind in captions if kind not in RULES.values())
    choices = (f'{{% if snakemake.wildcards.plot == "{kind}" %}}\n{caption_text(captions[kind])}' for kind in others)
    return files | {"plot.rst": NOTE + "\n" + "".join(f"{choice}{{% endif %}}\n" for choice in choices)}


def caption_text(caption: dict[str, str]) -> str:
    """Return a caption: its title, and a paragraph for each of its parts."""
    paragraphs = [f"**{_escape(caption['title'])}**"]
    paragraphs += [f"*{heading}:* {_escape(caption[part])}" for part, heading in PARTS.items() if part in caption]
    return "\n\n".join(textwrap.fill(each, 100, break_on_hyphens=False) for each in paragraphs) + "\n"


def _escape(text: str) -> str:
    """Return a text in which nothing is markup."""
    return re.sub(r"[*`|\\]|_(?!\w)", r"\\\g<0>", text)
