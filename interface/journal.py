"""Reading the journal (流水) over HTTP: a selection of entries, or one with its whole envelope."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from application.access import Reading, Right
from domain.vocabulary import FACT_TITLES
from interface.asking import Param
from interface.operations import Answer, Api, Asked, Operation
from interface.problems import Problem
from interface.reading import UNMASKED, may_unmask
from interface.shown import Entries, EntryAlone, answer, entry_shown, has_personal

PAGE: Final = 50
LONGEST_PAGE: Final = 500

POSITION = Param("position", "流水号", "integer", place="path", example=1)
SUBJECT = Param("subject", "涉及对象，写作“种类:系统内编号”，如 person:…、institution:…", "subject")
LIMIT = Param("limit", "每页条数", "integer", default=PAGE, maximum=LONGEST_PAGE)


def add_routes(api: Api) -> None:
    """Add the journal's routes."""
    api.add(
        "GET",
        "/api/journal",
        _Finding(api).find,
        Operation(
            summary="查询流水",
            tag="流水",
            description="各条件须同时满足；最新的在前。个人信息默认隐去。",
            right=Right.READ,
            params=_conditions(),
            answers=(Answer(200, "流水记录", Entries),),
            problems=("access.denied",),
        ),
    )
    api.add(
        "GET",
        "/api/journal/{position}",
        _Finding(api).one,
        Operation(
            summary="查看一条流水",
            tag="流水",
            description="记录的全部内容：办理人、依据文件、办理时查阅的对象和检查的规则。",
            right=Right.READ,
            params=(POSITION, UNMASKED),
            answers=(Answer(200, "流水记录", EntryAlone),),
            problems=("journal.unknown", "access.denied"),
        ),
    )


def _conditions() -> tuple[Param, ...]:
    return (
        SUBJECT,
        Param("fact", "记录种类", "choice", choices=dict(sorted(FACT_TITLES.items()))),
        Param("actor", "办理账号"),
        Param("document", "文件编号（系统内）：该文件及以它为依据的记录", "id"),
        Param("recorded_from", "记录时刻不早于", "moment"),
        Param("recorded_to", "记录时刻不晚于", "moment"),
        Param("effective_from", "业务生效日期不早于", "date"),
        Param("effective_to", "业务生效日期不晚于", "date"),
        Param("before", "只查此流水号之前的记录（翻页用）", "integer"),
        LIMIT,
        UNMASKED,
    )


class _Finding:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._services = api.services

    async def find(self, asked: Asked) -> Response:
        query = dict(asked.query)
        unmasked = await may_unmask(self._services, asked)
        del query["unmasked"]
        limit = query.pop("limit")
        head, _ = await self._services.run(self._services.journal.head)
        sought = {name: value for name, value in query.items() if value is not None}
        found = await self._services.run(self._services.find, **sought, limit=limit + 1)
        more, found = len(found) > limit, found[:limit]
        if unmasked and any(map(has_personal, found)):
            await self._note(asked, sought, sum(map(has_personal, found)), head)
        following = None
        if more:
            onward = {**asked.request.query_params, "before": str(found[-1].position)}
            following = f"/api/journal?{urlencode(onward)}"
        entries = [entry_shown(entry, unmasked=unmasked) for entry in found]
        return answer({"position": head, "entries": entries, "next": following})

    async def one(self, asked: Asked) -> Response:
        position = asked.query["position"]
        unmasked = await may_unmask(self._services, asked)
        entry = await self._services.run(self._services.journal.entry, position)
        if entry is None:
            raise Problem("journal.unknown", f"没有流水号为 {position} 的记录。")
        voided_by = await self._services.run(self._services.journal.voided_by, position)
        if unmasked and has_personal(entry):
            await self._note(asked, {"position": position}, 1, position)
        shown = entry_shown(entry, unmasked=unmasked)
        return answer({**shown, "voided_by": voided_by})

    async def _note(self, asked: Asked, sought: dict[str, Any], rows: int, position: int) -> None:
        question = {name: str(value) for name, value in sought.items()}
        reading = Reading(asked.session.name, "journal", question, rows, True, position)  # noqa: FBT003  (unmasked)
        await self._services.run(self._services.access_log.note, reading)
