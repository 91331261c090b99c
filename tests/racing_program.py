"""A second program on the same office, for `tests/test_races.py`.

    python racing_program.py URL

Opens the office with a writer of its own, says that it is ready, reads a list of commands from its
standard input, hands all of them in at once and says what became of each.
"""

from __future__ import annotations

import json
import sys

from application.filing import Filing
from domain.deciding import COMMANDS, Refused
from infrastructure.office import Office
from tests.databases import MASTER_KEY


def main() -> None:
    """Race."""
    with Office(sys.argv[1], MASTER_KEY) as office:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        asked = json.loads(sys.stdin.readline())
        futures = [
            office.writer.submit(Filing((COMMANDS[kind].model_validate(body),), f"clerk-{n}"))
            for n, (kind, body) in enumerate(asked)
        ]
        said: list[list[int | str]] = []
        for future in futures:
            try:
                said.append([entry.position for entry in future.result().entries])
            except Refused as refused:
                said.append([refused.rule.name])
        sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
