"""The public pages (公开页面) of the rights lists: no login, no scripts, on paper too.

    /qingdan                                the edition in force (?valid_on= on a day)
    /qingdan/{edition}                      a list by department, category and keyword
    /qingdan/{edition}/{item}               an item with all it says, its bases and history
    /qingdan/duibi?from=…&to=…              what differs between two editions
    /qingdan/{edition}/xiazai.{format}      the list as a file

An edition never changes, so every address below it answers for ever with the same list.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from typing import IO, Any, Final, cast
from urllib.parse import quote, urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from application.filing import OFFICE_ZONE
from application.rights import CATEGORIES, LEVELS
from application.rights import KINDS as CHANGES
from application.rights_differences import KINDS, MEASURES, category_title, lines_of
from domain.rights_compiling import APPROVERS
from domain.rights_content import ItemContent
from interface.asking import Param
from interface.exports import IN_MEMORY, MEDIA, pieces
from interface.ledger_questions import WORDS
from interface.operations import Answer, Api, Asked, Operation
from interface.problems import Problem
from interface.rights_differences import edition_ends, found_edition
from interface.rights_lists import COUNTED, ITEMS, Edition, Lists, Wanted
from interface.services import Services

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
_EDITION = Param("edition", "版次（系统内编号）", "id", place="path")
_ITEM = Param("item", "事项（系统内编号）", "id", place="path")
_FORMAT = Param("format", "文件格式", "choice", choices=tuple(MEDIA), place="path")
_LEVEL = Param("level", "清单层级", "choice", choices=tuple(LEVELS), default="district")
_DEPARTMENT = Param("department", "部门", "id")
_CATEGORY = Param("category", "职权类型", "choice", choices=tuple(CATEGORIES))


def add_routes(api: Api) -> None:
    """Add the pages."""
    pages = _Pages(api.services)
    routes = (
        ("/static/qingdan.css", _style, ()),
        (
            HOME,
            pages.home,
            (_LEVEL, Param("valid_on", "日期", "date"), Param("edition", "版次", "id")),
        ),
        (
            f"{HOME}/duibi",
            pages.differences,
            (Param("from", "原版次", "id"), Param("to", "现版次", "id"), _DEPARTMENT, _CATEGORY),
        ),
        (f"{HOME}/{{edition}}/xiazai.{{format}}", pages.file, (_EDITION, _FORMAT)),
        (
            f"{HOME}/{{edition}}",
            pages.list,
            (
                _EDITION,
                _DEPARTMENT,
                _CATEGORY,
                Param("word", WORDS.title),
                Param("cursor", "翻页位置", "id", longest=2000),
            ),
        ),
        (f"{HOME}/{{edition}}/{{item}}", pages.item, (_EDITION, _ITEM)),
    )
    for path, handler, params in routes:
        api.add("GET", path, handler, _page(params))


def _page(params: Sequence[Param]) -> Operation:
    return Operation(
        summary="权责清单公开页面",
        tag="公开",
        open_to_all=True,
        hidden=True,
        form=True,
        params=tuple(params),
        answers=(Answer(200, "页面", files=("text/html",)),),
    )


class _Pages:
    """The pages of one office."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lists = Lists(services)

    # ── which edition ────────────────────────────────────────────────────────────────────────

    async def home(self, asked: Asked) -> Response:
        """Lead to the edition chosen, or in force on a day; or say that there is none."""
        query = asked.query
        if query.get("edition"):
            return RedirectResponse(f"{HOME}/{query['edition']}", 303)
        day = query["valid_on"] or datetime.now(OFFICE_ZONE).date()
        found = await self._services.run(self._lists.in_force, query["level"], day)
        if found is not None:
            return RedirectResponse(f"{HOME}/{found.id}", 303)
        editions = await self._services.run(self._lists.editions)
        return page("none", asked.request, editions=editions, level=query["level"], day=day)

    # ── a list ───────────────────────────────────────────────────────────────────────────────

    async def list(self, asked: Asked) -> Response:
        """Show an edition's items by department, category and keyword, page by page."""
        return await self._services.run(self._list, asked)

    def _list(self, asked: Asked) -> Response:
        query, lists = asked.query, self._lists
        edition = found_edition(lists, query["edition"])
        counts = lists.counts(edition)
        wanted = Wanted(query["department"], query["category"], query["word"])
        shown = lists.page(edition, wanted, query["cursor"])
        asked_for = {n: query[n] for n in ("department", "category", "word") if query[n]}
        here = f"{HOME}/{edition.id}"
        return page(
            "list",
            asked.request,
            edition=edition,
            editions=lists.editions(),
            counts=counts,
            items=[(line.key, row) for line, row in zip(shown.lines, shown.rows(), strict=True)],
            total=lists.total(edition, wanted) if asked_for else edition.items,
            counted=COUNTED,
            asked_for=asked_for,
            query=query,
            onward=shown.cursor and f"{here}?{urlencode({**asked_for, 'cursor': shown.cursor})}",
        )

    # ── an item ──────────────────────────────────────────────────────────────────────────────

    async def item(self, asked: Asked) -> Response:
        """Show an item with everything that it says."""
        return await self._services.run(self._item, asked)

    def _item(self, asked: Asked) -> Response:
        lists, key = self._lists, asked.query["item"]
        edition = found_edition(lists, asked.query["edition"])
        row = lists.item(edition, key)
        if row is None:
            raise Problem("ledger.row-unknown", f"“{edition.name}”中没有这一事项。")
        sources = [one for one in row["sources"].split("、") if one]
        return page(
            "item",
            asked.request,
            edition=edition,
            item=row,
            fields=_fields(row["content"]),
            sources=[one for one in (lists.published_in(edition, s) for s in sources) if one],
            history=lists.history(edition, key),
        )

    # ── what differs ─────────────────────────────────────────────────────────────────────────

    async def differences(self, asked: Asked) -> Response:
        """Show what differs between two editions; or let them be chosen."""
        query, lists = asked.query, self._lists
        editions = await self._services.run(lists.editions)
        if not (query["from"] and query["to"]):
            return page("choose", asked.request, editions=editions)
        early, late = await self._services.run(self._two, query["from"], query["to"])
        before, after, level = edition_ends(early, late)
        found = await self._services.run_export(lists.compared, before, after, level)
        return page(
            "differences",
            asked.request,
            early=early,
            late=late,
            editions=editions,
            found=found.within(query["department"], query["category"]),
            departments={one.department: one.department_name for one in found.tallies},
            query=query,
        )

    def _two(self, one: str, other: str) -> tuple[Edition, Edition]:
        found = [found_edition(self._lists, key) for key in (one, other)]
        early, late = sorted(found, key=lambda edition: (edition.effective_on, edition.known))
        return early, late

    # ── files ────────────────────────────────────────────────────────────────────────────────

    async def file(self, asked: Asked) -> Response:
        """Hand out an edition's list as a file; nothing of it is noted, for it is public."""
        form = asked.query["format"]
        lists = self._lists
        edition = await self._services.run(found_edition, lists, asked.query["edition"])
        file = cast("IO[bytes]", tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115  (handed on)
        try:
            await self._services.run_export(
                self._services.write_file,
                file,
                ledger=ITEMS,
                asked=lists.question(edition),
                form=form,
                secrecy="公开",
            )
        except BaseException:
            file.close()
            raise
        size = file.tell()
        file.seek(0)
        name = quote(f"权责清单_{edition.name}.{form}")
        return StreamingResponse(
            pieces(file),
            media_type=MEDIA[form] + ("" if form == "xlsx" else "; charset=utf-8"),
            headers={
                "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
                "Content-Length": str(size),
            },
        )


# ── what pages are made of ───────────────────────────────────────────────────────────────────


def page(name: str, request: Request | None, status: int = 200, **shown: Any) -> Response:
    """Return a page; who has it already is told so."""
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
    return _answer(text.encode(), "text/html; charset=utf-8", request, status)


def _answer(body: bytes, media_type: str, request: Request | None, status: int = 200) -> Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**_SAFE, "ETag": tag, "Cache-Control": FRESH if status < NOT_FOUND else "no-store"}
    if request is not None and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, media_type=media_type)


async def _style(asked: Asked) -> Response:
    return _answer(_STYLE, "text/css; charset=utf-8", asked.request)


def told_to_the_public(path: str, problem: Problem) -> Response:
    """Return what answers a problem: a page below `HOME`, a problem document everywhere else."""
    if path != HOME and not path.startswith(f"{HOME}/"):
        return problem.response()
    answer = page("problem", None, problem.status, problem=problem)
    answer.headers.update(problem.headers)
    return answer


def _fields(content: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return what an item says, field by field, without what it leaves empty."""
    text = ItemContent.model_validate_json(content)
    told = (
        (str(field.title), lines_of(getattr(text, name)))
        for name, field in ItemContent.model_fields.items()
        if name not in ("name", "sub_name", "category")
    )
    return [(title, lines) for title, lines in told if lines]
