"""The ledgers of staffing: 实名制人员台账, 人员登记簿, 人员调动情况表, 用编核准台账."""

from __future__ import annotations

from datetime import date
from typing import Annotated, NamedTuple

from application.documents import QUOTA_KINDS
from application.ledgers import Column, Effect, Joined, Ledger, declare
from domain.code_sets import EntryMode, FundingForm, LeaveReason, PersonClass
from domain.code_sets_people import Education, Ethnicity, Gender, Politics
from domain.documents import BasisSupplied
from domain.staffing import Entered, Post, TakenOver, Timeliness
from domain.staffing_approvals import UseApproved, UseCancelled, Using
from domain.staffing_moves import Left, Transferred
from domain.staffing_people import PersonChanged, PersonRegistered
from domain.vocabulary import ERASED, Entry

FUNDING = FundingForm.names()
MODES = EntryMode.names()
REASONS = LeaveReason.names()


def notice_text(year: int, number: int) -> str:
    """Return the number of a 入编通知单 as it is printed."""
    return f"〔{year}〕{number}号"


# ── 实名制人员台账 ───────────────────────────────────────────────────────────────────────────


class RosterRow(NamedTuple):
    """A person in the establishment."""

    name: Annotated[str | None, Column("姓名", personal=True, filter=True, sort=True)]
    id_no: Annotated[str | None, Column("公民身份号码", personal=True, filter=True)]
    gender: Annotated[
        str | None,
        Column("性别", personal=True, choices=Gender.names()),
    ]
    birth_date: Annotated[date | None, Column("出生日期", personal=True, sort=True)]
    ethnicity: Annotated[
        str | None,
        Column("民族", personal=True, choices=Ethnicity.names()),
    ]
    politics: Annotated[
        str | None,
        Column("政治面貌", personal=True, choices=Politics.names()),
    ]
    education: Annotated[
        str | None,
        Column("学历", personal=True, choices=Education.names()),
    ]
    work_start: Annotated[date | None, Column("参加工作时间", personal=True)]
    phone: Annotated[str | None, Column("联系电话", personal=True)]
    institution: Annotated[str | None, Column("机构（系统内编号）", filter=True)]
    quota_kind: Annotated[
        str | None, Column("编制类型", filter=True, sort=True, choices=QUOTA_KINDS)
    ]
    funding: Annotated[str | None, Column("经费形式", filter=True, choices=FUNDING)]
    person_class: Annotated[
        str | None,
        Column("人员分类", filter=True, choices=PersonClass.names()),
    ]
    post_title: Annotated[str | None, Column("职务", personal=True)]
    entry_mode: Annotated[str | None, Column("进入形式", filter=True, choices=MODES)]
    entered_on: Annotated[date | None, Column("入编时间", filter=True, sort=True)]
    notice: Annotated[str | None, Column("入编文号", filter=True)]
    over_quota: Annotated[bool, Column("超编（期初例外）", filter=True)]


_NOBODY = RosterRow(*(None,) * 17, over_quota=False)


def _roster(so_far: RosterRow | None, effect: Effect) -> RosterRow | None:
    row, fact = so_far or _NOBODY, effect.fact
    if isinstance(fact, PersonRegistered | PersonChanged):
        return _told(row, fact)
    if isinstance(fact, Left):
        return row._replace(institution=None)
    if isinstance(fact, Entered | TakenOver | Transferred):
        return _placed(row, fact, effect.day)
    return so_far


def _told(row: RosterRow, fact: PersonRegistered | PersonChanged) -> RosterRow:
    names = RosterRow._fields[:9]
    told = {name: getattr(fact, name) for name in names}
    for day in ("birth_date", "work_start"):
        if told[day] == ERASED:  # a column of days cannot say so; the name does
            told[day] = None
    return row._replace(**{name: value for name, value in told.items() if value is not None})


def _placed(row: RosterRow, fact: Entered | TakenOver | Transferred, day: date) -> RosterRow:
    return row._replace(
        institution=fact.institution,
        quota_kind=fact.kind,
        funding=fact.funding,
        person_class=fact.person_class,
        post_title=fact.post_title,
        entry_mode=fact.entry_mode,
        entered_on=fact.entered_on if isinstance(fact, TakenOver) else day,
        notice=(
            fact.notice
            if isinstance(fact, TakenOver)
            else notice_text(fact.notice_year, fact.notice_number)
        ),
        over_quota=isinstance(fact, TakenOver) and fact.excused,
    )


ROSTER = declare(
    Ledger(
        name="roster",
        title="实名制人员台账",
        key="person",
        row=RosterRow,
        fold=_roster,
        facts=(PersonRegistered, PersonChanged, Entered, TakenOver, Transferred, Left),
        ignores=(UseApproved, UseCancelled),
        shown=lambda row: row.institution is not None,
        joins=(Joined("institution_name", "机构名称", "institution", "institutions", "name"),),
        sort=("institution",),
    )
)


# ── 人员登记簿 ───────────────────────────────────────────────────────────────────────────────


class PersonRow(NamedTuple):
    """A line of the register of persons: in the establishment, or no longer in it."""

    name: Annotated[str | None, Column("姓名", personal=True, filter=True, sort=True)]
    id_no: Annotated[str | None, Column("公民身份号码", personal=True, filter=True)]


def _person(so_far: PersonRow | None, effect: Effect) -> PersonRow | None:
    fact = effect.fact
    if not isinstance(fact, PersonRegistered | PersonChanged):
        return so_far
    row = so_far or PersonRow(None, None)
    return PersonRow(fact.name or row.name, fact.id_no or row.id_no)


PERSONS = declare(
    Ledger(
        name="persons",
        title="人员登记簿",
        key="person",
        row=PersonRow,
        fold=_person,
        facts=(PersonRegistered, PersonChanged),
        ignores=(Entered, TakenOver, Transferred, Left, UseApproved, UseCancelled),
        sort=("name",),
    )
)


# ── 人员调动情况表 ───────────────────────────────────────────────────────────────────────────

MOVEMENTS_KINDS = {"entered": "入编", "taken_over": "期初", "transferred": "调动", "left": "出编"}


class MovementRow(NamedTuple):
    """One entering, transfer or leaving: a line of 人员调动情况表 and of the 入编/出编 books."""

    effective_on: Annotated[date | None, Column("业务生效日期", filter=True, sort=True)]
    movement: Annotated[str, Column("变动类型", filter=True, choices=MOVEMENTS_KINDS)]
    person: Annotated[str | None, Column("人员（系统内编号）", filter=True)]
    institution: Annotated[str | None, Column("调入单位（系统内编号）", filter=True)]
    former: Annotated[str | None, Column("调出单位（系统内编号）", filter=True)]
    quota_kind: Annotated[str | None, Column("编制类型", filter=True, choices=QUOTA_KINDS)]
    funding: Annotated[str | None, Column("经费形式", filter=True, choices=FUNDING)]
    entry_mode: Annotated[str | None, Column("进入形式", filter=True, choices=MODES)]
    reason: Annotated[str | None, Column("减员原因", filter=True, choices=REASONS)]
    place: Annotated[str | None, Column("来源或去向", personal=True)]
    notice: Annotated[str | None, Column("通知单号", filter=True)]
    approval: Annotated[str | None, Column("用编核准（系统内编号）", filter=True)]
    document: Annotated[str | None, Column("依据文件（系统内编号）", filter=True)]
    proof: Annotated[str | None, Column("应有证明文件")]
    filed_after: Annotated[int | None, Column("报送用时（工作日）", filter=True, sort=True)]
    late: Annotated[bool, Column("补报", filter=True)]
    provisional: Annotated[bool, Column("工作日暂按周末推算", filter=True)]
    actor: Annotated[str | None, Column("经办人", filter=True)]
    approved_by: Annotated[str | None, Column("核准人", filter=True)]


_NO_MOVEMENT = MovementRow(
    None, "", *(None,) * 13, late=False, provisional=False, actor=None, approved_by=None
)


def _movement(so_far: MovementRow | None, effect: Effect) -> MovementRow | None:
    fact, entry = effect.fact, effect.entry
    if isinstance(fact, BasisSupplied):
        return (so_far or _NO_MOVEMENT)._replace(document=fact.citations[0].document)
    cited = entry.basis[0].document if entry.basis else None
    row = _NO_MOVEMENT._replace(
        effective_on=effect.day,
        document=cited or (None if so_far is None else so_far.document),
        actor=entry.actor,
        approved_by=entry.approved_by,
    )
    if isinstance(fact, Timeliness):
        row = row._replace(
            filed_after=fact.filed_after, late=fact.late, provisional=fact.provisional
        )
    if isinstance(fact, Post):
        row = row._replace(funding=fact.funding)
    if isinstance(fact, Left):
        return row._replace(
            movement="left",
            person=fact.person,
            former=fact.institution,
            quota_kind=fact.kind,
            reason=fact.reason,
            place=fact.destination,
            proof=fact.proof,
        )
    if isinstance(fact, Entered | TakenOver | Transferred):
        return _coming(row, fact)
    return so_far


def _coming(row: MovementRow, fact: Entered | TakenOver | Transferred) -> MovementRow:
    row = row._replace(
        person=fact.person,
        institution=fact.institution,
        quota_kind=fact.kind,
        entry_mode=fact.entry_mode,
        approval=fact.approval,
    )
    if isinstance(fact, TakenOver):
        return row._replace(movement="taken_over", notice=fact.notice)
    row = row._replace(notice=notice_text(fact.notice_year, fact.notice_number))
    if isinstance(fact, Transferred):
        return row._replace(movement="transferred", former=fact.former)
    return row._replace(movement="entered", place=fact.source)


def _movement_concerned(entry: Entry) -> tuple[str, ...]:
    fact = entry.fact
    return (str(fact.place if isinstance(fact, BasisSupplied) else entry.place),)


MOVEMENTS = declare(
    Ledger(
        name="movements",
        title="人员调动情况表",
        key="entry",
        row=MovementRow,
        fold=_movement,
        facts=(Entered, TakenOver, Transferred, Left, BasisSupplied),
        ignores=(PersonRegistered, PersonChanged, UseApproved, UseCancelled),
        shown=lambda row: row.person is not None,
        subjects=_movement_concerned,
        joins=(
            Joined("name", "姓名", "person", "persons", "name"),
            Joined("institution_name", "调入单位", "institution", "institutions", "name"),
            Joined("former_name", "调出单位", "former", "institutions", "name"),
            Joined("document_number", "依据文号", "document", "documents", "number"),
        ),
        sort=("effective_on",),
    )
)


# ── 用编核准台账 ─────────────────────────────────────────────────────────────────────────────

STATUSES = {"valid": "有效", "used_up": "已用完", "expired": "已失效", "cancelled": "已撤销"}


class ApprovalRow(NamedTuple):
    """An approval to use quota, and what has become of it."""

    institution: Annotated[str, Column("机构（系统内编号）", filter=True)]
    quota_kind: Annotated[str, Column("编制类型", filter=True, choices=QUOTA_KINDS)]
    entry_mode: Annotated[str | None, Column("进入形式", filter=True, choices=MODES)]
    approved_on: Annotated[date, Column("核准日期", filter=True, sort=True)]
    valid_until: Annotated[date, Column("有效期至", filter=True, sort=True)]
    number: Annotated[int, Column("核准数", filter=True)]
    used: Annotated[int, Column("已使用", filter=True)]
    given_up: Annotated[int, Column("已撤销数")]
    left: Annotated[int, Column("余数", filter=True, sort=True)]
    status: Annotated[str, Column("状态", filter=True, choices=STATUSES)]
    conditions: Annotated[str | None, Column("核准条件")]
    document: Annotated[str | None, Column("依据文件（系统内编号）", filter=True)]


def _approval(so_far: ApprovalRow | None, effect: Effect) -> ApprovalRow | None:
    fact, entry = effect.fact, effect.entry
    if isinstance(fact, UseApproved) and effect.nth == 0:
        return ApprovalRow(
            institution=fact.institution,
            quota_kind=fact.kind,
            entry_mode=fact.entry_mode,
            approved_on=effect.day,
            valid_until=fact.valid_until,
            number=fact.number,
            used=0,
            given_up=0,
            left=fact.number,
            status="valid",
            conditions=fact.conditions,
            document=entry.basis[0].document if entry.basis else None,
        )
    if so_far is None:
        return None
    if isinstance(fact, UseApproved):  # the day after its last
        return so_far._replace(status="expired") if so_far.status == "valid" else so_far
    if isinstance(fact, UseCancelled):
        given_up = so_far.given_up + fact.number
        return so_far._replace(
            given_up=given_up, left=so_far.left - fact.number, status="cancelled"
        )
    if isinstance(fact, Using):
        left = so_far.left - 1
        status = "used_up" if left <= 0 and so_far.status == "valid" else so_far.status
        return so_far._replace(used=so_far.used + 1, left=left, status=status)
    return so_far


APPROVALS = declare(
    Ledger(
        name="approvals",
        title="用编核准台账",
        key="approval",
        row=ApprovalRow,
        fold=_approval,
        facts=(UseApproved, UseCancelled, Entered, Transferred),
        ignores=(PersonRegistered, PersonChanged, TakenOver, Left),
        joins=(
            Joined("institution_name", "机构名称", "institution", "institutions", "name"),
            Joined("document_number", "依据文号", "document", "documents", "number"),
        ),
        sort=("approved_on",),
    )
)
