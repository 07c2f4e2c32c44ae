"""Try bad input without end: `make fuzz`, for an hour; `make fuzz FUZZ_SECONDS=600 FUZZ_SEED=7` for less.

All written cases come first, then files with random bytes until the time is over. Cases run in a process of their own,
which is started anew after a crash. The seed is printed: the same seed gives the same cases, and `--only NAME` tries a
single one. A finding belongs into FOUND of test_bad_input.py once it is mended.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain, count, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the product of this checkout

SILENCE = 90.0
"""seconds without a word after which the process that tries the cases is ended: it hangs where no signal reaches it"""

STARTING = 600.0
"""seconds until it has made what the cases are tried on, on a machine that does other things too"""


def cases(seed: int, template: Path, kinds: str) -> Iterator:
    """All cases of a seed, in order: the written ones shuffled, then random bytes for ever."""
    import bad_input_cases as made

    sources = {
        "written": made.written_cases, "options": made.option_cases, "damage": made.damage_cases,
        "json": lambda: made.json_cases(template),
    }  # fmt: skip
    chosen = [name for name in sources if name in kinds.split(",")]
    written = [case for name in chosen for case in sources[name]()]
    random.Random(seed).shuffle(written)
    yield from chain(written, (made.byte_case(f"{seed}-{k}") for k in count()) if "bytes" in kinds.split(",") else ())


def work(options: argparse.Namespace) -> None:
    """Try cases from the first-th on, a line for each; what a command says goes nowhere."""
    import bad_input_cases as made
    from bad_input import quick

    with tempfile.TemporaryDirectory(prefix="netspace-fuzz-") as place:
        os.environ |= {"NETSPACE_CACHE": f"{place}/cache", "NETSPACE_SLOTS": f"{place}/slots"}
        template = made.make_template(Path(place) / "template")
        with quick():
            for k, case in islice(enumerate(cases(options.seed, template, options.kinds)), options.first, None):
                if options.only and case.name != options.only:
                    continue
                tell("begin", k, case.name)
                began = time.perf_counter()
                ended = case.run(template, Path(place) / "home")
                tell("end", k, ended.fault, f"{time.perf_counter() - began:.2f}", ended.err.strip()[-300:])
        tell("done", 0)


def tell(*words: object) -> None:
    """A line for the parent."""
    line = "\t".join(str(word).replace("\t", " ").replace("\n", " ") for word in words)
    os.write(OUT, f"{line}\n".encode(errors="replace"))


OUT = 1


def watch(options: argparse.Namespace) -> int:
    """Start workers until the time is over; count what they find, and print it."""
    until = time.monotonic() + options.seconds
    counts: Counter[str] = Counter()
    longest, first, name, found = (0.0, ""), 0, "", []
    done = False
    while not done and time.monotonic() < until:
        words = [sys.executable, __file__, "--worker", "--first", str(first), "--seed", str(options.seed)]
        words += ["--kinds", options.kinds, *(["--only", options.only] if options.only else [])]
        worker = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert worker.stdout
        fault, silence = "", STARTING
        while time.monotonic() < until:
            if not select.select([worker.stdout], [], [], min(silence, max(0.0, until - time.monotonic())))[0]:
                if time.monotonic() >= until:
                    break
                fault = "hangs where no signal reaches it"
                break
            silence = SILENCE
            what, *rest = worker.stdout.readline().decode(errors="replace").rstrip("\n").split("\t")
            if what == "begin":
                first, name = int(rest[0]) + 1, rest[1]
            elif what == "end":
                counts["tried"] += 1
                longest = max(longest, (float(rest[2]), name))
                if rest[1]:
                    counts[kind_of(rest[1])] += 1
                    found.append(f"{name}: {rest[1]} ({rest[3]})")
                    print(found[-1], flush=True)
            else:
                done, fault = what == "done", "" if what == "done" else "the process crashed"
                break
        worker.kill()
        worker.wait()
        if fault:
            counts["tried"] += 1
            counts["crashes"] += 1
            found.append(f"{name}: {fault}")
            print(found[-1], flush=True)
    kinds = ("tracebacks", "hangs", "silently wrong", "crashes", "no sentence")
    print(f"seed {options.seed}: {counts['tried']} tried, {', '.join(f'{counts[kind]} {kind}' for kind in kinds)}")
    print(f"longest: {longest[0]:.1f} s, {longest[1]}")
    return bool(found)


def kind_of(fault: str) -> str:
    """What a fault is counted as."""
    words = {"traceback": "tracebacks", "hangs": "hangs", "silently": "silently wrong"}
    return words.get(fault.partition(" ")[0].rstrip(":"), "no sentence")


def main() -> int:
    """Parse the options, and watch or work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--kinds", default="written,options,damage,json,bytes")
    parser.add_argument("--only", help="name of a case: try this one alone")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        global OUT
        OUT = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        work(options)
        return 0
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**6)
    print(f"seed {options.seed}", flush=True)
    return watch(options)


if __name__ == "__main__":
    sys.exit(main())
