"""The domain (业务): what the establishment office knows, decides and remembers.

Nothing here knows a clock, a database, a file or a network: only the standard library and
pydantic. What every context speaks with stands in `vocabulary` and `deciding`; each context of the
office's work is one file that reads from top to bottom as its story. Beside them stands plain
knowledge that no event changes:

    text.py                 text as typed on a Chinese keyboard, for comparing
    code_sets*.py           the closed lists (编制类型, 机构规格, 民族 …): code, label, synonyms
    identifiers.py          公民身份号码, 统一社会信用代码, 组织机构代码, 文号 and their checks
    cells*.py               one spreadsheet cell as an office types it → a value, or a problem
    book_headings.py        which columns the office's books have, under which names
    headings.py             finding them on a sheet, and telling data rows from the rest
    workdays.py             working days and counting with them
    workdays_announced.py   the days off that the State Council announced
"""
