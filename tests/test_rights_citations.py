"""Legal bases as lists print them: marked, numbered, half-marked, on one line, without any mark."""

from __future__ import annotations

import pytest

from domain.code_sets_rights import BasisLevel
from domain.rights_citations import read_bases, whole_articles


def cited(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return titles and whole articles."""
    return [(one.title, whole_articles(one.articles)) for one in read_bases(text).bases]


def test_a_basis_has_level_version_articles_and_text() -> None:
    """The usual shape, quoted text kept line by line."""
    (basis,) = read_bases(
        "【法律】《中华人民共和国种子法》（2000年7月8日通过，2021年12月24日修正）\n"
        "    第三十一条第二款：从事种子进出口业务的……\n    第五十三条：农作物……"
    ).bases
    assert basis.level is BasisLevel.LAW
    assert basis.title == "中华人民共和国种子法"
    assert basis.version == "2000年7月8日通过，2021年12月24日修正"
    assert basis.articles == ("第三十一条第二款", "第五十三条")
    assert basis.quoted == "第三十一条第二款：从事种子进出口业务的……\n第五十三条：农作物……"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.《甲条例》第五条、第七条。\n2.《乙办法》（国发〔2020〕5号）第十条", 2),
        ("《甲条例》第五条\n《乙办法》第十条", 2),
        ("【法律】\n1、《甲条例》第五条\n2、《乙办法》第十条", 2),
        ("法律：《甲条例》第五条\n部门规章：《乙办法》第十条", 2),
        ("［法规］《甲条例》第五条［规章］《乙办法》第十条", 2),
        ("甲条例第五条\n乙办法（2020年修订）\n第十条：……", 2),
    ],
)
def test_several_documents_are_told_apart(text: str, expected: int) -> None:
    """However they are listed."""
    found = cited(text)
    assert len(found) == expected
    assert found[0][0] == "甲条例"
    assert "第五条" in found[0][1]
    assert found[1] == ("乙办法", ("第十条",))


def test_a_level_on_its_own_line_holds_for_the_documents_below() -> None:
    """【法律】 above a numbered list speaks of them all."""
    read = read_bases("【法律】\n1.《甲法》第五条\n2.《乙法》第十条\n【规章】《丙办法》第一条")
    assert [one.level for one in read.bases] == [BasisLevel.LAW, BasisLevel.LAW, BasisLevel.RULE]


@pytest.mark.parametrize(
    "text",
    [
        "【规章】《甲办法》\n第五条：违反本办法第八条规定，按照《乙法》第九条处罚。",
        "【规章】《甲办法》第五条：下列材料：\n（一）《申请表》；\n《乙证书》内容真实的。",
        "【规章】《甲办法》（某政发【2020】53号）第五条：……",
        "【规章】《甲办法（2020年\n第五条：……",
        "【规章】甲办法》（2020年）\n第五条：……",
        "【规章】（甲办法》（2020年）\n第五条：……",
        "【规章】【规章】《甲办法》\n第五条：……",
        "【规章】<<甲办法>>第五条：……",
        "【规章】《甲\n办法》\n第五条：……",
    ],
)
def test_only_what_is_cited_counts(text: str) -> None:
    """Neither what the quoted text mentions nor a form, a permit or a year in brackets."""
    assert cited(text) == [("甲办法", ("第五条",))]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("《某省实施〈中华人民共和国甲法〉办法》第五条", "某省实施〈中华人民共和国甲法〉办法"),
        (
            "【法规】某省实施《中华人民共和国甲法》办法（1991年）",
            "某省实施〈中华人民共和国甲法〉办法",
        ),
        ("【规章】《甲条例》实施细则（2020年）", "甲条例实施细则"),
        ("【规范性文件】关于印发《甲方案》的通知（某政发〔2021〕5号）", "甲方案"),
        ("《关于印发〈甲方案〉的通知》（某政发〔2021〕5号）", "关于印发〈甲方案〉的通知"),
    ],
)
def test_titles_within_titles(text: str, title: str) -> None:
    """Implementing rules, forwarded plans and the like keep their whole title."""
    assert [one for one, _ in cited(text)] == [title]


def test_articles_that_follow_a_sentence() -> None:
    """A second article quoted in the same paragraph counts, one mentioned in it does not."""
    text = (
        "《甲法》\n第五条：违反第九条的，罚款。第二十一条：不得违反第七条。第八条第一款和第二款：……"
    )
    assert cited(text) == [("甲法", ("第五条", "第二十一条", "第八条"))]


def test_what_names_no_document_is_given_back() -> None:
    """Nothing is dropped."""
    read = read_bases("按照上级有关要求办理\n【法律】《甲法》第五条")
    assert read.unread == ("按照上级有关要求办理",)
    assert [one.title for one in read.bases] == ["甲法"]
    assert read_bases("根据上级要求").unread == ("根据上级要求",)
    assert read_bases("  \n ") == read_bases("")
    assert read_bases("").bases == ()
