"""The demonstration district (示范数据): invented books, imported; invented filings, filed.

Everything is generated from a seed and goes in as an office's own work would: the books as two
Excel files through the import, what happened since through the commands. The ID numbers are valid
in form; their division code 990100 was never given to any place, so they belong to nobody.
"""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from application.importing import BookLines, Order, run
from application.journal import OFFICE_ZONE, Filing, Receipt
from domain.code_sets import EntryMode, LeaveReason
from domain.deciding import COMMANDS
from domain.identifiers import resident_id_check
from infrastructure.ledger_reading import Asked
from infrastructure.office import Office
from infrastructure.workbooks import open_book
from interface.cli_office import progress

OPENING: Final = date(2021, 6, 30)
CLERK: Final = "jingban"
REVIEWER: Final = "shenhe"

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


@dataclass
class _Unit:
    name: str
    category: str
    rank: str
    superior: str
    kind: str
    funding: str
    quota: int


@dataclass
class _Generator:
    """Invents a district, always the same from the same seed."""

    seed: int
    scale: int
    chance: random.Random = field(init=False)
    people: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311  (invented data, not secrets)

    def units(self) -> list[_Unit]:
        """Organs, institutions below them and townships; further districts' worth by scale."""
        found: list[_Unit] = []
        for n in range(self.scale):
            mark = "" if n == 0 else f"第{n + 1}"
            for name, category in _ORGANS:
                quota = self.chance.randint(8, 28)
                found.append(
                    _Unit(_marked(name, mark), category, "正科级", "", "行政编制", "", quota)
                )
            for name, above in _BELOW:
                quota = self.chance.randint(10, 60)
                funding = self.chance.choice(("财政拨款", "财政拨款", "财政补助"))
                above_name = _marked(above, mark)
                found.append(
                    _Unit(
                        f"示范区{mark}{name}",
                        "事业单位",
                        "股级",
                        above_name,
                        "事业编制",
                        funding,
                        quota,
                    )
                )
            for town in _TOWNS:
                quota = self.chance.randint(20, 35)
                found.append(
                    _Unit(f"{town}{mark}政府", "乡镇", "正科级", "", "行政编制", "", quota)
                )
        return found

    def person(self, latest_birth: date) -> dict[str, str]:
        """Name, sex, ID number and birth month of a person who does not exist."""
        self.people += 1
        n = self.people
        born = latest_birth - timedelta(days=self.chance.randint(0, 30 * 365))
        sequence = n % 999 + 1
        first = f"9901{n // 999 % 100:02d}{born:%Y%m%d}{sequence:03d}"
        given = "".join(self.chance.sample(_GIVEN, self.chance.randint(1, 2)))
        return {
            "name": self.chance.choice(_SURNAMES) + given,
            "gender": "男" if sequence % 2 else "女",
            "id_no": first + resident_id_check(first),
            "born": f"{born:%Y-%m}",
        }

    def roster(self, units: list[_Unit]) -> Iterator[list[str]]:
        """One line for each person on the opening day; a few slots stay vacant."""
        serial = 0
        for unit in units:
            for _ in range(max(1, unit.quota - self.chance.randint(1, 5))):
                serial += 1
                one = self.person(date(1998, 1, 1))
                entered = date(int(one["born"][:4]) + 22, 7, 1) + timedelta(
                    days=self.chance.randint(0, 300)
                )
                entered = min(entered, OPENING)
                number = f"示编通〔{entered.year}〕{self.chance.randint(1, 300)}号"
                yield [
                    str(serial), unit.name, one["name"], one["gender"], one["id_no"], one["born"],
                    "汉族", self.chance.choice(_POLITICS), self.chance.choice(_EDUCATION),
                    unit.kind, unit.funding, "非领导", entered.isoformat(), number, "示范数据",
                ]  # fmt: skip


def _marked(name: str, mark: str) -> str:
    return f"区{mark}{name.removeprefix('区')}"


_UNIT_HEADINGS: Final = (
    "序号", "机构名称", "机构类别", "机构规格", "主管部门", "编制类型", "经费形式", "核定编制数",
    "批准文号", "批准日期",
)  # fmt: skip
_PERSON_HEADINGS: Final = (
    "序号", "单位名称", "姓名", "性别", "身份证号", "出生年月", "民族", "政治面貌", "学历",
    "编制类型", "经费形式", "人员分类", "入编时间", "入编文号", "备注",
)  # fmt: skip


def _write(path: Path, title: str, headings: tuple[str, ...], rows: Iterator[list[str]]) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("示范数据")
        sheet.write_string(0, 0, title)
        for row, cells in enumerate((headings, *rows), start=1):
            for column, cell in enumerate(cells):
                sheet.write_string(row, column, cell)


def _unit_rows(units: list[_Unit]) -> Iterator[list[str]]:
    for serial, unit in enumerate(units, start=1):
        number = f"示编发〔{2000 + serial % 20}〕{serial}号"
        yield [
            str(serial), unit.name, unit.category, unit.rank, unit.superior, unit.kind,
            unit.funding, str(unit.quota), number, f"{2000 + serial % 20}-03-01",
        ]  # fmt: skip


def load(office: Office, scale: int, seed: int) -> None:
    """Open the office as a demonstration and fill it with an invented district.

    ``scale`` multiplies the district (1: 29 institutions and some 700 people).
    """
    invented = _Generator(seed, scale)
    story = _Story(office, invented)
    story.file("journal.open", effective_on=OPENING, office="示范区委编办", purpose="demonstration")
    with tempfile.TemporaryDirectory(prefix="taizhang-demo-") as folder:
        _import_books(office, invented, Path(folder))
    story.tell()


def _import_books(office: Office, invented: _Generator, folder: Path) -> None:
    """Write the two books as an office keeps them, and import them."""
    units = invented.units()
    people = list(invented.roster(units))
    books, lines = {"机构.xlsx": len(units), "人员.xlsx": len(people)}, []
    _write(
        folder / "机构.xlsx", "示范区机构编制情况表（示范数据）", _UNIT_HEADINGS, _unit_rows(units)
    )
    _write(folder / "人员.xlsx", "示范区在编人员名册（示范数据）", _PERSON_HEADINGS, iter(people))
    for name in books:
        with open_book(folder / name) as book:
            tables, _ = book.tables()
            lines += [BookLines(name, one.book, list(one.rows())) for one in tables]
    total = 2 * sum(books.values())
    with progress() as report:
        done = itertools.count(1)
        imported = run(
            office.writer,
            lines,
            Order(OPENING, CLERK),
            lambda _stage, _n: report("导入示范数据", next(done), total),
        )
    wrong = [row for row in imported.rows if row.result == "error"]
    if wrong:
        raise AssertionError(f"the invented books have errors: {wrong[:3]}")


class _Story:
    """What has happened since the books were opened: most of it lately, some filed late."""

    def __init__(self, office: Office, invented: _Generator) -> None:
        self.office = office
        self.invented = invented
        self.chance = invented.chance
        self.today = datetime.now(OFFICE_ZONE).date()
        self.papers = 0

    def file(self, kind: str, *, actor: str = CLERK, **body: Any) -> Receipt:
        """File one command."""
        made = COMMANDS[kind].model_validate(body)
        return self.office.writer.do(Filing((made,), actor))

    def paper(self, title: str, day: date, level: str = "district") -> list[dict[str, Any]]:
        """Register a document of that day and return it as a basis."""
        self.papers += 1
        issuer = "示范市委编委" if level == "city" else "示范区委编委"
        receipt = self.file(
            "documents.register", document_title=title, issuer=issuer, issuer_level=level,
            number=f"示编发〔{day.year}〕{100 + self.papers}号", issued_on=day,
        )  # fmt: skip
        return [{"document": receipt.entries[0].subjects("document")[0], "item": "一"}]

    def tell(self) -> None:
        """File what happened."""
        units = self._units()
        days = self._days(12 * self.invented.scale)
        acts: tuple[Callable[[list[dict[str, Any]], date], None], ...] = (
            self._somebody_comes, self._somebody_leaves, self._somebody_moves
        )  # fmt: skip
        self._quota_grows(units)
        with progress() as report:
            for n, day in enumerate(days):
                acts[n % len(acts)](units, day)
                report("办理示范业务", n + 1, len(days))
        self._a_name_changes(units)
        self._a_mistake_is_voided(units)

    def _days(self, n: int) -> list[date]:
        """Return days in order: a third long ago and filed late, the rest within two weeks."""
        late = [OPENING + timedelta(days=self.chance.randint(100, 1500)) for _ in range(n // 3)]
        lately = [
            self.today - timedelta(days=self.chance.randint(0, 12)) for _ in range(n - n // 3)
        ]
        return sorted([*late, *lately])

    def _units(self) -> list[dict[str, Any]]:
        """Return the lines of the quota book as it is today."""
        return self._lines("quota_book", Asked())

    def _people_of(self, institution: str) -> list[dict[str, Any]]:
        return self._lines("roster", Asked(filters={"institution": institution}))

    def _lines(self, ledger: str, asked: Asked) -> list[dict[str, Any]]:
        page = self.office.ledgers.page(ledger, asked, limit=1000)
        names = [column.name for column in page.columns]
        return [
            {"key": line.key, **dict(zip(names, line.values, strict=True))} for line in page.lines
        ]

    def _quota_grows(self, units: list[dict[str, Any]]) -> None:
        day = self.today - timedelta(days=300)
        basis = self.paper("关于下达事业编制的通知（示范）", day, "city")
        self.file("quotas.set-ceiling", effective_on=day, basis=basis, quota_kind="20", change=40)
        for unit in [one for one in units if one["kind"] == "20"][:4]:
            self.file(
                "quotas.grant", effective_on=day, basis=basis, institution=unit["institution"],
                quota_kind="20", number=5,
            )  # fmt: skip

    def _somebody_comes(self, units: list[dict[str, Any]], day: date) -> None:
        unit = self.chance.choice([one for one in units if one["usable"] > 1])
        unit["usable"] -= 1
        basis = self.paper("关于使用编制的批复（示范）", day)
        approval = self.file(
            "staffing.approve-use", effective_on=day, basis=basis, institution=unit["institution"],
            quota_kind=unit["kind"], number=1,
        ).entries[0].subjects("approval")[0]  # fmt: skip
        one = self.invented.person(date(2000, 1, 1))
        self.file(
            "staffing.enter", effective_on=day, basis=basis, institution=unit["institution"],
            quota_kind=unit["kind"], approval=approval, entry_mode=EntryMode.OPEN_RECRUITMENT,
            new_person={"name": one["name"], "id_no": one["id_no"]},
        )  # fmt: skip

    def _somebody_leaves(self, units: list[dict[str, Any]], day: date) -> None:
        unit = self.chance.choice(units)
        leaver = self.chance.choice(self._there_on(unit, day))
        reason = self.chance.choice((LeaveReason.RETIRED, LeaveReason.RESIGNED))
        basis = self.paper(f"关于{reason.label}的决定（示范）", day)
        self.file(
            "staffing.leave", effective_on=day, basis=basis, person=leaver["key"], reason=reason
        )
        unit["usable"] += 1

    def _somebody_moves(self, units: list[dict[str, Any]], day: date) -> None:
        giver = self.chance.choice(units)
        others = [
            one for one in units
            if one["kind"] == giver["kind"] and one is not giver and one["usable"] > 1
        ]  # fmt: skip
        receiver = self.chance.choice(others)
        mover = self.chance.choice(self._there_on(giver, day))
        basis = self.paper("关于调动的批复（示范）", day)
        approval = self.file(
            "staffing.approve-use", effective_on=day, basis=basis,
            institution=receiver["institution"], quota_kind=receiver["kind"], number=1,
        ).entries[0].subjects("approval")[0]  # fmt: skip
        self.file(
            "staffing.transfer", effective_on=day, basis=basis, person=mover["key"],
            institution=receiver["institution"], quota_kind=receiver["kind"], approval=approval,
        )  # fmt: skip
        receiver["usable"] -= 1
        giver["usable"] += 1

    def _there_on(self, unit: dict[str, Any], day: date) -> list[dict[str, Any]]:
        """Return who was there at the opening and still is: they were there on any day."""
        people = self._people_of(unit["institution"])
        return [one for one in people if one["entered_on"] <= min(day, OPENING)]

    def _a_name_changes(self, units: list[dict[str, Any]]) -> None:
        unit = next(one for one in units if one["name"].endswith("就业服务中心"))
        basis = self.paper("关于更名的批复（示范）", self.today - timedelta(days=20))
        self.file(
            "institutions.rename", effective_on=self.today, basis=basis,
            institution=unit["institution"], name=unit["name"].replace("就业", "公共就业"),
        )  # fmt: skip

    def _a_mistake_is_voided(self, units: list[dict[str, Any]]) -> None:
        unit = units[0]
        wrong = self.chance.choice(self._there_on(unit, self.today))
        basis = self.paper("关于辞职的决定（示范，误报）", self.today)
        receipt = self.file(
            "staffing.leave", effective_on=self.today, basis=basis, person=wrong["key"],
            reason=LeaveReason.RESIGNED,
        )  # fmt: skip
        self.file("journal.void", positions=[receipt.first], reason="误报，本人未辞职（示范）")
