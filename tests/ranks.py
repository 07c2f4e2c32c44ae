"""The command line in two processes that meet as torchrun's do, without its agent: `python -m tests.ranks SCENARIOS`.

SCENARIOS is a JSON list of {"argv": words, "size": processes, "die": [rank, step] or null}. Prints a JSON list with the
exit codes of every scenario's processes, and their standard error. All are forked from here: imports are paid once.
"""

import json
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

import pandas  # noqa: F401
import torch
import torch.utils.tensorboard

from netspace.cli.main import main
from netspace.cli.registry import build_parser
from netspace.train.space import SpaceLearner

torch.set_num_threads(1)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def dies_before(step: int) -> None:
    """From now on this process is killed before a step."""
    advance = SpaceLearner.advance

    def deadly(learner: SpaceLearner, at: int):
        if at == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return advance(learner, at)

    SpaceLearner.advance = deadly


def rank(number: int, size: int, port: int, argv: list[str], die: list[int] | None, said: Path) -> None:
    """Be one of the processes; never returns."""
    where = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "MASTER_PORT": port}
    os.environ |= {name: str(value) for name, value in where.items()}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "TORCHELASTIC_RUN_ID": "tests"}
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if die and die[0] == number:
        dies_before(die[1])
    code = 1
    try:
        code = main(argv)
    finally:
        sys.stderr.flush()
        os._exit(code)


def play(argv: list[str], size: int, die: list[int] | None, said: Path) -> dict:
    """One scenario."""
    port, processes = free_port(), []
    for number in range(size):
        processes.append(os.fork())
        if not processes[-1]:
            rank(number, size, port, argv, die, said)
    codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
    return {"codes": codes, "said": [line for line in said.read_text().splitlines() if line.startswith("netspace")]}


if __name__ == "__main__":
    build_parser()  # which imports what the commands need
    with tempfile.TemporaryDirectory() as folder:
        found = [
            play(one["argv"], one["size"], one["die"], Path(folder) / str(k))
            for k, one in enumerate(json.loads(sys.argv[1]))
        ]
    print(json.dumps(found))
