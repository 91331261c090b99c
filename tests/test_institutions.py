"""Institutions set up, taken over, renamed and abolished; who bears which name when."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from application.standings import later_entries_keep_their_footing
from domain.code_sets import InstitutionCategory, InstitutionRank, QuotaKind
from domain.institutions import (
    DISTRICT,
    Abolished,
    Directory,
    Institution,
    Renamed,
    SetUp,
    SetUpInstitution,
    TakenOver,
    TakeOverInstitution,
    decided_at_the_right_level,
    institution_stands,
    name_is_unique_in_district,
)
from domain.institutions_changes import (
    AbolishInstitution,
    RenameInstitution,
    name_changes,
    nobody_stands_under_it,
)
from domain.journal import Voided
from domain.quotas import SetCeiling, TransferQuota, account_is_empty
from domain.settings import ChangeSetting
from tests.district import DAY, PUBLIC, District

AUGUST, SEPTEMBER, OCTOBER = date(2021, 8, 1), date(2021, 9, 1), date(2021, 10, 1)


def setting_up(district: District, name: str = "区档案馆", **more: Any) -> SetUpInstitution:
    """Set up a public institution of 股级."""
    fields: dict[str, Any] = {
        "effective_on": DAY,
        "name": name,
        "category": "institution",
        "rank": "40",
        "basis": district.citing(),
    }
    return SetUpInstitution.model_validate(fields | more)


def renaming(district: District, who: str, name: str, day: date = AUGUST) -> RenameInstitution:
    """Give ``who`` another name."""
    return RenameInstitution(effective_on=day, institution=who, name=name, basis=district.citing())


def abolishing(district: District, who: str, day: date = SEPTEMBER) -> AbolishInstitution:
    """Abolish ``who``."""
    return AbolishInstitution(
        effective_on=day, institution=who, reason="机构改革", basis=district.citing()
    )


# ── setting up ───────────────────────────────────────────────────────────────────────────────


def test_an_institution_is_set_up() -> None:
    """It is in the books from its day on, not before."""
    district = District()
    fact = district.when(setting_up(district, credit_code="11310105688751434x")).then_one(SetUp)
    assert fact.credit_code == "11310105688751434X"
    row = district.row("institutions", fact.institution)
    assert (row.name, row.status, row.since) == ("区档案馆", "standing", DAY)
    assert district.row("institutions", fact.institution, on=date(2021, 6, 30)) is None


@pytest.mark.parametrize(
    ("rank", "level", "enough"),
    [
        (InstitutionRank.SUBSECTION, "district", True),
        (InstitutionRank.DEPUTY_SECTION, "district", False),
        (InstitutionRank.DEPUTY_SECTION, "city", True),
        (InstitutionRank.SECTION, "province", True),
        (InstitutionRank.DEPUTY_DIVISION, "city", False),
        (InstitutionRank.DEPUTY_DIVISION, "province", True),
    ],
)
def test_the_rank_says_who_must_have_decided(
    rank: InstitutionRank, level: Any, *, enough: bool
) -> None:
    """股级 within the district, 副科级 and up by the city, 副处级 and up by the province."""
    district = District()
    paper = district.document(level)
    district.when(setting_up(district, rank=rank, basis=district.citing(paper)))
    if enough:
        district.then(SetUp)
    else:
        district.refused_by(decided_at_the_right_level, rank.label, "级以上机关批准")


def test_nothing_is_set_up_without_a_document() -> None:
    """No new institution without a document, whatever its rank."""
    district = District()
    district.when(setting_up(district, basis=())).refused_by(
        decided_at_the_right_level, "请引用批准文件"
    )


def test_who_must_decide_is_a_setting_in_force_on_the_day() -> None:
    """Changed from August on, July is still judged by what held then."""
    district = District()
    paper = district.document("district")
    table = {rank.value: "district" for rank in InstitutionRank}
    district.given(ChangeSetting(effective_on=AUGUST, name="authority_by_rank", value=table))
    command = setting_up(district, rank="31", basis=district.citing(paper))
    district.when(command).refused_by(decided_at_the_right_level)
    district.when(command.model_copy(update={"effective_on": AUGUST})).then(SetUp)


def test_the_superior_must_stand() -> None:
    """On the day, and as an institution at all."""
    district = District()
    above = district.office(day=AUGUST)
    command = setting_up(district, superior=above)
    district.when(command).refused_by(institution_stands, "自2021-08-01起设立")
    district.when(setting_up(district, superior="0" * 16)).refused_by(institution_stands, "没有")
    district.when(command.model_copy(update={"effective_on": AUGUST})).then(SetUp)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "区 档案馆"}, "空格"),
        ({"credit_code": "113101056887514340"}, "校验码不符"),
        ({"credit_code": "1210"}, "18位"),
        ({"rank": "科长"}, "只能填写：.*31（正科）"),
    ],
)
def test_a_malformed_institution_is_not_a_command(wrong: dict[str, Any], said: str) -> None:
    """Bad input is refused before anything is decided, in the clerk's words."""
    with pytest.raises(ValidationError, match=said):
        setting_up(District(), **wrong)


def test_an_institution_of_the_earlier_books_is_taken_over_without_a_document() -> None:
    """What the books say of its approval is kept with it."""
    district = District()
    fact = district.when(
        TakeOverInstitution(
            effective_on=DAY,
            name="区司法局",
            category=InstitutionCategory.DEPARTMENT,
            rank=InstitutionRank.SECTION,
            approved_no="示编发〔2008〕1号",
            approved_on=date(2008, 3, 1),
        )
    ).then_one(TakenOver)
    at = str(district.appended[0].position)
    assert district.row("institution_changes", at).approved_no == "示编发〔2008〕1号"
    assert district.row("institutions", fact.institution).name == "区司法局"
    assert district.row("missing_basis", at) is None


# ── names ────────────────────────────────────────────────────────────────────────────────────


def test_no_two_institutions_bear_the_same_name() -> None:
    """The refusal names the entry that gave the name."""
    district = District()
    at = district.when(setting_up(district)).then(SetUp)[0].position
    for day in (date(2020, 1, 1), DAY, AUGUST):
        command = setting_up(district).model_copy(update={"effective_on": day})
        district.when(command).refused_by(name_is_unique_in_district, "区档案馆", at=[at])


def test_a_renamed_institution_keeps_its_id_and_frees_its_name() -> None:
    """Old days keep the old name; the freed name may be given again."""
    district = District()
    who = district.school("区档案馆")
    district.when(renaming(district, who, "区综合档案馆")).then(Renamed)
    assert district.last(Renamed).former_name == "区档案馆"
    assert district.row("institutions", who, on=DAY).name == "区档案馆"
    assert district.row("institutions", who, on=AUGUST).name == "区综合档案馆"
    district.when(setting_up(district, effective_on=AUGUST)).then(SetUp)
    directory = district.standings.of(Directory, DISTRICT)
    assert len(directory.holders("区档案馆", DAY)) == 2
    assert [t.who for t in directory.holders("区档案馆", DAY, AUGUST)] == [who]


def test_a_name_may_be_borne_late_for_as_long_as_it_was_free() -> None:
    """A renaming learnt late holds until the next one on record; only those days matter."""
    district = District()
    who = district.school("区档案馆")
    district.given(renaming(district, who, "区综合档案馆", OCTOBER))
    district.given(setting_up(district, name="区方志馆", effective_on=OCTOBER))
    district.when(renaming(district, who, "区方志馆", AUGUST)).then(Renamed)
    assert district.row("institutions", who, on=SEPTEMBER).name == "区方志馆"
    district.when(renaming(district, who, "区方志馆", date(2021, 11, 1))).refused_by(
        name_is_unique_in_district
    )


def test_a_renaming_changes_the_name() -> None:
    """The name it bears on that day is no other name."""
    district = District()
    who = district.school("区档案馆")
    district.when(renaming(district, who, "区档案馆")).refused_by(name_changes)


def test_two_names_are_exchanged_in_two_steps() -> None:
    """On one day, in the order of filing."""
    district = District()
    a, b = district.school("甲中心"), district.school("乙中心")
    district.given(renaming(district, a, "丙中心"), renaming(district, b, "甲中心"))
    district.given(renaming(district, a, "乙中心"))
    assert district.row("institutions", a, on=AUGUST).name == "乙中心"
    assert district.row("institutions", b, on=AUGUST).name == "甲中心"


def test_voiding_a_renaming_is_refused_when_the_name_was_given_on() -> None:
    """Two would bear it again: the refusal names the later one."""
    district = District()
    who = district.school("区档案馆")
    at = district.when(renaming(district, who, "区综合档案馆")).then(Renamed)[0].position
    later = district.when(setting_up(district, effective_on=AUGUST)).then(SetUp)[0].position
    district.when(district.voiding(at)).refused_by(
        later_entries_keep_their_footing, "区档案馆", at=[later]
    )


# ── abolishing ───────────────────────────────────────────────────────────────────────────────


def test_an_empty_institution_is_abolished() -> None:
    """It stays in the books as abolished, and nothing more happens to it."""
    district = District()
    who = district.school()
    district.when(abolishing(district, who)).then(Abolished)
    row = district.row("institutions", who, on=SEPTEMBER)
    assert (row.status, row.until) == ("abolished", SEPTEMBER)
    assert district.row("institutions", who, on=AUGUST).status == "standing"
    at = district.position(Abolished)
    for command in (
        abolishing(district, who, OCTOBER),
        renaming(district, who, "别名", OCTOBER),
        district.granting(who, 1, PUBLIC, OCTOBER),
    ):
        district.when(command).refused_by(institution_stands, "已于2021-09-01撤销", at=[at])


def test_nothing_happens_to_an_institution_before_it_is_set_up() -> None:
    """Nor to one that nobody knows."""
    district = District()
    who = district.school(day=AUGUST)
    district.when(abolishing(district, who, DAY)).refused_by(institution_stands)
    district.when(renaming(district, "Z" * 16, "别名")).refused_by(institution_stands, "没有")


def test_quota_or_people_left_behind_forbid_abolishing() -> None:
    """Granted quota goes back into the pool first; who is in the way is named."""
    district = District()
    who = district.school()
    district.quota(who, 2, PUBLIC)
    district.when(abolishing(district, who)).refused_by(account_is_empty, "核定2名")
    approval = district.approved(who, 1, PUBLIC, day=AUGUST)
    reserved = len(district.memory.entries)
    district.when(abolishing(district, who)).refused_by(
        account_is_empty, "已核准未入编1名", at=[reserved]
    )
    person = district.entered(who, approval, kind=PUBLIC, day=AUGUST)
    entered = len(district.memory.entries)
    district.when(abolishing(district, who)).refused_by(account_is_empty, "在编1名", at=[entered])
    district.given(
        district.leaving(person, SEPTEMBER),
        district.cutting(who, 2, PUBLIC, SEPTEMBER),
        abolishing(district, who, SEPTEMBER),
    )
    assert district.usage(who, PUBLIC, on=SEPTEMBER) == [0, 0, 0]


def test_what_is_granted_for_a_later_day_forbids_abolishing_before_it() -> None:
    """Every day from the abolishing on counts, and every kind."""
    district = District()
    who = district.school()
    district.quota(who, 2, PUBLIC, OCTOBER)
    district.when(abolishing(district, who)).refused_by(account_is_empty, "2021-10-01")
    office, other = district.office(), QuotaKind.POLITICAL_LEGAL
    district.quota(office, 2)
    district.quota(office, 1, other)
    district.given(district.cutting(office, 2))
    district.when(abolishing(district, office)).refused_by(account_is_empty, "政法专项编制核定1名")


def test_an_abolished_institution_gets_nothing_late_that_reaches_beyond_its_end() -> None:
    """Filed for a day on which it stood, the quota would still be there after it has gone."""
    district = District()
    who = district.school()
    district.given(
        SetCeiling(effective_on=DAY, quota_kind=PUBLIC, change=1), abolishing(district, who)
    )
    district.when(district.granting(who, 1, PUBLIC)).refused_by(
        later_entries_keep_their_footing, "机构不存在"
    )


def test_subordinates_forbid_abolishing() -> None:
    """They are placed elsewhere, or abolished, first."""
    district = District()
    above = district.office()
    below = district.when(setting_up(district, superior=above)).then_one(SetUp).institution
    district.when(abolishing(district, above)).refused_by(nobody_stands_under_it, "区档案馆")
    district.given(abolishing(district, below, OCTOBER))
    district.when(abolishing(district, above)).refused_by(
        later_entries_keep_their_footing, "区档案馆"
    )
    district.when(abolishing(district, above, OCTOBER)).then(Abolished)


def test_many_subordinates_are_named_and_counted() -> None:
    """A refusal stays readable."""
    district = District()
    above = district.office()
    for n in range(5):
        district.given(setting_up(district, name=f"第{n}中心", superior=above))
    district.when(abolishing(district, above)).refused_by(
        nobody_stands_under_it, "第0中心、第1中心、第2中心等5个机构"
    )


# ── footing ──────────────────────────────────────────────────────────────────────────────────


def test_a_setting_up_with_a_later_life_cannot_be_voided_alone() -> None:
    """Together with that life it can; and it can be corrected, under the same id."""
    district = District()
    who = district.school("区挡案馆")
    at = district.position(SetUp)
    renamed = district.when(renaming(district, who, "区综合档案馆")).then(Renamed)[0].position
    district.when(district.voiding(at)).refused_by(
        later_entries_keep_their_footing, "尚未设立", at=[renamed]
    )
    corrected = setting_up(district, name="区档案馆")
    district.when(district.correcting((at, corrected))).then(Voided, SetUp)
    assert district.last(SetUp).institution == who
    assert district.row("institutions", who, on=DAY).name == "区档案馆"
    assert district.row("institutions", who, on=DAY, known=renamed).name == "区挡案馆"
    district.when(district.voiding(renamed, district.position(SetUp))).then(Voided, Voided)
    assert district.rows("institutions") == {}


def test_an_abolishing_is_voided_and_life_goes_on() -> None:
    """What was filed in between is not there: nothing could be."""
    district = District()
    who = district.school()
    at = district.when(abolishing(district, who)).then(Abolished)[0].position
    district.when(district.voiding(at)).then(Voided)
    assert district.standings.of(Institution, who).stands_on(OCTOBER)
    district.when(renaming(district, who, "区中心小学")).then(Renamed)


def test_a_later_setting_up_of_an_earlier_entry_is_refused() -> None:
    """A correction may move the beginning, but not past what is on record."""
    district = District()
    who = district.school()
    at = district.position(SetUp)
    district.given(renaming(district, who, "区中心小学"))
    moved = setting_up(district, name="区实验小学", effective_on=SEPTEMBER)
    district.when(district.correcting((at, moved))).refused_by(
        later_entries_keep_their_footing, "尚未设立"
    )


def test_the_history_of_an_institution_tells_every_change() -> None:
    """机构沿革表: set up, quota granted, moved and cut, renamed, abolished."""
    district = District()
    who, other = district.school(), district.school("区第二小学")
    district.quota(who, 5, PUBLIC)
    district.given(
        TransferQuota(effective_on=AUGUST, giver=who, receiver=other, quota_kind=PUBLIC, number=2),
        district.cutting(who, 3, PUBLIC, AUGUST),
        renaming(district, who, "区中心小学"),
        abolishing(district, who),
    )
    lines = [
        (row.change, row.number)
        for row in district.rows("institution_changes", on=OCTOBER).values()
        if row.institution == who
    ]
    assert lines == [
        ("set_up", None),
        ("quota_granted", 5),
        ("quota_given", -2),
        ("quota_cut_back", -3),
        ("renamed", None),
        ("abolished", None),
    ]
    received = [
        row.number
        for row in district.rows("institution_changes", on=OCTOBER).values()
        if row.institution == other and row.change == "quota_received"
    ]
    assert received == [2]
