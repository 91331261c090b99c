"""``taizhang key``: the master key."""

from __future__ import annotations

import argparse

from infrastructure.key_rotation import rotate
from infrastructure.settings import read_settings
from interface.cli_office import Commands, database_url, out


def register(commands: Commands) -> None:
    """Add the group."""
    group = commands.add_parser("key", help="管理主密钥", description="管理主密钥。")
    actions = group.add_subparsers(metavar="命令", required=True)
    action = actions.add_parser(
        "rotate",
        help="更换主密钥",
        description="生成新的主密钥并重新加密各人员密钥；流水和台账不变。请先停止台账服务。",
    )
    action.set_defaults(run=_rotate)


def _rotate(_: argparse.Namespace) -> int:
    settings = read_settings()
    with database_url(settings) as url:
        total, old = rotate(settings.key_file, url, settings.office_schema)
    out.print(
        f"主密钥已更换，重新加密了 {total} 把密钥。\n"
        f"新主密钥：{settings.key_file}（请立即另存一份到安全的地方）\n"
        f"旧主密钥：{old}（恢复更换之前的数据库备份时仍然需要）",
    )
    return 0
