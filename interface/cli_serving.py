"""``taizhang serve`` and ``taizhang demo``: the program with its web service."""

from __future__ import annotations

import argparse
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import uvicorn

from domain.journal import JournalOpened
from infrastructure.accounts import Accounts
from infrastructure.office import Office
from infrastructure.settings import Settings, read_settings
from interface import logs
from interface.app import make_app
from interface.cli_office import CannotDo, Commands, err, opened_office, out

DEMO_PASSWORD: Final = "shifan-2021-0630"  # noqa: S105  (of invented data, and printed at start)
DEMO_ACCOUNTS: Final = (
    ("jingban", "示范经办人", ("clerk",)),
    ("shenhe", "示范审核人", ("reviewer",)),
    ("shenji", "示范审计员", ("auditor",)),
    ("guanli", "示范管理员", ("administrator",)),
)
DEFAULT_SEED: Final = 20210630


def register(commands: Commands) -> None:
    """Add both commands."""
    action = commands.add_parser(
        "serve",
        help="启动服务",
        description="启动台账服务，按 Ctrl+C 停止。设置见 taizhang settings。",
    )
    action.set_defaults(run=_serve)

    action = commands.add_parser(
        "demo",
        help="启动示范",
        description="生成一个示范区的数据（全部虚构）并启动服务；再次启动时保留已有数据。",
    )
    action.add_argument(
        "--scale",
        type=int,
        default=None,
        metavar="倍数",
        help="示范数据的规模（1；也可用环境变量 DISTRICT_SCALE）",
    )
    action.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, metavar="整数", help="生成数据的种子"
    )
    action.set_defaults(run=_demo)


def _serve(_: argparse.Namespace) -> int:
    settings = read_settings()
    logs.configure(settings.log_level, settings.log_format)
    with _listening(settings) as listening, opened_office(settings) as office:
        if not Accounts(office.database).all():
            err.print(
                "还没有账号。请先开设：taizhang user add 账号 --name 姓名 --role administrator"
            )
        out.print(f"台账服务已启动：{_address(settings)}（按 Ctrl+C 停止）")
        _run(office, settings, listening)
    return 0


def _demo(options: argparse.Namespace) -> int:
    settings = demo_settings(read_settings())
    logs.configure(settings.log_level, settings.log_format)
    scale = _scale(options)
    with _listening(settings) as listening, opened_office(settings) as office:
        _prepare(office, settings, scale, options.seed)
        _welcome(settings)
        _run(office, settings, listening)
    return 0


def demo_settings(settings: Settings) -> Settings:
    """Return settings whose data lie apart, so that no demonstration mixes with real books."""
    apart = {
        "data_dir": settings.data_dir / "demo",
        "master_key_file": None,
        "office_schema": f"{settings.office_schema}_demo",
    }
    return settings.model_copy(update=apart)


def _scale(options: argparse.Namespace) -> int:
    given = options.scale if options.scale is not None else os.environ.get("DISTRICT_SCALE", "1")
    text = str(given)
    if not text.isdecimal() or not 1 <= int(text) <= 1000:  # noqa: PLR2004  (said in the message)
        raise CannotDo(f"示范数据的规模应为 1 至 1000 的整数，不能是“{text}”。")
    return int(text)


def _prepare(office: Office, settings: Settings, scale: int, seed: int) -> None:
    """Open a demonstration where there is none; leave one that is there as it is.

    Accounts come last: a demonstration without them was interrupted while it was being made.
    """
    accounts = Accounts(office.database)
    first = office.journal.entry(1)
    if first is None:
        from interface.cli_demo import load  # noqa: PLC0415  (generating a district is no start's cost)

        load(office, scale, seed)
        for name, display_name, roles in DEMO_ACCOUNTS:
            accounts.add(
                name, display_name, DEMO_PASSWORD, roles, by="taizhang demo", must_change=False
            )
    elif isinstance(first.fact, JournalOpened) and first.fact.purpose != "demonstration":
        raise CannotDo("这里是正式的台账，不是示范，没有作任何改动。请改用 taizhang serve。")
    elif not accounts.all():
        raise CannotDo(
            f"上次生成示范数据时被中断，数据不完整。请把示范文件夹 {settings.data_dir}"
            f"（或数据库模式 {settings.office_schema}）移走后重新运行；正式的台账不受影响。"
        )


def _welcome(settings: Settings) -> None:
    address = _address(settings)
    names = "、".join(f"{name}({title})" for name, title, _ in DEMO_ACCOUNTS)
    out.print(
        f"""
示范已启动：{address}   （全部为虚构的示范数据；按 Ctrl+C 停止，数据保留）
账号：{names}
密码：{DEMO_PASSWORD}

可以先试三件事（在另一个终端里执行）：
1. 登录，取得令牌：
   TOKEN=$(curl -s {address}/api/login -H 'Content-Type: application/json' \\
     -d '{{"name":"jingban","password":"{DEMO_PASSWORD}"}}' \\
     | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
2. 看编制台账，今天的和 2022 年底的：
   curl -s "{address}/api/ledgers/quota_book?limit=5" -H "Authorization: Bearer $TOKEN"
   curl -s "{address}/api/ledgers/quota_book?limit=5&valid_on=2022-12-31" \\
     -H "Authorization: Bearer $TOKEN"
3. 把实名制人员台账导出为 Excel 文件（个人信息已隐去）:
   curl -s "{address}/api/ledgers/roster.xlsx" -H "Authorization: Bearer $TOKEN" -o 人员.xlsx

接口说明：{address}/openapi.json
""",
    )


# ── serving ──────────────────────────────────────────────────────────────────────────────────


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """Take the port before anything is started: taken ports are the commonest trouble."""
    try:
        listening = socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
            backlog=2048,
        )
    except OSError as error:
        raise CannotDo(
            f"不能在 {settings.host}:{settings.port} 提供服务（{error.strerror}）。"
            "可能已有程序占用这个端口；可用 TAIZHANG_PORT 换一个端口。"
        ) from error
    with listening:
        yield listening


def _run(office: Office, settings: Settings, listening: socket.socket) -> None:
    """Serve until interrupted or asked to end; then let the office close in good order."""
    signal.signal(signal.SIGTERM, _end)
    config = uvicorn.Config(
        make_app(office),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # how a server that is asked to stop by Ctrl+C ends, in good order
        out.print("已停止。")


def _end(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)
