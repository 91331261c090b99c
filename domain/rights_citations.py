"""The text of a legal basis (实施依据) → the documents it cites, each with its articles.

    【法律】《种子法》（2021年修正）↵ 第三十一条：从事种子进出口业务的……
     level    title      version      article   ── quoted ──

Lists print the kind of document in brackets, number the documents, do neither, leave out a mark,
or put everything on one line. An article counts where it heads a paragraph or a sentence of its
own, or follows the title; one that the quoted text mentions (违反本法第八条规定的) is no citation,
and neither is a form or a permit named at the head of a line. What names no document is given back
in ``unread``: nothing is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from domain.code_sets_rights import BasisLevel
from domain.rights_content import LegalBasis
from domain.text import compact

_NUMBER: Final = r"[一二三四五六七八九十百零〇○\d]+"
ARTICLE: Final = (
    rf"第\s*{_NUMBER}\s*(?:条(?:之{_NUMBER})?|章|节)"
    rf"(?:\s*第\s*{_NUMBER}\s*款)?(?:\s*第?\s*[(（]?{_NUMBER}[)）]?\s*[项目])?"
)
_ARTICLES: Final = rf"{ARTICLE}(?:\s*(?:[、，,；;和及与至到]|以及)?\s*{ARTICLE})*"
_ONE_ARTICLE = re.compile(ARTICLE)
_PLAIN_ARTICLE = re.compile(rf"第{_NUMBER}条(之{_NUMBER})?")
_HEAD = re.compile(
    rf"(?:^|\n)[^\S\n]*(?:[(（]?\d{{1,2}}[)）.．、]\s*)?(?:文件?|中的?)?({_ARTICLES})"
    rf"|(?<=[。；;”…])[^\S\n]*({ARTICLE})(?:[、和及与]\s*第?[(（]?{_NUMBER}[)）]?[款项])*(?=[:：\s])"
)
"""Where articles are cited: at the head of a line, or of a sentence that quotes them."""

_LABEL: Final = r"[【\[［〖]\s*([^【】\[\]［］〖〗\d]{1,14}?)\s*[】\]］〗]\s*[:：]?"
_NUMBERING: Final = r"(?:[(（]?(?:\d{1,2}|[一二三四五六七八九十]{1,3})[)）]?\s*[.．、:：]?\s*)?"
_LINE: Final = rf"(?:^|(?<=\n))[^\S\n]*{_NUMBERING}"
_START = re.compile(
    rf"{_LABEL}|{_LINE}(?:([“”\u4e00-\u9fff]{{2,8}})\s*[:：]\s*(?=《)|(?=(?:[\u4e00-\u9fff]*实施)?《))"
)
_KINDS: Final = (
    r"(?:法|条例|规定|办法|细则|决定|通知|意见|规则|规程|方案|制度|规范|公告|批复|纲要|规划)"
)
_UNMARKED = re.compile(
    rf"{_LINE}([\u4e00-\u9fff、〈〉<>“”]{{1,60}}?{_KINDS})(?=\s*(?:[（(第]|\n|$))"
)
_HALF_MARKED = re.compile(r"[（(〈<]?([^《》（(）)\n]{2,80})》")
_SECOND_HALF = re.compile(
    r"\s*((?:实施细则|实施办法|实施条例|实施规定|实施意见|若干规定|补充规定|办法|规定)?)》?"
)
_IMPLEMENTING = re.compile(r"[\u4e00-\u9fff]*实施")
_VERSION_WORDS = re.compile(r"[0-9〇一二三四五六七八九十]{1,4}年|令第?|号|通过|修订|修正|施行|公布")
_AFTER_A_TITLE = re.compile(
    rf"\s*(?:的(?:通知|决定|公告|意见|批复))?\s*"
    rf"(?:$|\n|[(（]|文?{ARTICLE}|[12][0-9]{{3}}年|[\u4e00-\u9fff]{{1,10}}[〔【\[][12][0-9]{{3}})"
)
_TYPED_MARKS = re.compile(r"<<([^<>\n]+)>>")
_CLOSING: Final = {"《": "》", "（": "）"}
_LONGEST_NOTE: Final = 1000
_ROUND: Final = str.maketrans("()", "（）")


@dataclass(frozen=True, slots=True)
class BasesRead:
    """What a text cites, and the pieces of it that name no document."""

    bases: tuple[LegalBasis, ...] = ()
    unread: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def read_bases(text: str) -> BasesRead:
    """Read the documents a text cites, in their order; the rows of a list repeat their texts."""
    bases, unread = [], []
    for level, piece in _pieces(_TYPED_MARKS.sub(r"《\1》", tidy(text))):
        basis = _basis(level, piece)
        if basis is None:
            unread.append(piece)
        else:
            bases.append(basis)
    return BasesRead(tuple(bases), tuple(unread))


def tidy(text: str) -> str:
    """Return ``text`` with the spaces of every line closed up and empty lines gone."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def whole_articles(articles: tuple[str, ...]) -> tuple[str, ...]:
    """Return the articles alone, without 款 and 项 and each once; chapters are none."""
    found = (_PLAIN_ARTICLE.match(one) for one in articles)
    return tuple(dict.fromkeys(one.group() for one in found if one))


# ── where a document begins ──────────────────────────────────────────────────────────────────


def _pieces(text: str) -> Iterator[tuple[BasisLevel | None, str]]:
    """Cut the text before every document: its printed level, and what follows.

    A level on a line of its own holds for the documents below it.
    """
    starts = _starts(text)
    edges = [*(one.start() for one in starts), len(text)]
    if edges[0]:
        yield None, text[: edges[0]].strip()
    above: BasisLevel | None = None
    for one, end in zip(starts, edges[1:], strict=True):
        piece = text[one.end() : end].strip()
        label = _level(one)
        if not piece:
            above = label
        else:
            above = None if label else above
            yield label or above, piece


def _starts(text: str) -> list[re.Match[str]]:
    starts = [one for one in _START.finditer(text) if _begins_a_document(one)]
    if starts or "《" in text:
        return starts
    return [m for one in _UNMARKED.finditer(text) if (m := _before(one))]


def _before(unmarked: re.Match[str]) -> re.Match[str] | None:
    """Return the empty match in front of a document without marks."""
    return re.compile("").match(unmarked.string, unmarked.start(1))


def _level(start: re.Match[str]) -> BasisLevel | None:
    label = next((one for one in start.groups() if one), None)
    return BasisLevel.from_text(label) if label else None


def _begins_a_document(start: re.Match[str]) -> bool:
    """Tell a document's head from brackets inside a sentence, or a title that begins one."""
    text, label = start.string, start.group(1)
    if label is not None:
        before = text[: start.start()].rstrip(" ")
        return _level(start) is not None or not before or before.endswith("\n")
    if start.group(2) is not None:
        return _level(start) is not None
    found = _marked(text[start.end() :])
    return found is not None and _AFTER_A_TITLE.match(found[1]) is not None


# ── title, version, articles ─────────────────────────────────────────────────────────────────


def _basis(level: BasisLevel | None, piece: str) -> LegalBasis | None:
    found = _marked(piece) or _unmarked(piece)
    if found is None:
        return None
    title, rest = found
    version, rest = _version(rest)
    return LegalBasis(
        title=title,
        level=level,
        articles=_articles(rest),
        version=version or None,
        quoted=rest or None,
    )


def _marked(piece: str) -> tuple[str, str] | None:
    """Return the title in marks at the head of a piece, and what follows it."""
    line_end = piece.find("\n") % (len(piece) + 1)
    opening = piece.find("《", 0, line_end)
    half = _HALF_MARKED.match(piece)
    if half:
        return _closed_up(half.group(1)), piece[half.end() :]
    if opening < 0 or _ONE_ARTICLE.search(piece, 0, opening):
        return None
    end = _closing(piece, opening)
    inner = piece[opening + 1 : end] if end else _cut(piece[opening + 1 :])
    rest = piece[end + 1 :] if end else piece[opening + 1 + len(inner) :]
    lead = _IMPLEMENTING.fullmatch(piece[:opening].strip())
    second = _SECOND_HALF.match(rest)
    if second and (second.group(1) or second.group().endswith("》")):
        rest = rest[second.end() :]
        inner = f"{lead.group()}〈{inner}〉{second.group(1)}" if lead else inner + second.group(1)
    title = _closed_up(inner)
    return (title, rest) if title else None


def _unmarked(piece: str) -> tuple[str, str] | None:
    found = _UNMARKED.match(piece)
    return (_closed_up(found.group(1)), piece[found.end() :]) if found else None


def _closed_up(title: str) -> str:
    """Return a title without the line breaks that a narrow column put into it."""
    return re.sub(r"\s+", "", title)


def _closing(text: str, opening: int) -> int | None:
    """Return where the mark that opens at ``opening`` closes, inner ones counted.

    Where inner marks are not closed, the first closing mark of the line serves.
    """
    mark, close, depth = text[opening], _CLOSING[text[opening]], 0
    for at in range(opening, len(text)):
        depth += (text[at] == mark) - (text[at] == close)
        if depth == 0:
            return at
        if text[at] == "\n" and _HEAD.match(text, at):
            break
    first = text.find(close, opening, text.find("\n", opening) % (len(text) + 1))
    return first if first >= 0 else None


def _cut(text: str) -> str:
    """Return what may be a title at the head of a text whose mark is never closed."""
    return re.split(rf"[（(\n:：]|{ARTICLE}", text, maxsplit=1)[0]


def _version(rest: str) -> tuple[str, str]:
    """Split what follows a title into the note on its version and the rest."""
    rest = re.sub(r"^\s*的(通知|公告|决定|意见|批复)", "", rest).lstrip(" \n，,。")
    notes: list[str] = []
    while rest[:1] in ("（", "("):
        end = _closing(rest[:_LONGEST_NOTE].translate(_ROUND), 0)
        if end is None:
            break
        notes.append(rest[1:end].strip())
        rest = rest[end + 1 :].lstrip(" ，,。\n")
    words = re.split(rf"\n|{ARTICLE}", rest, maxsplit=1)[0]
    if not notes and _VERSION_WORDS.search(words):
        notes.append(words.strip(" ，,。:：;；（("))
        rest = rest[len(words) :]
    return "；".join(one for one in notes if one), rest.strip()


def _articles(rest: str) -> tuple[str, ...]:
    heads = (one.group(1) or one.group(2) for one in _HEAD.finditer(rest))
    found = (compact(one) for head in heads for one in _ONE_ARTICLE.findall(head))
    return tuple(dict.fromkeys(found))
