"""A large district's books in Excel: institutions, and a roster of which some rows are dirty.

``python -m bench.roster_book FOLDER [ROWS]`` writes 机构.xlsx and 人员.xlsx. Everything is invented
and deterministic from the seed. What makes a row dirty are the deformations that spreadsheets and
typing bring: numbers ruined by Excel, impossible dates, unknown units, people named twice …
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from domain.identifiers import resident_id_check

OPENING: Final = date(2021, 6, 30)
UNITS: Final = 200
DIRTY: Final = 0.02
SEED: Final = 20210630

UNIT_HEADINGS: Final = (
    *("序号", "机构名称", "机构类别", "机构规格", "主管部门", "编制类型", "经费形式"),
    *("核定编制数", "批准文号", "批准日期"),
)
HEADINGS: Final = (
    *("序号", "单位名称", "姓名", "性别", "身份证号", "出生年月", "民族", "政治面貌"),
    *("参加工作时间", "学历", "编制类型", "经费形式", "人员分类", "职务", "进入形式"),
    *("入编时间", "入编文号", "备注"),
)
_SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN: Final = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂国松志燕云飞"
_POSTS: Final = ("", "", "", "科员", "教师", "主治医师", "工程师", "办公室主任")
_MODES: Final = ("公务员考试", "事业单位公开招聘", "调入", "军转安置", "其他")

Row = list[str | float]


def units(rows: int, count: int = UNITS) -> Iterator[Row]:
    """Yield the institutions, each with quota for its share of the roster and a little more."""
    quota = -(-rows // count) + 20
    for i in range(count):
        organ = i % 5 == 0
        yield [
            *(i + 1, unit_name(i), "政府工作部门" if organ else "事业单位"),
            *("正科级" if organ else "股级", "" if organ else unit_name(i - i % 5)),
            *("行政编制" if organ else "事业编制", "" if organ else "全额拨款", quota),
            *(f"示编发〔{2000 + i % 20}〕{i + 1}号", f"{2000 + i % 20}-03-01"),
        ]


def unit_name(i: int) -> str:
    """Return the name of the ``i``-th institution."""
    return f"示范区第{i + 1:03d}局" if i % 5 == 0 else f"示范区第{i + 1:03d}中心"


def people(rows: int, dirty: float = DIRTY, count: int = UNITS) -> Iterator[tuple[Row, str]]:
    """Yield each row of the roster with what was done to it (nothing, or a key of `SPOILING`)."""
    chance = random.Random(SEED)
    before: Row = []
    for i in range(rows):
        row = _person(i, i * 7919 % count, chance)
        how = ""
        if before and chance.random() < dirty:
            how = chance.choice(tuple(SPOILING))
            row = SPOILING[how](row, before)
        yield row, how
        before = row if not how else before


def _person(i: int, unit: int, chance: random.Random) -> Row:
    born = date(1962, 7, 1) + timedelta(days=i % 12000)
    first = f"1301{i // 12_000_000 % 90 + 10:02d}{born:%Y%m%d}{i // 12000 * 2 % 1000 + i % 2:03d}"
    entered = date(born.year + 22 + i % 8, 1 + i % 12, 1 + i % 28)
    entered = min(entered, OPENING - timedelta(days=1 + i % 300))
    organ = unit % 5 == 0
    return [
        *(i + 1, unit_name(unit)),
        chance.choice(_SURNAMES) + "".join(chance.choices(_GIVEN, k=1 + i % 2)),
        *("男" if i % 2 else "女", first + resident_id_check(first), f"{born:%Y-%m}"),
        *("汉族" if i % 20 else "满族", "中共党员" if i % 3 else "群众"),
        *(f"{entered:%Y-%m-%d}", ("本科", "大专", "硕士研究生")[i % 3]),
        *("行政编制" if organ else "事业编制", "" if organ else "全额拨款", "非领导"),
        *(_POSTS[i % len(_POSTS)], _MODES[i % len(_MODES)]),
        *(f"{entered:%Y-%m-%d}", f"示编通〔{entered.year}〕{i % 300 + 1}号", ""),
    ]


def _with(row: Row, heading: str, value: str | float) -> Row:
    place = HEADINGS.index(heading)
    return [*row[:place], value, *row[place + 1 :]]


def _id(row: Row) -> str:
    return str(row[HEADINGS.index("身份证号")])


SPOILING: Final[dict[str, Callable[[Row, Row], Row]]] = {
    "id_ruined_by_excel": lambda row, _: _with(row, "身份证号", float(_id(row)[:15] + "000")),
    "bad_check_digit": lambda row, _: _with(
        row, "身份证号", _id(row)[:17] + ("1" if _id(row)[17] != "1" else "2")
    ),
    "missing_name": lambda row, _: _with(row, "姓名", ""),
    "unknown_unit": lambda row, _: _with(row, "单位名称", "示范区某某局"),
    "impossible_date": lambda row, _: _with(row, "入编时间", "2012-02-30"),
    "unclear_date": lambda row, _: _with(row, "入编时间", "不详"),
    "sex_contradicts_id": lambda row, _: _with(row, "性别", "女" if row[3] == "男" else "男"),
    "mixed_quota_type": lambda row, _: _with(row, "编制类型", "政法专项编制"),
    "two_units": lambda row, before: _with(
        [row[0], *before[1:]], "单位名称", unit_name(int(before[0]) * 7919 % UNITS)
    ),
    "duplicate_row": lambda row, before: [row[0], *before[1:]],
    "inner_spaces": lambda row, _: _with(row, "姓名", " ".join(str(row[2]))),
    "dotted_date": lambda row, _: _with(row, "入编时间", str(row[15]).replace("-", ".")),
    "serial_date": lambda row, _: _with(row, "入编时间", 38777.0),
    "lower_case_x": lambda row, _: _with(row, "身份证号", "'" + _id(row).lower()),
}
"""What may happen to a row; ``before`` is the clean row above it."""


def write(folder: Path, rows: int, dirty: float = DIRTY) -> Counter[str]:
    """Write 机构.xlsx and 人员.xlsx to ``folder``; return how many rows were spoilt how."""
    spoilt: Counter[str] = Counter()

    def counted() -> Iterator[Row]:
        for row, how in people(rows, dirty):
            spoilt.update([how] if how else [])
            yield row

    _write(folder / "机构.xlsx", ("示范区机构编制情况表（示范数据）",), UNIT_HEADINGS, units(rows))
    above = ("示范区在编人员名册（示范数据）", "填报单位：示范区委编办")
    _write(folder / "人员.xlsx", above, HEADINGS, counted(), "填表人：    审核人：")
    return spoilt


def _write(
    path: Path, above: Sequence[str], headings: Sequence[str], rows: Iterator[Row], below: str = ""
) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet(path.stem)
        lines = chain(([title] for title in above), [headings], rows, [[below]])
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for what, n in sorted(write(target, int(sys.argv[2]) if sys.argv[2:] else 50_000).items()):
        print(f"{what:24}{n:6}")
