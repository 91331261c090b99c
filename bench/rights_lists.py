"""An office with long rights lists: departments, items as they are published, an edition."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Final

from application.filing import Filing
from application.rights_importing import file_plan, plan_import
from application.rights_reading import RightsRead, department_of_item, read_rights
from bench.places import tell
from bench.workload import command
from domain.code_sets_rights import PowerCategory
from domain.deciding import Command
from domain.rights_content import Duty, ItemContent, LegalBasis
from infrastructure.office import Office
from infrastructure.rights_importing import department_names, items_on_record
from infrastructure.workbooks import open_book

WORKBOOKS: Final = Path(__file__).parents[1].parent / "shared" / "data" / "rights" / "workbooks"
LARGE: Final = 200_000
EACH: Final = 500
"""Items of a department: as many as a large one has."""

DAY: Final = date(2024, 1, 1)
WORDS: Final = 700
AT_ONCE: Final = 2_000


def read(files: Sequence[Path]) -> list[RightsRead]:
    """Read published workbooks."""
    with ExitStack() as opened:
        return [read_rights(opened.enter_context(open_book(file))) for file in files]


def open_office(office: Office, departments: Sequence[str]) -> list[str]:
    """Open the books with these departments; return their ids."""
    begin = command(
        "journal.open", effective_on=DAY, office="示范区委编办", purpose="demonstration"
    )
    kind = {"effective_on": DAY, "category": "department", "rank": "31"}
    found = [command("institutions.take-over", name=name, **kind) for name in departments]
    receipt = office.writer.do(Filing((begin, *found), "bench"))
    return [one.entries[0].subjects("institution")[0] for one in receipt.outcomes[1:]]


def import_workbooks(office: Office, files: Sequence[Path]) -> int:
    """Read, plan and file published lists as the command does; return how many items go in."""
    reads = read(files)
    said = {
        found.name
        for one in reads
        for sheet in one.sheets
        for item in sheet.items
        if (found := department_of_item(sheet, item))
    }
    open_office(office, sorted(said))
    names, known = department_names(office.ledgers, DAY), items_on_record(office.ledgers, DAY)
    plan = plan_import(reads, names, lambda name: known.get(names[name], ()), DAY)
    filed = file_plan(office.writer, plan, "bench")
    if filed.receipt is None or plan.unplaced:
        raise RuntimeError([str(one) for one in (*filed.refusals, *plan.unplaced)])
    return len(plan.commands)


class Lists:
    """An office that has published an edition of many items."""

    def __init__(self, office: Office, items: int) -> None:
        """File the items, department by department, and publish them."""
        dice = random.Random(1)
        texts = _texts()
        self.departments = open_office(office, [f"示范区第{n:03d}局" for n in range(items // EACH)])
        self.items: list[str] = []
        waiting: list[Command] = []
        for n, department in enumerate(self.departments):
            body = {"effective_on": DAY, "department": department}
            waiting += [
                command("rights.take-over", content=text, **body)
                for text in dice.sample(texts, EACH)
            ]
            if len(waiting) >= AT_ONCE or n == len(self.departments) - 1:
                tell(f"rights: {len(self.items) + len(waiting):,} items")
                receipt = office.writer.do(Filing(tuple(waiting), "bench"))
                self.items += [one.entries[0].subjects("item")[0] for one in receipt.outcomes]
                waiting = []
        tell("rights: publishing")
        body = {"name": "2024年版", "approved_by": "government", "channels": ["门户"]}
        edition = command("rights.take-over-edition", effective_on=DAY, **body)
        outcome = office.writer.do(Filing((edition,), "bench")).outcomes[0]
        self.edition = outcome.entries[0].subjects("edition")[0]
        with office.database.as_owner() as connection:
            connection.commit()
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE ledger_rights_items")
        names = [text.name for text in texts]
        pairs = [name[n : n + 2] for name in names for n in range(len(name) - 1)]
        self.words = dice.sample([one for one in pairs if one.strip() == one], WORDS)
        self.categories = sorted({text.category.value for text in texts if text.category})


def _texts() -> list[ItemContent]:
    """Return the items of the workbooks under different headings, or invented ones."""
    reads = read(sorted(WORKBOOKS.iterdir())) if WORKBOOKS.is_dir() else []
    found = [item.content for one in reads for item in one.items] or _invented()
    return list({(one.category, one.name, one.sub_name): one for one in found}.values())


def _invented() -> list[ItemContent]:
    """Return items as long as real ones, of signs that come as often as in a language."""
    dice = random.Random(2)
    signs = [chr(0x4E00 + n) for n in range(2_500)]
    weights = [1 / (n + 5) for n in range(2_500)]

    def said(n: int) -> str:
        return "".join(dice.choices(signs, weights, k=n))

    return [
        ItemContent(
            name=f"{said(14)}{n}",
            category=dice.choice(list(PowerCategory)),
            bases=(LegalBasis(title=said(12), articles=("第三条",), quoted=said(200)),),
            duties=tuple(Duty(stage=said(2), text=said(80)) for _ in range(6)),
            liabilities=tuple(said(40) for _ in range(8)),
        )
        for n in range(2_500)
    ]
