"""Public notices (公告) of the rights lists: what was published, and what was adjusted in between.

    /qingdan/gonggao                    announcements: editions and adjustments, the newest first
    /qingdan/gonggao/{edition}          the announcement of an edition: by whom, from when, how many
    /qingdan/tiaozheng                  notices of published adjustments, page by page
    /qingdan/tiaozheng/{adjustment}     what one adjustment did, item by item and field by field

An adjustment is shown once it is published, as it was known then: an application, a review or an
approval never is. Like an edition's, these addresses answer for ever.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from application.rights import LEVELS
from application.rights_differences import FieldChange, Stand, field_changes, stand_of
from domain.journal import JournalOpened
from interface.asking import Param
from interface.operations import Api, Asked
from interface.problems import Problem
from interface.rights_differences import found_edition
from interface.rights_lists import ITEMS, PAGE, Edition, Lists
from interface.rights_pages import page_of
from interface.rights_shown import HOME, Page, made
from interface.services import Services

LATEST: Final = 50
"""Adjustments among the announcements; all of them are on a page of their own."""

_CURSOR = Param("cursor", "翻页位置", "id", longest=2000)
_NOTICE: Final = (
    *("department_name", "kinds", "items", "approved_by", "meeting", "document_number"),
    *("takes_effect_on", "published_on", "channels", "state"),
)
_CHANGES: Final = (
    *("item", "change", "department_name", "category", "name", "sub_name", "former_name"),
    *("fields", "supervision"),
)


class Announcement(NamedTuple):
    """A line among the announcements."""

    day: date
    title: str
    link: str


class Change(NamedTuple):
    """What an adjustment did to an item: a line of its history, and the fields that changed."""

    row: dict[str, Any]
    fields: tuple[FieldChange, ...]


def add_routes(api: Api) -> None:
    """Add the pages."""
    notices = _Notices(api.services)
    edition = Param("edition", "版次（系统内编号）", "id", place="path")
    adjustment = Param("adjustment", "调整（系统内编号）", "id", place="path")
    for path, handler, params in (
        (f"{HOME}/gonggao", notices.announcements, ()),
        (f"{HOME}/gonggao/{{edition}}", notices.announcement, (edition,)),
        (f"{HOME}/tiaozheng", notices.all, (_CURSOR,)),
        (f"{HOME}/tiaozheng/{{adjustment}}", notices.one, (adjustment, _CURSOR)),
    ):
        api.add("GET", path, handler, page_of(params))


class _Notices:
    """The notices of one office."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lists = Lists(services.ledgers, services.ledger_question, services.journal)
        self._ledgers = services.ledgers
        self._asked = services.ledger_question

    # ── announcements ────────────────────────────────────────────────────────────────────────

    async def announcements(self, asked: Asked) -> Response:
        """List what was published."""
        page = await self._services.run(self._announcements)
        return page.answer(asked.request)

    def _announcements(self) -> Page:
        editions = self._lists.editions()
        found = [
            Announcement(
                one.effective_on,
                f"公布{LEVELS[one.level]}权责清单（{one.name}）",
                f"{HOME}/gonggao/{one.id}",
            )
            for one in editions
        ]
        rows, more = self._published(None, LATEST) if editions or self._is_open() else ([], None)
        found += [Announcement(row["published_on"], _title(row), _link(key)) for key, row in rows]
        found.sort(key=lambda one: one.day, reverse=True)
        return made("announcements", announcements=found, more=more is not None)

    def _is_open(self) -> bool:
        return bool(self._services.journal.head()[0])

    async def announcement(self, asked: Asked) -> Response:
        """Show the announcement of an edition."""
        page = await self._services.run(self._announcement, asked.query["edition"])
        return page.answer(asked.request)

    def _announcement(self, key: str) -> Page:
        edition = found_edition(self._lists, key)
        return made(
            "announcement",
            edition=edition,
            former=self._former(edition),
            counts=self._lists.counts(edition),
            office=self._office(),
        )

    def _former(self, edition: Edition) -> Edition | None:
        """Return the edition before this one, of the same level."""
        line = self._lists.editions(edition.level)
        at = next((n for n, one in enumerate(line) if one.id == edition.id), len(line))
        return next(iter(line[at + 1 :]), None)

    def _office(self) -> str:
        first = self._services.journal.entry(1)
        return first.fact.office if first and isinstance(first.fact, JournalOpened) else ""

    # ── adjustments ──────────────────────────────────────────────────────────────────────────

    async def all(self, asked: Asked) -> Response:
        """List the published adjustments."""
        page = await self._services.run(self._all, asked.query["cursor"])
        return page.answer(asked.request)

    def _all(self, cursor: str | None) -> Page:
        rows, onward = self._published(cursor, PAGE) if self._is_open() else ([], None)
        return made(
            "notices",
            notices=[(_title(row), _link(key), row) for key, row in rows],
            first=cursor is None,
            onward=onward and f"{HOME}/tiaozheng?{urlencode({'cursor': onward})}",
        )

    def _published(
        self, cursor: str | None, limit: int
    ) -> tuple[list[tuple[str, dict[str, Any]]], str | None]:
        asked = self._asked(
            filters={"state": "published"}, sort=("-published_on", "-key"), only=_NOTICE
        )
        page = self._ledgers.page("rights_adjustments", asked, cursor=cursor, limit=limit)
        keys = (line.key for line in page.lines)
        return list(zip(keys, page.rows(), strict=True)), page.cursor

    async def one(self, asked: Asked) -> Response:
        """Show what a published adjustment did."""
        query = asked.query
        page = await self._services.run(self._one, query["adjustment"], query["cursor"])
        return page.answer(asked.request)

    def _one(self, key: str, cursor: str | None) -> Page:
        found = self._ledgers.one("rights_adjustments", key, self._asked(only=_NOTICE))
        row = next(iter(found.rows()), None)
        if row is None or row["state"] != "published":
            raise Problem("rights.notice-unknown", "没有公布过这一调整，请核对地址。")
        published = found.lines[0].position
        day = max(row["takes_effect_on"], row["published_on"])
        asked = self._asked(
            filters={"adjustment": key},
            sort=("effective_on",),
            valid_on=day,
            known=published,
            only=_CHANGES,
        )
        page = self._ledgers.page("rights_changes", asked, cursor=cursor, limit=PAGE)
        changes = self._changes(page.rows(), row["takes_effect_on"], published)
        onward = page.cursor and f"{_link(key)}?{urlencode({'cursor': page.cursor})}"
        return made(
            "notice",
            title=_title(row),
            notice=row,
            changes=changes,
            here=_link(key),
            first=cursor is None,
            onward=onward,
        )

    def _changes(self, rows: list[dict[str, Any]], day: date, known: int) -> list[Change]:
        """Return what happened to items; what they said before and say now, where they changed."""
        changed = [row["item"] for row in rows if row["fields"]]
        was, now = (self._stood(changed, on, known) for on in (day - timedelta(days=1), day))
        found = []
        for row in rows:
            before, after = was.get(row["item"]), now.get(row["item"])
            told = field_changes(before, after) if row["fields"] and before and after else ()
            found.append(Change(row, told))
        return found

    def _stood(self, items: list[str], valid_on: date, known: int) -> dict[str, Stand]:
        """Return those of the items that stood on the list on a day, and how."""
        if not items:
            return {}
        page = self._ledgers.page(
            ITEMS, self._asked(keys=items, valid_on=valid_on, known=known), limit=None
        )
        lines = zip(page.lines, page.rows(), strict=True)
        return {line.key: stand_of(line.key, row) for line, row in lines}


def _title(row: dict[str, Any]) -> str:
    return f"{row['department_name'] or ''}权责清单调整：{row['kinds']}"


def _link(adjustment: str) -> str:
    return f"{HOME}/tiaozheng/{adjustment}"
