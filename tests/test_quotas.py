"""Quotas: ceilings, the pool, grants, cuts, transfers; the worst day decides."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from application.standings import later_entries_keep_their_footing
from domain.code_sets import InstitutionCategory, QuotaKind
from domain.institutions import institution_stands
from domain.journal import Voided
from domain.quotas import (
    CeilingSet,
    CutBack,
    Granted,
    SetCeiling,
    TakenOver,
    TakeOverQuota,
    TransferQuota,
    Transferred,
    giver_is_not_receiver,
    kind_fits_the_institution,
    pool_has_enough,
    quota_given_up_is_not_in_use,
)
from domain.quotas_accounts import POOL, QuotaBook, Totals, kind_label
from domain.staffing_approvals import ApproveUse
from tests.district import ADMINISTRATIVE, DAY, PUBLIC, District

AUGUST, SEPTEMBER, OCTOBER = date(2021, 8, 1), date(2021, 9, 1), date(2021, 10, 1)


def ceiling(change: int, day: date = DAY, kind: QuotaKind = ADMINISTRATIVE) -> SetCeiling:
    """Raise or lower the ceiling."""
    return SetCeiling(effective_on=day, quota_kind=kind, change=change)


def transferring(
    giver: str, receiver: str, n: int, day: date = DAY, kind: QuotaKind = ADMINISTRATIVE
) -> TransferQuota:
    """Move n from one institution to the other."""
    return TransferQuota(
        effective_on=day, giver=giver, receiver=receiver, quota_kind=kind, number=n
    )


def taking_over(who: str, n: int, **more: Any) -> TakeOverQuota:
    """Take n over from the earlier books."""
    return TakeOverQuota(
        effective_on=DAY, institution=who, quota_kind=ADMINISTRATIVE, number=n, **more
    )


def pool(district: District, on: date = DAY) -> dict[str, int]:
    """What the pool's ledger says of 行政编制."""
    return district.sums("ceilings", on).get((POOL, "10"), {})


# ── the earlier books ────────────────────────────────────────────────────────────────────────


def test_quota_of_the_earlier_books_keeps_what_they_say_of_its_approval() -> None:
    """The only trace of the document: nobody has it at hand on the opening day."""
    district = District()
    who, approved_on = district.office(), date(2008, 5, 12)
    command = taking_over(who, 3, approved_no="示编发〔2008〕1号", approved_on=approved_on)
    fact = district.when(command).then_one(TakenOver)
    assert (fact.approved_no, fact.approved_on) == ("示编发〔2008〕1号", approved_on)
    at = str(district.position(TakenOver))
    assert district.row("institution_changes", at).approved_no == "示编发〔2008〕1号"


# ── ceiling and pool ─────────────────────────────────────────────────────────────────────────


def test_what_the_ceiling_gains_lies_in_the_pool() -> None:
    """Until it is granted; lowering the ceiling takes it out again."""
    district = District()
    district.when(ceiling(10)).then(CeilingSet)
    assert pool(district) == {"ceiling": 10, "granted": 0, "pool": 10}
    district.when(ceiling(-4)).then(CeilingSet)
    assert pool(district) == {"ceiling": 6, "granted": 0, "pool": 6}


def test_a_ceiling_is_not_lowered_below_what_has_been_given() -> None:
    """On any day from then on, a later grant included."""
    district = District()
    who = district.office()
    district.given(ceiling(10), district.granting(who, 8, day=SEPTEMBER))
    district.when(ceiling(-3)).refused_by(
        pool_has_enough, "2021-09-01", "的行政编制只有2名", "还差1名"
    )
    district.when(ceiling(-2)).then(CeilingSet)


def test_a_ceiling_changes_by_something() -> None:
    """Nought is a typing error."""
    with pytest.raises(ValidationError, match="不能为0"):
        ceiling(0)


def test_quota_is_granted_from_the_pool() -> None:
    """As much as goes out of the pool comes into the account."""
    district = District()
    who = district.office()
    district.given(ceiling(10))
    district.when(district.granting(who, 7)).then(Granted)
    assert district.usage(who) == [7, 0, 0]
    assert pool(district) == {"ceiling": 10, "granted": 7, "pool": 3}
    district.when(district.granting(who, 4)).refused_by(pool_has_enough, "只有3名", "还差1名")


def test_a_grant_may_not_empty_the_pool_under_a_later_one() -> None:
    """The pool of September has been promised already."""
    district = District()
    who = district.office()
    district.given(ceiling(10), district.granting(who, 8, day=SEPTEMBER))
    district.when(district.granting(who, 3)).refused_by(pool_has_enough, "2021-09-01")
    district.when(district.granting(who, 3, day=date(2021, 6, 1))).refused_by(institution_stands)


def test_quota_granted_for_a_while_leaves_and_comes_back() -> None:
    """Granted in August, cut back in September: October's grant finds it in the pool."""
    district = District()
    a, b = district.office("甲办"), district.office("乙办")
    district.given(ceiling(5), district.granting(a, 5, day=AUGUST))
    district.given(district.cutting(a, 5, day=SEPTEMBER))
    district.when(district.granting(b, 5, day=OCTOBER)).then(Granted)
    district.when(district.granting(b, 1, day=AUGUST)).refused_by(pool_has_enough)


# ── cutting and moving ───────────────────────────────────────────────────────────────────────


def test_only_unused_quota_is_cut_back() -> None:
    """Neither reserved nor occupied slots go back; who holds them is named."""
    district = District()
    who = district.office()
    district.quota(who, 5)
    approval = district.approved(who, 2)
    reserved = len(district.memory.entries)
    district.given(district.entering(who))
    entered = len(district.memory.entries)
    district.when(district.cutting(who, 3)).refused_by(
        quota_given_up_is_not_in_use,
        "核定5名",
        "在编1名",
        "未入编2名",
        "还差1名",
        at=[reserved, entered],
    )
    district.when(district.cutting(who, 2)).then(CutBack)
    assert district.usage(who) == [3, 1, 2]
    assert approval


def test_a_cut_is_judged_by_the_worst_day_from_then_on() -> None:
    """Somebody comes in September: in July there seems to be room, but there is none."""
    district = District()
    who = district.office()
    district.quota(who, 1)
    district.given(district.entering(who, day=SEPTEMBER))
    district.when(district.cutting(who, 1)).refused_by(quota_given_up_is_not_in_use, "2021-09-01")


def test_a_cut_is_possible_again_when_somebody_has_left() -> None:
    """From that day on, not before; and the refusal names nobody who has left."""
    district = District()
    who = district.office()
    district.quota(who, 2)
    first = district.entered(who)
    district.entered(who)
    stays = len(district.memory.entries)
    district.given(district.leaving(first, SEPTEMBER))
    district.when(district.cutting(who, 1, day=AUGUST)).refused_by(quota_given_up_is_not_in_use)
    district.when(district.cutting(who, 2, day=SEPTEMBER)).refused_by(
        quota_given_up_is_not_in_use, at=[stays]
    )
    district.when(district.cutting(who, 1, day=SEPTEMBER)).then(CutBack)


def test_quota_moves_between_institutions_without_the_pool() -> None:
    """One fact: what one loses the other gains."""
    district = District()
    a, b = district.office("甲办"), district.office("乙办")
    district.quota(a, 5)
    district.when(transferring(a, b, 3)).then(Transferred)
    assert (district.usage(a), district.usage(b)) == ([2, 0, 0], [3, 0, 0])
    assert pool(district)["pool"] == 0
    district.when(transferring(a, b, 3)).refused_by(quota_given_up_is_not_in_use, "还差1名")
    district.when(transferring(a, a, 1)).refused_by(giver_is_not_receiver)
    district.when(transferring(a, "Z" * 16, 1)).refused_by(institution_stands)


# ── kinds ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("category", "kind", "fits"),
    [
        (InstitutionCategory.PARTY, QuotaKind.ADMINISTRATIVE, True),
        (InstitutionCategory.COURT, QuotaKind.POLITICAL_LEGAL, True),
        (InstitutionCategory.DEPARTMENT, QuotaKind.INSTITUTION, False),
        (InstitutionCategory.INSTITUTION, QuotaKind.INSTITUTION, True),
        (InstitutionCategory.INSTITUTION, QuotaKind.ADMINISTRATIVE, False),
        (InstitutionCategory.CIVIL_SERVICE_LAW, QuotaKind.CIVIL_SERVICE_LAW, True),
        (InstitutionCategory.TOWNSHIP, QuotaKind.ADMINISTRATIVE, True),
        (InstitutionCategory.TOWNSHIP, QuotaKind.INSTITUTION, True),
        (InstitutionCategory.TOWNSHIP, QuotaKind.OUTSIDE, False),
    ],
)
def test_kinds_are_not_mixed(category: InstitutionCategory, kind: QuotaKind, *, fits: bool) -> None:
    """Organs use 行政编制, public institutions 事业编制; a 乡镇 has both; 编外 is no quota."""
    district = District()
    who = district.office(category=category)
    giver = district.office("另一单位", category)
    district.given(ceiling(3, kind=kind))
    commands: list[Any] = [
        district.granting(who, 1, kind),
        taking_over(who, 1).model_copy(update={"quota_kind": kind}),
    ]
    if not fits:
        commands.append(ApproveUse(effective_on=DAY, institution=who, quota_kind=kind, number=1))
    for command in commands:
        district.when(command)
        if fits:
            assert district.refusal is None
        else:
            district.refused_by(kind_fits_the_institution, category.label, kind.label)
    assert giver


def test_quota_of_the_wrong_kind_is_not_moved_either() -> None:
    """事业编制 of a school cannot become an office's."""
    district = District()
    school, office = district.school(), district.office()
    district.quota(school, 2, PUBLIC)
    district.when(transferring(school, office, 1, kind=PUBLIC)).refused_by(
        kind_fits_the_institution
    )


def test_a_code_that_nobody_knows_is_shown_as_it_is() -> None:
    """Only later program versions could have written it."""
    assert kind_label("77") == "77"
    assert kind_label("20") == "事业编制"


# ── the earlier books ────────────────────────────────────────────────────────────────────────


def test_quota_of_the_earlier_books_raises_the_ceiling_unless_one_was_set() -> None:
    """Σ institutions + pool = Σ ceilings either way."""
    district = District()
    a, b = district.office("甲办"), district.office("乙办")
    district.when(taking_over(a, 4)).then(TakenOver)
    assert pool(district) == {"ceiling": 4, "granted": 4, "pool": 0}
    district.when(taking_over(b, 3, from_pool=True)).refused_by(pool_has_enough)
    district.given(ceiling(3))
    district.when(taking_over(b, 3, from_pool=True)).then(TakenOver)
    assert pool(district) == {"ceiling": 7, "granted": 7, "pool": 0}


# ── an inherited over-quota unit ─────────────────────────────────────────────────────────────


def over_quota(district: District, quota: int = 2, people: int = 3) -> tuple[str, list[str]]:
    """A unit whose earlier books show more people than quota; its people."""
    who = district.office()
    district.given(taking_over(who, quota))
    for _ in range(people):
        district.given(district.taking_over(who))
    found = [e.fact for e in district.memory.entries if e.fact.fact_name == "staffing.taken-over"]
    return who, [fact.person for fact in found]  # type: ignore[attr-defined]


def test_an_over_quota_unit_is_taken_over_as_an_exception() -> None:
    """The last rows are the exception, and marked so."""
    district = District()
    who, people = over_quota(district)
    assert district.usage(who) == [2, 3, 0]
    marked = [district.row("roster", one).over_quota for one in people]
    assert marked == [False, False, True]


def test_an_over_quota_unit_can_get_better_but_not_worse() -> None:
    """Nobody enters, nothing is approved or cut, until it is within its quota again."""
    district = District()
    who, people = over_quota(district)
    district.given(district.leaving(people[0], AUGUST))
    for command in (district.approving(who, day=AUGUST), district.entering(who, day=AUGUST)):
        district.when(command)
        assert district.refusal is not None
        assert district.refusal.rule.name == "quota_has_a_vacancy"
    district.when(district.cutting(who, 1, day=AUGUST)).refused_by(quota_given_up_is_not_in_use)
    district.given(district.leaving(people[1], SEPTEMBER))
    district.given(district.entering(who, day=SEPTEMBER))
    assert district.usage(who, on=SEPTEMBER) == [2, 2, 0]


def test_a_leaving_from_an_over_quota_unit_that_was_filed_wrongly_is_voided() -> None:
    """The void brings back the recorded exception, no more."""
    district = District()
    who, people = over_quota(district)
    at = district.when(district.leaving(people[0], AUGUST)).appended[0].position
    district.when(district.voiding(at)).then(Voided)
    assert district.usage(who, on=AUGUST) == [2, 3, 0]


def test_a_leaving_is_not_voided_when_somebody_else_has_the_slot() -> None:
    """Even where the unit was over its quota at the beginning."""
    district = District()
    who, people = over_quota(district)
    at = district.when(district.leaving(people[0], AUGUST)).appended[0].position
    district.given(district.leaving(people[1], AUGUST))
    entered = district.when(district.entering(who, day=SEPTEMBER)).appended[-1].position
    refused = district.when(district.voiding(at)).refused_by(
        later_entries_keep_their_footing, "将超出可用编制1名"
    )
    assert entered in refused.positions


def test_an_exception_excuses_no_more_than_itself() -> None:
    """A void that would go beyond the exception once recorded is refused."""
    district = District()
    who, people = over_quota(district)
    district.given(ceiling(2), district.granting(who, 1))
    grant = district.position(Granted)
    district.when(district.voiding(grant)).then(Voided)
    district.given(district.granting(who, 2))
    grant = district.position(Granted)
    newcomer = district.when(district.entering(who, day=AUGUST)).appended[-1].position
    assert district.usage(who, on=AUGUST) == [4, 4, 0]
    refused = district.when(district.voiding(grant)).refused_by(later_entries_keep_their_footing)
    assert newcomer in refused.positions
    assert len(people) == 3


# ── late and future filings, voids ───────────────────────────────────────────────────────────


def test_a_grant_is_not_voided_under_the_people_on_it() -> None:
    """The refusal names who would lose the footing; voided with them, it goes."""
    district = District()
    who = district.office()
    district.quota(who, 1)
    granted = district.position(Granted)
    district.given(district.entering(who, day=SEPTEMBER))
    entered = len(district.memory.entries)
    district.when(district.voiding(granted)).refused_by(
        later_entries_keep_their_footing, "2021-09-01起行政编制将超出可用编制1名", at=[entered]
    )
    district.when(district.voiding(entered, granted)).then(Voided, Voided)
    assert district.usage(who, on=OCTOBER) == [0, 0, 0]


def test_a_ceiling_is_not_voided_under_what_was_granted() -> None:
    """The pool would owe what it has given."""
    district = District()
    who = district.office()
    district.quota(who, 1)
    at = district.position(CeilingSet)
    district.when(district.voiding(at)).refused_by(
        later_entries_keep_their_footing, "将超出可用编制1名", at=[]
    )


def test_a_wrong_number_is_corrected_in_place() -> None:
    """Void and new filing in one append: nobody reads the books in between."""
    district = District()
    who = district.office()
    district.given(ceiling(10), district.granting(who, 5))
    at = district.position(Granted)
    district.given(district.entering(who))
    district.when(district.correcting((at, district.granting(who, 3)))).then(Voided, Granted)
    assert district.appended[1].place == at
    assert district.usage(who) == [3, 1, 0]
    assert pool(district) == {"ceiling": 10, "granted": 3, "pool": 7}
    wrong = district.correcting((district.position(Granted), district.granting(who, 11)))
    district.when(wrong).refused_by(pool_has_enough)
    assert district.usage(who) == [3, 1, 0]


def test_the_book_answers_for_every_day() -> None:
    """Usable is the worst day's; totals are the day's own."""
    district = District()
    who = district.office()
    district.quota(who, 5, day=AUGUST)
    district.given(district.approving(who, 2, day=SEPTEMBER, valid_until=date(2021, 9, 30)))
    book = district.standings.of(QuotaBook, who)
    assert book.usable(ADMINISTRATIVE, DAY) == 0
    assert book.usable(ADMINISTRATIVE, AUGUST) == 3
    assert book.usable(ADMINISTRATIVE, AUGUST, date(2021, 8, 31)) == 5
    assert book.usable(ADMINISTRATIVE, OCTOBER) == 5
    assert book.usable(PUBLIC, OCTOBER) == 0
    assert book.totals(ADMINISTRATIVE, SEPTEMBER) == Totals(5, 0, 2)
    assert book.totals(ADMINISTRATIVE, SEPTEMBER).usable == 3
    assert book.totals(PUBLIC, SEPTEMBER) == Totals()
    assert book.kinds() == ("10",)


@pytest.mark.parametrize("number", [0, -1, 1.5, "3", 1_000_001])
def test_a_number_is_a_whole_number_from_one_up(number: Any) -> None:
    """Anything else is a typing error."""
    with pytest.raises(ValidationError):
        taking_over("0" * 16, number)
