"""An office reached over HTTP, for tests: a real server on a free port, an account of each role."""

from __future__ import annotations

import itertools
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from infrastructure.accounts import Accounts
from infrastructure.evidence_folder import EvidencePlaces
from infrastructure.office import Office
from interface.app import make_app
from tests.databases import MASTER_KEY
from tests.district import id_number

PASSWORD = "correct horse 7"  # noqa: S105  (of accounts that live as long as a test)
ROLES = {
    "clerk": ("clerk",),
    "second": ("clerk", "reviewer"),
    "reviewer": ("reviewer",),
    "auditor": ("auditor",),
    "administrator": ("administrator",),
}
OPENING = {"office": "示范区委编办", "purpose": "demonstration", "effective_on": "2021-06-30"}


class HttpOffice:
    """One office, its application and who may be logged in there."""

    def __init__(self, office: Office, client: httpx.Client) -> None:
        self.office = office
        self.client = client
        self.accounts = Accounts(office.database)
        self.tokens: dict[str, str] = {}
        self._people = itertools.count(500)

    def add_accounts(self) -> None:
        """Open an account of each role, ready for use."""
        for name, roles in ROLES.items():
            self.accounts.add(name, name, PASSWORD, roles, by="test", must_change=False)

    def token(self, who: str) -> str:
        """Return a token of that account, logging in at first use."""
        if who not in self.tokens:
            answer = self.client.post("/api/login", json={"name": who, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            self.tokens[who] = answer.json()["token"]
        return self.tokens[who]

    def ask(self, method: str, path: str, who: str = "clerk", **more: Any) -> Any:
        """Send a request as ``who`` and return the response."""
        headers = {"Authorization": f"Bearer {self.token(who)}", **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, who: str = "clerk", **params: Any) -> Any:
        """GET as ``who``; the answer must be 200. Returns its JSON."""
        answer = self.ask("GET", path, who, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def file(self, path: str, body: Mapping[str, Any], who: str = "clerk", **headers: str) -> Any:
        """File a command as ``who``; it must be recorded. Returns the receipt."""
        answer = self.ask("POST", path, who, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def open_journal(self) -> None:
        """File entry 1."""
        self.file("/api/journal/open", OPENING)

    # ── a small district ─────────────────────────────────────────────────────────────────────

    def document(self, title: str = "关于机构编制事项的批复", **more: Any) -> str:
        """Register a city document; return its id."""
        body = {
            "document_title": title,
            "issuer": "示范市委编委",
            "issuer_level": "city",
            "issued_on": "2021-06-01",
            **more,
        }
        return self.only(self.file("/api/documents/register", body), "document")

    def institution(self, name: str, paper: str, posts: int = 0) -> str:
        """Set up a party office with so many administrative posts; return its id."""
        basis = [{"document": paper}]
        body = {**self.on(), "name": name, "category": "party", "rank": "31", "basis": basis}
        who = self.only(self.file("/api/institutions/set-up", body), "institution")
        if posts:
            kind = {**self.on(), "quota_kind": "10", "basis": basis}
            self.file("/api/quotas/set-ceiling", {**kind, "change": posts})
            self.file("/api/quotas/grant", {**kind, "institution": who, "number": posts})
        return who

    def entering(self, who: str, paper: str, n: int, name: str = "张示范") -> dict[str, Any]:
        """Return the body of an entering of the ``n``-th new person, by appointment."""
        return {
            **self.on(),
            "institution": who,
            "quota_kind": "10",
            "entry_mode": "appointment",
            "new_person": {"name": name, "id_no": id_number(n)},
            "basis": [{"document": paper}],
        }

    def small_district(self) -> None:
        """File an archive with five posts and three people in it: 11 entries."""
        self.open_journal()
        paper = self.document()
        unit = self.institution("示范区档案馆", paper, posts=5)
        for n in range(1, 4):
            self.entered(unit, paper, n)

    def fresh(self) -> int:
        """Return the number of a person whom no other test uses."""
        return next(self._people)

    def entered(self, who: str, paper: str, n: int, name: str = "张示范") -> str:
        """Enter the ``n``-th new person; return the person's id."""
        receipt = self.file("/api/staffing/enter", self.entering(who, paper, n, name))
        return self.only(receipt, "person")

    @staticmethod
    def on(day: str = "2021-07-01") -> dict[str, str]:
        """Return the business date of most filings."""
        return {"effective_on": day}

    @staticmethod
    def only(receipt: Any, kind: str) -> str:
        """Return the one subject of that kind that a receipt's first entry speaks of."""
        (found,) = receipt["entries"][0]["subjects"][kind]
        return str(found)

    def head(self) -> int:
        """Return the journal's last position."""
        return self.office.journal.head()[0]

    @contextmanager
    def nothing_recorded(self) -> Iterator[None]:
        """Hold that the journal does not grow within the block."""
        before = self.head()
        yield
        assert self.head() == before


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application as the program does, in a thread; lend its address."""
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def evidence_below(folder: Path) -> EvidencePlaces:
    """Return where an office's evidence is in a folder, as the default settings have it."""
    return EvidencePlaces(folder / "evidence-office.key", folder / "evidence" / "office")


@contextmanager
def http_office(url: str, folder: Path | None = None) -> Iterator[HttpOffice]:
    """Open an office at ``url`` with its application and accounts; its evidence in ``folder``.

    Without a folder the evidence is gone at the end.
    """
    with (
        tempfile.TemporaryDirectory() as passing,
        Office(url, MASTER_KEY, evidence=evidence_below(folder or Path(passing))) as office,
        served(make_app(office)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=30) as client,
    ):
        opened = HttpOffice(office, client)
        opened.add_accounts()
        yield opened
