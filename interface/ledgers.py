"""Reading ledgers (台账) over HTTP: pages, one row, its history, and files to take away.

    /api/ledgers            which ledgers there are, their columns and how they may be asked
    /api/ledgers/roster     a page as of any day (valid_on) and as known at any moment (known_at)
    /api/ledgers/roster.csv …/{key} …/{key}/history

Every route is made from the ledger's declaration, so OpenAPI shows each with its own columns.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.responses import Response

from application.access import Reading, Right
from application.ledgers import LEDGERS, AnyLedger, Ledger
from domain.codes import told
from interface.asking import Param
from interface.exports import EXPORT_PARAMS, EXPORT_PROBLEMS, Exporter, form_accepted
from interface.ledger_history import clocks_shown, history_shown
from interface.ledger_models import LedgerList, Models
from interface.ledger_questions import CLOCKS, KINDS, Questions
from interface.masking import masked
from interface.operations import Answer, Api, Asked, Operation
from interface.problems import Problem
from interface.reading import UNMASKED, may_search, may_unmask
from interface.shown import answer
from interface.within import OWN_LEDGERS, is_own_row, own_rows

TAG: Final = "台账"
LONGEST_PAGE: Final = 1000
KEY = Param("key", "行的键（见 rows[].key）", place="path", example="7Q2M4K8T0V6X1Z3B")
PAGING: Final = (
    Param("limit", "每页行数，默认 100", "integer", maximum=LONGEST_PAGE),
    Param("cursor", "上一页答复中的 cursor", "id", longest=2000),
)
PROBLEMS: Final = ("ledger.not-opened", "ledger.not-built", "access.denied")


def add_routes(api: Api) -> None:
    """Add the routes of every ledger."""
    shelf = _Shelf(api)
    api.add("GET", "/api/ledgers", shelf.all, _ALL)
    for ledger in LEDGERS.values():
        book = _Book(api, ledger)
        for path, handler, operation in book.routes():
            api.add("GET", path, handler, operation)
    api.add("GET", "/api/ledgers/{ledger}", shelf.unknown, _UNKNOWN)


_ALL = Operation(
    summary="台账清单",
    tag=TAG,
    description="有哪些台账，各有哪些列，可按哪些列查询和排序，代码的含义。",
    right=Right.READ,
    own=Right.READ_OWN,
    answers=(Answer(200, "台账", LedgerList),),
)
_UNKNOWN = Operation(
    summary="没有的台账",
    tag=TAG,
    right=Right.READ,
    hidden=True,
    params=(Param("ledger", "台账", place="path"),),
    answers=(Answer(404, "没有这本台账"),),
)


class _Shelf:
    def __init__(self, api: Api) -> None:
        self._ledgers = api.services.ledgers

    async def all(self, asked: Asked) -> Response:
        shown = OWN_LEDGERS if asked.within else LEDGERS
        return answer({"ledgers": [self._shown(LEDGERS[name]) for name in shown]})

    def _shown(self, ledger: AnyLedger) -> dict[str, Any]:
        return {
            "name": ledger.name,
            "title": ledger.title,
            "columns": [_column(one) for one in self._ledgers.columns(ledger.name)],
            "link": f"/api/ledgers/{ledger.name}",
        }

    async def unknown(self, asked: Asked) -> Response:
        known = told({one.name: one.title for one in LEDGERS.values()})
        name = asked.query["ledger"]
        raise Problem("ledger.unknown", f"没有名为“{name}”的台账；现有：{known}。")


def _column(shown: Any) -> dict[str, Any]:
    column = shown.column
    return {
        "name": shown.name,
        "title": column.title,
        "type": KINDS[shown.kind],
        "personal": column.personal,
        "filter": column.filter or column.sort,
        "sort": column.sort,
        "choices": column.choices,
    }


class _Book:
    """The routes of one ledger."""

    def __init__(self, api: Api, ledger: AnyLedger) -> None:
        self._services = api.services
        self._ledger = ledger
        columns = api.services.ledgers.columns(ledger.name)
        self._names = [shown.name for shown in columns]
        self._personal = [n for n, shown in enumerate(columns) if shown.column.personal]
        self._questions = Questions(
            columns,
            api.services.ledger_question,
            searched=isinstance(ledger, Ledger) and ledger.searched is not None,
        )
        self._models = Models(ledger, columns)
        self._exporter = Exporter(api.services, ledger, self._questions)
        self._path = f"/api/ledgers/{ledger.name}"

    def routes(self) -> list[tuple[str, Any, Operation]]:
        """Return path, handler and declaration of each route."""
        title, models = self._ledger.title, self._models
        own = Right.READ_OWN if self._ledger.name in OWN_LEDGERS else None
        asking = self._questions.params()
        page = Operation(
            summary=title,
            tag=TAG,
            description="各条件须同时满足。翻页时只需加 cursor，其他条件保持不变；"
            "翻页期间新办的业务不影响已开始的查询。请求头 Accept 为 text/csv 等时改为导出。",
            right=Right.READ,
            own=own,
            params=(*asking, *PAGING, UNMASKED),
            answers=(Answer(200, title, models.page, files=Exporter.media_types()),),
            problems=(*PROBLEMS, *EXPORT_PROBLEMS, "ledger.cursor"),
        )
        export = Operation(
            summary=f"{title}（导出）",
            tag=TAG,
            description="全部行，不分页；代码显示为名称，文件写明业务日期、流水号和密级。留有导出记录。",
            right=Right.READ,
            own=own,
            params=(*EXPORT_PARAMS, *asking, UNMASKED),
            answers=(Answer(200, "文件", files=Exporter.media_types()),),
            problems=(*PROBLEMS, *EXPORT_PROBLEMS),
        )
        one = Operation(
            summary=f"{title}（一行）",
            tag=TAG,
            right=Right.READ,
            own=own,
            params=(KEY, *CLOCKS, UNMASKED),
            answers=(Answer(200, title, models.alone),),
            problems=(*PROBLEMS, "ledger.row-unknown"),
        )
        history = Operation(
            summary=f"{title}（一行的来龙去脉）",
            tag=TAG,
            description="各个版本（最新得知的在前）：何时起有效、何时得知、依据哪条流水和哪些文件，"
            "与前一版本逐项对照。",
            right=Right.READ,
            params=(KEY, *CLOCKS, _BEFORE, _VERSIONS, UNMASKED),
            answers=(Answer(200, "各个版本", models.history),),
            problems=(*PROBLEMS, "ledger.row-unknown"),
        )
        return [
            (self._path, self.page, page),
            (self._path + ".{format}", self.export, export),
            (self._path + "/{key}", self.one, one),
            (self._path + "/{key}/history", self.history, history),
        ]

    # ── answers ──────────────────────────────────────────────────────────────────────────────

    async def page(self, asked: Asked) -> Response:
        """Answer with one page, or with a file where the request accepts nothing else."""
        asked = own_rows(asked, self._ledger.name)
        query = asked.query
        form = form_accepted(asked.request)
        if form is not None:
            return await self._exporter.export_as(asked, form)
        unmasked = await may_unmask(self._services, asked)
        question, searched = self._questions.question(query)
        if searched:
            await may_search(self._services, asked)
        page = await self._services.run(
            self._services.ledgers.page,
            self._ledger.name,
            question,
            cursor=query["cursor"],
            limit=query["limit"] or 100,
        )
        if (unmasked and self._personal and page.lines) or searched:
            await self._note(asked, page.seen, len(page.lines), unmasked=unmasked)
        following = None
        if page.cursor is not None:
            onward = {**asked.request.query_params, "cursor": page.cursor}
            following = f"{self._path}?{urlencode(onward)}"
        rows = [self._line(line, unmasked=unmasked) for line in page.lines]
        return answer(
            {
                **clocks_shown(self._ledger, page.seen),
                "rows": rows,
                "cursor": page.cursor,
                "next": following,
            }
        )

    async def export(self, asked: Asked) -> Response:
        """Answer with the file that the address names."""
        return await self._exporter.export(own_rows(asked, self._ledger.name))

    async def one(self, asked: Asked) -> Response:
        """Answer with one row."""
        key = asked.query["key"]
        unmasked = await may_unmask(self._services, asked)
        question, _ = self._questions.question(asked.query)
        page = await self._services.run(
            self._services.ledgers.one, self._ledger.name, key, question
        )
        rows = [self._line(line, unmasked=unmasked) for line in page.lines]
        if not rows or not is_own_row(asked, self._ledger.name, rows[0]["values"]):
            raise self._no_row(page.seen)
        if unmasked and self._personal:
            await self._note(asked, page.seen, 1, unmasked=True)
        row = rows[0]
        return answer({**clocks_shown(self._ledger, page.seen), "row": row})

    async def history(self, asked: Asked) -> Response:
        """Answer with every version of one row."""
        query = asked.query
        unmasked = await may_unmask(self._services, asked)
        question, _ = self._questions.question(query)
        found = await self._services.run(
            self._services.ledgers.history,
            self._ledger.name,
            query["key"],
            question,
            before=query["before"],
            limit=query["limit"],
        )
        if not found.versions:
            raise self._no_row(found.seen)
        if unmasked and self._personal:
            await self._note(asked, found.seen, len(found.versions), unmasked=True)
        entries = await self._services.run(self._behind, found)
        return answer(history_shown(found, entries, unmasked=unmasked))

    def _behind(self, found: Any) -> dict[int, Any]:
        """Return the entries behind versions by their positions; waits for the database."""
        positions = {one.position for one in found.versions}
        return {position: self._services.journal.entry(position) for position in positions}

    def _no_row(self, seen: Any) -> Problem:
        return Problem(
            "ledger.row-unknown",
            f"{self._ledger.title}在 {seen.valid_on}（截至流水号 {seen.position}）没有这一行。",
        )

    # ── what they are made of ────────────────────────────────────────────────────────────────

    def _line(self, line: Any, *, unmasked: bool) -> dict[str, Any]:
        values = list(line.values)
        if not unmasked:
            for n in self._personal:
                values[n] = masked(values[n])
        return {
            "key": line.key,
            "position": line.position,
            "valid_from": line.valid_from,
            "values": dict(zip(self._names, values, strict=True)),
            "link": f"{self._path}/{quote(line.key, safe=':')}",
        }

    async def _note(self, asked: Asked, seen: Any, rows: int, *, unmasked: bool) -> None:
        reading = Reading(
            actor=asked.session.name,
            what=self._ledger.name,
            question=self._questions.told(asked.query),
            rows=rows,
            unmasked=unmasked,
            position=seen.position,
            valid_on=seen.valid_on,
        )
        await self._services.run(self._services.access_log.note, reading)


_BEFORE = Param("before", "只查此流水号之前得知的版本（翻页用）", "integer")
_VERSIONS = Param("limit", "最多几个版本", "integer", default=200, maximum=LONGEST_PAGE)
