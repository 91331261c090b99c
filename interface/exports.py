"""Ledgers as files (导出) over HTTP: written first, noted, then handed out.

The database is let go of before the first byte leaves, and the access log holds the number of rows
by then. A file goes through a nameless temporary one: nobody else can open it.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO, Any, Final, cast
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from application.access import Export
from application.ledgers import AnyLedger
from domain.codes import told
from domain.vocabulary import SECRECY
from interface.asking import Param
from interface.ledger_questions import Questions
from interface.masking import masked
from interface.operations import Asked
from interface.problems import Problem
from interface.reading import may_search, may_unmask
from interface.services import Services

MEDIA: Final = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ndjson": "application/x-ndjson",
}
EXPORT_PARAMS: Final = (
    Param("format", "文件格式", "choice", choices=tuple(MEDIA), place="path"),
    Param(
        "secrecy",
        f"密级：{told(SECRECY)}",
        "choice",
        choices=SECRECY,
        default="internal",
    ),
)
EXPORT_PROBLEMS: Final = ("export.too-large", "export.public", "server.busy")

IN_MEMORY: Final = 4 * 1024 * 1024
"""Files up to so many bytes never touch the disk."""

_PIECE: Final = 64 * 1024


def form_accepted(request: Request) -> str | None:
    """Return the file form that the request's Accept header asks for before JSON, if any."""
    for one in request.headers.get("accept", "").split(","):
        kind = one.partition(";")[0].strip().lower()
        if kind in {"application/json", "*/*", "application/*"}:
            return None
        for form, media in MEDIA.items():
            if kind == media:
                return form
    return None


@dataclass(frozen=True)
class _Order:
    """What file is wanted."""

    question: Any
    form: str
    secrecy: str
    unmasked: bool


class Exporter:
    """Hands out one ledger as files."""

    def __init__(self, services: Services, ledger: AnyLedger, questions: Questions) -> None:
        """Export ``ledger``."""
        self._services = services
        self._ledger = ledger
        self._questions = questions

    @staticmethod
    def media_types() -> tuple[str, ...]:
        """Return the media types of the files."""
        return tuple(MEDIA.values())

    async def export(self, asked: Asked) -> Response:
        """Answer with the file that the address names."""
        return await self.export_as(asked, asked.query["format"])

    async def export_as(self, asked: Asked, form: str) -> Response:
        """Answer with a file."""
        order = await self._order(asked, form)
        file = scratch()
        try:
            written = await self._services.run_export(self._write, file, order)
            await self._services.run(self._note, asked, written, order)
        except BaseException:
            file.close()
            raise
        seen = written.seen
        return handed_out(file, f"{self._ledger.title}_{seen.valid_on}_{seen.position}", form)

    async def _order(self, asked: Asked, form: str) -> _Order:
        query = asked.query
        if query.get("limit") is not None or query.get("cursor") is not None:
            raise Problem("request.parameters", "导出不分页，请去掉 limit 和 cursor。")
        secrecy = query.get("secrecy", "internal")
        unmasked = await may_unmask(self._services, asked)
        if unmasked and secrecy == "public":
            raise Problem("export.public", "含完整个人信息的文件不能标为公开。")
        question, searched = self._questions.question(query)
        if searched:
            await may_search(self._services, asked)
        return _Order(question, form, secrecy, unmasked)

    def _write(self, file: IO[bytes], order: _Order) -> Any:
        mask = _as_it_is if order.unmasked else _masked
        return self._services.write_file(
            file,
            ledger=self._ledger.name,
            asked=order.question,
            form=order.form,
            mask=mask,
            secrecy=SECRECY[order.secrecy],
        )

    def _note(self, asked: Asked, written: Any, order: _Order) -> None:
        self._services.access_log.note(
            Export(
                actor=asked.session.name,
                what=self._ledger.name,
                question=self._questions.told(asked.query),
                rows=written.rows,
                unmasked=order.unmasked,
                position=written.seen.position,
                valid_on=written.seen.valid_on,
                format=order.form,
                secrecy=order.secrecy,
            )
        )


def _masked(_: Any, value: Any) -> Any:
    return masked(value)


def _as_it_is(_: Any, value: Any) -> Any:
    return value


def scratch() -> IO[bytes]:
    """Return a nameless file, in memory while it is small: what it holds may be personal."""
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(IN_MEMORY))


def handed_out(file: IO[bytes], name: str, form: str) -> Response:
    """Return an open file as an answer, under a name that ends as its form does."""
    size = file.tell()
    file.seek(0)
    return StreamingResponse(
        pieces(file),
        media_type=MEDIA[form] + ("" if form == "xlsx" else "; charset=utf-8"),
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(f'{name}.{form}')}",
            "Content-Length": str(size),
        },
    )


async def pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Yield an open file piece by piece; it ends with the answer, however that ends."""
    with file:
        while piece := file.read(_PIECE):
            yield piece
