"""``taizhang journal``: the journal (流水) on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import orjson

from application.access import Reading
from domain.codes import only
from domain.vocabulary import FACT_TITLES, FACTS, FIRST_DAY, Entry
from infrastructure.access_log import AccessLog
from infrastructure.journal_reading import PAGE, Sought
from infrastructure.office import Office
from interface.cli_office import (
    CannotDo,
    Commands,
    day,
    err,
    opened_office,
    operator,
    out,
    shown,
)
from interface.cli_tables import Field, show
from interface.journal import SUBJECT
from interface.shown import entry_shown, has_personal


def register(commands: Commands) -> None:
    """Add the group."""
    group = commands.add_parser("journal", help="查看流水", description="查看流水。")
    actions = group.add_subparsers(metavar="命令", required=True)

    action = actions.add_parser("list", help="列出流水", description="列出流水，最新的在前。")
    action.add_argument(
        "--subject", metavar="对象", help="涉及对象，如 person:编号 或 institution:编号"
    )
    action.add_argument("--fact", metavar="种类", help="种类，如 入编 或 staffing.entered")
    action.add_argument("--actor", metavar="账号", help="办理账号")
    action.add_argument("--from", dest="effective_from", metavar="日期", help="业务日期不早于")
    action.add_argument("--to", dest="effective_to", metavar="日期", help="业务日期不晚于")
    action.add_argument("--before", type=int, metavar="流水号", help="只看此流水号之前的")
    action.add_argument("--limit", type=int, default=50, metavar="条数", help="最多几条（50）")
    action.set_defaults(run=_list)

    action = actions.add_parser(
        "show", help="查看一条流水", description="查看一条流水的全部内容（JSON）。"
    )
    action.add_argument("position", type=int, metavar="流水号", help="见 journal list")
    action.add_argument("--unmasked", action="store_true", help="显示完整个人信息（留访问记录）")
    action.add_argument(
        "--stored", action="store_true", help="原样输出存储的内容（个人信息已密封）"
    )
    action.set_defaults(run=_show)


def _list(options: argparse.Namespace) -> int:
    if not 1 <= options.limit <= PAGE:
        raise CannotDo(f"条数应为 1 至 {PAGE}。")
    sought = Sought(
        subject=_subject(options.subject),
        fact=_kind(options.fact),
        actor=options.actor,
        effective_from=None if options.effective_from is None else day(options.effective_from),
        effective_to=None if options.effective_to is None else day(options.effective_to),
        before=options.before,
        limit=options.limit,
    )
    with opened_office() as office:
        entries = office.journal.find(sought)
    show("流水", _fields(entries))
    if len(entries) == options.limit:
        err.print(f"可能还有更早的，接着看：--before {entries[-1].position}")
    return 0


def _fields(entries: Sequence[Entry]) -> list[Field]:
    """Return the columns of a list of entries."""
    columns = (
        ("流水号", [str(one.position) for one in entries]),
        ("记录时刻", [shown(one.recorded_at) for one in entries]),
        ("业务日期", [_on(one) for one in entries]),
        ("种类", [one.fact.fact_title for one in entries]),
        ("种类代码", [one.fact.fact_name for one in entries]),
        ("办理账号", [one.actor for one in entries]),
        ("作废", [shown(one.voids) for one in entries]),
    )
    return [Field(title, tuple(cells), spare=title == "种类代码") for title, cells in columns]


def _on(entry: Entry) -> str:
    """Return the business date; what holds from the beginning has none that says anything."""
    return "" if entry.effective_on == FIRST_DAY else shown(entry.effective_on)


def _subject(text: str | None) -> str | None:
    """Return the subject that is sought; one that is misspelt would find nothing."""
    try:
        return None if text is None else SUBJECT.read(text)
    except ValueError as error:
        raise CannotDo(f"--subject {error}") from None


def _kind(word: str | None) -> str | None:
    """Return the stored name of a kind of entry given by that name or in Chinese."""
    if word is None or word in FACTS:
        return word
    called = [name for name, fact in FACTS.items() if fact.fact_title == word]
    if not called:
        raise CannotDo(f"没有“{word}”这种流水；{only(FACT_TITLES)}")
    return called[0]


def _show(options: argparse.Namespace) -> int:
    with opened_office() as office:
        text = _stored(office, options) if options.stored else _readable(office, options)
    out.print(text)
    return 0


def _stored(office: Office, options: argparse.Namespace) -> str:
    stored = office.journal.stored(options.position)
    if stored is None:
        raise CannotDo(f"没有流水号为 {options.position} 的记录。")
    return stored.decode()


def _readable(office: Office, options: argparse.Namespace) -> str:
    entry = office.journal.entry(options.position)
    if entry is None:
        raise CannotDo(f"没有流水号为 {options.position} 的记录。")
    if options.unmasked and has_personal(entry):
        question = {"position": options.position}
        reading = Reading(operator(), "journal", question, 1, True, entry.position)  # noqa: FBT003  (unmasked)
        AccessLog(office.database).note(reading)
    shown_ = entry_shown(entry, unmasked=options.unmasked)
    return orjson.dumps(shown_, option=orjson.OPT_INDENT_2).decode()
