"""Finds the commands: every module of this package that has a NAME is one, and every such package a group of them.

A command is a module with a docstring, which `--help` prints and which ends with examples, and

    NAME, HELP = "train", "learn a space of a zoo's networks"

    def add_arguments(parser): ...
    def run(args): ...

A group is a package whose `__init__` has NAME and HELP. A new file is all that a new command needs. Every module is
imported to build the parser, so what is heavy is imported inside `run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from ..errors import UsageError
from .options import PROGRAM, HelpLayout, Parser, use_recipe


def commands_in(package: ModuleType) -> list[ModuleType]:
    """Return the commands and groups of a package, in the order of their names."""
    found = [import_module(f"{package.__name__}.{one.name}") for one in iter_modules(package.__path__)]
    return sorted((one for one in found if hasattr(one, "NAME")), key=lambda one: one.NAME)


def build_parser(recipe: str | None = None) -> Parser:
    """Return the parser of the whole command line; options of configs default to the recipe's values."""
    return _parsers(recipe)[0]


def job_parser(kind: str, recipe: str | None = None) -> Parser:
    """Return the parser of a long job, such as "zoo fit-cnn"; UsageError, naming all, if there is no such job."""
    jobs = {name: parser for name, parser in _parsers(recipe)[1].items() if parser.get_default("kind") == name}
    if kind not in jobs:
        raise UsageError(f"{kind!r} is none of this program's long jobs: {', '.join(jobs)}")
    return jobs[kind]


def named_parsers() -> dict[str, Parser]:
    """Return the parser of every command by its name, such as "train" and "zoo select"."""
    return _parsers()[1]


def _parsers(recipe: str | None = None) -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole command line, and those of the commands by name, such as "train" and "zoo select"."""
    package = import_module(__package__)
    whole = Parser(prog=PROGRAM, description=package.__doc__, formatter_class=HelpLayout)
    found = dict(_add_commands(whole, package))
    for parser in found.values() if recipe else ():
        use_recipe(parser, recipe)
    return whole, found


def _add_commands(parser: Parser, package: ModuleType) -> Iterator[tuple[str, Parser]]:
    """Add the commands of a package; yield each, also those of groups, with its name."""
    below = parser.add_subparsers(required=True, metavar="COMMAND")
    for one in commands_in(package):
        added = below.add_parser(one.NAME, help=one.HELP, description=one.__doc__, formatter_class=HelpLayout)
        if hasattr(one, "__path__"):
            yield from _add_commands(added, one)
        else:
            added.set_defaults(run=one.run)
            one.add_arguments(added)
            yield added.prog.removeprefix(f"{PROGRAM} "), added
