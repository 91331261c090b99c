"""The closed lists: codes that never change, and every spelling leading to one of them."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel, ValidationError

from domain.code_sets import (
    CodeList,
    EntryMode,
    FundingForm,
    InstitutionCategory,
    InstitutionRank,
    LeaveReason,
    PersonClass,
    QuotaKind,
)
from domain.code_sets_adjusting import (
    AdjustmentKind,
    AdjustmentReason,
    ItemStatus,
    ListLevel,
)
from domain.code_sets_people import Education, Ethnicity, Gender, Politics
from domain.code_sets_rights import BasisLevel, BodyNature, PowerCategory, PowerLevel, PowerOrigin
from domain.code_sets_townships import ActingName, EvaluationResult, MatterDuty, MatterOrigin
from domain.laws import LawChange
from domain.text import compact

LISTS: tuple[type[CodeList], ...] = (
    *(QuotaKind, FundingForm, InstitutionRank, InstitutionCategory, PersonClass, EntryMode),
    *(LeaveReason, Gender, Politics, Education, Ethnicity),
    *(PowerCategory, PowerLevel, BasisLevel, BodyNature, PowerOrigin),
    *(ListLevel, ItemStatus, AdjustmentKind, AdjustmentReason, LawChange),
    *(MatterOrigin, MatterDuty, ActingName, EvaluationResult),
)

STORED = {
    "QuotaKind": "10 11 12 13 19 20 21 22 29 30 90",
    "FundingForm": "full partial self enterprise unassigned",
    "InstitutionRank": "11 12 21 22 31 32 40 41 42 90 99",
    "InstitutionCategory": (
        "party discipline congress conference court procuratorate democratic-party mass department "
        "special-direct direct managed coordinating temporary vertical dispatched township "
        "subdistrict other-organ institution institution-csl other"
    ),
    "PersonClass": "unit-chief unit-deputy inner-chief inner-deputy not-leading",
    "EntryMode": (
        "civil-service-exam internal-selection graduate-selection army-officer veteran transfer-in "
        "service-transfer open-recruitment talent function-move appointment allocation restored "
        "other"
    ),
    "LeaveReason": (
        "retired retired-early retired-veteran transferred-out resigned dismissed expelled "
        "contract-ended died declared-dead sentenced function-move abolished trial-failed "
        "entered-in-error other"
    ),
    "Gender": "1 2",
    "Politics": " ".join(f"{n:02d}" for n in range(1, 14)),
    "Education": "10 11 14 17 21 28 31 41 44 47 61 71 81 90",
    "Ethnicity": " ".join(f"{n:02d}" for n in range(1, 57)),
    "PowerCategory": "01 02 03 04 05 06 07 08 09 10 20",
    "PowerLevel": "state province city district township",
    "BasisLevel": (
        "constitution law state-decision admin-regulation local-regulation regulation "
        "department-rule local-rule rule party-regulation normative functions standard other"
    ),
    "BodyNature": "organ authorised entrusted",
    "ListLevel": "district township subdistrict",
    "ItemStatus": "listed frozen cancelled delegated taken-back merged split internal",
    "AdjustmentKind": (
        "add receive cancel delegate take-back transfer change merge split freeze restore "
        "reclassify internalise"
    ),
    "AdjustmentReason": (
        "add-1 add-2 add-3 add-4 can-1 can-2 can-3 can-4 chg-1 chg-2 chg-3 chg-4 chg-5"
    ),
    "LawChange": "promulgated revised amended",
    "MatterOrigin": "statutory handed-down empowered entrusted service",
    "MatterDuty": "basic cooperative taken-back",
    "ActingName": "township county",
    "EvaluationResult": "fit improve take-back",
    "PowerOrigin": "own delegated authorised empowered entrusted transferred merged split",
}
"""What may stand in the journal: codes are added at most, never taken away or given new sense."""


def test_every_list_is_known_here() -> None:
    """A new list is added to these tests."""
    assert set(CodeList.__subclasses__()) == set(LISTS)


@pytest.mark.parametrize("kind", LISTS)
def test_codes_are_for_ever(kind: type[CodeList]) -> None:
    """Codes are short ASCII and exactly those that were ever stored."""
    assert [one.value for one in kind] == STORED[kind.__name__].split()
    assert all(re.fullmatch(r"[0-9a-z-]{1,20}", one.value) for one in kind)


@pytest.mark.parametrize("kind", LISTS)
def test_no_spelling_leads_to_two_codes(kind: type[CodeList]) -> None:
    """Label, synonyms and code of a member find it, and no other member has them."""
    owners: dict[str, CodeList] = {}
    for one in kind:
        for spelling in {compact(text).lower() for text in (one, one.label, *one.synonyms)}:
            assert owners.setdefault(spelling, one) is one, spelling
            assert kind.from_text(spelling) is one
            assert kind.from_text(f" {spelling}\n") is one
    assert kind.title_zh
    assert kind.source


def test_labels_are_what_the_forms_say() -> None:
    """A few that must not slip, with the offices' short forms."""
    assert QuotaKind.from_text("政法编制") is QuotaKind.POLITICAL_LEGAL
    assert FundingForm.from_text("财政补助") is FundingForm.PARTIAL
    assert InstitutionRank.from_text("科级") is InstitutionRank.SECTION
    assert InstitutionRank.from_text("相当于正科级") is InstitutionRank.SECTION
    assert InstitutionRank.from_text("股级") is InstitutionRank.SUBSECTION
    assert InstitutionCategory.from_text("党委机构") is InstitutionCategory.PARTY
    assert InstitutionCategory.from_text("其他机关") is InstitutionCategory.OTHER_ORGAN
    assert EntryMode.from_text("公开招聘") is EntryMode.OPEN_RECRUITMENT
    assert LeaveReason.from_text("开除(辞退)") is LeaveReason.EXPELLED
    assert PersonClass.from_text("内设机构副职") is PersonClass.INNER_DEPUTY
    assert Politics.from_text("预备党员") is Politics.PROBATIONARY
    assert Education.from_text("大学") is Education.BACHELOR
    assert Ethnicity.from_text("汉") is Ethnicity.HAN
    assert Gender.from_text("女性") is Gender.FEMALE
    assert QuotaKind.from_text("") is None
    assert QuotaKind.from_text("公安编制") is None


def test_ethnic_groups_are_written_in_full() -> None:
    """Each label ends in 族, and the bare name is understood."""
    for one in Ethnicity:
        assert one.label.endswith("族")
        assert Ethnicity.from_text(one.label[:-1]) is one


def test_ranks_compare_from_the_highest_down() -> None:
    """Who may approve depends on it: at or above 副科 goes to the city."""
    assert InstitutionRank.DEPUTY_DIVISION <= InstitutionRank.DEPUTY_SECTION
    assert InstitutionRank.SECTION <= InstitutionRank.DEPUTY_SECTION
    assert not InstitutionRank.SUBSECTION <= InstitutionRank.DEPUTY_SECTION
    assert sorted(InstitutionRank) == list(InstitutionRank)


def test_every_reason_for_leaving_has_its_proof() -> None:
    """The six of the published procedure, and a document for each of the others."""
    assert all(one.proof for one in LeaveReason)
    assert LeaveReason.RETIRED.proof == "退休审批表（复印件）"
    assert "死亡证明" in LeaveReason.DIED.proof
    assert "调" in LeaveReason.TRANSFERRED_OUT.proof
    assert "辞职" in LeaveReason.RESIGNED.proof
    assert "解聘" in LeaveReason.CONTRACT_ENDED.proof
    assert "开除" in LeaveReason.EXPELLED.proof


def test_the_nearest_values_come_first() -> None:
    """For a message that helps: at most three, all of the list, the likeliest first."""
    assert FundingForm.nearest("全额拔款")[0] is FundingForm.FULL
    assert EntryMode.nearest("公开招考")[0] in {
        EntryMode.OPEN_RECRUITMENT,
        EntryMode.CIVIL_SERVICE_EXAM,
    }
    assert Education.nearest("党校大专")[0] is Education.COLLEGE
    assert QuotaKind.nearest("xyz", 2) == (QuotaKind.ADMINISTRATIVE, QuotaKind.POLITICAL_LEGAL)
    assert len(set(QuotaKind.nearest("编制"))) == 3


def test_a_stored_code_reads_back_and_the_api_says_what_it_means() -> None:
    """Facts store the bare code; OpenAPI lists code and label."""

    class Holder(BaseModel):
        kind: QuotaKind

    assert Holder(kind=QuotaKind.SCHOOL).model_dump_json() == '{"kind":"22"}'
    assert Holder.model_validate_json('{"kind":"22"}').kind is QuotaKind.SCHOOL
    with pytest.raises(ValidationError):
        Holder.model_validate_json('{"kind":"教师编制"}')
    schema = Holder.model_json_schema()["$defs"]["QuotaKind"]
    assert schema["title"] == "编制类型"
    assert "22（中小学教职工编制）" in schema["description"]
    assert schema["enum"] == STORED["QuotaKind"].split()
