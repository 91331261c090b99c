"""The embedded server killed in every way: nothing acknowledged is lost, nothing stays in the way.

Each story checks every single id that was acknowledged against what the database holds.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from infrastructure import server_accounts as accounts
from infrastructure.server import EmbeddedServer, ServerProblem
from tests.server_harness import (
    Program,
    acknowledged,
    eventually,
    home_of,
    kill_each,
    postmaster_of,
    stored,
    wait_until_nobody_is_in,
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a place with a short name for a server that does not exist yet."""
    with tempfile.TemporaryDirectory(prefix="taizhang-test-") as place:
        folder = Path(place) / "postgresql"
        yield folder
        wait_until_nobody_is_in(folder)


def _gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _kill_program(program: Program, _: Path) -> None:
    program.kill()


def _kill_postmaster(_: Program, folder: Path) -> None:
    postmaster_of(folder).kill()


def _kill_a_backend(_: Program, folder: Path) -> None:
    kill_each(random.choice(postmaster_of(folder).children()))  # noqa: S311


def _kill_the_server(_: Program, folder: Path) -> None:
    head = postmaster_of(folder)
    kill_each(head, *head.children())


def _kill_keeper(_: Program, folder: Path) -> None:
    keeper = postmaster_of(folder).parent()
    assert keeper
    keeper.kill()


def _kill_everything(program: Program, folder: Path) -> None:
    head = postmaster_of(folder)
    keeper = head.parent()
    assert keeper
    kill_each(keeper, head, *head.children())
    program.kill()


type_of_kill = Callable[[Program, Path], None]
LETTING_IT_LIVE = (_kill_postmaster, _kill_a_backend, _kill_the_server)
ENDING_IT = (_kill_program, _kill_keeper, _kill_everything)


@pytest.mark.parametrize("kill", ENDING_IT)
def test_what_was_acknowledged_survives(kill: type_of_kill, folder: Path) -> None:
    """The program, the keeper, or everything is killed mid-insert; the next start has every id."""
    known: set[int] = set()
    for _ in range(2):
        with Program(folder, "insert") as program:
            known.update(acknowledged(program, at_least=50))
            kill(program, folder)
            program.kill()
            known.update(said["id"] for said in program.rest() if "id" in said)
            with EmbeddedServer(folder) as server:
                assert known <= stored(server.url)


@pytest.mark.parametrize("kill", LETTING_IT_LIVE)
def test_the_server_comes_back_under_a_living_program(kill: type_of_kill, folder: Path) -> None:
    """The server's processes are killed: the program goes on after a moment, every id kept."""
    with Program(folder, "insert") as program:
        url = program.hear("url")
        known = set(acknowledged(program, at_least=50))
        for _ in range(2):
            kill(program, folder)
            known.update(acknowledged(program, at_least=200))
        os.kill(program.process.pid, signal.SIGSTOP)
        assert known <= stored(url)


def test_the_server_ends_cleanly_with_its_killed_program(folder: Path) -> None:
    """No process stays, and the server's own log says that it shut down in order."""
    with Program(folder, "insert") as program:
        acknowledged(program, at_least=50)
        head = postmaster_of(folder)
        family = [head, *head.children(), head.parent()]
        program.kill()
        eventually(lambda: all(_gone(each) for each in family if each), "all are gone")
    (log,) = (folder / "log").iterdir()
    assert "database system is shut down" in log.read_text().splitlines()[-1]
    assert not list((folder / "run").iterdir())
    assert not (folder / "running.json").exists()


def test_a_forked_child_does_not_keep_the_server_alive(folder: Path) -> None:
    """A child that inherited every open handle is not the owner: the owner's end counts."""
    with Program(folder, "fork") as program:
        child = psutil.Process(program.hear("child"))
        head = postmaster_of(folder)
        program.kill()
        eventually(lambda: _gone(head), "the server ends with its owner")
        assert child.is_running()
        with EmbeddedServer(folder) as server:
            assert not server.attached
        child.kill()


def test_an_interrupted_first_start_leaves_nothing_half_made(folder: Path) -> None:
    """Killed anywhere between the first mkdir and the first connection: the next start is fine."""
    moments = random.Random(20211)  # noqa: S311
    for _ in range(4):
        with Program(folder) as program:
            time.sleep(moments.uniform(0.2, 1.3))
            program.kill()
            with EmbeddedServer(folder) as server:
                assert not server.attached
            assert not list(folder.glob("cluster.new-*"))
        shutil.rmtree(folder)


@pytest.fixture
def stopped(folder: Path) -> Path:
    """Return the folder of a server that ran once and was stopped."""
    with EmbeddedServer(folder):
        pass
    return folder


def _plant_note(folder: Path, pid: int) -> None:
    cluster = folder / "cluster"
    lines = [pid, cluster, 1, 5432, folder / "run", "", "    5432001         0", "ready"]
    text = "".join(f"{line}\n" for line in lines)
    (cluster / "postmaster.pid").write_text(text)
    (folder / "run/.s.PGSQL.5432.lock").write_text(text)
    (folder / "run/.s.PGSQL.5432").touch()


def test_a_strangers_process_id_is_not_mistaken_for_the_server(stopped: Path) -> None:
    """The note of a dead server names an id that another program has by now."""
    stranger = subprocess.Popen(["sleep", "600"])
    _plant_note(stopped, stranger.pid)
    with EmbeddedServer(stopped) as server:
        assert postmaster_of(stopped).pid != stranger.pid
        assert not server.attached
    assert stranger.poll() is None, "the stranger was harmed"
    stranger.kill()
    stranger.wait()


def test_a_zombie_is_not_mistaken_for_the_server(stopped: Path) -> None:
    """Nobody has reaped the dead server, as in a container without init."""
    zombie = subprocess.Popen(["true"])
    eventually(lambda: _gone(psutil.Process(zombie.pid)), "it has ended, unreaped")
    _plant_note(stopped, zombie.pid)
    with EmbeddedServer(stopped):
        assert postmaster_of(stopped).pid != zombie.pid
    zombie.wait()


def test_a_notice_of_a_dead_server_is_not_believed(stopped: Path) -> None:
    """running.json points to a socket folder in which nobody listens any more."""
    (stopped / "running.json").write_text('{"sockets": "/nowhere/at/all"}')
    with EmbeddedServer(stopped) as server:
        assert not server.attached


def test_a_server_started_by_hand_is_left_alone(stopped: Path) -> None:
    """Somebody runs PostgreSQL on the folder without us: we say so and touch nothing."""
    way = accounts.choose_way(stopped)
    program = str(accounts.carried_programs() / "postgres")
    cluster = str(home_of(stopped) / "cluster")
    options = ["-D", cluster, "-k", str(stopped / "run"), "-c", "listen_addresses="]
    command = accounts.keeper_command("exec", way, program, *options)
    by_hand = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        note = stopped / "cluster/postmaster.pid"
        eventually(lambda: note.exists() and "ready" in note.read_text(), "it runs")
        with pytest.raises(ServerProblem, match=f"编号 {by_hand.pid}") as refused:
            EmbeddedServer(stopped).start()
        assert refused.value.code == "in-use"
        assert by_hand.poll() is None
        assert note.exists()
    finally:
        by_hand.send_signal(signal.SIGINT)
        assert by_hand.wait() == 0
    EmbeddedServer(stopped).__enter__().stop()


def test_the_same_object_starts_again_after_its_keeper_was_killed(folder: Path) -> None:
    """A program that notices the loss calls `start` again and has its server back."""
    with EmbeddedServer(folder) as server:
        head = postmaster_of(folder)
        keeper = head.parent()
        assert keeper
        keeper.kill()
        eventually(lambda: _gone(head), "the server ends without its keeper")
        server.start()
        assert postmaster_of(folder).pid != head.pid
        assert not server.attached


@pytest.mark.soak
def test_a_hundred_kills_lose_nothing(folder: Path) -> None:
    """Whatever is killed, whenever, however often: every acknowledged id is there, once."""
    chance = random.Random(7)  # noqa: S311
    known: set[int] = set()
    for _ in range(100):
        with Program(folder, "insert") as program:
            known.update(acknowledged(program, at_least=chance.randint(1, 400)))
            chance.choice(LETTING_IT_LIVE + ENDING_IT)(program, folder)
            time.sleep(chance.uniform(0, 0.5))
            program.kill()
            known.update(said["id"] for said in program.rest() if "id" in said)
    with EmbeddedServer(folder) as server:
        assert known <= stored(server.url)
