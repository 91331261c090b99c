"""``taizhang demo``: made from a seed, gone on with where it stopped, apart from real books."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from application.books import COMMANDS
from application.filing import Filing
from domain.journal import JournalOpened
from domain.vocabulary import ID_ALPHABET, ID_LENGTH
from infrastructure.journal_reading import Sought
from infrastructure.keys import load_master_key, make_master_key
from infrastructure.office import Office
from infrastructure.settings import Settings
from interface.cli import main
from interface.cli_demo import DEMO_ACCOUNTS, DEMO_PASSWORD, demo_settings
from interface.cli_demo_district import District
from interface.cli_demo_story import BOOKS, Making, _Story, load, making_of
from tests.databases import MASTER_KEY
from tests.http_office import OPENING

MAKING = Making(scale=1, seed=7)
_ID = re.compile(rf"\b[{ID_ALPHABET}]{{{ID_LENGTH}}}\b")


def told(office: Office) -> list[str]:
    """Return what the journal says, internal ids replaced by their number in order of coming.

    What an append says in the order of its ids, or hashes of them, is told apart from that.
    """
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"#{numbers.setdefault(found[0], len(numbers))}"

    said: list[str] = []
    for _, append in groupby(reversed(_all(office)), key=lambda entry: entry.recorded_at):
        bodies = (
            f"{e.fact.fact_name} {e.effective_on} "
            f"{e.fact.model_dump_json(exclude={'counts', 'digest'})}"
            for e in append
        )
        said += sorted(_ID.sub(number, one) for one in bodies)
    return said


def _all(office: Office) -> list[Any]:
    found: list[Any] = []
    before = None
    while page := office.journal.find(Sought(before=before, limit=1000)):
        found += page
        before = page[-1].position
    return found


# ── made from a seed ─────────────────────────────────────────────────────────────────────────


def test_the_same_seed_invents_the_same_district() -> None:
    """Twice the scale: twice the institutions, and every ID number once."""
    once, again, double = District(1, 1), District(1, 1), District(1, 2)
    units = once.units()
    assert units == again.units()
    roster = once.roster(units)
    assert roster == again.roster(units)
    assert len(units) == 29
    assert len(double.units()) == 58
    numbers = [line[4] for line in roster]
    assert len(set(numbers)) == len(numbers) > 500
    assert all(number.startswith("99") for number in numbers)
    assert all(line[-1] == "示范数据" for line in roster)


def test_an_interrupted_demonstration_goes_on_where_it_stopped(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted again and again, it ends as one that was not, and nothing is recorded twice."""
    whole, broken = (
        Office(empty_database, MASTER_KEY, schema=name) for name in ("whole", "broken")
    )
    with whole:
        load(whole, MAKING, tmp_path)
        expected = told(whole)
    assert len(expected) > 1000
    file = _Story.file
    with broken:
        for stop in (2, 20, 70):  # the last of them among the rights lists
            monkeypatch.setattr(_Story, "file", _interrupted(file, stop))
            with pytest.raises(KeyboardInterrupt):
                load(broken, MAKING, tmp_path)
        monkeypatch.undo()
        load(broken, MAKING, tmp_path)
        assert told(broken) == expected


def _interrupted(file: Any, stop: int) -> Any:
    def filed(story: _Story, kind: str, **body: Any) -> Any:
        if story.filings == stop:
            raise KeyboardInterrupt
        return file(story, kind, **body)

    return filed


# ── started ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def folder(empty_database: str, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demonstration's folder; the environment says where everything is."""
    monkeypatch.setenv("TAIZHANG_DATABASE_URL", empty_database)
    monkeypatch.setenv("TAIZHANG_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TAIZHANG_PORT", str(port))
    return tmp_path / "demo"


def started() -> tuple[subprocess.Popen[str], str]:
    """Start the demonstration as a shell would; return it and what it greets with."""
    command = [sys.executable, "-m", "interface.cli", "demo"]
    program = subprocess.Popen(
        command,
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    said = ""
    while "openapi.json" not in said:
        line = program.stdout.readline()
        assert line, program.communicate()
        said += line
    return program, said


def ended(program: subprocess.Popen[str]) -> str:
    """Interrupt it; return what it said on standard error."""
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    return err


def test_a_second_start_keeps_the_data(folder: Path, empty_database: str, port: int) -> None:
    """Address, login and three things to try; each of them does what is said of it."""
    program, said = started()
    assert f"http://127.0.0.1:{port}" in said
    assert all(f"\n{n}. " in said for n in (1, 2, 3))
    _try_the_refusal(said, port)
    _try_the_pages(port)
    assert "示范数据还没有生成完" not in ended(program)
    with Office(
        empty_database, load_master_key(folder / "master.key"), schema="office_demo"
    ) as office:
        first, head = office.journal.entry(1), office.journal.head()
    assert first is not None
    assert making_of(first) == Making(1, 20210630)
    assert (folder / BOOKS / "新报人员.xlsx").exists()
    again, greeting = started()
    assert greeting == said
    _when_up(port)
    assert "接着生成" not in ended(again)
    with psycopg.connect(empty_database) as connection:
        row = connection.execute("SELECT max(position) FROM office_demo.journal").fetchone()
    assert row == (head[0],)


def _try_the_refusal(said: str, port: int) -> None:
    """Do over HTTP what the third thing to try does with curl."""
    bodies = [json.loads(one) for one in re.findall(r"-d '(\{.*?\})'", said)]
    login, abolish = bodies
    assert login == {"name": DEMO_ACCOUNTS[0][0], "password": DEMO_PASSWORD}
    _when_up(port)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        token = client.post("/api/login", json=login).json()["token"]
        header = {"Authorization": f"Bearer {token}"}
        answer = client.post("/api/institutions/abolish", json=abolish, headers=header)
        assert answer.status_code == 409
        assert answer.json()["rule"]["name"] == "account_is_empty"


def _try_the_pages(port: int) -> None:
    """The bare address leads to the public list; the two editions differ as the story tells."""
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=address, trust_env=False, follow_redirects=True) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "第二版（示范）" in page.text
        assert "农产品产地证明核发" in page.text
        choice = re.search(r'<select[^>]*name="edition".*?</select>', page.text, re.DOTALL)
        assert choice is not None
        later, earlier = re.findall(r'<option value="([0-9A-Z]{16})"', choice[0])
        changes = client.get("/qingdan/duibi", params={"from": earlier, "to": later}).text
    told = ("农产品产地证明核发", "水产苗种场备案核验", "种苗经营许可", "小作坊、小餐饮登记")
    for name in (*told, "小餐饮登记", "对电梯使用单位的监督检查", "对锅炉使用单位的监督检查"):
        assert name in changes
    assert "兽药零售许可" not in changes


def _when_up(port: int) -> None:
    """Wait until it serves; it greets a moment before."""
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return


def test_what_is_asked_for_besides_is_said_to_be_left(
    folder: Path, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scale that is none; a demonstration that another program made; real books."""
    assert main(["demo", "--scale", "0"]) == 1
    assert "规模" in capsys.readouterr().err
    key = make_master_key(folder / "master.key")
    for purpose, says in (("live", "正式的台账"), ("demonstration", "没有作任何改动")):
        body = json.dumps({**OPENING, "purpose": purpose})
        with Office(empty_database, key, schema="office_demo") as office:
            command = COMMANDS["journal.open"].model_validate_json(body)
            office.writer.do(Filing((command,), "clerk"))
        assert main(["demo"]) == 1
        assert says in capsys.readouterr().err
        with Office(empty_database, key, schema="office_demo") as office:
            entry = office.journal.entry(1)
            assert office.journal.head()[0] == 1
        assert entry is not None
        assert isinstance(entry.fact, JournalOpened)
        assert entry.fact.purpose == purpose
        with psycopg.connect(empty_database) as connection:
            connection.execute("DROP SCHEMA office_demo CASCADE")


def test_a_demonstration_lies_apart_from_real_books(tmp_path: Path) -> None:
    """Another folder, other keys, another schema, and evidence of its own."""
    real = Settings(
        data_dir=tmp_path,
        master_key_file=tmp_path / "elsewhere.key",
        signing_key_file=tmp_path / "signing.key",
        evidence_dir=tmp_path / "evidence",
    )
    demo = demo_settings(real)
    assert demo.data_dir != real.data_dir
    assert demo.server_dir != real.server_dir
    assert demo.key_file != real.key_file
    assert not set(demo.evidence_places) & set(real.evidence_places)
    assert demo.office_schema != real.office_schema
