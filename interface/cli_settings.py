"""``taizhang settings``: what the operator and the office have set."""

from __future__ import annotations

import argparse
import json
from datetime import datetime

from pydantic import SecretStr
from rich.table import Table

from application.filing import OFFICE_ZONE
from application.in_force import InForce
from domain.settings import SETTINGS
from infrastructure.journal_reading import Sought
from infrastructure.settings import PREFIX, Settings, read_settings
from interface.cli_office import Commands, opened_office, out, table_of


def register(commands: Commands) -> None:
    """Add the command."""
    action = commands.add_parser(
        "settings",
        help="查看设置",
        description="查看程序的设置（环境变量）；加 --office 查看本单位今天生效的业务设置。",
    )
    action.add_argument("--office", action="store_true", help="查看本单位的业务设置")
    action.set_defaults(run=_settings)


def _settings(options: argparse.Namespace) -> int:
    out.print(_of_the_office() if options.office else _of_the_program(read_settings()))
    return 0


def _of_the_program(settings: Settings) -> Table:
    table = table_of("环境变量", "现值", "说明")
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        text = (
            "（已设置，不显示）" if isinstance(value, SecretStr) else "" if value is None else value
        )
        table.add_row(f"{PREFIX}{name.upper()}", str(text), field.title or "")
    return table


def _of_the_office() -> Table:
    today = datetime.now(OFFICE_ZONE).date()
    table = table_of("设置", "名称", f"现值（{today}）", "是否默认")
    with opened_office() as office:
        in_force = InForce(lambda **sought: office.journal.find(Sought(**sought)), lambda: today)
        for name, setting in SETTINGS.items():
            value = in_force.remembered(name)
            value = in_force.value(name) if value is None else value
            text = json.dumps(value, ensure_ascii=False)
            table.add_row(name, setting.title, text, "是" if value == setting.default else "否")
    return table
