"""An invented district (示范数据): its institutions, its people, and the books an office keeps.

Always the same from the same seed. The ID numbers are valid in form; division codes that begin
with 99 were never given to any place, so they belong to nobody.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from domain.identifiers import resident_id_check

OPENING: Final = date(2021, 6, 30)

_ORGANS: Final = (
    ("区委办公室", "党委机构"), ("区委组织部", "党委机构"), ("区委编办", "党委机构"),
    ("区人大办公室", "人大机关"), ("区政协办公室", "政协机关"), ("区总工会", "群团机关"),
    ("区发展和改革局", "政府工作部门"), ("区教育局", "政府工作部门"), ("区民政局", "政府工作部门"),
    ("区财政局", "政府工作部门"), ("区人力资源和社会保障局", "政府工作部门"),
    ("区农业农村局", "政府工作部门"), ("区卫生健康局", "政府工作部门"),
    ("区市场监督管理局", "政府工作部门"),
)  # fmt: skip
_BELOW: Final = (
    ("节能监察中心", "区发展和改革局"), ("第一中学", "区教育局"), ("实验小学", "区教育局"),
    ("婚姻登记处", "区民政局"), ("国库支付中心", "区财政局"),
    ("就业服务中心", "区人力资源和社会保障局"), ("农业技术推广站", "区农业农村局"),
    ("人民医院", "区卫生健康局"), ("疾病预防控制中心", "区卫生健康局"),
    ("检验检测中心", "区市场监督管理局"),
)  # fmt: skip
_TOWNS: Final = ("东坪乡", "西川镇", "南湖乡", "北岭镇", "柳河镇")
_SURNAMES: Final = "示范例样模拟演试虚构"
_GIVEN: Final = "安邦晨达恩帆歌涵嘉凯岚明宁沛琪容舒桐文宣雅泽"
_EDUCATION: Final = ("大专", "本科", "本科", "硕士研究生")
_POLITICS: Final = ("中共党员", "群众", "共青团员")

_UNIT_HEADINGS: Final = (
    "序号", "机构名称", "机构类别", "机构规格", "主管部门", "编制类型", "经费形式", "核定编制数",
    "批准文号", "批准日期",
)  # fmt: skip
_PERSON_HEADINGS: Final = (
    "序号", "单位名称", "姓名", "性别", "身份证号", "出生年月", "民族", "政治面貌", "学历",
    "编制类型", "经费形式", "人员分类", "入编时间", "入编文号", "备注",
)  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """An institution as the office's book has it."""

    name: str
    category: str
    rank: str
    superior: str
    kind: str
    funding: str
    quota: int


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist."""

    name: str
    gender: str
    id_no: str
    born: date


@dataclass
class District:
    """Invents a district; ``scale`` multiplies it (1: 29 institutions and some 600 people)."""

    seed: int
    scale: int
    chance: random.Random = field(init=False)
    people: int = 0

    def __post_init__(self) -> None:
        """Begin with the seed."""
        self.chance = random.Random(self.seed)  # noqa: S311  (invented data, not secrets)

    def units(self) -> list[Unit]:
        """Organs, institutions below them and townships; further districts' worth by scale."""
        return [unit for n in range(self.scale) for unit in self._units(f"第{n + 1}" if n else "")]

    def _units(self, mark: str) -> Iterator[Unit]:
        for name, category in _ORGANS:
            quota = self.chance.randint(8, 28)
            yield Unit(_marked(name, mark), category, "正科级", "", "行政编制", "", quota)
        for name, above in _BELOW:
            funding = self.chance.choice(("财政拨款", "财政拨款", "财政补助"))
            quota = self.chance.randint(10, 60)
            own, superior = f"示范区{mark}{name}", _marked(above, mark)
            yield Unit(own, "事业单位", "股级", superior, "事业编制", funding, quota)
        for town in _TOWNS:
            quota = self.chance.randint(20, 35)
            yield Unit(f"{town}{mark}政府", "乡镇", "正科级", "", "行政编制", "", quota)

    def person(self, latest_birth: date) -> Person:
        """Invent somebody born at most 36 years before that day."""
        n, self.people = self.people, self.people + 1
        born = latest_birth - timedelta(days=self.chance.randint(0, 36 * 365))
        sequence = n % 999 + 1
        first = f"99{1 + n // 999:04d}{born:%Y%m%d}{sequence:03d}"
        given = "".join(self.chance.sample(_GIVEN, self.chance.randint(1, 2)))
        name = self.chance.choice(_SURNAMES) + given
        return Person(name, "男" if sequence % 2 else "女", first + resident_id_check(first), born)

    def roster(self, units: Iterable[Unit]) -> list[list[str]]:
        """Return one line for each person on the opening day; a few slots stay vacant."""
        there = (unit for unit in units for _ in range(unit.quota - self.chance.randint(2, 5)))
        return [self.line(serial, unit) for serial, unit in enumerate(there, start=1)]

    def line(self, serial: int, unit: Unit) -> list[str]:
        """Return a new person's line in the roster of that unit."""
        one = self.person(date(1998, 1, 1))
        entered = date(one.born.year + 22, 7, 1) + timedelta(days=self.chance.randint(0, 300))
        entered = min(entered, OPENING)
        number = f"示编通〔{entered.year}〕{self.chance.randint(1, 300)}号"
        return [
            str(serial), unit.name, one.name, one.gender, one.id_no, f"{one.born:%Y-%m}",
            "汉族", self.chance.choice(_POLITICS), self.chance.choice(_EDUCATION),
            unit.kind, unit.funding, "非领导", entered.isoformat(), number, "示范数据",
        ]  # fmt: skip


def _marked(name: str, mark: str) -> str:
    return f"区{mark}{name.removeprefix('区')}"


# ── the books ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Books:
    """The Excel files of the office, and a report with faults to try the import's answers on."""

    institutions: Path
    people: Path
    faulty: Path


def write_books(district: District, folder: Path) -> Books:
    """Write the district's books as an office keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    books = Books(folder / "机构.xlsx", folder / "人员.xlsx", folder / "新报人员.xlsx")
    units = district.units()
    roster = district.roster(units)
    title = "示范区机构编制情况表（示范数据）"
    _write(books.institutions, title, _UNIT_HEADINGS, list(_unit_rows(units)))
    _write(books.people, "示范区在编人员名册（示范数据）", _PERSON_HEADINGS, roster)
    reported = _faulty(District(district.seed + 1, 1), units, roster)
    _write(books.faulty, "新报人员名册（示范数据，有错）", _PERSON_HEADINGS, reported)
    return books


def _faulty(other: District, units: list[Unit], roster: list[list[str]]) -> list[list[str]]:
    """Return five lines as units send them: one is right, one is known, three are wrong."""
    other.people = 9_000_000  # numbers of nobody in the district
    right, mistyped, unknown, early = (other.line(n, units[n]) for n in range(1, 5))
    last = mistyped[4][-1]
    mistyped[4] = mistyped[4][:-1] + ("1" if last != "1" else "2")
    unknown[1] = "区档案管理中心"
    early[12] = "2021-02-30"
    return [right, list(roster[0]), mistyped, unknown, early]


def _unit_rows(units: Iterable[Unit]) -> Iterator[list[str]]:
    for serial, unit in enumerate(units, start=1):
        number = f"示编发〔{2000 + serial % 20}〕{serial}号"
        yield [
            str(serial), unit.name, unit.category, unit.rank, unit.superior, unit.kind,
            unit.funding, str(unit.quota), number, f"{2000 + serial % 20}-03-01",
        ]  # fmt: skip


def _write(path: Path, title: str, headings: tuple[str, ...], rows: list[list[str]]) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("示范数据")
        sheet.write_string(0, 0, title)
        for row, cells in enumerate((headings, *rows), start=1):
            for column, cell in enumerate(cells):
                sheet.write_string(row, column, cell)
