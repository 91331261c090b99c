"""The HTTP application's composition root: one office's parts behind its routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache, partial
from importlib.metadata import version
from typing import IO, Any

import psycopg
import psycopg_pool
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from application.access import AccountProblem, Slowed, WrongLogin
from application.evidence import EvidenceProblem
from application.evidence import Unknown as EvidenceUnknown
from application.filing import OFFICE_ZONE, KeyReused
from application.in_force import InForce
from application.journal import Stopped
from application.proposals import (
    KeyTaken,
    NotYours,
    OwnWork,
    ProposalDecided,
    Proposals,
    ProposalUnknown,
)
from domain.deciding import Refused
from domain.journal import JournalOpened
from infrastructure import export_files
from infrastructure.access_log import AccessLog
from infrastructure.accounts import Accounts
from infrastructure.evidence_keeper import CheckpointKeeper
from infrastructure.export_files import Order, Written
from infrastructure.exporting import ExportTooLarge, Heading
from infrastructure.filing import ProposalGone
from infrastructure.importing import Files, Unreadable, copy_names, distinct_names
from infrastructure.journal_reading import Sought
from infrastructure.ledger_reading import Asked as LedgerQuestion
from infrastructure.ledger_reading import BadQuestion, LedgerProblem
from infrastructure.office import Office
from infrastructure.proposals import ProposalTable
from infrastructure.rights_differences_file import write_differences
from infrastructure.rights_importing import NoSuchDepartment, planned, read_lists, write_report
from interface import (
    access,
    commands,
    evidence,
    health,
    importing,
    journal,
    ledgers,
    proposals,
    rights_codes,
    rights_differences,
    rights_importing,
    rights_notices,
    rights_pages,
    rights_shown,
    rights_watch,
)
from interface.frame import Frame, http_problem
from interface.operations import Api, describe
from interface.problems import Problem, Translator, faulty, refused
from interface.services import Busy, Services
from interface.wording import Fault

INTRODUCTION = """\
机构编制台账系统的接口。

1. `POST /api/login` 登录，取得令牌；以后的请求带上请求头 `Authorization: Bearer 令牌`。
2. 办理业务：`POST /api/…`。先加 `?dry_run=true` 试办，确认无误再正式办理；
   带上 `Idempotency-Key` 请求头，断网重发也只记录一次。
3. 查询台账：`GET /api/ledgers/…`；`valid_on` 为业务日期，`known_at` 为当时已知的时刻，
   两者默认为现在。
4. 存证：`GET /api/evidence/…` 取检查点和单条流水的证明，用 verify.py 脱离本系统核验。
5. 未办成的一律以 `application/problem+json` 答复：`code` 固定不变，`detail` 说明原因；
   被规则拒绝的写明规则、依据和相关流水号。
"""


def make_app(office: Office) -> FastAPI:
    """Return the application of an office that is open; checkpoints are signed while it serves."""
    services = services_of(office)
    api = Api(services)
    keeper = CheckpointKeeper(office.evidence)
    for part in (commands, importing, journal, ledgers, proposals, evidence, access, health):
        part.add_routes(api)
    rights_importing.add_routes(api)
    rights_differences.add_routes(api)
    rights_watch.add_routes(api)
    rights_codes.add_routes(api)
    rights_notices.add_routes(api)
    rights_pages.add_routes(api)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        keeper.start()
        yield
        await asyncio.to_thread(keeper.stop)
        services.close()

    app = FastAPI(
        title="台账",
        version=services.version,
        docs_url=None,  # its pages load scripts from elsewhere, which closed networks do not reach
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.include_router(api.router)
    app.add_middleware(
        Frame, routes=api.routes, translate=problem_of, tell=rights_shown.told_to_the_public
    )
    app.add_exception_handler(HTTPException, _leave_to_the_frame)
    # FastAPI's way to extend it; made when first asked for, or every start would wait for it.
    app.openapi = cache(lambda: describe(app, api, INTRODUCTION))  # type: ignore[method-assign]
    return app


def services_of(office: Office) -> Services:
    """Return what the routes work with."""

    def find(**sought: Any) -> Any:
        return office.journal.find(Sought(**sought))

    def write_file(file: IO[bytes], *, secrecy: str, **order: Any) -> Written:
        first = office.journal.entry(1)
        whose = first.fact.office if first and isinstance(first.fact, JournalOpened) else ""
        heading = Heading(secrecy, whose)
        return export_files.write_file(office.ledgers, Order(heading=heading, **order), file)

    return Services(
        writer=office.writer,
        accounts=Accounts(office.database),
        access_log=AccessLog(office.database),
        journal=office.journal,
        find=find,
        ledgers=office.ledgers,
        ledger_question=LedgerQuestion,
        write_file=write_file,
        files=Files,
        distinct_names=distinct_names,
        copy_names=copy_names,
        read_lists=read_lists,
        plan_lists=partial(planned, office.ledgers),
        write_differences=write_differences,
        write_report=write_report,
        evidence=office.evidence,
        proposals=Proposals(ProposalTable(office.database, office.ring)),
        in_force=InForce(find, lambda: datetime.now(OFFICE_ZONE).date()),
        version=version("taizhang"),
    )


def problem_of(error: Exception) -> Problem | None:
    """Return the problem document of an exception; None for a fault of the program."""
    for kind in type(error).__mro__:
        if kind in TRANSLATIONS:
            return TRANSLATIONS[kind](error)
    return None


def _leave_to_the_frame(_: Request, error: Exception) -> Response:
    raise error


def _account_problem(error: AccountProblem) -> Problem:
    return Problem(error.code, error.detail)


def _slowed(error: Slowed) -> Problem:
    return Problem(
        "access.slowed",
        f"登录失败次数过多，请等待 {error.seconds} 秒后再试。",
        headers={"Retry-After": str(error.seconds)},
    )


def _ledger_problem(error: LedgerProblem) -> Problem:
    if isinstance(error, BadQuestion):
        return faulty([Fault(error.field, error.title, error.why)], "request.parameters")
    code = {
        "not_opened": "ledger.not-opened",
        "no_such_ledger": "ledger.unknown",
        "ledger_not_built": "ledger.not-built",
        "bad_cursor": "ledger.cursor",
    }[error.code]
    return Problem(code, str(error))


def _busy(error: Busy) -> Problem:
    detail = f"正在{error}的人较多，请稍后再试。"
    return Problem("server.busy", detail, headers={"Retry-After": "10"})


def _no_such_department(error: NoSuchDepartment) -> Problem:
    return faulty([Fault("department", "部门全称", str(error))], "request.parameters")


def _unreadable(error: Unreadable) -> Problem:
    faults = [Fault(one.file, None, f"{one.message}。") for one in error.problems]
    detail = "；".join(map(str, error.problems))
    return Problem("import.files", f"{detail}。", errors=[fault._asdict() for fault in faults])


def _database_away(_: Exception) -> Problem:
    return Problem(
        "server.database",
        "数据库暂时不可用，请稍后重试；办理业务请用同一请求编号（Idempotency-Key）重发，不会重复记录。",
        headers={"Retry-After": "5"},
    )


def _fixed(code: str, detail: str) -> Translator:
    return lambda _: Problem(code, detail)


_DECIDED = _fixed("proposal.decided", "该业务已经核准、退回或撤回，请刷新后查看。")
_KEY_REUSED = _fixed(
    "filing.key-reused", "该请求编号（Idempotency-Key）已用于内容不同的另一项业务，请换一个编号。"
)

TRANSLATIONS: dict[type, Translator] = {
    HTTPException: http_problem,
    Problem: lambda problem: problem,
    Refused: refused,
    KeyReused: _KEY_REUSED,
    KeyTaken: _KEY_REUSED,
    Stopped: _fixed("server.stopping", "系统正在停止，本次业务没有记录，请稍后重试。"),
    WrongLogin: _fixed("access.wrong-login", "账号或密码不正确。"),
    Slowed: _slowed,
    AccountProblem: _account_problem,
    ProposalUnknown: _fixed("proposal.unknown", "没有这项待核准业务，请核对编号。"),
    ProposalDecided: _DECIDED,
    ProposalGone: _DECIDED,
    OwnWork: _fixed("proposal.own", "经办与核准须为两人：不能核准或退回自己提交的业务，可以撤回。"),
    NotYours: _fixed("proposal.not-yours", "只有提交人可以撤回。"),
    LedgerProblem: _ledger_problem,
    EvidenceUnknown: lambda error: Problem("evidence.unknown", str(error)),
    EvidenceProblem: lambda error: Problem("evidence.unavailable", str(error)),
    ExportTooLarge: lambda error: Problem("export.too-large", str(error)),
    Busy: _busy,
    Unreadable: _unreadable,
    NoSuchDepartment: _no_such_department,
    psycopg.OperationalError: _database_away,
    psycopg_pool.PoolTimeout: _database_away,
    psycopg_pool.PoolClosed: _database_away,
}
"""The problem that answers each exception; anything else is a fault of the program."""
