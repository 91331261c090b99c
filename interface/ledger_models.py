"""How OpenAPI shows the answers about ledgers, each ledger with its own columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from application.ledgers import AnyLedger
from interface.ledger_questions import TYPES
from interface.shown import CitationShown


class ColumnShown(BaseModel):
    """A column of a ledger."""

    name: Annotated[str, Field(title="列")]
    title: Annotated[str, Field(title="列名")]
    type: Annotated[str, Field(title="类型")]
    personal: Annotated[bool, Field(title="个人信息")]
    filter: Annotated[bool, Field(title="可作查询条件")]
    sort: Annotated[bool, Field(title="可排序")]
    choices: Annotated[dict[str, str] | None, Field(title="代码及含义")]


class LedgerShown(BaseModel):
    """A ledger."""

    name: Annotated[str, Field(title="台账")]
    title: Annotated[str, Field(title="台账名称")]
    columns: Annotated[list[ColumnShown], Field(title="列")]
    link: Annotated[str, Field(title="地址")]


class LedgerList(BaseModel):
    """Every ledger."""

    ledgers: Annotated[list[LedgerShown], Field(title="台账")]


class Clocks(BaseModel):
    """Where an answer stands on the two clocks."""

    ledger: Annotated[str, Field(title="台账")]
    title: Annotated[str, Field(title="台账名称")]
    valid_on: Annotated[date, Field(title="业务日期")]
    known_at: Annotated[datetime, Field(title="已知时刻")]
    position: Annotated[int, Field(title="依据的最后流水号")]


class Change(BaseModel):
    """A field that a version says otherwise than the one before."""

    field: Annotated[str, Field(title="列")]
    title: Annotated[str, Field(title="列名")]
    before: Annotated[Any, Field(title="原为")]
    after: Annotated[Any, Field(title="改为")]


class VersionShown(BaseModel):
    """One thing a ledger said of a subject, on both clocks."""

    position: Annotated[int, Field(title="所依据的流水号")]
    link: Annotated[str, Field(title="流水地址")]
    fact: Annotated[str, Field(title="记录种类")]
    actor: Annotated[str, Field(title="办理账号")]
    basis: Annotated[list[CitationShown], Field(title="依据文件")]
    valid_from: Annotated[date, Field(title="自何日起有效")]
    valid_to: Annotated[date | None, Field(title="至何日止（不含）")]
    known_from: Annotated[int, Field(title="自哪条流水起得知")]
    known_at: Annotated[datetime, Field(title="得知时刻")]
    ended_by: Annotated[int | None, Field(title="由哪条流水终止")]
    taken_back_by: Annotated[int | None, Field(title="由哪条流水撤回")]
    taken_back_at: Annotated[datetime | None, Field(title="撤回时刻")]
    values: Annotated[dict[str, Any] | None, Field(title="内容")]
    changes: Annotated[list[Change], Field(title="与前一日内容的不同")]
    corrects: Annotated[list[Change] | None, Field(title="与被撤回内容的不同")]


class HistoryShown(Clocks):
    """Every version of one row."""

    key: Annotated[str, Field(title="行的键")]
    versions: Annotated[list[VersionShown], Field(title="各个版本，最新得知的在前")]
    before: Annotated[int | None, Field(title="更早的版本：以此作为 before 再查")]


class Models:
    """The models of one ledger's answers."""

    history = HistoryShown

    def __init__(self, ledger: AnyLedger, columns: Sequence[Any]) -> None:
        """Make them of its columns."""
        name = "".join(word.capitalize() for word in ledger.name.split("_"))
        values = _model(
            f"{name}Values",
            BaseModel,
            {one.name: (_type_of(one), Field(title=one.column.title)) for one in columns},
        )
        row = _model(
            f"{name}Row",
            BaseModel,
            {
                "key": (str, Field(title="行的键")),
                "position": (int | None, Field(title="所依据的流水号")),
                "valid_from": (date | None, Field(title="自何日起有效")),
                "values": (values, Field(title="内容")),
                "link": (str, Field(title="地址")),
            },
        )
        self.page = _model(
            f"{name}Page",
            Clocks,
            {
                "rows": (list[row], Field(title="行")),  # type: ignore[valid-type]  # made just now
                "cursor": (str | None, Field(title="下一页位置")),
                "next": (str | None, Field(title="下一页地址")),
            },
        )
        self.alone = _model(f"{name}Alone", Clocks, {"row": (row, Field(title="行"))})


def _model(name: str, base: type[BaseModel], fields: dict[str, Any]) -> type[BaseModel]:
    made: type[BaseModel] = create_model(name, __base__=base, **fields)
    return made


def _type_of(shown: Any) -> Any:
    """Return a column's type; personal values are texts when masked."""
    plain = str if shown.column.personal else TYPES[shown.kind]
    return plain | None
