"""Who gets in, who may do what, who sees whole names and numbers, and what is kept of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from application.access import AccountProblem, Slowed, WrongLogin, checked_password, checked_roles
from infrastructure import accounts as module
from infrastructure.accounts import LONGEST_WAIT, Accounts
from infrastructure.database import Database
from tests.http_office import PASSWORD, HttpOffice, http_office

LOCAL = "10.0.0.1"


@pytest.fixture(scope="module")
def house(module_database: str) -> Iterator[HttpOffice]:
    """An office over HTTP that this module's tests share; its journal is open."""
    with http_office(module_database) as opened:
        opened.open_journal()
        yield opened


@pytest.fixture
def accounts(office_database: Database) -> Accounts:
    """Accounts of an office of this test's own, with one clerk."""
    made = Accounts(office_database)
    made.add("clerk", "示范经办人", PASSWORD, ["clerk"], by="test", must_change=False)
    return made


# ── logging in ───────────────────────────────────────────────────────────────────────────────


def test_who_logs_in_gets_a_token_that_names_him(house: HttpOffice) -> None:
    """The token opens what it should; the database holds only its hash."""
    token = house.token("clerk")
    session = house.get("/api/session")
    assert (session["name"], session["roles"]) == ("clerk", ["clerk"])
    with house.office.database.as_owner() as connection:
        rows = connection.execute("SELECT t::text FROM tokens t").fetchall()
    assert rows
    assert not any(token in row[0] for row in rows)


def test_logging_out_ends_the_token_at_once(house: HttpOffice) -> None:
    """Also where it has just been used and is remembered."""
    answer = house.client.post("/api/login", json={"name": "clerk", "password": PASSWORD})
    header = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert house.client.get("/api/session", headers=header).status_code == 200
    assert house.client.post("/api/logout", headers=header).status_code == 204
    late = house.client.get("/api/session", headers=header)
    assert (late.status_code, late.json()["code"]) == (401, "access.login-needed")
    assert late.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Basic eA=="}, {"Authorization": "Bearer"}]
)
def test_without_a_token_nothing_is_answered(house: HttpOffice, header: dict[str, str]) -> None:
    """Reading and filing alike."""
    for method, path in (("GET", "/api/journal"), ("POST", "/api/documents/register")):
        answer = house.client.request(method, path, headers=header)
        assert (answer.status_code, answer.json()["code"]) == (401, "access.login-needed")


def test_every_route_but_health_login_and_openapi_needs_a_login(house: HttpOffice) -> None:
    """A route that forgot to ask who comes would be found here."""
    paths: dict[str, Any] = house.client.get("/openapi.json").json()["paths"]
    assert len(paths) > 50
    open_to_all = set()
    for path, methods in paths.items():
        for method in methods:
            answer = house.client.request(method, re.sub(r"\{\w+\}", "1", path))
            if answer.status_code != 401:
                open_to_all.add(path)
    assert open_to_all == {"/health", "/api/login"}


def test_expired_tokens_open_nothing(accounts: Accounts, office_database: Database) -> None:
    """Neither when asked anew, nor from memory."""
    token, _ = accounts.login("clerk", PASSWORD, LOCAL)
    assert accounts.remembered(token) is not None
    with office_database.as_owner() as connection:
        connection.execute("UPDATE tokens SET expires_at = clock_timestamp() - interval '1 s'")
    assert accounts.session(token) is None
    assert accounts.remembered(token) is None


def test_a_disabled_account_is_out_at_once(accounts: Accounts) -> None:
    """Its sessions end, its password opens nothing, and enabling brings no session back."""
    token, _ = accounts.login("clerk", PASSWORD, LOCAL)
    accounts.change("clerk", by="test", disabled=True)
    assert accounts.remembered(token) is None
    assert accounts.session(token) is None
    with pytest.raises(WrongLogin):
        accounts.login("clerk", PASSWORD, LOCAL)
    accounts.change("clerk", by="test", disabled=False)
    assert accounts.session(token) is None
    accounts.login("clerk", PASSWORD, LOCAL)


# ── wrong logins ─────────────────────────────────────────────────────────────────────────────


def test_wrong_logins_cost_more_and_more_waiting(
    accounts: Accounts, office_database: Database
) -> None:
    """Also for the right password, also after a restart, up to a limit; others are not held up."""
    waits = [_wait_after_failure(accounts, office_database, n) for n in range(13)]
    assert waits[:2] == [0, 0]
    assert waits[2:7] == [1, 2, 4, 8, 16]
    assert waits[-1] == LONGEST_WAIT
    with pytest.raises(Slowed):
        Accounts(office_database).login("clerk", PASSWORD, LOCAL)
    accounts.add("other", "示范", PASSWORD, ["clerk"], by="test", must_change=False)
    accounts.login("other", PASSWORD, LOCAL)


def _wait_after_failure(accounts: Accounts, database: Database, n: int) -> int:
    """Fail once from an address of its own and return the waiting it costs, then let it pass."""
    with pytest.raises(WrongLogin):
        accounts.login("clerk", "wrong", f"10.1.0.{n}")
    with database.as_owner() as connection:
        row = connection.execute(
            "SELECT round(extract(epoch FROM max(blocked_until - last_at))) FROM login_attempts"
            " WHERE subject LIKE 'account:%'"
        ).fetchone()
        if n < 12:
            connection.execute("UPDATE login_attempts SET blocked_until = clock_timestamp()")
    assert row is not None
    return int(row[0])


def test_a_right_login_forgives_the_account_but_not_the_address(
    accounts: Accounts, office_database: Database
) -> None:
    """Who guesses at others' passwords cannot wash himself clean with his own account."""
    for _ in range(2):
        with pytest.raises(WrongLogin):
            accounts.login("clerk", "wrong", LOCAL)
    accounts.login("clerk", PASSWORD, LOCAL)
    with office_database.as_owner() as connection:
        rows = connection.execute("SELECT subject, failures FROM login_attempts").fetchall()
    assert [(subject.partition(":")[0], n) for subject, n in rows] == [("address", 2)]


def test_an_address_that_guesses_at_many_accounts_is_slowed(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accounts that do not exist count too, and answer as wrong passwords do."""
    monkeypatch.setitem(module.FREE_FAILURES, "address", 3)
    for n in range(3):
        with pytest.raises(WrongLogin):
            accounts.login(f"nobody{n}", "wrong", LOCAL)
    with pytest.raises(Slowed):
        accounts.login("clerk", PASSWORD, LOCAL)
    accounts.login("clerk", PASSWORD, "10.0.0.2")


def test_failures_are_forgotten_after_an_hour(
    accounts: Accounts, office_database: Database
) -> None:
    """The next wrong login is the first again."""
    for n in range(3):
        assert _wait_after_failure(accounts, office_database, n) == max(0, n - 1)
    with office_database.as_owner() as connection:
        connection.execute("UPDATE login_attempts SET last_at = last_at - interval '61 min'")
    assert _wait_after_failure(accounts, office_database, 3) == 0


def test_a_slowed_login_says_how_long_to_wait(house: HttpOffice) -> None:
    """429 with Retry-After; the wrong ones before it 401, and no account is betrayed."""
    answers = [
        house.client.post("/api/login", json={"name": "ghost", "password": "x"}) for _ in range(4)
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    known = house.client.post("/api/login", json={"name": "reviewer", "password": "x"})
    assert known.json() == answers[0].json()
    assert answers[-1].json()["code"] == "access.slowed"
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "秒" in answers[-1].json()["detail"]


def test_a_flood_of_logins_is_turned_away_before_it_costs_anything(house: HttpOffice) -> None:
    """Password checks are dear: a long queue answers 429, and others are served."""
    statuses: list[int] = []

    def knock(n: int) -> None:
        answer = house.client.post("/api/login", json={"name": f"flood{n}", "password": "x"})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=knock, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    assert house.client.get("/health").status_code == 200
    for thread in threads:
        thread.join()
    assert len(statuses) == 60
    assert set(statuses) == {401, 429}
    with house.office.database.as_owner() as connection:
        connection.execute("DELETE FROM login_attempts")


# ── passwords and accounts ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short-1", "至少"),
        ("aaaaaaaaaaaa", "简单"),
        ("abcdefghijkl", "简单"),
        ("mr-clerk-1999", "账号名"),
        ("x1" * 200, "过长"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(password: str, why: str) -> None:
    """In a sentence that says what to change."""
    with pytest.raises(AccountProblem, match=why):
        checked_password(password, "clerk")


def test_duties_are_kept_apart() -> None:
    """Who audits or manages accounts does nothing else; clerk and reviewer may be one account."""
    assert checked_roles(["reviewer", "clerk"]) == ("clerk", "reviewer")
    for roles in (["auditor", "clerk"], ["administrator", "reviewer"], ["boss"], []):
        with pytest.raises(AccountProblem):
            checked_roles(roles)


def test_a_password_set_by_somebody_else_is_changed_before_all_else(house: HttpOffice) -> None:
    """The account is opened over HTTP, may do nothing yet, changes its password, and may work."""
    first, own = "first password 1", "quite another 2"
    opened = house.ask(
        "POST",
        "/api/users",
        "administrator",
        json={"name": "fresh", "display_name": "新人", "roles": ["clerk"], "password": first},
    )
    assert (opened.status_code, opened.json()["must_change"]) == (201, True)
    assert "password" not in opened.text.replace("password-", "")
    token = house.client.post("/api/login", json={"name": "fresh", "password": first}).json()[
        "token"
    ]
    header = {"Authorization": f"Bearer {token}"}
    early = house.client.get("/api/journal", headers=header)
    assert (early.status_code, early.json()["code"]) == (403, "access.password-first")
    same = house.client.post("/api/password", headers=header, json={"old": first, "new": first})
    assert (same.status_code, same.json()["code"]) == (422, "account.password")
    wrong = house.client.post("/api/password", headers=header, json={"old": own, "new": own})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "access.wrong-login")
    done = house.client.post("/api/password", headers=header, json={"old": first, "new": own})
    assert done.status_code == 204
    assert house.client.get("/api/journal", headers=header).status_code == 200
    old = house.client.post("/api/login", json={"name": "fresh", "password": first})
    assert old.status_code == 401


def test_changing_the_password_ends_every_other_session(accounts: Accounts) -> None:
    """The one in which it was changed goes on."""
    elsewhere, _ = accounts.login("clerk", PASSWORD, LOCAL)
    here, _ = accounts.login("clerk", PASSWORD, LOCAL)
    accounts.change_password("clerk", PASSWORD, "quite another 2", here)
    assert accounts.session(here) is not None
    assert accounts.session(elsewhere) is None
    assert accounts.remembered(elsewhere) is None


def test_accounts_are_listed_changed_and_logged(house: HttpOffice) -> None:
    """The administrator manages, the auditor sees what was done; nothing says a password."""
    house.accounts.add("leaver", "离任者", PASSWORD, ["clerk"], by="test")
    changed = house.ask("POST", "/api/users/leaver", "administrator", json={"disabled": True})
    assert changed.status_code == 200
    assert changed.json()["disabled_at"] is not None
    nothing = house.ask("POST", "/api/users/leaver", "administrator", json={})
    assert (nothing.status_code, "至少填写一项" in nothing.text) == (422, True)
    listed = {one["name"]: one for one in house.get("/api/users", "administrator")["accounts"]}
    assert listed["leaver"]["disabled_at"] is not None
    assert listed["clerk"]["disabled_at"] is None
    lines = house.get("/api/logs/accounts", "auditor")["lines"]
    events = [(one["actor"], one["event"]) for one in lines if one["account"] == "leaver"]
    assert events == [("administrator", "disabled"), ("test", "added")]
    assert PASSWORD not in str(lines)


def test_a_change_of_an_account_is_all_or_nothing(accounts: Accounts) -> None:
    """A password that is too weak leaves the roles as they were."""
    with pytest.raises(AccountProblem):
        accounts.change("clerk", by="test", roles=["auditor"], password="weak")  # noqa: S106
    assert accounts.all()[0].roles == ("clerk",)
    with pytest.raises(AccountProblem, match="没有账号"):
        accounts.change("nobody", by="test", disabled=True)
    with pytest.raises(AccountProblem, match="已存在"):
        accounts.add("clerk", "示范", PASSWORD, ["clerk"], by="test")
    with pytest.raises(AccountProblem, match="小写字母开头"):
        accounts.add("Zhang Wei", "示范", PASSWORD, ["clerk"], by="test")


def test_the_last_administrator_stays(accounts: Accounts) -> None:
    """Two administrators who disable each other at the same time do not lock the office out."""
    for name in ("admin1", "admin2"):
        accounts.add(name, "示范", PASSWORD, ["administrator"], by="test", must_change=False)
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def disable(name: str) -> None:
        barrier.wait()
        try:
            accounts.change(name, by="test", disabled=True)
        except AccountProblem as problem:
            outcomes.append(problem.code)
        else:
            outcomes.append("done")

    threads = [threading.Thread(target=disable, args=(name,)) for name in ("admin1", "admin2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["account.last-administrator", "done"]


def test_a_refused_change_of_an_account_changes_nothing(accounts: Accounts) -> None:
    """All of it or nothing: the only administrator stays one, name and all, and may log in."""
    accounts.add("admin1", "示范", PASSWORD, ["administrator"], by="test", must_change=False)
    token, _ = accounts.login("admin1", PASSWORD, LOCAL)
    before = accounts.all()
    for more in ({"disabled": True}, {"roles": ["clerk"]}):
        with pytest.raises(AccountProblem):
            accounts.change("admin1", by="test", display_name="别名", **more)
    assert accounts.all() == before
    assert accounts.session(token) is not None


# ── rights ───────────────────────────────────────────────────────────────────────────────────

MAY = {
    ("POST", "/api/documents/register"): {"clerk", "second"},
    ("GET", "/api/journal"): {"clerk", "second", "reviewer", "auditor", "administrator"},
    ("GET", "/api/ledgers/roster"): {"clerk", "second", "reviewer", "auditor", "administrator"},
    ("POST", "/api/proposals/none/approve"): {"second", "reviewer"},
    ("GET", "/api/users"): {"administrator"},
    ("POST", "/api/users"): {"administrator"},
    ("GET", "/api/logs/readings"): {"auditor"},
    ("GET", "/api/logs/exports"): {"auditor"},
    ("GET", "/api/logs/accounts"): {"auditor"},
}


@pytest.mark.parametrize(
    ("route", "allowed"), MAY.items(), ids=lambda v: v[1] if isinstance(v, tuple) else ""
)
def test_each_role_does_its_own_work_only(
    house: HttpOffice, route: tuple[str, str], allowed: set[str]
) -> None:
    """Everybody else is told that the right is missing, before anything else is looked at."""
    for who in ("clerk", "second", "reviewer", "auditor", "administrator"):
        with house.nothing_recorded():
            answer = house.ask(*route, who, json={} if route[0] == "POST" else None)
        denied = answer.status_code == 403 and answer.json()["code"] == "access.denied"
        assert denied == (who not in allowed), (who, answer.text)
        if denied:
            assert "权限" in answer.json()["detail"]
