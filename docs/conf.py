"""The documentation site: the Markdown of the repository where it stands, with Sphinx, MyST and Furo; ``make docs``.

Nothing in it asks a network: formulas become MathML while the site is built. Pages are plain Markdown, readable where the
code is hosted too; what only Sphinx needs (tables of contents) is added here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.logging import getLogger

import coercivity

HOUSE = Path(__file__).parents[1]

project = "Coercivity"
author = "the Coercivity authors"
copyright = "MIT licence"  # noqa: A001 - Sphinx asks for this name
version = release = coercivity.__version__
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["docs/**.md", "models/*/README.md", "instances/*/README.md", "CHANGELOG.md"]
# Not even looked into: environments and builds.
exclude_patterns = [".*", "build", "tests", "benchmarks", "engine", "runs"]
myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4
# A sum of dollars is no formula.
myst_dmath_allow_space = False
myst_dmath_allow_digits = False
html_theme = "furo"
html_title = "Coercivity"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
# Code is shown as it is; Mermaid and transcripts have no lexer.
highlight_language = "none"

LOGGER = getLogger(__name__)
LINK = re.compile(r"\]\((?!https?:)([^)#]+\.md)\)")
# What docutils does not know, in the words that it knows.
TEX = {r"\texttt": r"\text", r"\dots": r"\ldots", r"\_": "_"}


def contents(app: Any, name: str, source: list[str]) -> None:
    """Make of each section of the first page a part of the side bar: the pages that it links to."""
    if name == root_doc:
        for section in re.split(r"^## ", source[0], flags=re.MULTILINE)[1:]:
            title, pages = section.partition("\n")[0], dict.fromkeys(LINK.findall(section))
            source[0] += "\n```{toctree}\n:hidden:\n:caption: " + title + "\n\n" + "\n".join(pages) + "\n```\n"
    elif name == "docs/cases/README":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\nnumbers/*\n```\n"


def formula(as_block: bool) -> Any:
    """A visitor that writes a formula as MathML."""

    def visit(translator: Any, node: nodes.Element) -> None:
        text = node.astext()
        for unknown, known in TEX.items():
            text = re.sub(
                re.escape(unknown) + r"(?![a-zA-Z])" * unknown[-1].isalpha(), lambda _, known=known: known, text
            )
        try:
            written = tex2mathml(text, as_block=as_block)
        except MathError as error:
            LOGGER.warning("no formula: %s: %s", error, text, location=node)
            written = text
        translator.body.append(f'<div class="formula">{written}</div>' if as_block else written)
        raise nodes.SkipNode

    return visit


def first_page(app: Any, failure: Exception | None) -> None:
    """The site's folder opens at its first page."""
    if failure is None and app.builder.name == "html":
        page = '<!doctype html><meta charset="utf-8"><title>Coercivity</title><meta http-equiv="refresh" content="0; url=docs/index.html">\n'
        (Path(app.outdir) / "index.html").write_text(page, "utf-8")


def setup(app: Any) -> None:
    """What Sphinx is taught."""
    app.connect("source-read", contents)
    app.connect("build-finished", first_page)
    app.add_html_math_renderer("mathml", (formula(False), None), (formula(True), None))
    app.config.html_math_renderer = "mathml"
