"""A program that files under load until it is killed, for `tests/test_crashes.py`.

    python filing_program.py FOLDER ROUND

Starts the embedded server and an office on it, lets callers file people into a few institutions,
every filing under an idempotency key of its own, and says each key once it has been acknowledged.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

from application.filing import Filing
from bench.workload import District, command
from domain.deciding import Refused
from infrastructure.office import Office
from infrastructure.server import EmbeddedServer
from tests.databases import MASTER_KEY

CALLERS = 8


def say(**report: Any) -> None:
    """Report to whoever watches, a line at a time."""
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


def file_for_ever(office: Office, district: District, caller: int, round_: int) -> None:
    """File one person after the other, each twice under the same key, as a client retries."""
    n = 0
    while True:
        n += 1
        key = f"{round_}-{caller}-{n}"
        enter = district.entering(1)[0]
        if n % 5 == 3:  # also in the shortest round
            enter = command("journal.void", positions=[1], reason="不能作废的建账记录")
        for _ in range(1 + n % 2):
            try:
                receipt = office.writer.do(Filing((enter,), f"caller-{caller}", key=key))
            except Refused as refused:
                say(refused=refused.rule.name)
            else:
                say(key=key, caller=caller, first=receipt.first, last=receipt.last)


def main() -> None:
    """Serve, file, and wait to be killed."""
    folder, round_ = Path(sys.argv[1]), int(sys.argv[2])
    server = EmbeddedServer(folder)
    url = server.start()
    with Office(url, MASTER_KEY) as office:
        district = District(office, institutions=5, people_from=round_ * 100_000)
        say(ready=True)
        callers = [
            threading.Thread(target=file_for_ever, args=(office, district, n, round_), daemon=True)
            for n in range(CALLERS)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()


if __name__ == "__main__":
    main()
