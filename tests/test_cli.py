"""The ``taizhang`` command: what it prints, what it does, and its exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from python_calamine import CalamineWorkbook

from application.books import COMMANDS, LEDGERS
from application.filing import Filing
from infrastructure.accounts import Accounts
from infrastructure.key_rotation import rotate
from infrastructure.keys import KeyProblem, load_master_key, make_master_key
from infrastructure.office import Office
from interface.cli import PARTS, main
from tests.district import id_number
from tests.http_office import OPENING, PASSWORD

NAME = "张示范"


class Shell:
    """The command, run in this process against a database and a data folder of the test's own."""

    def __init__(self, url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.url = url
        self.key_file = folder / "master.key"
        self._capsys = capsys
        self.out = self.err = ""

    def run(self, *arguments: str) -> int:
        """Run a command; return its exit code, keep what it printed."""
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        self.out, self.err = self._capsys.readouterr()
        return code

    def office(self) -> Office:
        """Return the office, to be opened."""
        return Office(self.url, load_master_key(self.key_file))


@pytest.fixture
def shell(
    empty_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """A command line on a fresh database, its master key not made yet."""
    monkeypatch.setenv("TAIZHANG_DATABASE_URL", empty_database)
    monkeypatch.setenv("TAIZHANG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return Shell(empty_database, tmp_path / "data", capsys)


@pytest.fixture
def filed(shell: Shell) -> Shell:
    """A command line on an office in which one person has been registered."""
    assert shell.run("user", "list") == 0
    person = {"particulars": {"name": NAME, "id_no": id_number(1)}}
    with shell.office() as office:
        for kind, body in (("journal.open", OPENING), ("staffing.register-person", person)):
            command = COMMANDS[kind].model_validate_json(json.dumps(body))
            office.writer.do(Filing((command,), "clerk"))
    return shell


def say(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a text on standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


# ── how it speaks ────────────────────────────────────────────────────────────────────────────


def test_help_is_chinese_and_lists_the_exit_codes(shell: Shell) -> None:
    """Every group of commands, and what a script may rely on."""
    assert shell.run("--help") == 0
    assert shell.out.startswith("用法：")
    for word in ("serve", "demo", "ledgers", "journal", "evidence", "user", "key", "settings"):
        assert word in shell.out
    assert "退出码" in shell.out
    assert "show this help" not in shell.out
    assert len(PARTS) >= 6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["fly"], "fly"),
        ([], "缺少"),
        (["user", "add"], "缺少 账号"),
        (["user", "add", "x", "--name", "甲", "--role", "boss"], "boss"),
        (["user", "add", "x", "--name", "甲", "--role", "boss"], "只能填写：clerk（经办人）、"),
        (["evidence", "key", "rotate", "--suite", "rot13"], "只能填写：ed25519"),
        (["journal", "show", "first"], "应为整数"),
        (["ledgers", "list", "--colour"], "--colour"),
        (["ledgers", "list", "--colour"], "taizhang ledgers list --help"),
    ],
)
def test_wrong_arguments_are_exit_code_two(shell: Shell, arguments: list[str], says: str) -> None:
    """With what is wrong, and where help is found."""
    assert shell.run(*arguments) == 2
    assert "命令写法有误" in shell.err
    assert says in shell.err
    assert "--help" in shell.err


def test_a_misspelt_setting_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is opened."""
    monkeypatch.setenv("TAIZHANG_PROT", "80")
    assert shell.run("user", "list") == 1
    assert "TAIZHANG_PROT" in shell.err


def test_a_database_that_is_away_is_one_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stack trace for an operator."""
    monkeypatch.setenv("TAIZHANG_DATABASE_URL", "postgresql://x@127.0.0.1:1/x")
    assert shell.run("user", "list") == 1
    assert "连接不上数据库" in shell.err
    assert "Traceback" not in shell.err


def test_settings_are_shown_without_secrets(filed: Shell) -> None:
    """The program's from the environment, the office's from its journal."""
    assert filed.run("settings") == 0
    assert "TAIZHANG_POOL_SIZE" in filed.out
    assert filed.url not in filed.out
    assert filed.run("settings", "--office") == 0
    assert "late_filing_workdays" in filed.out


# ── accounts ─────────────────────────────────────────────────────────────────────────────────


def test_accounts_on_the_command_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened, listed, disabled, enabled, given a new password; the first start makes the key."""
    say(PASSWORD + "\n", monkeypatch)
    add = ["user", "add", "guanli", "--name", "管理员", "--role", "administrator"]
    assert shell.run(*add, "--password-stdin") == 0
    assert "已生成主密钥" in shell.err
    assert shell.key_file.stat().st_mode & 0o777 == 0o600
    assert shell.run("user", "list") == 0
    assert "系统管理员" in shell.out
    assert "须先改密码" in shell.out
    assert shell.run("user", "disable", "guanli") == 1
    assert "最后一个" in shell.err
    say(PASSWORD + "\n", monkeypatch)
    clerk = ["user", "add", "jb", "--name", "甲", "--role", "clerk", "--role", "reviewer", "--keep"]
    assert shell.run(*clerk, "--password-stdin") == 0
    assert shell.run("user", "disable", "jb") == 0
    assert shell.run("user", "list") == 0
    assert "已停用" in shell.out
    assert shell.run("user", "enable", "jb") == 0
    say("another fine one 3\n", monkeypatch)
    assert shell.run("user", "password", "jb", "--password-stdin") == 0
    with shell.office() as office:
        _, session = Accounts(office.database).login("jb", "another fine one 3", "here")
    assert session.must_change


def test_staff_of_a_department_are_given_an_institution_by_its_name(
    filed: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the register names it today."""
    add = ["user", "add", "bumen", "--name", "甲", "--role", "department", "--password-stdin"]
    say(PASSWORD + "\n", monkeypatch)
    assert filed.run(*add) == 1
    assert "须写明所属机构" in filed.err
    say(PASSWORD + "\n", monkeypatch)
    assert filed.run(*add, "--institution", "区档案馆") == 1
    assert "没有“区档案馆”" in filed.err
    body = {"name": "区档案馆", "category": "institution", "rank": "40"}
    body["effective_on"] = str(OPENING["effective_on"])
    unit = COMMANDS["institutions.take-over"].model_validate_json(json.dumps(body))
    with filed.office() as office:
        office.writer.do(Filing((unit,), "clerk"))
    say(PASSWORD + "\n", monkeypatch)
    assert filed.run(*add, "--institution", "区档案馆") == 0
    with filed.office() as office:
        (account,) = Accounts(office.database).all()
        row = office.ledgers.one("institutions", str(account.institution)).rows()[0]
    assert row["name"] == "区档案馆"


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (["add", "x", "--name", "甲", "--role", "clerk"], "a long password 1", "小写字母开头"),
        (["add", "jb", "--name", "甲", "--role", "clerk"], "short", "至少"),
        (["password", "nobody"], "a long password 1", "没有账号"),
    ],
)
def test_accounts_that_cannot_be(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: list[str], given: str, says: str
) -> None:
    """Exit code 1 and the reason."""
    say(given + "\n", monkeypatch)
    assert shell.run("user", *arguments, "--password-stdin") == 1
    assert says in shell.err


def test_a_password_is_not_asked_of_a_pipe(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would wait for ever, or take the wrong line."""
    say("", monkeypatch)
    assert shell.run("user", "password", "x") == 1
    assert "--password-stdin" in shell.err


# ── reading ──────────────────────────────────────────────────────────────────────────────────


def test_the_journal_on_the_command_line(filed: Shell) -> None:
    """A list without contents, an entry masked, whole (and noted), or as it is stored."""
    assert filed.run("journal", "list", "--fact", "staffing.person-registered") == 0
    assert "staffing.person-registered" in filed.out
    assert "journal.opened" not in filed.out
    assert filed.run("journal", "list", "--limit", "1") == 0
    assert "--before 2" in filed.err
    assert filed.run("journal", "list", "--subject", "张示范") == 1
    assert "--subject 应写作 种类:系统内编号" in filed.err
    assert filed.run("journal", "list", "--subject", "office:main") == 0
    assert "建账" in filed.out
    assert filed.run("journal", "show", "2") == 0
    assert json.loads(filed.out)["body"]["name"] == "张**"
    assert filed.run("journal", "show", "2", "--unmasked") == 0
    assert json.loads(filed.out)["body"]["name"] == NAME
    assert filed.run("journal", "show", "2", "--stored") == 0
    assert set(json.loads(filed.out)["body"]["name"]) == {"sealed"}
    assert filed.run("journal", "show", "99") == 1
    with psycopg.connect(filed.url) as connection:
        rows = connection.execute("SELECT what, rows, unmasked FROM office.reading_log").fetchall()
    assert rows == [("journal", 1, True)]


def test_ledgers_on_the_command_line(filed: Shell, tmp_path: Path) -> None:
    """Listed, shown as of a day, exported to a file that is never half written."""
    assert filed.run("ledgers", "list") == 0
    assert all(ledger.title in filed.out for ledger in LEDGERS.values())
    assert filed.run("ledgers", "show", "settings", "--valid-on", "2021-07-01") == 0
    assert "业务日期 2021-07-01" in filed.err
    assert filed.run("ledgers", "show", "settings", "--valid-on", "2020-01-01") == 1
    assert "未建账" in filed.err
    for wrong, says in (
        (["--valid-on", "soon"], "日期"),
        (["--filter", "name"], "列=值"),
        (["--filter", "colour=red"], "colour"),
        (["--sort", "colour"], "colour"),
        (["--filter", "name=x", "--filter", "名称=y"], "只能写一次"),
    ):
        assert filed.run("ledgers", "show", "settings", *wrong) == 1
        assert says in filed.err
    assert filed.run("ledgers", "show", "quota_book", "--filter", "编制类型=行政") == 1
    assert "“编制类型”没有“行政”这一项，只能填写：10（行政编制）、11（政法专项编制）" in filed.err
    for right in ("编制类型=行政编制", "kind=10"):
        assert filed.run("ledgers", "show", "编制台账", "--filter", right) == 0
    assert filed.run("ledgers", "verify", "实名制人员台账") == 0
    assert filed.run("ledgers", "verify", "rooster") == 1
    assert "roster（实名制人员台账）" in filed.err
    target = tmp_path / "台账.xlsx"
    assert filed.run("ledgers", "export", "roster", str(target), "--secrecy", "秘密") == 0
    assert "密级：秘密" in filed.out
    cells = CalamineWorkbook.from_path(target).get_sheet_by_index(0).to_python()
    assert ["密级", "秘密"] in [row[:2] for row in cells]
    assert target.stat().st_mode & 0o077 == 0
    assert filed.run("ledgers", "export", "roster", str(target)) == 1
    assert "--force" in filed.err
    assert filed.run("ledgers", "export", "rooster", str(target), "--force") == 1
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["台账.xlsx"]
    assert filed.run("ledgers", "export", "roster", str(tmp_path / "x.pdf")) == 1
    with psycopg.connect(filed.url) as connection:
        rows = connection.execute("SELECT what, format, secrecy FROM office.reading_log").fetchall()
    assert rows == [("roster", "xlsx", "secret")]


def test_verifying_finds_what_was_changed_and_rebuilding_mends_it(filed: Shell) -> None:
    """Exit codes 0, 3 and 0 again."""
    command = {"name": "late_filing_workdays", "value": 15, "effective_on": "2021-07-01"}
    with filed.office() as office:
        change = COMMANDS["settings.change"].model_validate_json(json.dumps(command))
        office.writer.do(Filing((change,), "clerk"))
    assert filed.run("ledgers", "verify") == 0
    assert "核对一致" in filed.out
    with psycopg.connect(filed.url) as connection:
        connection.execute("UPDATE office.ledger_settings SET value = '99'")
    assert filed.run("ledgers", "verify", "settings") == 3
    assert "“99”" in filed.out
    assert filed.run("ledgers", "rebuild", "settings") == 0
    assert filed.run("ledgers", "verify") == 0
    assert filed.run("ledgers", "verify", "nothing") == 1


def test_after_an_upgrade_ledgers_are_made_anew(filed: Shell, tmp_path: Path) -> None:
    """Neither tampering nor a fault: verifying says what to do, whoever files next has it done."""
    with psycopg.connect(filed.url) as connection:
        connection.execute("UPDATE office.ledger_state SET version = '0' WHERE name = 'laws'")
        connection.execute("ALTER TABLE office.ledger_laws DROP COLUMN status")
    for group in ("ledgers", "evidence"):
        assert filed.run(group, "verify") == 6
        assert "没有核对：法规库。" in filed.out
        assert "taizhang ledgers rebuild" in filed.out
        assert "保护现场" not in filed.out
    assert filed.run("ledgers", "show", "laws") == 1
    assert "台账“法规库”尚未生成，请先执行台账重建" in filed.err
    file = tmp_path / "法规.csv"
    file.write_text("名称,效力层级,公布日期,施行日期\n统计法,法律,2024-09-13,2024-09-13\n", "utf-8")
    assert filed.run("laws", "import", str(file)) == 0
    assert "程序已升级，1 本台账须由流水重新生成：法规库。" in filed.err
    assert filed.run("laws", "import", str(file)) == 0
    assert "程序已升级" not in filed.err
    assert filed.run("ledgers", "verify") == 0


def test_a_table_among_the_settings_is_no_tampering(filed: Shell) -> None:
    """However its names are ordered as typed: the row is what the journal says."""
    schemes = [{"name": "甲", "field": "code", "segments": [{"length": 3, "kind": "serial"}]}]
    command = {"name": "rights_code_schemes", "value": schemes, "effective_on": "2021-07-01"}
    with filed.office() as office:
        change = COMMANDS["settings.change"].model_validate_json(json.dumps(command))
        office.writer.do(Filing((change,), "clerk"))
    assert filed.run("ledgers", "verify") == 0


# ── keys ─────────────────────────────────────────────────────────────────────────────────────


def test_the_master_key_is_changed_and_nothing_else(filed: Shell) -> None:
    """The old one is kept beside it, and no longer opens the office."""
    old = load_master_key(filed.key_file)
    with filed.office() as office:
        before = office.journal.stored(2)
    assert filed.run("key", "rotate") == 0
    assert "主密钥已更换" in filed.out
    assert load_master_key(filed.key_file) != old
    (kept,) = filed.key_file.parent.glob("master.key.old-*")
    assert load_master_key(kept) == old
    with filed.office() as office:
        assert office.journal.stored(2) == before
        entry = office.journal.entry(2)
    assert entry is not None
    assert getattr(entry.fact, "name", None) == NAME
    with pytest.raises(KeyProblem, match="不匹配"), Office(filed.url, old):
        pass


def test_whoever_is_just_leaving_does_not_hinder_a_change_of_keys(filed: Shell) -> None:
    """A server notices a moment later that a program has ended."""
    leaver = psycopg.connect(filed.url)
    threading.Timer(0.3, leaver.close).start()
    assert filed.run("key", "rotate") == 0


def test_the_master_key_is_not_changed_under_a_running_program(filed: Shell) -> None:
    """It would go on wrapping with the old key."""
    before = filed.key_file.read_bytes()
    with filed.office():
        assert filed.run("key", "rotate") == 1
    assert "正在被其他程序使用" in filed.err
    assert filed.run("user", "list") == 0
    assert filed.key_file.read_bytes() == before


def _before_commit(shell: Shell) -> None:
    """Interrupted when the new key was written and nothing rewrapped."""
    make_master_key(shell.key_file.with_name("master.key.new"))


def _after_commit(shell: Shell) -> None:
    """Interrupted when everything was rewrapped and the file not yet in its place."""
    old = shell.key_file.read_bytes()
    _, kept = rotate(shell.key_file, shell.url, "office")
    shell.key_file.rename(shell.key_file.with_name("master.key.new"))
    kept.unlink()
    shell.key_file.write_bytes(old)
    shell.key_file.chmod(0o600)


def _between_renames(shell: Shell) -> None:
    """Interrupted between the two renames."""
    rotate(shell.key_file, shell.url, "office")
    shell.key_file.rename(shell.key_file.with_name("master.key.new"))


@pytest.mark.parametrize("interrupted", [_before_commit, _after_commit, _between_renames])
def test_an_interrupted_change_of_keys_is_settled_at_the_next_start(
    filed: Shell, interrupted: Callable[[Shell], None]
) -> None:
    """Whichever file opens the office's keys is the right one."""
    interrupted(filed)
    assert filed.run("journal", "show", "2", "--unmasked") == 0
    assert json.loads(filed.out)["body"]["name"] == NAME
    assert not filed.key_file.with_name("master.key.new").exists()


def test_a_lost_key_is_never_replaced_by_a_new_one(filed: Shell) -> None:
    """A database that has keys needs the one it was opened with."""
    filed.key_file.unlink()
    assert filed.run("user", "list") == 1
    assert "找不到主密钥文件" in filed.err
    make_master_key(filed.key_file)
    assert filed.run("user", "list") == 1
    assert "不匹配" in filed.err


@pytest.mark.parametrize("name", ["MASTER_KEY_FILE", "SIGNING_KEY_FILE"])
def test_a_key_that_cannot_be_written_is_said_to_be_so(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A read-only place, a full disk: no stack trace, and nothing half written."""
    monkeypatch.setenv(f"TAIZHANG_{name}", "/proc/nowhere/key")
    assert shell.run("evidence", "key", "show") == 1
    assert "/proc/nowhere/key" in shell.err
    assert "不能写入" in shell.err
    assert "Traceback" not in shell.err


def test_a_login_with_too_few_rights_is_told_which_it_needs(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's database: nothing is made there."""
    login = f"poor_{os.getpid()}"
    with psycopg.connect(shell.url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'only-for-tests'".encode())
        try:
            whole = urlsplit(shell.url)
            netloc = f"{login}:only-for-tests@{whole.netloc.rpartition('@')[2]}"
            monkeypatch.setenv("TAIZHANG_DATABASE_URL", urlunsplit(whole._replace(netloc=netloc)))
            assert shell.run("user", "list") == 1
        finally:
            owner.execute(f"DROP ROLE {login}".encode())
    assert "权限不足" in shell.err


# ── serving ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(empty_database: str, tmp_path: Path, free_port: int) -> dict[str, str]:
    """The environment of a served program on a database of this test's own."""
    own = {
        "TAIZHANG_DATABASE_URL": empty_database,
        "TAIZHANG_DATA_DIR": str(tmp_path / "data"),
        "TAIZHANG_PORT": str(free_port),
        "TAIZHANG_LOG_FORMAT": "json",
    }
    return {**os.environ, **own}


@pytest.fixture
def served(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The program, serving."""
    command = [sys.executable, "-m", "interface.cli", "serve"]
    with subprocess.Popen(
        command,
        env=environment,
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        yield program
        if program.poll() is None:
            program.kill()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_the_program_serves_until_asked_to_end(
    served: subprocess.Popen[str], environment: dict[str, str], sign: signal.Signals
) -> None:
    """It answers, logs structured lines without secrets, ends in good order with 0."""
    address = f"http://127.0.0.1:{environment['TAIZHANG_PORT']}"
    with httpx.Client(base_url=address, trust_env=False) as client:
        _await_health(client, served)
        login = client.post("/api/login", json={"name": "secret-name", "password": "secret-word"})
        assert login.status_code == 401
    served.send_signal(sign)
    out, err = served.communicate(timeout=60)
    assert served.returncode == 0, err
    assert address in out
    assert "还没有账号" in err
    assert "已生成检查点签名密钥" in err
    logged = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert any(line.get("route") == "/api/login" and line["status"] == 401 for line in logged)
    assert "secret" not in out + err
    assert quote(environment["TAIZHANG_DATABASE_URL"]) not in out + err
    assert "Traceback" not in err


def _await_health(client: httpx.Client, program: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        assert program.poll() is None, program.communicate()
        try:
            assert client.get("/health").json()["status"] == "ok"
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the program did not come up")


def test_without_the_signing_key_nothing_is_served(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """A journal that was signed needs its key back, or a new one that is announced."""
    assert shell.run("user", "list") == 0  # makes the master key
    with shell.office() as office:
        first = COMMANDS["journal.open"].model_validate_json(json.dumps(OPENING))
        office.writer.do(Filing((first,), "clerk"))
    assert shell.run("evidence", "checkpoint") == 0
    key = shell.key_file.with_name("evidence-office.key")
    key.unlink()
    monkeypatch.setenv("TAIZHANG_PORT", str(free_port))
    assert shell.run("serve") == 1
    assert str(key) in shell.err
    assert "evidence key replace" in shell.err
    assert shell.run("ledgers", "list") == 0
    assert shell.run("evidence", "key", "replace") == 0
    assert shell.run("evidence", "verify") == 0


def test_a_taken_port_is_said_to_be_taken(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """Before anything is opened, with what to do."""
    monkeypatch.setenv("TAIZHANG_PORT", str(free_port))
    with socket.create_server(("127.0.0.1", free_port)):
        assert shell.run("serve") == 1
    assert f"127.0.0.1:{free_port}" in shell.err
    assert "已被其他程序占用" in shell.err
    assert "TAIZHANG_PORT" in shell.err
    assert not shell.key_file.exists()


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_that_is_not_this_machines_is_named(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Reserved by RFC 5737 and RFC 6761: no machine has them."""
    monkeypatch.setenv("TAIZHANG_HOST", host)
    assert shell.run("serve") == 1
    assert host in shell.err
    assert "TAIZHANG_HOST" in shell.err
