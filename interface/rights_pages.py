"""The public pages (公开页面) of the rights lists: no login, no scripts, on paper too.

    /                                       leads to /qingdan: there is no other page
    /qingdan                                the edition in force (?valid_on= on a day)
    /qingdan/{edition}                      a list by department, category and keyword
    /qingdan/{edition}/{item}               an item with all it says, its bases and history
    /qingdan/duibi?from=…&to=…              what differs between two editions
    /qingdan/duibi.xlsx?from=…&to=…         the same as a workbook
    /qingdan/{edition}/xiazai.{format}      the list as a file

An edition never changes, so every address below it answers for ever with the same list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from application.filing import OFFICE_ZONE
from application.rights import CATEGORIES, LEVELS, basis_line
from application.rights_differences import Differences, category_title, lines_of
from domain.rights_content import Duty, ItemContent, LegalBasis
from interface.asking import Param
from interface.exports import MEDIA, handed_out, scratch
from interface.ledger_questions import WORDS
from interface.operations import Answer, Api, Asked, Operation
from interface.problems import Problem
from interface.rights_differences import (
    about_differences,
    edition_ends,
    found_edition,
    workbook,
)
from interface.rights_lists import (
    COUNTED,
    EDITIONS_REMEMBERED,
    ITEMS,
    Edition,
    Lists,
    Wanted,
)
from interface.rights_shown import HOME, Kept, Page, made, style
from interface.services import Services

_EDITION = Param("edition", "版次（系统内编号）", "id", place="path")
_ITEM = Param("item", "事项（系统内编号）", "id", place="path")
_FORMAT = Param("format", "文件格式", "choice", choices=tuple(MEDIA), place="path")
_LEVEL = Param("level", "清单层级", "choice", choices=LEVELS, default="district")
_DEPARTMENT = Param("department", "部门", "id")
_CATEGORY = Param("category", "职权类型", "choice", choices=CATEGORIES)

_TWO = (Param("from", "原版次", "id"), Param("to", "现版次", "id"), _DEPARTMENT, _CATEGORY)


def add_routes(api: Api) -> None:
    """Add the pages."""
    pages = _Pages(api.services)
    routes = (
        ("/", pages.front, ()),
        ("/static/qingdan.css", style, ()),
        (
            HOME,
            pages.home,
            (_LEVEL, Param("valid_on", "日期", "date"), Param("edition", "版次", "id")),
        ),
        (f"{HOME}/duibi", pages.differences, _TWO),
        (f"{HOME}/duibi.xlsx", pages.workbook, _TWO),
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
        api.add("GET", path, handler, page_of(params))


def page_of(params: Sequence[Param]) -> Operation:
    """Return what a route of a public page is."""
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
        self._lists = Lists(services.ledgers, services.ledger_question, services.journal)
        self._kept = Kept()
        self._options = lru_cache(EDITIONS_REMEMBERED)(self._department_options)

    # ── which edition ────────────────────────────────────────────────────────────────────────

    async def front(self, asked: Asked) -> Response:  # noqa: ARG002  (as every page is called)
        """Lead whoever types the bare address to what the public may read."""
        return RedirectResponse(HOME, 303)

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
        shown = made("none", editions=editions, level=query["level"], day=day)
        return shown.answer(asked.request)

    async def _kept_or(self, make: Callable[[Asked], Awaitable[Page]], asked: Asked) -> Response:
        """Answer with the page as it was made for somebody else just now, or make it."""
        lists, scope = self._lists, asked.request.scope
        choice = lists.choice()
        if choice is None:
            choice = await self._services.run_once(lists.all, lists.all)
        page = self._kept.get(scope, choice)
        if page is None:
            page = await make(asked)
            self._kept.put(scope, choice, page)
        return page.answer(asked.request)

    # ── a list ───────────────────────────────────────────────────────────────────────────────

    async def list(self, asked: Asked) -> Response:
        """Show an edition's items by department, category and keyword, page by page."""
        return await self._kept_or(self._list, asked)

    async def _list(self, asked: Asked) -> Page:
        return await self._services.run(self._listed, asked)

    def _listed(self, asked: Asked) -> Page:
        query, lists = asked.query, self._lists
        edition = found_edition(lists, query["edition"])
        wanted = Wanted(query["department"], query["category"], query["word"])
        shown = lists.page(edition, wanted, query["cursor"])
        asked_for = {n: query[n] for n in ("department", "category", "word") if query[n]}
        counts, here = lists.counts(edition), f"{HOME}/{edition.id}"
        return made(
            "list",
            edition=edition,
            editions=lists.editions(),
            counts=counts,
            department_options=_chosen(self._options(edition), query["department"]),
            items=[
                _listed(f"{here}/{line.key}", row, counts.names)
                for line, row in zip(shown.lines, shown.rows(), strict=True)
            ],
            total=lists.total(edition, wanted) if asked_for else edition.items,
            counted=COUNTED,
            asked_for=asked_for,
            query=query,
            onward=shown.cursor and f"{here}?{urlencode({**asked_for, 'cursor': shown.cursor})}",
        )

    def _department_options(self, edition: Edition) -> str:
        """Write an edition's departments as options, once: there may be hundreds."""
        return "".join(
            f'<option value="{escape(who)}">{escape(name)}（{n}）</option>\n'
            for who, name, n in self._lists.counts(edition).departments
        )

    # ── an item ──────────────────────────────────────────────────────────────────────────────

    async def item(self, asked: Asked) -> Response:
        """Show an item with everything that it says."""
        return await self._kept_or(self._item, asked)

    async def _item(self, asked: Asked) -> Page:
        lists, key = self._lists, asked.query["item"]
        edition = lists.chosen(asked.query["edition"])
        if edition is None:
            edition = await self._services.run(found_edition, lists, asked.query["edition"])
        told = await self._services.run_together(edition, key, partial(lists.told, edition))
        if told is None:
            raise Problem("rights.item-unknown", f"“{edition.name}”中没有这一事项，请核对地址。")
        return made(
            "item",
            edition=edition,
            item=told.row,
            fields=_fields(told.row["content"]),
            sources=told.sources,
            history=told.history,
            announced=told.announced,
        )

    # ── what differs ─────────────────────────────────────────────────────────────────────────

    async def differences(self, asked: Asked) -> Response:
        """Show what differs between two editions; or let them be chosen."""
        query = asked.query
        editions = await self._services.run(self._lists.editions)
        if not (query["from"] and query["to"]):
            return made("choose", editions=editions).answer(asked.request)
        early, late, found = await self._compared(query)
        chosen = {name: query[name] for name in ("department", "category") if query[name]}
        shown = made(
            "differences",
            early=early,
            late=late,
            editions=editions,
            found=found.within(query["department"], query["category"]),
            departments={one.department: one.department_name for one in found.tallies},
            query=query,
            file=f"{HOME}/duibi.xlsx?{urlencode({'from': early.id, 'to': late.id, **chosen})}",
        )
        return shown.answer(asked.request)

    async def workbook(self, asked: Asked) -> Response:
        """Hand out what differs between two editions as a workbook."""
        query = asked.query
        if not (query["from"] and query["to"]):
            raise Problem("request.parameters", "请选择两个版次。")
        early, late, found = await self._compared(query)
        within = found.within(query["department"], query["category"])
        before, after, level = edition_ends(early, late)
        about = about_differences(before, after, level, "公开", (early.name, late.name))
        file = await self._services.run_export(workbook, self._services, within, about)
        return handed_out(file, f"权责清单对照_{early.name}_{late.name}", "xlsx")

    async def _compared(self, query: dict[str, Any]) -> tuple[Edition, Edition, Differences]:
        """Return two editions, the earlier first, and what differs between them."""
        early, late = await self._services.run(self._two, query["from"], query["to"])
        before, after, level = edition_ends(early, late)
        run = self._services.run_export
        return early, late, await run(self._lists.compared, before, after, level)

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
        file = scratch()
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
        return handed_out(file, f"权责清单_{edition.name}", form)


def _chosen(options: str, value: str | None) -> Markup:
    """Return options, written already, with one of them selected."""
    own = f'value="{escape(value or "")}"'
    return Markup(options.replace(own, f"{own} selected", 1) if value else options)  # noqa: S704  (escaped above)


class ListedItem(NamedTuple):
    """An item as a line of a list: each part is written as it is, for there are many lines."""

    link: str
    title: str
    frozen: bool
    category: str
    department: str
    bases: str


def _listed(link: str, row: dict[str, Any], departments: Mapping[str, str]) -> ListedItem:
    title = f"{row['name']}：{row['sub_name']}" if row["sub_name"] else row["name"]
    return ListedItem(
        link,
        title,
        row["status"] == "frozen",
        category_title(row["category"]),
        departments[row["department"]],
        row["bases"],
    )


class Part(NamedTuple):
    """A part of what a field says: its head, and the lines below it; or a passage as quoted."""

    head: str
    lines: tuple[str, ...]
    quoted: bool = False


def _fields(content: str) -> list[tuple[str, list[Part]]]:
    """Return what an item says, field by field, without what it leaves empty."""
    text = ItemContent.model_validate_json(content)
    told = (
        (str(field.title), list(_parts(getattr(text, name))))
        for name, field in ItemContent.model_fields.items()
        if name not in ("name", "sub_name", "category")
    )
    return [(title, parts) for title, parts in told if parts]


def _parts(value: Any) -> Iterator[Part]:
    """Yield a field's parts: each law with what is quoted of it, duties under their stages."""
    many = value if isinstance(value, tuple) else ()
    if many and isinstance(many[0], LegalBasis):
        for one in many:
            yield Part(basis_line(one), (one.quoted,) if one.quoted else (), quoted=True)
    elif many and isinstance(many[0], Duty):
        for head, duties in groupby(many, key=_head):
            yield Part(head, tuple(one.text for one in duties))
    elif lines := lines_of(value):
        yield Part("", lines)


def _head(duty: Duty) -> str:
    return "·".join(part for part in (duty.role, duty.stage) if part)
