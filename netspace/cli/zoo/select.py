"""Write part of a zoo as a zoo of its own: so many networks of every architecture and split.

Example:
    netspace zoo select --zoo assets/digits/zoo --train 8 --heldout 4 --spread --out runs/part
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ...errors import UsageError
from ...zoo.store import SPLITS, Zoo, select
from ..outputs import Output
from ..parser import Count

NAME, HELP = "select", "write part of a zoo as a zoo of its own"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")
    parser.add_argument("--train", action=Count, required=True, help="how many training networks of every architecture")
    parser.add_argument("--validation", action=Count, default=0, help="how many validation networks of each")
    parser.add_argument("--heldout", action=Count, required=True, help="how many held-out networks of each")
    parser.add_argument("--arch", action="append", help="only of this architecture (again for more); the family stays")
    parser.add_argument("--spread", action="store_true", help="evenly spread over each split instead of its first")
    parser.add_argument("--out", action=Output, holds="zoo", required=True, help="folder to write to")


def run(args: argparse.Namespace) -> None:
    zoo = Zoo.load(args.zoo)
    unknown = set(args.arch or ()) - set(zoo.family.names)
    if unknown:
        raise UsageError(f"{args.zoo} has no networks of {unknown.pop()!r}, only of {', '.join(zoo.family.names)}")
    ids: list[int] = []
    broken, lost = set(zoo.not_finite), set(zoo.unreadable)
    for name in args.arch or zoo.family.names:
        for split in SPLITS:
            mine = [i for i in zoo.ids(split) if zoo.records.arch[i] == name and i not in broken]
            count = min(getattr(args, split), len(mine))
            ids += [mine[k * len(mine) // count] for k in range(count)] if args.spread else mine[:count]
    select(zoo, sorted(ids), args.out)
    for i in sorted(broken):
        why = "cannot be read" if i in lost else "are not finite"
        print(f"left out {zoo.records.name[i]}: its weights {why}")
    print(f"wrote {len(ids)} of {len(zoo)} networks to {args.out}")
