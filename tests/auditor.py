"""An auditor's machine: a bare Python that has nothing installed, and the verifier."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from interface import verify

PROGRAM = Path(verify.__file__)
BARE = (sys.executable, "-I", "-S", "-X", "utf8")


def audit(
    *arguments: str | Path, program: str | Path = PROGRAM, folder: Path = Path("/")
) -> tuple[int, str]:
    """Run the verifier as a stranger would, in ``folder``; return its exit code and what it said.

    ``program`` is the verifier's file as seen from there.
    """
    command = [*BARE, str(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, cwd=folder, env={})
    assert not done.stderr, done.stderr.decode()
    return done.returncode, done.stdout.decode()
