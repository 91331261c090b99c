"""``taizhang user``: accounts."""

from __future__ import annotations

import argparse
import getpass
import sys

from application.access import ROLE_TITLES, role_titles
from domain.codes import told
from infrastructure.accounts import Accounts
from infrastructure.ledger_questions import Asked as LedgerQuestion
from infrastructure.office import Office
from interface.cli_office import (
    CannotDo,
    Commands,
    err,
    is_interactive,
    opened_office,
    operator,
    out,
    shown,
    table_of,
)
from interface.cli_parser import codes_named


def register(commands: Commands) -> None:
    """Add the group."""
    group = commands.add_parser("user", help="管理账号", description="管理账号。")
    actions = group.add_subparsers(metavar="命令", required=True)

    action = actions.add_parser("list", help="列出全部账号")
    action.set_defaults(run=_list)

    action = actions.add_parser("add", help="开设账号", description="开设账号并设置初始密码。")
    action.add_argument("name", metavar="账号", help="登录用的账号，如 zhangsan")
    action.add_argument("--name", dest="display_name", required=True, metavar="姓名", help="姓名")
    action.add_argument(
        "--role",
        dest="roles",
        action="append",
        required=True,
        **codes_named(ROLE_TITLES),
        metavar="角色",
        help=f"角色，可重复：{told(ROLE_TITLES)}",
    )
    action.add_argument(
        "--institution", metavar="机构全称", help="部门人员所属的机构；其他角色不填"
    )
    action.add_argument(
        "--keep", action="store_true", help="不要求首次登录时修改密码（密码由本人当面设置时使用）"
    )
    _password_option(action)
    action.set_defaults(run=_add)

    action = actions.add_parser("password", help="重设密码", description="重设密码，登录后须修改。")
    action.add_argument("name", metavar="账号", help="见 user list")
    _password_option(action)
    action.set_defaults(run=_password)

    for word, title in (("disable", "停用账号"), ("enable", "重新启用账号")):
        action = actions.add_parser(word, help=title)
        action.add_argument("name", metavar="账号", help="见 user list")
        action.set_defaults(run=_switch, disabled=word == "disable")


def _password_option(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--password-stdin", action="store_true", help="从标准输入读取密码（供脚本使用）"
    )


def _asked_password(options: argparse.Namespace) -> str:
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not is_interactive():
        raise CannotDo("请在终端中执行，或用 --password-stdin 从标准输入给出密码。")
    first = getpass.getpass("密码：", stream=sys.stderr)
    if first != getpass.getpass("再输一次：", stream=sys.stderr):
        raise CannotDo("两次输入的密码不一致，请重新执行。")
    return first


def _list(_: argparse.Namespace) -> int:
    with opened_office() as office:
        accounts = Accounts(office.database).all()
    if not accounts:
        err.print("还没有账号。开设：taizhang user add 账号 --name 姓名 --role administrator")
        return 0
    table = table_of("账号", "姓名", "角色", "状态", "最近登录")
    for one in accounts:
        state = "已停用" if one.disabled_at else "须先改密码" if one.must_change else "正常"
        titles = role_titles(one.roles)
        table.add_row(one.name, one.display_name, titles, state, shown(one.last_login_at))
    out.print(table)
    return 0


def _add(options: argparse.Namespace) -> int:
    password = _asked_password(options)
    with opened_office() as office:
        institution = options.institution and _institution(office, options.institution)
        made = Accounts(office.database).add(
            options.name,
            options.display_name,
            password,
            options.roles,
            by=operator(),
            must_change=not options.keep,
            institution=institution,
        )
    out.print(f"已开设账号 {made.name}（{role_titles(made.roles)}）。")
    return 0


def _institution(office: Office, name: str) -> str:
    """Return the internal id of the institution that bears the name today."""
    found = office.ledgers.page("institutions", LedgerQuestion(filters={"name": name}), limit=1)
    if not found.lines:
        raise CannotDo(f"机构台账中没有“{name}”，请写机构全称。")
    return str(found.lines[0].key)


def _password(options: argparse.Namespace) -> int:
    password = _asked_password(options)
    with opened_office() as office:
        Accounts(office.database).change(options.name, by=operator(), password=password)
    out.print(f"已重设账号 {options.name} 的密码，登录后须修改。")
    return 0


def _switch(options: argparse.Namespace) -> int:
    with opened_office() as office:
        accounts = Accounts(office.database)
        accounts.change(options.name, by=operator(), disabled=options.disabled)
    word = "停用" if options.disabled else "启用"
    out.print(f"已{word}账号 {options.name}。")
    return 0
