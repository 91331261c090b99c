"""Logging in, accounts and the access log (登录、账号、访问记录), over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from application.access import ROLE_TITLES, Account, Right, Role, Session
from domain.codes import Named
from domain.vocabulary import InternalId, Text
from interface.asking import Param, body
from interface.journal import LIMIT
from interface.operations import Answer, Api, Asked, Operation, token_of
from interface.problems import Problem
from interface.shown import answer, moment

TAG: Final = "登录与账号"
OneRole = Annotated[Role, Named(ROLE_TITLES)]

Name = Annotated[str, Field(title="账号", min_length=1, max_length=64, examples=["zhangwei"])]
Password = Annotated[
    str, Field(title="密码", min_length=1, max_length=256, examples=["春眠不觉晓-2024-处处"])
]
Roles = Annotated[list[OneRole], Field(title="角色", min_length=1, max_length=4)]
Belongs = Annotated[
    InternalId | None, Field(title="所属机构（系统内编号）", description="部门人员必填，其他不填")
]
DisplayName = Annotated[Text, Field(title="姓名", max_length=64, examples=["张某"])]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Login(_Given):
    """Who wants in."""

    name: Name
    password: Password


class NewPassword(_Given):
    """One's own new password."""

    old: Annotated[Password, Field(title="原密码")]
    new: Annotated[Password, Field(title="新密码")]


class NewAccount(_Given):
    """An account to be opened."""

    name: Name
    display_name: DisplayName
    roles: Roles
    institution: Belongs = None
    password: Annotated[Password, Field(title="初始密码", description="首次登录后须修改")]


class AccountChange(_Given):
    """What is to be different; what is left out stays."""

    display_name: Annotated[DisplayName | None, Field(title="姓名")] = None
    roles: Annotated[Roles | None, Field(title="角色")] = None
    institution: Belongs = None
    disabled: Annotated[bool | None, Field(title="停用")] = None
    password: Annotated[
        Password | None, Field(title="重设密码", description="下次登录后须修改")
    ] = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if all(value is None for value in self.model_dump().values()):
            raise ValueError("请至少填写一项要变更的内容")
        return self


class SessionShown(BaseModel):
    """Who is logged in."""

    name: Annotated[str, Field(title="账号")]
    display_name: Annotated[str, Field(title="姓名")]
    roles: Annotated[list[OneRole], Field(title="角色")]
    institution: Annotated[str | None, Field(title="所属机构（系统内编号）")]
    expires_at: Annotated[datetime, Field(title="登录有效期至")]
    must_change: Annotated[bool, Field(title="须先修改密码")]


class Token(SessionShown):
    """A new session and its token, which is shown this once."""

    token: Annotated[str, Field(title="令牌", description="请求头：Authorization: Bearer 令牌")]


class AccountShown(BaseModel):
    """An account."""

    name: Annotated[str, Field(title="账号")]
    display_name: Annotated[str, Field(title="姓名")]
    roles: Annotated[list[OneRole], Field(title="角色")]
    institution: Annotated[str | None, Field(title="所属机构（系统内编号）")]
    created_at: Annotated[datetime, Field(title="开设时刻")]
    disabled_at: Annotated[datetime | None, Field(title="停用时刻")]
    must_change: Annotated[bool, Field(title="须先修改密码")]
    last_login_at: Annotated[datetime | None, Field(title="最近登录时刻")]


class AccountList(BaseModel):
    """Every account."""

    accounts: Annotated[list[AccountShown], Field(title="账号")]


class Log(BaseModel):
    """A page of one of the logs, newest first."""

    lines: Annotated[list[dict[str, Any]], Field(title="记录，最新的在前")]
    next: Annotated[str | None, Field(title="下一页地址")]


ACCOUNT = Param("account", "账号", place="path")
BEFORE = Param("before", "只查此编号之前的记录（翻页用）", "integer")


def add_routes(api: Api) -> None:
    """Add the routes of logging in, accounts and logs."""
    door, office, logs = _Door(api), _Registry(api), _Logs(api)
    api.add("POST", "/api/login", door.login, _LOGIN)
    api.add("POST", "/api/logout", door.logout, _LOGOUT)
    api.add("GET", "/api/session", door.session, _SESSION)
    api.add("POST", "/api/password", door.password, _PASSWORD)
    api.add("GET", "/api/users", office.all, _USERS)
    api.add("POST", "/api/users", office.add, _ADD_USER)
    api.add("POST", "/api/users/{account}", office.change, _CHANGE_USER)
    api.add(
        "GET", "/api/logs/readings", logs.readings, _log("查看个人信息和导出的记录", exports=False)
    )
    api.add("GET", "/api/logs/exports", logs.exports, _log("导出记录", exports=True))
    api.add("GET", "/api/logs/accounts", logs.accounts, _ACCOUNT_LOG)


_LOGIN = Operation(
    summary="登录",
    tag=TAG,
    description="取得令牌，12 小时内有效。连续输错后须等待，等待时间逐次加倍。",
    open_to_all=True,
    body=Login,
    example={"name": "zhangwei", "password": "春眠不觉晓-2024-处处"},
    answers=(Answer(200, "登录成功", Token),),
    problems=("access.wrong-login", "access.slowed"),
)
_LOGOUT = Operation(
    summary="退出",
    tag=TAG,
    before_password=True,
    answers=(Answer(204, "已退出"),),
)
_SESSION = Operation(
    summary="当前登录",
    tag=TAG,
    before_password=True,
    answers=(Answer(200, "当前登录的账号", SessionShown),),
)
_PASSWORD = Operation(
    summary="修改密码",
    tag=TAG,
    description="修改后，同一账号在别处的登录全部失效。",
    before_password=True,
    body=NewPassword,
    example={"old": "春眠不觉晓-2024-处处", "new": "夜来风雨声-2024-花落"},
    answers=(Answer(204, "已修改"),),
    problems=("access.wrong-login", "access.slowed", "account.password"),
)
_USERS = Operation(
    summary="账号清单",
    tag=TAG,
    right=Right.MANAGE,
    answers=(Answer(200, "全部账号", AccountList),),
)
_ADD_USER = Operation(
    summary="开设账号",
    tag=TAG,
    right=Right.MANAGE,
    body=NewAccount,
    example={
        "name": "liming",
        "display_name": "李某",
        "roles": ["clerk"],
        "password": "首次登录后请修改-31",
    },
    answers=(Answer(201, "已开设", AccountShown),),
    problems=(
        "account.name",
        "account.roles",
        "account.institution",
        "account.password",
        "account.exists",
        "access.slowed",
    ),
)
_CHANGE_USER = Operation(
    summary="变更账号",
    tag=TAG,
    description="变更姓名、角色，停用或启用，重设密码；账号不能删除。",
    right=Right.MANAGE,
    params=(ACCOUNT,),
    body=AccountChange,
    example={"disabled": True},
    answers=(Answer(200, "已变更", AccountShown),),
    problems=(
        "account.unknown",
        "account.roles",
        "account.institution",
        "account.password",
        "account.last-administrator",
        "access.slowed",
    ),
)
_ACCOUNT_LOG = Operation(
    summary="账号和登录记录",
    tag=TAG,
    right=Right.INSPECT,
    params=(BEFORE, LIMIT),
    answers=(Answer(200, "记录", Log),),
)


def _log(summary: str, *, exports: bool) -> Operation:
    return Operation(
        summary=summary,
        tag=TAG,
        right=Right.INSPECT,
        params=(Param("actor", "账号"), BEFORE, LIMIT),
        answers=(Answer(200, "导出记录" if exports else "访问记录", Log),),
    )


class _Door:
    def __init__(self, api: Api) -> None:
        self._services = api.services
        self._accounts = api.services.accounts

    async def login(self, asked: Asked) -> Response:
        given = await body(asked.request, Login)
        address = asked.request.client.host if asked.request.client else ""
        token, session = await self._services.run_slowly(
            self._accounts.login, given.name, given.password, address
        )
        return answer({**_session(session), "token": token}, headers={"Cache-Control": "no-store"})

    async def logout(self, asked: Asked) -> Response:
        await self._services.run(self._accounts.logout, token_of(asked.request))
        return Response(status_code=204)

    async def session(self, asked: Asked) -> Response:
        return answer(_session(asked.session))

    async def password(self, asked: Asked) -> Response:
        given = await body(asked.request, NewPassword)
        await self._services.run_slowly(
            self._accounts.change_password,
            asked.session.name,
            given.old,
            given.new,
            token_of(asked.request),
        )
        return Response(status_code=204)


class _Registry:
    def __init__(self, api: Api) -> None:
        self._services = api.services
        self._accounts = api.services.accounts

    async def all(self, _: Asked) -> Response:
        found = await self._services.run(self._accounts.all)
        return answer({"accounts": [_account(one) for one in found]})

    async def add(self, asked: Asked) -> Response:
        given = await body(asked.request, NewAccount)
        made = await self._services.run_slowly(
            self._accounts.add,
            given.name,
            given.display_name,
            given.password,
            given.roles,
            by=asked.session.name,
            institution=await self._standing(given.institution),
        )
        return answer(_account(made), 201)

    async def _standing(self, institution: str | None) -> str | None:
        """Return the institution; raises a `Problem` where it is not on the register today."""
        if institution is not None:
            found = await self._services.run(
                self._services.ledgers.one, "institutions", institution
            )
            if not found.lines:
                detail = "机构台账中没有这个机构，请核对编号。"
                raise Problem("account.institution", detail)
        return institution

    async def change(self, asked: Asked) -> Response:
        given = await body(asked.request, AccountChange)
        changed = await self._services.run_slowly(
            self._accounts.change,
            asked.query["account"],
            by=asked.session.name,
            display_name=given.display_name,
            roles=given.roles,
            institution=await self._standing(given.institution),
            disabled=given.disabled,
            password=given.password,
        )
        return answer(_account(changed))


class _Logs:
    def __init__(self, api: Api) -> None:
        self._services = api.services

    async def readings(self, asked: Asked) -> Response:
        return await self._readings(asked, "/api/logs/readings", exports=False)

    async def exports(self, asked: Asked) -> Response:
        return await self._readings(asked, "/api/logs/exports", exports=True)

    async def _readings(self, asked: Asked, path: str, *, exports: bool) -> Response:
        query = asked.query
        found = await self._services.run(
            self._services.access_log.readings,
            actor=query["actor"],
            exports=exports,
            before=query["before"],
            limit=query["limit"] + 1,
        )
        return _page(asked, path, found)

    async def accounts(self, asked: Asked) -> Response:
        before, limit = asked.query["before"], asked.query["limit"]
        found = await self._services.run(
            self._services.accounts.events, before=before, limit=limit + 1
        )
        return _page(asked, "/api/logs/accounts", found)


def _page(asked: Asked, path: str, found: list[dict[str, Any]]) -> Response:
    limit = asked.query["limit"]
    following = None
    if len(found) > limit:
        onward = {**asked.request.query_params, "before": str(found[limit - 1]["id"])}
        following = f"{path}?{urlencode(onward)}"
    lines = [{**line, "at": moment(line["at"])} for line in found[:limit]]
    return answer({"lines": lines, "next": following})


def _session(session: Session) -> dict[str, Any]:
    return {
        "name": session.name,
        "display_name": session.display_name,
        "roles": list(session.roles),
        "institution": session.institution,
        "expires_at": moment(session.expires_at),
        "must_change": session.must_change,
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "display_name": account.display_name,
        "roles": list(account.roles),
        "institution": account.institution,
        "created_at": moment(account.created_at),
        "disabled_at": moment(account.disabled_at),
        "must_change": account.must_change,
        "last_login_at": moment(account.last_login_at),
    }
