"""How the command line is read and explained: argparse in Chinese.

argparse lines its help up by counting characters, and a Chinese one is two columns wide; it also
speaks English. Here help is written anew from what argparse knows, and complaints are translated.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from rich.cells import cell_len

from domain.codes import only
from interface.cli_office import complain

_LEFT: Final = 26
"""Columns for what is typed; what it means stands to the right of them."""

_NO_LINE_BEGINS_WITH: Final = "，。；：、！？）》”〕"


def width() -> int:
    """Return how many columns the reader's screen has (80 where that cannot be known)."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal():
        return max(40, int(given))
    return os.get_terminal_size().columns if sys.stdout.isatty() else 80


def wrapped(text: str, columns: int) -> list[str]:
    """Break a text into lines of at most so many columns, between words or Chinese characters."""
    lines = [""]
    for piece in re.findall(rf"[!-~]+|[^!-~][{_NO_LINE_BEGINS_WITH}]*", text):
        if cell_len(lines[-1] + piece.rstrip()) > columns and lines[-1]:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


class Parser(argparse.ArgumentParser):
    """argparse in Chinese, as far as a clerk meets it."""

    def __init__(self, **options: object) -> None:
        """Take what argparse takes."""
        super().__init__(**options, add_help=False, allow_abbrev=False)  # type: ignore[arg-type]
        self.add_argument("-h", "--help", action="help", help="显示帮助后退出")

    def parse_known_args(self, *given: Any, **more: Any) -> Any:
        """Parse as argparse does; whoever mistypes an option is led to that command's help."""
        found, extra = super().parse_known_args(*given, **more)
        if extra:
            self.error(f"unrecognized arguments: {' '.join(extra)}")
        return found, extra

    def format_usage(self) -> str:
        """Return how the command is written, in one line."""
        typed = [_shape(one) for one in self._get_positional_actions()]
        return " ".join([f"用法：{self.prog}", *self._must(), "[选项]", *typed]) + "\n"

    def _must(self) -> Iterator[str]:
        for one in self._get_optional_actions():
            if one.required:
                yield f"{one.option_strings[-1]} {one.metavar}"

    def format_help(self) -> str:
        """Return the help: usage, what it does, what can be given, what it ends with."""
        plain = [one for one in self._get_positional_actions() if not _is_group(one)]
        parts = [self.format_usage()]
        if self.description:
            parts.append("".join(f"{line}\n" for line in _paragraphs(self.description)))
        parts += [_section("命令", list(_commands(self._get_positional_actions())))]
        parts += [_section("参数", plain), _section("选项", self._get_optional_actions())]
        if self.epilog:
            parts.append(f"{self.epilog.rstrip()}\n")
        return "\n".join(part for part in parts if part)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and exit with 2."""
        said = self._choice(message) or _chinese(message)
        complain(f"命令写法有误：{said}。\n用法见：{self.prog} --help")
        raise SystemExit(2)

    def _choice(self, message: str) -> str | None:
        """Return what an option takes where it was given something else, codes with names."""
        match = re.fullmatch(r"argument (.*?): invalid choice: '(.*?)' .*", message, re.DOTALL)
        if match is None:
            return None
        option, value = match.groups()
        for one in self._get_optional_actions():
            if option == "/".join(one.option_strings) and one.choices is not None:
                return f"{option} 不能是“{value}”，{only(one.choices).rstrip('。')}"
        return None


def codes_named(names: Mapping[Any, str]) -> dict[str, Any]:
    """Return what makes an option take one of these codes, given as such or by its name."""
    codes = {name: str(code) for code, name in names.items()}
    return {"choices": names, "type": lambda text: codes.get(text, text)}


def _is_group(action: argparse.Action) -> bool:
    return isinstance(action, argparse._SubParsersAction)  # noqa: SLF001  (it has no public name)


def _commands(actions: list[argparse.Action]) -> Iterator[argparse.Action]:
    """Yield what may be named in the place of a command, with its help."""
    for one in actions:
        if isinstance(one, argparse._SubParsersAction):  # noqa: SLF001  (it has no public name)
            yield from one._choices_actions  # noqa: SLF001  (nor has this)


def _shape(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    many = {"+": f"{name} [{name} …]", "*": f"[{name} …]", "?": f"[{name}]"}
    return many.get(str(action.nargs), name)


def _typed(action: argparse.Action) -> str:
    """Return what is typed for an argument."""
    if not action.option_strings:
        return str(action.metavar or action.dest)
    names = "，".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {_shape(action)}"


def _section(title: str, actions: list[argparse.Action]) -> str:
    if not actions:
        return ""
    lines = [f"{title}："]
    for one in actions:
        lines += _entry(_typed(one), one.help or "")
    return "".join(f"{line}\n" for line in lines)


def _entry(typed: str, meaning: str) -> Iterator[str]:
    """Yield the lines of one argument: on the left what is typed, on the right what it means."""
    right = wrapped(meaning, width() - _LEFT)
    left = f"  {typed}"
    if cell_len(left) > _LEFT - 2:
        yield left
        left = ""
    yield left + " " * (_LEFT - cell_len(left)) + right[0] if right[0] else left
    for line in right[1:]:
        yield " " * _LEFT + line


def _paragraphs(text: str) -> Iterator[str]:
    for line in text.strip().splitlines():
        yield from wrapped(line, width())


_WORDS: Final = (
    (r"the following arguments are required: (.*)", r"缺少 \1"),
    (r"unrecognized arguments: (.*)", r"多余或不认识的参数 \1"),
    (r"argument 命令: invalid choice: '(.*?)' \(choose from (.*)\)", r"没有命令“\1”，可用：\2"),
    (r"argument (.*?): expected one argument", r"\1 后面要跟一个值"),
    (r"argument (.*?): expected at least one argument", r"\1 后面至少要跟一个值"),
    (r"argument (.*?): ignored explicit argument '(.*)'", r"\1 后面不能跟“\2”"),
    (r"argument (.*?): invalid int value: '(.*)'", r"\1 应为整数，不能是“\2”"),
)


def _chinese(message: str) -> str:
    for english, chinese in _WORDS:
        match = re.fullmatch(english, message, re.DOTALL)
        if match is not None:
            return match.expand(chinese).replace("', '", "、").replace("'", "").replace(", ", "、")
    return message
