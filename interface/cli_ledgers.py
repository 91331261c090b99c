"""``taizhang ledgers``: the ledgers (台账) on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

from application.access import Export, Reading
from application.ledgers import LEDGERS, AnyLedger
from domain.codes import told
from domain.journal import JournalOpened
from domain.vocabulary import SECRECY
from infrastructure.access_log import AccessLog
from infrastructure.export_files import FORMS, Order, Written, write_file
from infrastructure.exporting import ExportTooLarge, Heading, unmasked
from infrastructure.ledger_reading import Asked, Shown
from infrastructure.office import Office
from infrastructure.rebuilding import RebuildRunning, TablesInUse, rebuild
from infrastructure.verifying import verify
from interface import cli_ledger_history
from interface.cli_office import (
    UNBUILT,
    UNBUILT_ADVICE,
    CannotDo,
    Commands,
    code_of,
    day,
    err,
    instant,
    new_file,
    opened_office,
    opened_office_and_ring,
    operator,
    out,
    progress,
    shown,
    table_of,
    unbuilt_told,
)
from interface.cli_parser import codes_named
from interface.cli_tables import cells_of, fields_of, show
from interface.masking import masked

FOUND_DIFFERENCES: Final = 3
"""Exit code of a verification that found something."""


def register(commands: Commands) -> None:
    """Add the group."""
    group = commands.add_parser(
        "ledgers", help="查看、导出、核对、重建台账", description="查看、导出、核对、重建台账。"
    )
    actions = group.add_subparsers(metavar="命令", required=True)

    action = actions.add_parser("list", help="列出全部台账")
    action.set_defaults(run=_list)

    action = actions.add_parser("show", help="查看台账", description="查看台账的一页。")
    asking_options(action)
    action.add_argument("--limit", type=int, default=50, metavar="行数", help="最多几行（50）")
    action.add_argument("--cursor", metavar="位置", help="上一页末尾给出的位置")
    action.set_defaults(run=_show)

    action = actions.add_parser(
        "history",
        help="查看一行的来龙去脉",
        description="查看台账一行的各个版本：何时得知、何时起有效、依据哪条流水、改了什么。",
    )
    _clock_options(action)
    cli_ledger_history.add_options(action)
    action.set_defaults(run=_history, words=None, sort="")

    action = actions.add_parser(
        "export", help="导出台账", description="导出台账的全部行；文件写明业务日期、流水号和密级。"
    )
    asking_options(action)
    action.add_argument(
        "file", type=Path, metavar="文件", help="后缀决定格式：" + "、".join(f".{f}" for f in FORMS)
    )
    action.add_argument(
        "--secrecy",
        **codes_named(SECRECY),
        default="internal",
        metavar="密级",
        help=f"密级：{told(SECRECY)}",
    )
    action.add_argument("--force", action="store_true", help="覆盖已有文件")
    action.set_defaults(run=_export)

    for word, title, run in (
        ("rebuild", "由流水重建台账（期间照常办理业务）", _rebuild),
        ("verify", "核对台账与流水是否一致（只查不改）", _verify),
    ):
        action = actions.add_parser(word, help=title, description=title + "。")
        action.add_argument(
            "ledgers", nargs="*", type=_name, metavar="台账", help="只处理这几本，默认全部"
        )
        action.set_defaults(run=run)


def _name(text: str) -> str:
    """Return the name of a ledger that is given by it or by its title; anything else as it is."""
    return next((one.name for one in LEDGERS.values() if one.title == text), text)


def _clock_options(action: argparse.ArgumentParser) -> None:
    """Add the options by which rows of any ledger are found, on both clocks."""
    action.add_argument("ledger", type=_name, metavar="台账", help="名称见 ledgers list")
    action.add_argument("--valid-on", metavar="日期", help="业务日期，默认今天")
    action.add_argument("--known-at", metavar="时刻", help="当时已知的内容，默认此刻")
    action.add_argument(
        "--filter", action="append", default=[], metavar="列=值", help="查询条件，可重复"
    )
    action.add_argument("--unmasked", action="store_true", help="显示完整个人信息（留访问记录）")


def asking_options(action: argparse.ArgumentParser) -> None:
    """Add the options by which any ledger is asked."""
    _clock_options(action)
    action.add_argument("--words", metavar="关键词", help="全文包含的词，空格隔开的须同时出现")
    action.add_argument("--sort", default="", metavar="列", help="排序，逗号分隔，前加 - 为倒序")


def question(options: argparse.Namespace, columns: Sequence[Shown]) -> Asked:
    """Return what the options ask; columns and choices may be named as the screen shows them."""
    filters: dict[str, str] = {}
    for one in options.filter:
        name, equals, value = one.partition("=")
        if not equals:
            raise CannotDo(f"查询条件“{one}”应写作 列=值。")
        column = _column(name, columns)
        if column.name in filters:
            raise CannotDo(f"条件“{column.title}”只能写一次。")
        filters[column.name] = code_of(value, column.column.choices or {}, column.title)
    return Asked(
        filters=filters,
        words=options.words,
        sort=[_order(one, columns) for one in options.sort.split(",") if one],
        valid_on=None if options.valid_on is None else day(options.valid_on),
        known_at=None if options.known_at is None else instant(options.known_at),
    )


def _column(name: str, columns: Sequence[Shown]) -> Shown:
    """Return the column that is called so, in Chinese or as it is stored."""
    for one in columns:
        if name in {one.name, one.title}:
            return one
    asked = [one for one in columns if one.column.filter or one.column.sort]
    there = "、".join(f"{one.title}（{one.name}）" for one in asked)
    raise CannotDo(f"没有“{name}”这一列；可以查询或排序的列：{there}。")


def _order(word: str, columns: Sequence[Shown]) -> str:
    descends = "-" if word.startswith("-") else ""
    name = word.removeprefix("-")
    return descends + (name if name == "key" else _column(name, columns).name)


def _list(_: argparse.Namespace) -> int:
    table = table_of("台账", "名称", "列")
    with opened_office() as office:
        for ledger in LEDGERS.values():
            columns = "、".join(one.column.title for one in office.ledgers.columns(ledger.name))
            table.add_row(ledger.name, ledger.title, columns)
    out.print(table)
    return 0


def _show(options: argparse.Namespace) -> int:
    with opened_office() as office:
        asked = question(options, office.ledgers.columns(options.ledger))
        page = office.ledgers.page(
            options.ledger, asked, cursor=options.cursor, limit=options.limit
        )
        personal = [n for n, one in enumerate(page.columns) if one.column.personal]
        if options.unmasked and personal and page.lines:
            noted = {"columns": "all", "filters": sorted(asked.filters)}
            AccessLog(office.database).note(
                Reading(
                    actor=operator(),
                    what=options.ledger,
                    question=noted,
                    rows=len(page.lines),
                    unmasked=True,
                    position=page.seen.position,
                    valid_on=page.seen.valid_on,
                )
            )
    rows = [cells_of(line, page, unmasked=options.unmasked) for line in page.lines]
    titles = [one.title for one in page.columns]
    show(
        page.ledger.title, fields_of(page.ledger, [one.name for one in page.columns], titles, rows)
    )
    seen = page.seen
    err.print(
        f"业务日期 {seen.valid_on}；截至流水号 {seen.position}（{shown(seen.known_at)} 记录）。"
        + ("" if page.cursor is None else f"\n还有更多，接着看：--cursor {page.cursor}")
    )
    return 0


def _history(options: argparse.Namespace) -> int:
    with opened_office() as office:
        asked = question(options, office.ledgers.columns(options.ledger))
        cli_ledger_history.tell(options, asked, office)
    return 0


# ── exporting ────────────────────────────────────────────────────────────────────────────────


def _export(options: argparse.Namespace) -> int:
    path, form = options.file, options.file.suffix.removeprefix(".").lower()
    if form not in FORMS:
        raise CannotDo(f"不认识文件后缀“{path.suffix}”，可用：{'、'.join(FORMS)}。")
    if options.unmasked and options.secrecy == "public":
        raise CannotDo("含完整个人信息的文件不能标为公开。")
    with opened_office() as office, new_file(path, force=options.force) as file:
        written = _write(office, options, form, file)
    out.print(f"已导出 {written.rows} 行到 {path}（密级：{SECRECY[options.secrecy]}）。")
    return 0


def _write(office: Office, options: argparse.Namespace, form: str, file: IO[bytes]) -> Written:
    first = office.journal.entry(1)
    whose = first.fact.office if first and isinstance(first.fact, JournalOpened) else ""
    mask = unmasked if options.unmasked else _masked
    heading = Heading(SECRECY[options.secrecy], whose)
    asked = question(options, office.ledgers.columns(options.ledger))
    order = Order(options.ledger, asked, form, heading, mask)
    try:
        written = write_file(office.ledgers, order, file)
    except ExportTooLarge as problem:
        raise CannotDo(str(problem)) from None
    AccessLog(office.database).note(
        Export(
            actor=operator(),
            what=options.ledger,
            question={"filters": sorted(order.asked.filters)},
            rows=written.rows,
            unmasked=options.unmasked,
            position=written.seen.position,
            valid_on=written.seen.valid_on,
            format=form,
            secrecy=options.secrecy,
        )
    )
    return written


def _masked(_: Any, value: Any) -> Any:
    return masked(value)


# ── rebuilding and verifying ─────────────────────────────────────────────────────────────────


def _chosen(options: argparse.Namespace) -> list[AnyLedger]:
    unknown = [name for name in options.ledgers if name not in LEDGERS]
    if unknown:
        titles = {name: one.title for name, one in LEDGERS.items()}
        raise CannotDo(f"没有名为“{unknown[0]}”的台账；现有：{told(titles)}。")
    return [LEDGERS[name] for name in options.ledgers or LEDGERS]


def _rebuild(options: argparse.Namespace) -> int:
    chosen = _chosen(options)
    with opened_office_and_ring() as (office, ring), progress() as report:
        try:
            head = rebuild(office.database, ring, chosen, report)
        except (RebuildRunning, TablesInUse) as problem:
            raise CannotDo(str(problem)) from None
    out.print(f"已由流水重建 {len(chosen)} 本台账，截至流水号 {head}。")
    return 0


def _verify(options: argparse.Namespace) -> int:
    chosen = _chosen(options)
    with opened_office_and_ring() as (office, ring), progress() as report:
        try:
            verdict = verify(office.database, ring, chosen, report)
        except RebuildRunning as problem:
            raise CannotDo(str(problem)) from None
    for finding in (*verdict.faults, *verdict.differences):
        out.print(str(finding))
    if verdict.unbuilt:
        advice = "" if verdict.faults or verdict.differences else UNBUILT_ADVICE
        out.print(unbuilt_told(verdict.unbuilt) + advice)
    if verdict.faults or verdict.differences:
        err.print(
            "核对发现不一致，见上。台账有误的可用 taizhang ledgers rebuild 重建；"
            "流水有误的请立即报告。"
        )
        return FOUND_DIFFERENCES
    compared = len(chosen) - len(verdict.unbuilt)
    out.print(f"核对一致：流水 1 至 {verdict.head} 完整，{compared} 本台账与流水相符。")
    return UNBUILT if verdict.unbuilt else 0
