"""The ``taizhang`` command: the office on the command line.

    taizhang demo · serve                     the program with its web service
    taizhang ledgers list|show|export|rebuild|verify
    taizhang journal list|show                taizhang user list|add|password|disable|enable
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
from domain.deciding import Refused
from infrastructure.database import DatabaseProblem
from infrastructure.keys import KeyProblem
from infrastructure.ledger_reading import LedgerProblem
from infrastructure.server import ServerProblem
from infrastructure.settings import SettingsProblem
from interface import (
    cli_import,
    cli_journal,
    cli_keys,
    cli_ledgers,
    cli_serving,
    cli_settings,
    cli_users,
)
from interface.cli_office import CannotDo, complain

PARTS: Final = (
    cli_serving,
    cli_import,
    cli_ledgers,
    cli_journal,
    cli_users,
    cli_keys,
    cli_settings,
)

EXIT_CODES: Final = """\
退出码：
  0    完成
  1    没有办成，原因见提示
  2    命令写法有误
  3    核对发现不一致（ledgers verify）
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
)
"""What is told in one line: each of these carries a complete Chinese sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        done: int = options.run(options)
    except KeyboardInterrupt:
        complain("已中断。")
        return 130
    except Refused as refusal:
        positions = "、".join(map(str, refusal.positions))
        where = f"相关流水号：{positions}。" if positions else ""
        complain(f"未办理。{refusal.rule.title}{refusal.detail}{where}（规则 {refusal.rule.name}）")
    except _PROBLEMS as problem:
        complain(str(problem))
    except (psycopg.OperationalError, psycopg_pool.PoolTimeout):
        complain(
            "连接不上数据库。请检查 TAIZHANG_DATABASE_URL 和数据库是否正常运行；数据未作改动。"
        )
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has seen enough
    else:
        return done
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
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
    commands = parser.add_subparsers(
        title="命令", metavar="命令", required=True, parser_class=_Parser
    )
    for part in PARTS:
        part.register(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """argparse in Chinese, as far as a clerk meets it."""

    def __init__(self, **options: object) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options, add_help=False)  # type: ignore[arg-type]
        self.add_argument("-h", "--help", action="help", help="显示帮助后退出")
        self._positionals.title = "参数"
        self._optionals.title = "选项"

    def format_help(self) -> str:
        """Return the help, its first word in Chinese too."""
        return super().format_help().replace("usage: ", "用法： ", 1)

    def error(self, message: str) -> None:  # type: ignore[override]  # exits, as the original does
        """Say what is wrong with the arguments and exit with 2."""
        complain(f"命令写法有误：{_chinese(message)}\n用法见：{self.prog} --help")
        raise SystemExit(2)


_WORDS: Final = (
    ("the following arguments are required: ", "缺少 "),
    ("unrecognized arguments: ", "多余或不认识的参数 "),
    ("expected one argument", "后面要跟一个值"),
    ("expected at least one argument", "后面至少要跟一个值"),
    ("invalid choice: ", "不能填写 "),
    ("invalid int value: ", "应为整数，不能是 "),
    ("(choose from ", "(可选："),
    ("argument ", "参数 "),
)


def _chinese(message: str) -> str:
    for english, chinese in _WORDS:
        message = message.replace(english, chinese)
    return message


if __name__ == "__main__":
    sys.exit(main())
