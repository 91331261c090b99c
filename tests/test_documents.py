"""What entries rest on: documents registered, cited, supplied, used beyond what they grant."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from application.standings import later_entries_keep_their_footing
from domain.documents import (
    BasisSupplied,
    Document,
    DocumentRegistered,
    Grant,
    RegisterDocument,
    SupplyBasis,
    basis_is_still_missing,
    cited_document_is_registered,
    document_number_is_free,
    document_was_issued,
)
from domain.journal import Voided, entry_is_on_record, entry_still_stands
from domain.quotas import CeilingSet, Granted, SetCeiling
from domain.staffing_approvals import UseApproved
from domain.vocabulary import Citation
from tests.district import ADMINISTRATIVE, DAY, District

NUMBER = "示市编〔2021〕1号"


def registering(**more: Any) -> RegisterDocument:
    """Register the city's document NUMBER."""
    fields: dict[str, Any] = {
        "document_title": "关于编制的批复",
        "issuer": "示范市委编委",
        "issuer_level": "city",
        "number": NUMBER,
        "issued_on": date(2021, 6, 1),
    }
    return RegisterDocument.model_validate(fields | more)


def test_a_document_is_on_file_from_its_day_of_issue() -> None:
    """It is filed later, but it was issued then."""
    district = District()
    fact = district.when(registering()).then_one(DocumentRegistered)
    assert fact.number == NUMBER
    assert district.appended[0].effective_on == date(2021, 6, 1)
    assert district.row("documents", fact.document).title == "关于编制的批复"
    assert district.row("documents", fact.document, on=date(2021, 5, 31)) is None


def test_a_number_of_an_issuer_is_registered_once() -> None:
    """Another issuer may have the same number, and a document may have none."""
    district = District()
    first = district.when(registering()).then(DocumentRegistered)[0]
    district.when(registering()).refused_by(document_number_is_free, NUMBER, at=[first.position])
    district.when(registering(issuer="示范省委编委")).then(DocumentRegistered)
    district.when(registering(number=None)).then(DocumentRegistered)
    district.when(registering(number=None)).then(DocumentRegistered)


def test_a_document_of_a_day_to_come_is_a_slip_of_the_pen() -> None:
    """It would lie on file and be listed on no day before then."""
    district = District()
    tomorrow = district.today + timedelta(days=1)
    district.when(registering(issued_on=tomorrow)).refused_by(document_was_issued, "晚于今天")
    district.when(registering(issued_on=district.today)).then(DocumentRegistered)


def test_a_voided_number_is_free_again() -> None:
    """What was registered wrongly does not block the right document."""
    district = District()
    first = district.when(registering()).then(DocumentRegistered)[0]
    district.when(district.voiding(first.position)).then(Voided)
    district.when(registering()).then(DocumentRegistered)


def test_the_title_of_a_document_about_a_person_stands_apart() -> None:
    """It is personal, so it never appears where everybody reads titles."""
    district = District()
    who = district.entered(district_office(district))
    fact = district.when(registering(person=who)).then_one(DocumentRegistered)
    row = district.row("documents", fact.document)
    assert (row.title, row.personal_title) == (None, "关于编制的批复")
    assert f"person:{who}" in district.appended[0].tags


def district_office(district: District) -> str:
    """An office with quota."""
    who = district.office()
    district.quota(who, 5)
    return who


def test_only_registered_documents_are_cited() -> None:
    """Whatever the command is."""
    district = District()
    who = district_office(district)
    unknown = "0" * 15 + "Z"
    command = district.approving(who).model_copy(update={"basis": (Citation(document=unknown),)})
    district.when(command).refused_by(cited_document_is_registered, unknown)


def test_a_cited_document_cannot_be_voided_under_its_entries() -> None:
    """The refusal names the entries that rest on it."""
    district = District()
    who = district_office(district)
    paper = district.document()
    at = district.position(DocumentRegistered)
    command = district.approving(who).model_copy(update={"basis": (Citation(document=paper),)})
    approved = district.when(command).then(UseApproved)[0]
    district.when(district.voiding(at)).refused_by(
        later_entries_keep_their_footing, "以这份文件为依据", at=[approved.position]
    )
    district.when(district.voiding(approved.position, at)).then(Voided, Voided)
    assert district.standings.of(Document, paper).registered is None


def test_a_cited_document_is_corrected_under_the_same_id() -> None:
    """The entries that cite it go on citing it."""
    district = District()
    fact = district.when(registering()).then_one(DocumentRegistered)
    at = district.appended[0].position
    who = district.office()
    district.given(registering_grant(district, who, fact.document))
    corrected = registering(document_title="关于编制的批复（正确标题）")
    district.when(district.correcting((at, corrected))).then(Voided, DocumentRegistered)
    again = district.last(DocumentRegistered)
    assert again.document == fact.document
    assert district.appended[1].place == at
    assert district.row("documents", fact.document).title == "关于编制的批复（正确标题）"


def registering_grant(district: District, who: str, document: str) -> Any:
    """Approve the use of what ``who`` has, citing that document."""
    district.quota(who, 1)
    return district.approving(who).model_copy(
        update={"basis": (Citation(document=document, item="一"),)}
    )


# ── 依据待补 ─────────────────────────────────────────────────────────────────────────────────


def test_what_is_filed_without_a_basis_is_listed_until_it_is_supplied() -> None:
    """It counts as supplied from the entry's own day on, as known from now on."""
    district = District()
    who = district.office()
    district.quota(who, 1)
    bare = district.granting(who, 1).model_copy(update={"basis": ()})
    district.given(registering(), ceiling(district))
    at = district.when(bare).then(Granted)[0].position
    assert district.row("missing_basis", str(at)).fact == "quotas.granted"
    known = at

    paper = district.last(DocumentRegistered).document
    supplying = SupplyBasis(position=at, basis=district.citing(paper))
    entry = district.when(supplying).then(BasisSupplied)[0]
    assert entry.effective_on == DAY
    assert district.row("missing_basis", str(at)) is None
    assert district.row("missing_basis", str(at), known=known) is not None
    assert district.row("institution_changes", str(at)).document == paper
    district.when(supplying).refused_by(basis_is_still_missing, at=[entry.position])


def ceiling(district: District) -> Any:
    """Raise the ceiling by one."""
    return SetCeiling(
        effective_on=DAY, quota_kind=ADMINISTRATIVE, change=1, basis=district.citing()
    )


def test_a_basis_is_supplied_only_where_one_is_missing() -> None:
    """Not where one is cited, none is needed, nothing is on record, or it has been voided."""
    district = District()
    who = district.office()
    district.quota(who, 1)
    cited = district.position(Granted)
    no_need = district.position(DocumentRegistered)
    for at in (cited, no_need):
        command = SupplyBasis(position=at, basis=district.citing())
        district.when(command).refused_by(basis_is_still_missing, at=[at])
    district.when(SupplyBasis(position=99, basis=district.citing())).refused_by(
        entry_is_on_record, "99"
    )
    district.given(district.voiding(cited))
    district.when(SupplyBasis(position=cited, basis=district.citing())).refused_by(
        entry_still_stands
    )
    with pytest.raises(ValidationError, match="依据文件"):
        SupplyBasis(position=1)


def test_a_supplied_basis_outlives_a_correction_to_a_later_day() -> None:
    """The correction keeps the place, and with it what was supplied for it."""
    district = District()
    who = district.office()
    district.quota(who, 2)
    district.given(district.cutting(who, 1))
    at = district.appended[0].position if district.appended else len(district.memory.entries)
    district.given(SupplyBasis(position=at, basis=district.citing()))
    later = district.cutting(who, 1, day=date(2021, 7, 3))
    district.given(district.correcting((at, later)))
    assert district.row("missing_basis", str(at)) is None
    assert district.row("institution_changes", str(at)).document == district.paper


# ── 文件使用情况 ─────────────────────────────────────────────────────────────────────────────


def test_a_document_used_beyond_what_it_grants_is_seen() -> None:
    """Granted 3 of a kind, used for 4: one over. The pool only passes quota on."""
    district = District()
    grant = Grant(measure="approved", kind=ADMINISTRATIVE, number=3)
    paper = district.when(registering(grants=[grant])).then_one(DocumentRegistered).document
    who = district.office()
    district.quota(who, 10)
    district.given(district.cutting(who, 10))
    for n in (3, 1):
        command = district.granting(who, n)
        district.given(command.model_copy(update={"basis": district.citing(paper)}))
    use = district.sums("document_use")
    assert use[paper, "approved", "10"] == {"cited": 0, "granted": 3, "used": 4}
    assert use[paper, "", ""]["cited"] == 2
    assert use[district.paper, "ceiling", "10"]["used"] == 10
    district.given(district.voiding(district.position(Granted)))
    assert district.sums("document_use")[paper, "approved", "10"]["used"] == 3


def test_a_document_drawn_on_by_what_no_grant_names_is_counted_too() -> None:
    """What the document does not say it grants shows as used without a grant."""
    district = District()
    who = district.office()
    district.quota(who, 2)
    district.approved(who, 2)
    use = district.sums("document_use")
    assert use[district.paper, "reserved", "10"] == {"cited": 0, "granted": 0, "used": 2}
    assert isinstance(district.last(CeilingSet), CeilingSet)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "ABC"},
        {"issuer_level": "village"},
        {"issued_on": "1850-01-01"},
        {"document_title": " "},
        {"grants": [{"measure": "approved", "kind": "10", "number": 0}]},
    ],
)
def test_a_malformed_document_is_not_a_command(wrong: dict[str, Any]) -> None:
    """Bad input is refused before anything is decided."""
    with pytest.raises(ValidationError):
        registering(**wrong)
