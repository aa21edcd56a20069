"""A run of the echo backend, killed at each of its transactions in turn.

Started as a program with a folder, a task file and a checkpoint folder, it makes there
one study for each kill, named `N.db`: by SIGKILL, just before the N-th transaction was
committed, so that the one before is the last that counts.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from fakes import Echo, in_place_of_transformers

from harness.run import run
from harness.study import StudyFile
from harness.task import load_task


def die_at(number):
    """This process ends within its N-th transaction."""
    plain, numbers = StudyFile.transaction, count(1)

    @contextmanager
    def transaction(study):
        inner = study.db.conn.in_transaction
        with plain(study) as db:
            yield db
            if not inner and next(numbers) == number:
                os.kill(os.getpid(), signal.SIGKILL)

    StudyFile.transaction = transaction


def main(folder, task, checkpoint):
    """Runs until one of them is not killed any more."""
    for number in count(1):
        child = os.fork()
        if not child:
            die_at(number)
            with in_place_of_transformers(Echo()):
                study = StudyFile(Path(folder) / f"{number}.db")
                run(study, [load_task(Path(task))], [checkpoint])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(*sys.argv[1:])
