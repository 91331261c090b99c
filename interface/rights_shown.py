"""How a public page (公开页面) is made, answered, and kept for whoever asks for the same.

An edition never changes, so neither does a page about it, but for the choice of editions around
it. Pages are kept in memory while that choice is the same, those asked for longest ago leave first.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from importlib.resources import files
from threading import Lock
from typing import Any, Final, NamedTuple

import jinja2
from starlette.requests import Request
from starlette.responses import Response

from application.rights import CATEGORIES, LEVELS
from application.rights import KINDS as CHANGES
from application.rights_differences import KINDS, MEASURES, category_title
from domain.rights_compiling import APPROVERS
from interface.operations import Asked
from interface.problems import Problem

HOME: Final = "/qingdan"
CSP: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
FRESH: Final = "public, max-age=300"
"""How long a page may be kept: an edition's never changes, but its frame names newer ones."""

NOT_FOUND: Final = 404
_SAFE: Final = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
}
_PAGES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("interface", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE: Final = files("interface").joinpath("static/qingdan.css").read_bytes()

KEPT_BYTES: Final = 96 * 1024 * 1024
"""Pages kept take no more memory than so much."""

_HTML: Final = "text/html; charset=utf-8"


class Page(NamedTuple):
    """A page as it is sent: its bytes, and the tag by which a reader knows it again."""

    body: bytes
    tag: str

    def answer(self, request: Request | None, status: int = 200) -> Response:
        """Return the answer; who has the page already is told so."""
        return _answer(self, _HTML, request, status)


def made(name: str, **shown: Any) -> Page:
    """Make a page of a template below ``templates/rights``."""
    text = _PAGES.get_template(f"rights/{name}.html").render(
        home=HOME,
        level_titles=LEVELS,
        category_titles=CATEGORIES,
        category_title=category_title,
        change_titles=CHANGES,
        kinds=KINDS,
        measures=MEASURES,
        approvers=dict(APPROVERS),
        **shown,
    )
    return _tagged(text.encode())


def _tagged(body: bytes) -> Page:
    return Page(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _answer(page: Page, media_type: str, request: Request | None, status: int = 200) -> Response:
    kept = FRESH if status < NOT_FOUND else "no-store"
    headers = {**_SAFE, "ETag": page.tag, "Cache-Control": kept}
    if request is not None and request.headers.get("if-none-match") == page.tag:
        return Response(status_code=304, headers=headers)
    return Response(page.body, status, headers, media_type=media_type)


_STYLED: Final = _tagged(_STYLE)


async def style(asked: Asked) -> Response:
    """Answer with the style sheet of every page."""
    return _answer(_STYLED, "text/css; charset=utf-8", asked.request)


def told_to_the_public(path: str, problem: Problem) -> Response:
    """Return what answers a problem: a page below `HOME`, a problem document everywhere else."""
    if path != HOME and not path.startswith(f"{HOME}/"):
        return problem.response()
    answer = made("problem", problem=problem).answer(None, problem.status)
    answer.headers.update(problem.headers)
    return answer


class Kept:
    """Pages that were made while the choice of editions is the same, by address and query."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        """Keep pages of ``most`` bytes together."""
        self._most = most
        self._choice: object = None
        self._pages: OrderedDict[tuple[str, bytes], Page] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, scope: Mapping[str, Any], choice: object) -> Page | None:
        """Return the page of an address, if it was made under this choice of editions."""
        key = scope["path"], scope["query_string"]
        with self._lock:
            page = self._pages.get(key) if choice is self._choice else None
            if page is not None:
                self._pages.move_to_end(key)
            return page

    def put(self, scope: Mapping[str, Any], choice: object, page: Page) -> None:
        """Keep a page that was made under this choice of editions."""
        key = scope["path"], scope["query_string"]
        with self._lock:
            if choice is not self._choice:
                self._pages.clear()
                self._choice, self._bytes = choice, 0
            former = self._pages.pop(key, None)
            self._bytes += len(page.body) - (0 if former is None else len(former.body))
            self._pages[key] = page
            while self._bytes > self._most:
                _, oldest = self._pages.popitem(last=False)
                self._bytes -= len(oldest.body)
