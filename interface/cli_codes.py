"""``taizhang codes``: which codes on the rights lists do not fit the schemes in force."""

from __future__ import annotations

import argparse

from application.rights_codes import Checked, check_codes
from domain.item_codes import CODE_FIELDS
from infrastructure.ledger_questions import Asked
from interface.cli_office import (
    CannotDo,
    Commands,
    day,
    instant,
    opened_office,
    out,
    table_of,
)


def register(commands: Commands) -> None:
    """Add the command."""
    action = commands.add_parser(
        "codes",
        help="列出不符合编码方案的事项编码",
        description="按当日施行的编码方案（设置 rights_code_schemes）逐段核对权责事项的编码。",
    )
    action.add_argument("--on", metavar="日期", help="按哪一天的清单和编码方案（今天）")
    action.add_argument("--known-at", metavar="时刻", help="按当时已知的内容，默认此刻")
    action.add_argument("--limit", type=int, default=50, metavar="条数", help="最多列几条（50）")
    action.set_defaults(run=_codes)


def _codes(options: argparse.Namespace) -> int:
    if options.limit < 1:
        raise CannotDo("--limit 应是大于 0 的整数。")
    clocks = {
        "valid_on": None if options.on is None else day(options.on),
        "known_at": None if options.known_at is None else instant(options.known_at),
    }
    with opened_office() as office:
        found = check_codes(office.ledgers, Asked, clocks, filters={}, limit=options.limit)
    if not found.schemes:
        out.print(f"{found.day} 没有施行的编码方案（业务设置 rights_code_schemes），不作核对。")
        return 0
    _show(found)
    out.print(
        f"{found.day} 清单事项 {found.items} 项，编码 {found.codes} 个，不符 {found.unfit} 个；"
        f"编码方案：{'、'.join(found.schemes)}。"
    )
    if found.page.left:
        out.print(f"另有 {found.page.left} 个没有列出，可用 --limit 多列。")
    return 0


def _show(found: Checked) -> None:
    if not found.page.found:
        return
    table = table_of("部门", "事项", "编码", "不符之处")
    for one in found.page.found:
        code = f"{CODE_FIELDS[one.field]}：{one.code}"
        table.add_row(one.department_name, one.name, code, one.detail)
    out.print(table)
