"""What the package states that it needs, and whether what is installed is inside."""

from __future__ import annotations

import importlib.metadata
import operator
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass

PACKAGE = "coercivity"
REINSTALL = "in the repository's folder: pip install --upgrade"
COMPARED = {
    ">=": operator.ge,
    "<=": operator.le,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Requirement:
    """A package with the bounds of its version, as ``>=2.0,<3``; ``extra`` is empty for what is always needed."""

    name: str
    bounds: str
    extra: str = ""

    @property
    def installed(self) -> str | None:
        """The version that is installed, or None."""
        try:
            return importlib.metadata.version(self.name)
        except importlib.metadata.PackageNotFoundError:
            return None

    @property
    def least(self) -> str | None:
        """The lowest version that is stated, or None."""
        found = re.search(r">=\s*([^,\s]+)", self.bounds)
        return found[1] if found else None

    def admits(self, version: str) -> bool:
        """Whether a version lies inside the bounds.

        >>> wanted = Requirement("pint", ">=0.24.4,<0.26")
        >>> [wanted.admits(version) for version in ("0.24.3", "0.24.4", "0.25.3", "0.26")]
        [False, True, True, False]
        """
        for sign, bound in re.findall(r"([<>=!]=?)\s*([^,\s]+)", self.bounds):
            ours, theirs = release(version), release(bound)
            length = max(len(ours), len(theirs))
            padded = (parts + (0,) * (length - len(parts)) for parts in (ours, theirs))
            if not COMPARED[sign](*padded):
                return False
        return True


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version, without what marks it as a draft or as mended later.

    >>> release("1.9.0.post1"), release("2.0rc1")
    ((1, 9, 0), (2, 0))
    """
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else (0,)


def parsed(text: str) -> Requirement:
    """A requirement as metadata write it.

    >>> parsed('vl-convert-python<2,>=1.7; extra == "charts"')
    Requirement(name='vl-convert-python', bounds='<2,>=1.7', extra='charts')
    """
    head, _, marker = text.partition(";")
    found = re.match(r"\s*([A-Za-z0-9._-]+)\s*(.*)", head)
    extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
    return Requirement(found[1] if found else head, found[2].strip() if found else "", extra[1] if extra else "")


def requirements(extra: str = "") -> Iterator[Requirement]:
    """What the installed package states for itself, or for one of its extras."""
    for text in importlib.metadata.requires(PACKAGE) or []:
        one = parsed(text)
        if one.extra == extra:
            yield one


def check(extra: str = "") -> str:
    """The versions of what is needed, or of the packages of an extra.

    Raises
    ------
    RuntimeError
        One is missing, or outside what is stated; with what to do.
    """
    wrong, found = [], []
    for one in requirements(extra):
        version = one.installed
        found.append(f"{one.name} {version}")
        if version is None:
            wrong.append(f"{one.name} is not installed, {one.bounds} is needed")
        elif not one.admits(version):
            wrong.append(f"{one.name} {version} is installed, {one.bounds} is needed")
    if wrong:
        raise RuntimeError(f"{'; '.join(wrong)}; fix: {REINSTALL} '.{f'[{extra}]' if extra else ''}'")
    return ", ".join(found)


def python() -> str:
    """The version of Python.

    Raises
    ------
    RuntimeError
        It is outside what is stated.
    """
    wanted = Requirement("Python", importlib.metadata.metadata(PACKAGE)["Requires-Python"] or "")
    version = platform.python_version()
    if not wanted.admits(version):
        raise RuntimeError(f"Python {version} runs, {wanted.bounds} is needed; fix: make the environment with another")
    return version
