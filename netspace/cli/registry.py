"""Finds the commands: every module of this package that has a NAME is one, and every such package a group of them.

A command is a module with a docstring, which `--help` prints and which ends with examples, and

    NAME, HELP = "train", "learn a space of a zoo's networks"

    def add_arguments(parser): ...
    def run(args): ...

A group is a package whose `__init__` has NAME and HELP. A new file is all that a new command needs. NAME, HELP and the
docstring are read from the source: a module is imported only if its command is the one that is parsed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ..errors import UsageError
from .parser import PROGRAM, HelpLayout, Parser


@dataclass(frozen=True)
class Described:
    """A command or a group, as its source describes it."""

    name: str
    help: str
    description: str
    module: str
    is_group: bool


def described_in(package: str) -> list[Described]:
    """Return the commands and groups of a package, in the order of their names."""
    found = []
    for one in iter_modules(import_module(package).__path__):
        module = f"{package}.{one.name}"
        tree = ast.parse(_source(one.module_finder, module))
        named = next((node.value for node in tree.body if isinstance(node, ast.Assign) and _names_it(node)), None)
        if named is not None:
            name, words = ast.literal_eval(named)
            found.append(Described(name, words, ast.get_docstring(tree, clean=False) or "", module, one.ispkg))
    return sorted(found, key=lambda one: one.name)


def _source(finder: Any, module: str) -> str:
    """The source of a module, which is not imported for it."""
    return finder.find_spec(module).loader.get_source(module)


def _names_it(node: ast.Assign) -> bool:
    """Whether a statement is the one that gives NAME and HELP."""
    return ast.unparse(node.targets[0]).strip("()") == "NAME, HELP"


def build_parser(recipe: str | None = None, argv: Sequence[str] | None = None) -> Parser:
    """Return the parser of the whole command line; options of configs default to the recipe's values.

    Args:
        argv: the words that are to be parsed: only the command that they name gets its options, which is faster.
    """
    return _parsers(recipe, argv)[0]


def job_parser(kind: str, recipe: str | None = None) -> Parser:
    """Return the parser of a long job, such as "zoo fit-cnn"; UsageError, naming all, if there is no such job."""
    jobs = {name: parser for name, parser in _parsers(recipe)[1].items() if parser.get_default("kind") == name}
    if kind not in jobs:
        raise UsageError(f"{kind!r} is none of this program's long jobs: {', '.join(jobs)}")
    return jobs[kind]


def named_parsers() -> dict[str, Parser]:
    """Return the parser of every command by its name, such as "train" and "zoo select"."""
    return _parsers()[1]


def _parsers(recipe: str | None = None, argv: Sequence[str] | None = None) -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole command line, and those of the commands by name, such as "train" and "zoo select"."""
    package = import_module(__package__)
    whole = Parser(prog=PROGRAM, description=package.__doc__, formatter_class=HelpLayout)
    words = None if argv is None else [word for word in argv if not word.startswith("-")]
    found = dict(_add_commands(whole, __package__, words))
    if recipe:
        from .options import use_recipe

        for parser in found.values():
            use_recipe(parser, recipe)
    return whole, found


def _add_commands(parser: Parser, package: str, words: Sequence[str] | None) -> Iterator[tuple[str, Parser]]:
    """Add the commands of a package; yield each that has its options, also those of groups, with its name."""
    below = parser.add_subparsers(required=True, metavar="COMMAND")
    for one in described_in(package):
        added = below.add_parser(one.name, help=one.help, description=one.description, formatter_class=HelpLayout)
        if words is not None and words[:1] != [one.name]:
            continue
        if one.is_group:
            yield from _add_commands(added, one.module, None if words is None else words[1:])
        else:
            module = import_module(one.module)
            added.set_defaults(run=module.run)
            module.add_arguments(added)
            yield added.prog.removeprefix(f"{PROGRAM} "), added
