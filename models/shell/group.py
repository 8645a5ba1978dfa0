"""How commands are registered, how what they raise becomes a sentence with an exit code, and what all of them share."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from coercivity.engine import errors
from coercivity.engine.data.piped import PIPED

if TYPE_CHECKING:
    from coercivity.models.licensing.data.instance import Instance

COMPLETION = """\b
Shell completion:  eval "$(_COERCIVITY_COMPLETE=bash_source coercivity)"
                   (zsh_source; fish: _COERCIVITY_COMPLETE=fish_source coercivity | source)"""


class Failure(click.ClickException):
    """Ends the program with a sentence on stderr and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # Click's own subclasses set it per class

    def show(self, file: Any = None) -> None:
        """Print the sentence."""
        from coercivity.engine.desk.terminal import note

        note(self.message)


class Commands(click.Group):
    """Commands whose errors end as sentences with exit codes, never as a traceback unless --debug asks for it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse a Python that has thrown away its docstrings: Pyomo builds nothing without them, and no help is left."""
        if sys.flags.optimize > 1:
            fix = "unset PYTHONOPTIMIZE, or set it to 1; python without -OO"
            raise Failure(f"Error: python: it runs without docstrings, which Pyomo needs\n  fix: {fix}", 2)
        ctx.meta["given"] = shlex.join(["coercivity", *args])
        PIPED.hand_over(sys.stdin)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and translate what it raises."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise Failure("Interrupted: what was saved before is kept.", errors.ExitCode.INTERRUPTED) from None
        except Exception as error:
            if ctx.find_root().meta.get("debug"):
                import traceback

                from coercivity.engine.desk import terminal

                terminal.note(traceback.format_exc())
            words, code = errors.explain(error)
            resume = f"\n  resume: {given()}" if code == errors.ExitCode.RESOURCES else ""
            raise Failure(words + resume, code) from None


def remember(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Keep that a flag was set, for whoever asks in this command."""
    if value:
        ctx.find_root().meta[str(parameter.name)] = True


def flags(hidden: bool) -> Callable[[Any], Any]:
    """--debug and --quiet, which may stand before or after the command."""

    def decorate(function: Any) -> Any:
        for name, words in (("quiet", "No progress and no notes on stderr."), ("debug", "Show tracebacks.")):
            settings: Any = {"is_flag": True, "expose_value": False, "is_eager": True, "hidden": hidden}
            function = click.option(f"--{name}", help=words, callback=remember, **settings)(function)
        return function

    return decorate


def command(*examples: str) -> Callable[[Any], Any]:
    """Register a command whose help ends with examples that run."""

    def decorate(function: Any) -> Any:
        registered = main_group.command(function.__name__.rstrip("_"), epilog=shown(examples))
        return registered(flags(hidden=True)(function))

    return decorate


def shown(examples: Sequence[str]) -> str:
    """Examples as help ends with them."""
    return "\b\nExamples:\n" + "\n".join(f"  coercivity {example}" for example in examples)


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group("coercivity", cls=Commands, epilog=COMPLETION, context_settings=SETTINGS)
@click.version_option(package_name="coercivity", message="coercivity %(version)s")
@flags(hidden=False)
def main_group() -> None:
    """Which licensing strategy should a dominant exporter commit to, and what will its buyers do about it?"""


# -- what commands share -----------------------------------------------------------------------------------------


def given() -> str:
    """The command that was given, as it can be given again."""
    return str(click.get_current_context().find_root().meta["given"])


def is_quiet() -> bool:
    """Whether --quiet was given."""
    return bool(click.get_current_context().find_root().meta.get("quiet"))


def loaded(instance: str, sets: Sequence[str], variants: Sequence[str]) -> Instance:
    """The instance that is named, with a note on stderr where it warns of something."""
    from coercivity.engine.desk.terminal import note
    from coercivity.models.licensing.data.examine import notice
    from coercivity.models.licensing.data.load import load

    data = load(instance, sets, variants)
    warned = "" if is_quiet() else notice(data, instance, sets, variants)
    if warned:
        note(warned)
    return data


def answered(name: str, instance: Instance, work: Callable[[Any], Any], run: dict[str, Any]) -> None:
    """Do the work of solve or compare; save and print its answer."""
    from coercivity.models.licensing.desk.deliver import answer

    question = {key: run.get(key) for key in ("strategy", "limit")}
    # How much is answered tells runs apart too, where it is not the usual.
    question |= {key: run[key] for key in ("wide", "prove") if run.get(key)}
    question |= {} if run.get("certify") is None else {"certify": run["certify"]}
    answer(name, instance.fingerprint(), work, run, is_quiet(), question)
