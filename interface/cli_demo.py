"""``taizhang demo``: a district of invented data, made at the first start, and served.

It lies apart from real books: in a folder, under a key and in a database schema of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from typing import Final, NamedTuple

from application.filing import OFFICE_ZONE
from domain.journal import JournalOpened
from domain.vocabulary import Entry
from infrastructure.accounts import Accounts
from infrastructure.ledger_reading import Asked as LedgerQuestion
from infrastructure.office import Office
from infrastructure.settings import Settings, read_settings
from interface import logs
from interface.cli_demo_story import BOOKS, CLERK, Making, load, making_of
from interface.cli_office import CannotDo, Commands, err, evidence_of, out, working_office
from interface.cli_serving import address_of, load_the_web, serve, taking_port

DEMO_PASSWORD: Final = "shifan-2021-0630"  # noqa: S105  (of invented data, and printed at start)
DEMO_ACCOUNTS: Final = (
    ("jingban", "示范经办人", ("clerk",)),
    ("shenhe", "示范审核人", ("reviewer",)),
    ("shenji", "示范审计员", ("auditor",)),
    ("guanli", "示范管理员", ("administrator",)),
)
DEFAULT_SEED: Final = 20210630
LARGEST: Final = 100
"""The largest scale: some sixty thousand people."""


def register(commands: Commands) -> None:
    """Add the command."""
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
        help="示范数据的规模，默认 1（29 个机构、600 余人）；也可用环境变量 DISTRICT_SCALE",
    )
    action.add_argument(
        "--seed", type=int, metavar="整数", help=f"生成数据的种子（{DEFAULT_SEED}）"
    )
    action.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    settings = demo_settings(read_settings())
    logs.configure(settings.log_level, settings.log_format)
    asked = Asked(_scale(options), options.seed)
    load_the_web()
    with taking_port(settings) as port, working_office(settings) as office:
        _prepare(office, settings, asked)
        evidence_of(office, settings)
        _welcome(office, settings)
        serve(office, settings, port)
    return 0


class Asked(NamedTuple):
    """What was asked for; None where nothing was said."""

    scale: int | None
    seed: int | None

    def making(self) -> Making:
        """Return how a district is made that was asked for so."""
        return Making(self.scale or 1, DEFAULT_SEED if self.seed is None else self.seed)

    def means(self, other: Making) -> bool:
        """Whether nothing that was asked for is otherwise there."""
        return self.scale in {None, other.scale} and self.seed in {None, other.seed}


def demo_settings(settings: Settings) -> Settings:
    """Return settings whose data lie apart, so that no demonstration mixes with real books."""
    apart = {
        "data_dir": settings.data_dir / "demo",
        "master_key_file": None,
        "signing_key_file": None,
        "evidence_dir": None,
        "office_schema": f"{settings.office_schema}_demo",
    }
    return settings.model_copy(update=apart)


def _scale(options: argparse.Namespace) -> int | None:
    given = os.environ.get("DISTRICT_SCALE", "") if options.scale is None else str(options.scale)
    if not given:
        return None
    if not given.isdecimal() or not 1 <= int(given) <= LARGEST:
        raise CannotDo(f"示范数据的规模应为 1 至 {LARGEST} 的整数，不能是“{given}”。")
    return int(given)


def _prepare(office: Office, settings: Settings, asked: Asked) -> None:
    """Make a demonstration where there is none, go on with one begun, leave a whole one as it is.

    Accounts come last: a demonstration that lacks one was interrupted while it was being made.
    """
    first, making = office.journal.entry(1), asked.making()
    if first is not None:
        if not isinstance(first.fact, JournalOpened) or first.fact.purpose != "demonstration":
            raise CannotDo("这里是正式的台账，不是示范，没有作任何改动。请改用 taizhang serve。")
        making = _begun(first, settings, asked)
    accounts = Accounts(office.database)
    there = {one.name for one in accounts.all()}
    missing = [one for one in DEMO_ACCOUNTS if one[0] not in there]
    if not missing:
        return
    if first is not None:
        err.print(f"上次生成示范数据时中断了，现在接着生成（{making}）。")
    try:
        load(office, making, settings.data_dir)
    except KeyboardInterrupt:
        err.print("示范数据还没有生成完；再次运行时会接着生成。")
        raise
    for name, display_name, roles in missing:
        accounts.add(
            name, display_name, DEMO_PASSWORD, roles, by="taizhang demo", must_change=False
        )


def _begun(first: Entry, settings: Settings, asked: Asked) -> Making:
    """Return how the demonstration that is there was made, and say so if another was asked for."""
    begun = making_of(first)
    if begun is None:
        raise CannotDo(
            "这里的数据不是由示范程序生成的，没有作任何改动。"
            f"请把{_where(settings)}移走后重新运行。"
        )
    if not asked.means(begun):
        err.print(
            f"已有示范数据（{begun}），保留不变。要换规模或种子，请先把{_where(settings)}移走。"
        )
    return begun


def _where(settings: Settings) -> str:
    """Say where a demonstration lies."""
    schema = f"和数据库模式 {settings.office_schema} " if settings.database_url else ""
    return f"示范文件夹 {settings.data_dir} {schema}"


def _welcome(office: Office, settings: Settings) -> None:
    address, command = address_of(settings), sys.argv[0]
    names = "、".join(f"{name}（{title}）" for name, title, _ in DEMO_ACCOUNTS)
    question = LedgerQuestion(filters={"name": "区教育局"})
    unit = office.ledgers.page("quota_book", question, limit=1).lines[0].key.partition(":")[0]
    today = datetime.now(OFFICE_ZONE).date()
    where = (
        f"TAIZHANG_DATA_DIR='{settings.data_dir}' TAIZHANG_OFFICE_SCHEMA={settings.office_schema}"
    )
    out.print(
        f"""
示范已启动：{address}   （数据全部虚构；按 Ctrl+C 停止，数据保留）
账号：{names}
密码：{DEMO_PASSWORD}

可以先试三件事。请另开一个终端，进入本文件夹，先执行这一行，使命令用示范数据：
   export {where}

1. 看编制台账，今天的和 2022 年底的：
   {command} ledgers show quota_book --limit 5
   {command} ledgers show quota_book --limit 5 --valid-on 2022-12-31
2. 试导入一份有错的名册，逐行看问题，不作任何记录：
   {command} import --dry-run '{settings.data_dir / BOOKS / "新报人员.xlsx"}'
3. 登录，试着撤销还有人的区教育局，看怎样被拒绝：
   TOKEN=$(curl -s {address}/api/login -H 'Content-Type: application/json' \\
     -d '{{"name":"{CLERK}","password":"{DEMO_PASSWORD}"}}' \\
     | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
   curl -s {address}/api/institutions/abolish -H "Authorization: Bearer $TOKEN" \\
     -H 'Content-Type: application/json' \\
     -d '{{"effective_on":"{today}","institution":"{unit}","reason":"试一试"}}'

权责清单的公开页面（用浏览器打开，不用登录）：{address}/qingdan
接口说明（OpenAPI）：{address}/openapi.json
""",
    )
