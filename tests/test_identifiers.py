"""Numbers that identify: the standards' own vectors, public bodies' real codes, and the laws."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.identifiers import (
    CreditCode,
    DocumentNumber,
    IdProblem,
    credit_code_check,
    document_number,
    organisation_code_check,
    parse_credit_code,
    parse_organisation_code,
    parse_resident_id,
    resident_id_check,
)
from tests.shared_data import shared, shared_rows


def vectors(name: str, at_least: int) -> list[dict[str, str]]:
    """Return the published vectors of that file."""
    return shared_rows("data", "institutions", name, at_least=at_least)


def code_of(number: str | float) -> str:
    """Return the problem's code, or ``ok``."""
    try:
        parse_resident_id(number)
    except IdProblem as problem:
        return problem.code
    return "ok"


births = st.dates(date(1800, 1, 1), date(2099, 12, 31))
divisions = st.from_regex(r"[1-9][0-9]{5}", fullmatch=True)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Valid resident ID numbers of any division, day and sequence."""
    sequence = draw(st.integers(0, 999))
    first17 = f"{draw(divisions)}{draw(births):%Y%m%d}{sequence:03d}"
    return first17 + resident_id_check(first17)


@pytest.mark.parametrize("row", vectors("resident_id_library_test_vectors.csv", 19))
def test_resident_id_vectors(row: dict[str, str]) -> None:
    """What public test suites hold valid by number is valid; divisions are never looked up."""
    expected = {
        "invalid: 格式": "not_digits",
        "invalid: 日期": "impossible_birth_date",
        "invalid: 校验位": "bad_check_digit",
        "invalid": "bad_check_digit",
        "invalid(伪造)": "bad_check_digit",
    }.get(row["expected"], "ok")
    assert code_of(row["id"]) == expected
    if row["birth"]:
        assert parse_resident_id(row["id"]).birth_date == date.fromisoformat(row["birth"])


@pytest.mark.parametrize(
    ("number", "sex", "division", "born"),
    [
        ("11010519491231002X", "女", "110105", date(1949, 12, 31)),
        ("440524188001010014", "男", "440524", date(1880, 1, 1)),
        ("130406198701226543", "女", "130406", date(1987, 1, 22)),
    ],
)
def test_a_number_tells_sex_division_and_birth_date(
    number: str, sex: str, division: str, born: date
) -> None:
    """The examples of GB 11643-1999 and one of a division abolished since."""
    read = parse_resident_id(number)
    assert (read.number18, read.sex, read.division, read.birth_date) == (
        number,
        sex,
        division,
        born,
    )


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "id_missing"),
        ("11010519491231002", "id_short"),
        ("1101051949123100", "id_short"),
        ("1101051949123100X", "id_short"),
        ("11010549123100", "id_short"),
        ("11010549123100X", "not_digits"),
        ("110105194912310020X", "id_long"),
        ("X10105194912310020", "not_digits"),
        ("1101051949123100２X", "not_digits"),
        ("110105********002X", "id_masked"),
        ("130406198701226000", "id_ruined_by_excel"),
        ("1.30406E+17", "id_ruined_by_excel"),
        ("1.30406198701226e17", "id_ruined_by_excel"),
        (1.30406198701226e17, "id_ruined_by_excel"),
        (1e15, "id_ruined_by_excel"),
        (12.5, "not_digits"),
        (float("inf"), "not_digits"),
        (-130406870122654.0, "not_digits"),
        ("110105194902290020", "impossible_birth_date"),
        ("110105179912310020", "impossible_birth_date"),
        ("110105210001010020", "impossible_birth_date"),
        ("110105000001010020", "impossible_birth_date"),
        ("110105871301002", "impossible_birth_date"),
        ("110105180001010027", "bad_check_digit"),
        ("110105209912310020", "bad_check_digit"),
    ],
)
def test_each_fault_has_its_own_problem(number: str | float, code: str) -> None:
    """A clerk reads what is wrong, not only that something is."""
    with pytest.raises(IdProblem, match=r"[身号]") as caught:
        parse_resident_id(number)
    assert caught.value.code == code


def test_a_genuine_number_that_ends_in_000_is_no_victim_of_excel() -> None:
    """Such people exist: only a failing check character, or a numeric cell, betrays Excel."""
    assert parse_resident_id("130207198002236000").number18 == "130207198002236000"
    assert code_of("130207198002237000") == "id_ruined_by_excel"
    assert code_of(130207198002236000.0) == "id_ruined_by_excel"


def test_a_problem_never_repeats_the_number() -> None:
    """Messages may end up in logs, which never hold personal data."""
    for number in ("130406198701226544", "13040619870122654", "130406198713226543"):
        with pytest.raises(IdProblem) as caught:
            parse_resident_id(number)
        assert number[6:14] not in caught.value.message
        assert caught.value.message == str(caught.value)
        assert "身份证号" in caught.value.message


def test_fifteen_digits_become_eighteen_also_from_a_numeric_cell() -> None:
    """The old number had no century and no check character."""
    for old in ("431389760616601", 431389760616601.0):
        assert parse_resident_id(old).number18 == "431389197606166012"


@settings(deadline=None)
@given(numbers())
def test_a_number_read_is_the_number_written(number: str) -> None:
    """Reading changes nothing, in either case of the X."""
    assert parse_resident_id(number).number18 == number
    assert parse_resident_id(number.lower()).number18 == number
    assert parse_resident_id(number).birth_date == date.fromisoformat(number[6:14])
    assert (parse_resident_id(number).sex == "男") == (number[16] in "13579")


@settings(deadline=None)
@given(numbers().filter(lambda number: number[6:8] == "19"))
def test_the_old_form_of_a_number_leads_to_the_same_person(number: str) -> None:
    """15 → 18 restores what 18 → 15 dropped."""
    assert parse_resident_id(number[:6] + number[8:17]).number18 == number


@settings(deadline=None)
@given(numbers(), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number: str, place: int, shift: int) -> None:
    """MOD 11-2 finds every single wrong digit."""
    wrong = str((int(number[place]) + shift) % 10)
    assert code_of(number[:place] + wrong + number[place + 1 :]) != "ok"


@settings(deadline=None)
@given(numbers(), st.integers(0, 15))
def test_two_digits_swapped_are_always_noticed(number: str, place: int) -> None:
    """… and every swap of neighbours."""
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or code_of(swapped) != "ok"


# -------------------------------------------------------------------------- codes of institutions


@pytest.mark.parametrize(
    "row",
    [
        *vectors("uscc_library_test_vectors_valid.csv", 200),
        *vectors("uscc_public_bodies_valid.csv", 100),
    ],
    ids=lambda row: row["uscc"],
)
def test_real_credit_codes_hold(row: dict[str, str]) -> None:
    """Codes that were really given, and their parts where the source names them."""
    read = parse_credit_code(row["uscc"])
    assert read.code == row["uscc"]
    if "登记机关区划码" in row:
        assert read.division == row["登记机关区划码"]
        assert read.department + read.category == row["前两位"]
        assert read.organisation_code_holds == (row["组织机构代码校验(GB11714)"] == "ok")


@pytest.mark.parametrize(
    "row", vectors("uscc_invalid_or_suspect.csv", 30), ids=lambda row: row["uscc"]
)
def test_wrong_credit_codes_are_refused_for_their_own_reason(row: dict[str, str]) -> None:
    """Length, character or check character; and what the code inside would have said."""
    said = row["USCC校验结果"]
    expected = {"长度": "credit_code_length", "ch": "credit_code_character"}.get(
        said[:2], "credit_code_bad_check"
    )
    with pytest.raises(IdProblem) as caught:
        parse_credit_code(row["uscc"])
    assert caught.value.code == expected
    inner = row["组织机构代码校验结果"]
    if expected == "credit_code_bad_check" and inner:
        code = row["uscc"][8:17]
        assert (organisation_code_check(code[:8]) == code[8]) == (inner == "ok")


def test_a_real_code_whose_inner_code_fails_is_reported_not_refused() -> None:
    """Some codes were given with an organisation code that fails its own check."""
    shared("data", "institutions")
    codes = [row["uscc"] for row in vectors("uscc_library_test_vectors_valid.csv", 200)]
    assert sum(not parse_credit_code(code).organisation_code_holds for code in codes) == 1


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("1131010568875143４X", "credit_code_character"),
        ("113101O5688751434X", "credit_code_character"),
        ("11310A05688751434X", "credit_code_character"),
        ("I1310105688751434X", "credit_code_character"),
        ("11310105688751434Y", "credit_code_bad_check"),
        ("", "credit_code_length"),
    ],
)
def test_a_letter_where_a_digit_belongs_is_named(code: str, problem: str) -> None:
    """Places 3 to 8 are a division; I, O, S, V, Z are used nowhere."""
    with pytest.raises(IdProblem, match="统一社会信用代码") as caught:
        parse_credit_code(code)
    assert caught.value.code == problem


@pytest.mark.parametrize("place", range(1, 19))
def test_a_forbidden_letter_is_named_with_its_place(place: int) -> None:
    """Places 3 to 8 are digits, a letter elsewhere may be any of the thirty-one."""
    code = "11310105688751434X"
    with pytest.raises(IdProblem) as caught:
        parse_credit_code(code[: place - 1] + "I" + code[place:])
    assert f"第{place}位是“I”" in caught.value.message
    assert ("应为数字" in caught.value.message) == (3 <= place <= 8)
    with pytest.raises(IdProblem) as caught:
        parse_credit_code(code[: place - 1] + "A" + code[place:])
    assert (caught.value.code == "credit_code_character") == (3 <= place <= 8)


def test_a_credit_code_comes_apart() -> None:
    """The published example, typed in small letters."""
    assert parse_credit_code("11310105688751434x") == CreditCode(
        code="11310105688751434X",
        department="1",
        category="1",
        division="310105",
        organisation_code="688751434",
        organisation_code_holds=True,
    )


@settings(deadline=None)
@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17), st.data())
def test_one_wrong_character_of_a_credit_code_is_always_noticed(
    body: str, data: st.DataObject
) -> None:
    """The weights are powers of 3 modulo the prime 31, so no single error cancels out."""
    first17 = body[:2] + "130400" + body[8:]
    code = first17 + credit_code_check(first17)
    assert parse_credit_code(code).code == code
    place = data.draw(st.integers(0, 17))
    other = data.draw(st.sampled_from("0123456789").filter(lambda one: one != code[place]))
    with pytest.raises(IdProblem):
        parse_credit_code(code[:place] + other + code[place + 1 :])


@pytest.mark.parametrize(
    "row",
    vectors("org_codes_guangdong_departments_valid.csv", 43),
    ids=lambda row: row["组织机构代码9位"],
)
def test_real_organisation_codes_hold(row: dict[str, str]) -> None:
    """With and without the hyphen, in either case."""
    code = row["组织机构代码9位"]
    assert parse_organisation_code(code) == code
    assert parse_organisation_code(f"{code[:8]}-{code[8]}".lower()) == code


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("006939757", "org_code_bad_check"),
        ("00693975", "org_code_malformed"),
        ("0069397566", "org_code_malformed"),
        ("0069397-56", "org_code_malformed"),
        ("00693975A", "org_code_malformed"),
        ("0069397中6", "org_code_malformed"),
    ],
)
def test_wrong_organisation_codes_are_refused(code: str, problem: str) -> None:
    """Nine characters, the last a check."""
    with pytest.raises(IdProblem, match="组织机构代码") as caught:
        parse_organisation_code(code)
    assert caught.value.code == problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("示编发〔2008〕12号", DocumentNumber("示编发", 2008, 12)),
        ("示编办字A〔1998〕1号", DocumentNumber("示编办字A", 1998, 1)),
        ("示编发[2008]12号", None),
        ("示编发〔08〕12号", None),
        ("示编发〔2008〕12", None),
        ("〔2008〕12号", None),
        ("会议纪要第3期", None),
        ("示编发〔2008〕12号附件", None),
    ],
)
def test_document_numbers_of_the_usual_form_come_apart(
    text: str, expected: DocumentNumber | None
) -> None:
    """Anything else is unusual, not wrong: old documents vary."""
    assert document_number(text) == expected
