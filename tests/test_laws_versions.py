"""What a published list says of a version, and which version on record it means."""

from __future__ import annotations

from datetime import date

import pytest

from domain.laws_versions import Verdict, compared, said_of


@pytest.mark.parametrize(
    ("version", "promulgated", "verdict"),
    [
        ("2015年11月4日修订，2016年1月1日起施行", date(2015, 11, 4), "same"),
        ("2015年11月4日修订，2016年1月1日起施行", date(2021, 12, 24), "older"),
        # Adopted by the State Council, promulgated some days or weeks later.
        ("2003年11月12日国务院令第393号", date(2003, 11, 24), "same"),
        ("2016年1月13日通过", date(2016, 2, 6), "same"),
        ("2013年5月31日国务院令第638号修订", date(2013, 7, 18), "same"),
        # A month or a year counts to its last day, and from its first.
        ("2004年5月通过，自2004年7月1日起施行，2016年2月第二次修订", date(2016, 2, 6), "same"),
        ("2015年8月修订通过，自2016年1月1日起施行，2018年修正", date(2018, 10, 26), "same"),
        ("2016年7月修正", date(2017, 6, 27), "older"),
        ("2016年国务院令第666号修订", date(2014, 2, 19), "newer"),
        # A day without 日 is a slip of the pen: the month is believed.
        ("2003年8月通过，2019年4月2修正", date(2019, 4, 23), "same"),
        ("通过，根据2024\n年9月13日第十四届全国人大常委会修正", date(2024, 9, 13), "same"),
        ("１９９１年９月４日，２０１２年10月26日修正", date(2012, 10, 26), "same"),
        ("2019-03-02修订", date(2019, 3, 24), "same"),
        # The day of coming into force alone shows an older version, never a newer one.
        ("自2014年6月1日起施行", date(2020, 12, 21), "older"),
        ("自2022年3月1日起施行", date(2021, 12, 24), "same"),
        ("2002年2月1日施行，2020年11月29日第五次修订", date(2016, 2, 6), "newer"),
        ("2019年13月45日修订", date(2021, 1, 22), "same"),
        ("第三次修正", date(2021, 1, 22), "same"),
        ("", date(2021, 1, 22), "same"),
    ],
)
def test_the_version_meant_is_told_from_what_lists_really_say(
    version: str, promulgated: date, verdict: Verdict
) -> None:
    """Days, months, years; adoption, promulgation, coming into force; with slips of the pen."""
    assert compared(said_of(version), promulgated) == verdict


@pytest.mark.parametrize(
    ("version", "undated"),
    [
        ("2011年12月20日公布，根据国务院令第676号、698号、709号修订", True),
        ("1987年2月1日发布，国务院令第666号修订", True),
        ("1997年11月1日通过，2011年4月22日主席令第46号修正", False),
        ("1996年3月17日主席令第63号发布", False),
    ],
)
def test_amendments_by_number_alone_are_noticed(version: str, *, undated: bool) -> None:
    """A number beside its day is no gap."""
    assert said_of(version).undated is undated
