"""The ``taizhang`` command: the office on the command line.

    taizhang import · import rights           books and published lists go in
    taizhang demo · serve                     the program with its web service
    taizhang laws import|watch                taizhang codes · rights compare
    taizhang ledgers list|show|history|export|rebuild|verify
    taizhang journal list|show                taizhang user list|add|password|disable|enable
    taizhang evidence status|checkpoint|verify|prove|consistency|export
    taizhang evidence key show|rotate|retire|replace
    taizhang key rotate                       taizhang settings

Each group of commands is a module of its own, registered in `PARTS`. Exit codes are for scripts and
stand for ever; `EXIT_CODES` is shown at the end of ``--help``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

import psycopg
import psycopg_pool

from application.access import AccountProblem
from application.evidence import EvidenceProblem
from domain.deciding import Refused
from infrastructure.database import DatabaseProblem
from infrastructure.keys import KeyProblem
from infrastructure.ledger_reading import LedgerProblem
from infrastructure.server import ServerProblem
from infrastructure.settings import SettingsProblem
from interface import (
    cli_codes,
    cli_demo,
    cli_evidence,
    cli_import,
    cli_journal,
    cli_keys,
    cli_laws,
    cli_ledgers,
    cli_rights,
    cli_rights_compare,
    cli_serving,
    cli_settings,
    cli_users,
)
from interface.cli_office import CannotDo, complain
from interface.cli_parser import Parser

PARTS: Final = (
    cli_serving,
    cli_demo,
    cli_import,
    cli_rights,
    cli_rights_compare,
    cli_laws,
    cli_codes,
    cli_ledgers,
    cli_journal,
    cli_evidence,
    cli_users,
    cli_keys,
    cli_settings,
)

EXIT_CODES: Final = """\
退出码：
  0    完成
  1    没有办成，原因见提示
  2    命令写法有误
  3    核对发现不一致（ledgers verify、evidence verify）
  4    未见不一致，但没有数据库以外的检查点可比（evidence verify）
  5    已办，但有的内容有误、没有记录（import）
  6    未见不一致，但有台账待重建、没有核对（ledgers verify、evidence verify）
  130  被中断（Ctrl+C），已办成的部分保持不变
"""

_PROBLEMS: Final = (
    CannotDo,
    SettingsProblem,
    ServerProblem,
    DatabaseProblem,
    KeyProblem,
    AccountProblem,
    LedgerProblem,
    EvidenceProblem,
)
"""What is told in one line: each of these carries a complete Chinese sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = make_parser().parse_args(_one_word(given))
    try:
        done: int = options.run(options)
    except KeyboardInterrupt:
        complain("已中断。")
        return 130
    except Refused as refusal:
        positions = "、".join(map(str, refusal.positions))
        where = f"相关流水号：{positions}。" if positions else ""
        complain(f"未办理。{refusal}{where}（规则 {refusal.rule.name}）")
    except _PROBLEMS as problem:
        complain(str(problem))
    except (psycopg.OperationalError, psycopg_pool.PoolTimeout):
        complain(
            "连接不上数据库。请检查 TAIZHANG_DATABASE_URL 和数据库是否正常运行；数据未作改动。"
        )
    except psycopg.errors.InsufficientPrivilege:
        complain(
            "数据库账号的权限不足。TAIZHANG_DATABASE_URL 中的账号应为该数据库的所有者，"
            "并能建立角色；请管理员授权后再启动，数据未作改动。"
        )
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has seen enough
    else:
        return done
    return 1


def _one_word(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``import rights`` as the one command ``import-rights``."""
    if list(arguments[:2]) == ["import", "rights"]:
        return ["import-rights", *arguments[2:]]
    return list(arguments)


def make_parser() -> argparse.ArgumentParser:
    """Return what reads the command line, with every part's commands."""
    parser = Parser(
        prog="taizhang",
        description="台账：区委编办的机构编制流水与台账。",
        epilog=EXIT_CODES,
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"taizhang {version('taizhang')}",
        help="显示版本后退出",
    )
    commands = parser.add_subparsers(metavar="命令", required=True, parser_class=Parser)
    for part in PARTS:
        part.register(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
