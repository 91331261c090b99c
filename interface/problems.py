"""Problem documents (RFC 9457): every answer that is not what was asked for.

    Refused, ValidationError, an unknown path, a fault of the program …
        ──► {type, title, status, detail, code, …} with a stable ``code`` and Chinese sentences

Never 200 with an error in it, never a stack trace, never a personal value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from domain.deciding import Refused
from interface.wording import Fault

MEDIA_TYPE: Final = "application/problem+json"


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: Annotated[str, Field(title="字段", examples=["items[0].position"])]
    title: Annotated[str | None, Field(title="字段名称")]
    message: Annotated[str, Field(title="问题")]


class RuleShown(BaseModel):
    """A rule of the rule book."""

    name: Annotated[str, Field(title="规则代码")]
    version: Annotated[int, Field(title="版本")]
    title: Annotated[str, Field(title="规则")]
    basis: Annotated[str, Field(title="依据")]


class EntryLink(BaseModel):
    """Where an entry of the journal is found."""

    position: Annotated[int, Field(title="流水号")]
    link: Annotated[str, Field(title="地址")]


class ProblemShown(BaseModel):
    """The problem document as OpenAPI shows it."""

    model_config = ConfigDict(title="Problem")

    type: Annotated[str, Field(title="问题类型", examples=["urn:taizhang:problem:rule.refused"])]
    title: Annotated[str, Field(title="问题")]
    status: Annotated[int, Field(title="HTTP 状态")]
    detail: Annotated[str, Field(title="说明")]
    code: Annotated[str, Field(title="问题代码", description="固定不变，供程序判断")]
    errors: Annotated[list[FieldFault] | None, Field(title="逐项问题")] = None
    rule: Annotated[RuleShown | None, Field(title="未满足的规则")] = None
    entries: Annotated[list[EntryLink] | None, Field(title="相关流水记录")] = None
    reference: Annotated[str | None, Field(title="故障编号", description="报修时请提供")] = None


TITLES: Final[dict[str, tuple[int, str]]] = {
    "request.not-json": (422, "请求内容不是有效的 JSON"),
    "request.fields": (422, "填写内容有误"),
    "request.parameters": (422, "查询条件有误"),
    "request.characters": (422, "含有不能接受的字符"),
    "request.media-type": (415, "请求内容的格式不支持"),
    "request.too-large": (413, "请求内容过大"),
    "request.path": (404, "没有这个地址"),
    "request.method": (405, "这个地址不支持该操作"),
    "request.malformed": (400, "请求无法识别"),
    "access.login-needed": (401, "请先登录"),
    "access.wrong-login": (401, "账号或密码不正确"),
    "access.slowed": (429, "登录失败次数过多"),
    "access.denied": (403, "没有权限"),
    "access.password-first": (403, "请先修改密码"),
    "account.name": (422, "账号名不合要求"),
    "account.roles": (422, "角色设置不合要求"),
    "account.institution": (422, "所属机构不合要求"),
    "account.password": (422, "密码不合要求"),
    "account.exists": (409, "账号已存在"),
    "account.last-administrator": (409, "至少保留一个系统管理员"),
    "account.unknown": (404, "没有这个账号"),
    "rule.refused": (409, "不符合办理规则"),
    "filing.key-reused": (409, "请求编号已用于另一项业务"),
    "import.files": (422, "文件不能导入"),
    "import.opening": (409, "不能这样建账"),
    "proposal.unknown": (404, "没有这项待核准业务"),
    "proposal.decided": (409, "该业务已经处理"),
    "proposal.own": (403, "不能核准自己提交的业务"),
    "proposal.not-yours": (403, "只能撤回自己提交的业务"),
    "ledger.unknown": (404, "没有这本台账"),
    "ledger.row-unknown": (404, "台账中没有这一行"),
    "ledger.not-opened": (404, "未建账"),
    "ledger.cursor": (422, "翻页位置无效"),
    "ledger.not-built": (503, "台账尚未生成"),
    "export.too-large": (422, "导出内容过多"),
    "export.public": (422, "密级不合要求"),
    "rights.edition-unknown": (404, "没有这个版次"),
    "rights.item-unknown": (404, "清单中没有这一事项"),
    "rights.notice-unknown": (404, "没有这一调整公告"),
    "journal.unknown": (404, "没有这条流水记录"),
    "evidence.unknown": (404, "没有所查的存证"),
    "evidence.unavailable": (503, "暂时不能提供存证"),
    "server.busy": (503, "系统繁忙"),
    "server.stopping": (503, "系统正在停止"),
    "server.database": (503, "数据库暂时不可用"),
    "server.fault": (500, "系统出现故障"),
}
"""Every code there is: its HTTP status and its Chinese title. A code never changes its meaning."""


class Problem(Exception):
    """An answer that is a problem document."""

    def __init__(
        self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        """Answer with problem ``code``; ``more`` are members beside the standard ones."""
        super().__init__(code)
        self.code = code
        self.status, self.title = TITLES[code]
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def document(self) -> dict[str, Any]:
        """Return the problem document."""
        return {
            "type": f"urn:taizhang:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.more,
        }

    def response(self) -> Response:
        """Return the answer to send."""
        return Response(
            orjson.dumps(self.document()), self.status, self.headers, media_type=MEDIA_TYPE
        )


Translator = Callable[[Any], Problem]
"""Makes the problem of an exception."""


def refused(refusal: Refused) -> Problem:
    """Say which rule said no, on what basis, and which entries stand in the way."""
    rule = refusal.rule
    return Problem(
        "rule.refused",
        refusal.told,
        rule={
            "name": rule.name,
            "version": rule.version,
            "title": rule.title,
            "basis": rule.basis,
        },
        entries=[entry_link(position) for position in refusal.positions],
    )


def entry_link(position: int) -> dict[str, Any]:
    """Return where the entry is found."""
    return {"position": position, "link": f"/api/journal/{position}"}


def faulty(faults: list[Fault], code: str = "request.fields") -> Problem:
    """Say what is wrong with which field."""
    first = faults[0]
    name = first.title or first.field
    named = f"“{name}”" if name and not first.message.startswith(name) else ""
    rest = f"（共 {len(faults)} 处）" if len(faults) > 1 else ""
    return Problem(
        code,
        f"{named}{first.message}{rest}",
        errors=[fault._asdict() for fault in faults],
    )
