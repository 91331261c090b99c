"""One body of every command as OpenAPI shows it: an afternoon in an invented office.

Every example is a valid body; the internal ids stand for those that earlier filings answered with,
and filed in this order with those, the first steps of a new office are refused by no rule. Tests
hold them to both. Names and numbers are invented.
"""

from __future__ import annotations

from typing import Any, Final

_ARCHIVE, _SCHOOL = "7Q2M4K8T0V6X1Z3B", "2B9D5F7H1J3K8M6N"
_PERSON, _APPROVAL, _PAPER = "4C8E6G2J5M1P9R3T", "9N3P7R1T5V8X2Z6B", "1F5H9K3M7Q2S6V0X"
_BASIS: Final = {"basis": [{"document": _PAPER, "item": "第二条"}]}
_ON: Final = {"effective_on": "2024-05-06"}
_SOMEBODY: Final = {"name": "张示范", "id_no": "130102199001010015"}
_POSTS: Final = {"quota_kind": "20", "number": 3}
_INSTITUTION: Final = {"name": "示范区档案馆", "category": "institution", "rank": "40"}
_ITEM, _ADJUSTMENT, _COMPILE = "5D7F9H1K3M5P7R9T", "3V5X7Z9B1D3F5H7K", "8A0C2E4G6J8M0P2R"
_TOWN, _ADMISSION, _MATTER = "6E8G0J2M4P6R8T0V", "1Q3S5V7X9Z1B3D5F", "0B2D4F6H8K0N2Q4S"
_PART: Final = {"compiling": _COMPILE, "department": _ARCHIVE}
_EDITION: Final = {
    "name": "2024年版",
    "approved_by": "government",
    "meeting": "区政府第28次常务会议",
    "channels": ["区政府门户网站"],
}
_SOURCE: Final = {"file": "2024年区农业农村局权责清单.xls", "sheet": "行政许可", "row": 4}
_CONTENT: Final = {
    "category": "01",
    "name": "农作物种子生产经营许可",
    "bases": [{"title": "中华人民共和国种子法", "level": "law", "articles": ["第三十一条"]}],
    "duties": [{"stage": "受理", "text": "公示依法应当提交的材料；一次性告知补正材料。"}],
    "liabilities": ["对符合法定条件的申请不予受理的；"],
    "handler": "种业科",
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "journal.open": {**_ON, "office": "示范区委机构编制委员会办公室", "purpose": "demonstration"},
    "journal.void": {"positions": [128], "reason": "同一文件重复登记"},
    "journal.correct": {
        "items": [
            {
                "position": 131,
                "command": {
                    "kind": "quotas.grant",
                    "body": {**_ON, "institution": _ARCHIVE, **_POSTS, **_BASIS},
                },
            }
        ],
        "reason": "数量录入有误，批复为3名",
    },
    "settings.change": {**_ON, "name": "late_filing_workdays", "value": 10},
    "calendar.announce": {
        "year": 2028,
        "holidays": ["2028-01-01", "2028-01-02", "2028-01-03"],
        "notices": ["国务院办公厅关于2028年部分节假日安排的通知"],
    },
    "documents.register": {
        "document_title": "关于设立示范区档案馆并核定编制的批复",
        "issuer": "示范市委机构编制委员会",
        "issuer_level": "city",
        "number": "示编〔2024〕12号",
        "issued_on": "2024-04-28",
        "grants": [{"measure": "approved", "kind": "20", "number": 3}],
    },
    "documents.supply-basis": {"position": 131, **_BASIS},
    "institutions.set-up": {**_ON, **_INSTITUTION, "funding": "full", **_BASIS},
    "institutions.take-over": {**_ON, **_INSTITUTION, "approved_no": "示编〔2009〕8号"},
    "institutions.rename": {**_ON, "institution": _SCHOOL, "name": "示范区第一小学", **_BASIS},
    "institutions.abolish": {**_ON, "institution": _SCHOOL, "reason": "职责划入区教育局", **_BASIS},
    "quotas.set-ceiling": {**_ON, "quota_kind": "20", "change": 30, **_BASIS},
    "quotas.grant": {**_ON, "institution": _ARCHIVE, **_POSTS, **_BASIS},
    "quotas.take-over": {**_ON, "institution": _ARCHIVE, **_POSTS},
    "quotas.cut-back": {
        **_ON,
        "institution": _ARCHIVE,
        **_POSTS,
        "reason": "改革收回",
        **_BASIS,
    },
    "quotas.transfer": {**_ON, "giver": _ARCHIVE, "receiver": _SCHOOL, **_POSTS, **_BASIS},
    "staffing.approve-use": {**_ON, "institution": _ARCHIVE, **_POSTS, **_BASIS},
    "staffing.cancel-use": {**_ON, "approval": _APPROVAL, "reason": "招录计划取消"},
    "staffing.register-person": {"particulars": _SOMEBODY},
    "staffing.change-person": {
        **_ON,
        "person": _PERSON,
        "phone": "0311-00000000",
        "reason": "号码变更",
    },
    "staffing.enter": {
        **_ON,
        "institution": _ARCHIVE,
        "quota_kind": "20",
        "entry_mode": "open-recruitment",
        "approval": _APPROVAL,
        "new_person": _SOMEBODY,
        "post_title": "馆员",
        **_BASIS,
    },
    "staffing.take-over": {
        **_ON,
        "institution": _ARCHIVE,
        "quota_kind": "20",
        "entered_on": "2012-07-01",
        "new_person": _SOMEBODY,
    },
    "staffing.transfer": {
        **_ON,
        "person": _PERSON,
        "institution": _SCHOOL,
        "quota_kind": "20",
        "approval": _APPROVAL,
        **_BASIS,
    },
    "staffing.leave": {**_ON, "person": _PERSON, "reason": "retired", **_BASIS},
    "opening.ceiling": {**_ON, "quota_kind": "20", "number": 1200},
    "opening.institution": {
        **_ON,
        **_INSTITUTION,
        "quotas": [{"quota_kind": "20", "number": 12}],
    },
    "opening.person": {
        **_ON,
        "unit": "示范区档案馆",
        "particulars": _SOMEBODY,
        "quota_kind": "20",
        "entered_on": "2012-07-01",
    },
    "rights.take-over": {**_ON, "department": _ARCHIVE, "content": _CONTENT},
    "rights.open": {
        **_ON,
        "department": "示范区档案馆",
        "content": _CONTENT,
        "source": _SOURCE,
    },
    "rights.record-changed": {**_ON, "item": _ITEM, "content": _CONTENT, "source": _SOURCE},
    "rights.record-removed": {**_ON, "item": _ITEM, "source": _SOURCE},
    "rights.apply": {
        **_ON,
        "department": _ARCHIVE,
        "trigger_on": "2024-04-28",
        "changes": [
            {"kind": "add", "reason": "add-1", "contents": [_CONTENT]},
            {
                "kind": "cancel",
                "reason": "can-1",
                "items": [_ITEM],
                "supervision": "纳入“双随机、一公开”抽查。",
            },
        ],
        **_BASIS,
    },
    "rights.review": {
        **_ON,
        "adjustment": _ADJUSTMENT,
        "stage": "office",
        "passed": True,
        "opinion": "依据充分，同意。",
    },
    "rights.approve": {
        **_ON,
        "adjustment": _ADJUSTMENT,
        "approved_by": "government",
        "meeting": "区政府第28次常务会议",
        **_BASIS,
    },
    "rights.publish-adjustment": {
        **_ON,
        "adjustment": _ADJUSTMENT,
        "channels": ["区政府门户网站"],
    },
    "rights.start-compile": {
        **_ON,
        "name": "2024年版",
        "departments": [_ARCHIVE],
        "drafts_due_on": "2024-06-30",
        **_BASIS,
    },
    "rights.draft-item": {**_ON, **_PART, "content": _CONTENT},
    "rights.withdraw-draft": {**_ON, **_PART, "item": _ITEM},
    "rights.submit-drafts": {**_ON, **_PART},
    "rights.return-drafts": {
        **_ON,
        **_PART,
        "reviewed_by": _SCHOOL,
        "comments": [{"item": _ITEM, "comment": "请补充责任事项依据。"}],
    },
    "rights.pass-drafts": {**_ON, **_PART, "reviewed_by": _SCHOOL},
    "rights.check-compile": {
        **_ON,
        "compiling": _COMPILE,
        "passed": True,
        "opinion": "依据合法有效。",
    },
    "rights.approve-compile": {
        **_ON,
        "compiling": _COMPILE,
        "approved_by": "government",
        "meeting": "区政府第28次常务会议",
        **_BASIS,
    },
    "rights.publish-edition": {**_ON, **_EDITION, "compiling": _COMPILE, **_BASIS},
    "rights.take-over-edition": {**_ON, **_EDITION},
    "rights.apply-admission": {
        **_ON,
        "department": _ARCHIVE,
        "townships": [_TOWN],
        "matters": ["村级档案管理检查"],
        "reason": "就近检查，方便群众。",
        "support": "每年安排工作经费五万元。",
        "opinions": [{"township": _TOWN, "agrees": True, "opinion": "同意承接。"}],
        **_BASIS,
    },
    "rights.decide-admission": {
        **_ON,
        "admission": _ADMISSION,
        "admitted": True,
        "decided_by": "both",
        "meeting": "区委常委会第12次会议",
        **_BASIS,
    },
    "rights.take-over-matter": {
        **_ON,
        "township": _TOWN,
        "name": "农村土地承包经营纠纷调解",
        "theme": "经济发展",
        "origin": "statutory",
        "duty": "basic",
        "acting": "township",
    },
    "rights.list-matter": {
        **_ON,
        "townships": [_TOWN],
        "name": "村级档案管理检查",
        "origin": "entrusted",
        "duty": "cooperative",
        "acting": "county",
        "items": [_ITEM],
        "lead_role": "制定计划，培训人员，受理复议。",
        "coop_role": "按计划检查，报送结果。",
        "deed": "示档委字〔2024〕1号",
        "until": "2026-05-06",
        "admission": _ADMISSION,
        **_BASIS,
    },
    "rights.hand-over-matters": {
        **_ON,
        "matters": [_MATTER],
        "team": "综合行政执法队",
        "certified": 3,
        **_BASIS,
    },
    "rights.evaluate-matters": {
        **_ON,
        "matters": [_MATTER],
        "result": "fit",
        "opinion": "人员、经费有保障，办理规范。",
    },
    "rights.take-back-matters": {
        **_ON,
        "matters": [_MATTER],
        "taken_back_by": _ARCHIVE,
        "mode": "由区档案馆派人到乡镇检查。",
        **_BASIS,
    },
    "rights.cancel-matters": {
        **_ON,
        "matters": [_MATTER],
        "reason": "设定依据废止。",
        **_BASIS,
    },
    "laws.register": {
        "law_title": "中华人民共和国种子法",
        "level": "law",
        "promulgated_on": "2021-12-24",
        "in_force_on": "2022-03-01",
        "change": "amended",
    },
    "laws.repeal": {**_ON, "law_title": "农药广告审查办法", "replaced_by": "农药管理条例"},
}
