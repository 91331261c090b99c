"""The books an office keeps go in over HTTP (期初导入): files up, what became of each row back.

    POST /api/import   multipart, one or more files ──► 200 tried, or nothing new · 201 recorded
         ?dry_run=true tries and records nothing        409 rows must not be opened so
         ?form=xlsx    answers with the checked copy    422 a file cannot be read

Reading, deciding and writing back happen in a thread of their own, one import after another.
"""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass, replace
from typing import IO, Any, Final
from urllib.parse import quote

from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from application import importing
from application.access import Right
from application.importing import Order
from application.importing_results import Imported
from domain.journal import OpenJournal
from interface.asking import limited
from interface.commands import DRY_RUN, IDEMPOTENCY_KEY, idempotency_key
from interface.exports import MEDIA, form_accepted, pieces, scratch
from interface.importing_asked import PARAMS, ceilings_of
from interface.importing_shown import ImportShown, import_shown
from interface.operations import Answer, Api, Asked, Operation
from interface.problems import Problem, faulty
from interface.services import Services
from interface.wording import Fault, faults

LIMIT: Final = 80 * 1024 * 1024
"""Longest upload in bytes, all files together."""

MOST_FILES: Final = 20
FIELD: Final = "files"

_DESCRIPTION: Final = """\
把现用的机构编制表和人员名册（.xlsx、.xls、.csv）导入，作为建账日的期初情况。
以 multipart/form-data 上传，各文件的字段名均为 files；机构表和人员名册可以一次上传。

先加 `?dry_run=true` 试办：逐行检查，不作任何记录。正式导入时，有误的行不记录，其余的行一次记录，
共用一个回执；加 `strict=true` 则只要有一处有误就全部不记录。同一文件再次导入，不会重复记录。"""


def add_routes(api: Api) -> None:
    """Add the route."""
    api.add(
        "POST",
        "/api/import",
        _Import(api.services).answer,
        Operation(
            summary="导入现有的机构表和名册",
            tag="期初建账",
            description=_DESCRIPTION,
            right=Right.FILE,
            upload=(FIELD, "机构编制表、人员名册（.xlsx、.xls、.csv），一个或几个"),
            params=(DRY_RUN, *PARAMS, IDEMPOTENCY_KEY),
            answers=(
                Answer(
                    200,
                    "没有记录：试办结果，或没有可以记录的新内容",
                    ImportShown,
                    files=(MEDIA["xlsx"], ZIP),
                ),
                Answer(
                    201,
                    "已记录",
                    ImportShown,
                    files=(MEDIA["xlsx"], ZIP),
                    headers=(("Location", "首条流水记录的地址"),),
                ),
            ),
            problems=(
                "import.files",
                "import.opening",
                "filing.key-reused",
                "server.busy",
                "server.stopping",
            ),
        ),
    )


ZIP: Final = "application/zip"


@dataclass(frozen=True)
class _Wanted:
    """What is wanted of the files, and in which form the answer."""

    order: Order
    xlsx: bool
    only_findings: bool


@dataclass(frozen=True)
class _Written:
    """An answer on its way: a file that is open, its type, and what it is called."""

    imported: Imported
    file: IO[bytes]
    media: str
    name: str = ""


class _Import:
    """Answers ``POST /api/import``."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, asked: Asked) -> Response:
        """Import what is uploaded."""
        wanted = await self._wanted(asked)
        files = await uploaded(asked.request)
        try:
            written = await self._services.run_import(self._work, files, wanted)
        finally:
            for file in files:
                file.file.close()
        return _response(written)

    async def _wanted(self, asked: Asked) -> _Wanted:
        query = asked.query
        first = await self._services.run(self._services.journal.entry, 1)
        opening = query["opening"] or (None if first is None else first.effective_on)
        if opening is None:
            raise Problem("import.opening", "请写明建账日（opening），如 opening=2021-06-30。")
        try:
            ceilings = ceilings_of([query["ceilings"] or ""])
        except ValueError as error:
            fault = Fault("ceilings", "上级下达的编制总量", str(error))
            raise faulty([fault], "request.parameters") from None
        order = Order(
            opening,
            asked.session.name,
            dry_run=query["dry_run"],
            strict=query["strict"],
            ceilings=ceilings,
            key=idempotency_key(asked),
            opens=_opens(query, opening),
        )
        why = importing.opening_problem(first, order)
        if why is not None:
            raise Problem("import.opening", why)
        order = order if first is None else replace(order, opens=None)
        accepted = form_accepted(asked.request)
        xlsx = (query["form"] or accepted) == "xlsx"
        return _Wanted(order, xlsx, query["rows"] == "findings")

    def _work(self, uploads: list[UploadFile], wanted: _Wanted) -> _Written:
        """Import, in a thread of its own; return the answer written out."""
        services = self._services
        names = services.distinct_names([one.filename or "" for one in uploads])
        sources = dict(zip(names, (one.file.read() for one in uploads), strict=True))
        with services.files(sources) as files:
            books, unread = files.books()
            ready = importing.prepare(books, wanted.order.opening, unread=unread)
            books.clear()
            files.close()  # deciding takes memory of its own
            imported = importing.file(services.writer, ready, wanted.order)
            if wanted.xlsx:
                return _copies(services, files, names, imported)
        file = scratch()
        file.write(import_shown(imported, only_findings=wanted.only_findings))
        return _Written(imported, file, "application/json")


def _opens(query: dict[str, Any], opening: Any) -> OpenJournal | None:
    if query["office"] is None:
        return None
    body = {"effective_on": opening, "office": query["office"], "purpose": query["purpose"]}
    try:
        return OpenJournal.model_validate(body)
    except ValidationError as error:
        raise faulty(faults(error, OpenJournal), "request.parameters") from None


async def uploaded(request: Request) -> list[UploadFile]:
    """Return the uploaded files, on disk unless they are small; raises the `Problem` otherwise."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        raise Problem(
            "request.media-type",
            "请以 multipart/form-data 上传文件，各文件的字段名均为 files。",
        )
    stream = limited(request, LIMIT, f"一次上传的文件合计不能超过 {LIMIT // 1024 // 1024} MB")
    parser = MultiPartParser(request.headers, stream, max_files=MOST_FILES, max_fields=MOST_FILES)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        many = "Too many" in error.message
        why = f"一次最多上传 {MOST_FILES} 个文件。" if many else "上传的内容不完整，请重新上传。"
        raise faulty([Fault(FIELD, "文件", why)]) from None
    files = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
    wrong = [
        Fault(name[:100], None, f"没有这个字段；文件的字段名应为 {FIELD}。")
        for name, one in form.multi_items()
        if name != FIELD or not isinstance(one, UploadFile)
    ]
    if not files and not wrong:
        wrong.append(Fault(FIELD, "文件", "没有上传文件。"))
    if any(not one.filename for one in files):
        wrong.append(Fault(FIELD, "文件", "没有文件名。"))
    if wrong:
        await form.close()
        raise faulty(wrong)
    return files


def _copies(services: Services, files: Any, names: list[str], imported: Imported) -> _Written:
    """Write the checked copy of each file; several go into one zip."""
    called = services.copy_names(names)
    file = scratch()
    try:
        if len(names) == 1:
            files.write_copy(names[0], imported, file)
            return _Written(imported, file, MEDIA["xlsx"], called[names[0]])
        with zipfile.ZipFile(file, "w") as package:  # its parts are compressed already
            for name in names:
                with scratch() as copy, package.open(called[name], "w") as part:
                    files.write_copy(name, imported, copy)
                    copy.seek(0)
                    shutil.copyfileobj(copy, part)
    except BaseException:
        file.close()
        raise
    return _Written(imported, file, ZIP, "核对结果.zip")


def _response(written: _Written) -> Response:
    receipt = written.imported.receipt
    size = written.file.tell()
    written.file.seek(0)
    headers = {"Content-Length": str(size)}
    if written.name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(written.name)}"
    if receipt is not None:
        headers["Location"] = f"/api/journal/{receipt.first}"
    return StreamingResponse(
        pieces(written.file),
        200 if receipt is None else 201,
        headers,
        media_type=written.media,
    )
