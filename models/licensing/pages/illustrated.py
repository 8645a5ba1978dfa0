"""A result as pictures and one page: with what its words mean, and of what, by which version and when it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from coercivity.engine.report.charts import page
from coercivity.models.glossary import said
from coercivity.models.licensing.answers.subject import Subject


class Made(Protocol):
    """A result that says what it is about, and once it is saved in ``manifest`` how it was made."""

    @property
    def instance(self) -> Subject:
        """The instance that it is about."""


def illustrated(
    result: Made,
    pictures: Sequence[page.Drawable],
    sentences: Sequence[str],
    title: str | None = None,
    more: Sequence[str] = (),
) -> dict[str, str]:
    """The pictures of a result, and the page that shows them with what it says, by file name.

    Parameters
    ----------
    title : of the page; default: the instance
    more : what it says besides, under the pictures
    """
    read = [*sentences, *more, *(picture.title for picture in pictures)]
    beside = page.Beside(more, said(read), provenance(result))
    return page.files(pictures, title or result.instance.heading, sentences, beside)


def provenance(result: Made) -> str:
    """Of what a page is, by which version and when."""
    manifest: Mapping[str, Any] = getattr(result, "manifest", {})
    made = (manifest.get("versions") or {}).get("coercivity") or "of unknown version"
    date = str(manifest.get("finished") or manifest.get("started") or "an unknown date")[:16]
    return f"Instance {result.instance.name}, hash {result.instance.hash[:12]}; coercivity {made}; {date}."
