"""Who may do what (访问控制): roles, their rights, and the answers a login can get.

    account (账号) ──logs in──► session (会话) ──has──► roles ──grant──► rights

Duties are kept apart as such offices are asked to keep them (三员分立): who manages accounts
files no business, who audits changes nothing, and who prepared a filing never approves it.

Staff of a department (部门人员) are guests here: their account belongs to an institution, and they
draft and read what is its own. Everything else is closed to them unless it is opened by name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final, Protocol

from domain.codes import told


class Role(StrEnum):
    """What an account may be used for."""

    CLERK = "clerk"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    DEPARTMENT = "department"


ROLE_TITLES: Final = {
    Role.CLERK: "经办人",
    Role.REVIEWER: "审核人",
    Role.AUDITOR: "审计人员",
    Role.ADMINISTRATOR: "系统管理员",
    Role.DEPARTMENT: "部门人员",
}


class Right(StrEnum):
    """One thing that a role allows; the value is what a refused person is told."""

    FILE = "办理业务"
    DECIDE = "审核他人提交的业务"
    READ = "查阅台账和流水"
    UNMASK = "查看未隐去的个人信息"
    INSPECT = "查阅访问记录"
    MANAGE = "管理账号"
    DRAFT_OWN = "起草、报送本部门的权责清单"
    READ_OWN = "查阅本部门的权责清单和草稿"


RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    Role.CLERK: frozenset({Right.FILE, Right.READ, Right.UNMASK}),
    Role.REVIEWER: frozenset({Right.DECIDE, Right.READ, Right.UNMASK}),
    Role.AUDITOR: frozenset({Right.READ, Right.UNMASK, Right.INSPECT}),
    Role.ADMINISTRATOR: frozenset({Right.READ, Right.MANAGE}),
    Role.DEPARTMENT: frozenset({Right.DRAFT_OWN, Right.READ_OWN}),
}

ALONE: Final = frozenset({Role.AUDITOR, Role.ADMINISTRATOR, Role.DEPARTMENT})
"""Roles that stand alone in an account; the others may be combined."""

PASSWORD_LENGTH: Final = 10
"""Fewest characters of a password."""

PASSWORD_BYTES: Final = 256
"""Longest password in UTF-8: longer ones would only keep the hash function busy."""


class AccountProblem(Exception):
    """An account cannot be changed as asked; the message says why, in Chinese."""

    def __init__(self, code: str, detail: str) -> None:
        """Refuse with a stable ``code`` and a sentence for the person at the screen."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


class WrongLogin(Exception):
    """Account name and password do not fit (which of them is not said)."""


class Slowed(Exception):
    """Too many wrong logins: nothing is checked for another ``seconds`` seconds."""

    def __init__(self, seconds: int) -> None:
        """Ask for patience."""
        super().__init__(f"{seconds} s")
        self.seconds = seconds


@dataclass(frozen=True)
class Account:
    """An account as the administrator sees it; accounts are never deleted, only disabled.

    ``institution`` is the internal id of the institution whose staff it is for (部门人员).
    """

    name: str
    display_name: str
    roles: tuple[Role, ...]
    created_at: datetime
    disabled_at: datetime | None
    must_change: bool
    last_login_at: datetime | None
    institution: str | None = None


@dataclass(frozen=True)
class Session:
    """Somebody who has logged in. ``must_change``: a new password comes before all else.

    ``institution`` as in `Account`.
    """

    name: str
    display_name: str
    roles: tuple[Role, ...]
    expires_at: datetime
    must_change: bool
    institution: str | None = None

    def may(self, right: Right) -> bool:
        """Whether one of the roles grants the right."""
        return any(right in RIGHTS[role] for role in self.roles)


@dataclass(frozen=True)
class Reading:
    """One reading of personal data, as kept in the access log (访问记录).

    ``what`` is the ledger's or journal's name, ``question`` what was asked without any personal
    value in it, ``rows`` how many rows went out, ``unmasked`` whether personal values did.
    """

    actor: str
    what: str
    question: dict[str, Any]
    rows: int
    unmasked: bool
    position: int
    valid_on: date | None = None


@dataclass(frozen=True)
class Export(Reading):
    """One export (导出): a reading that left as a file, with its secrecy grade (密级)."""

    format: str = ""
    secrecy: str = ""


class AccessLog(Protocol):
    """Where readings and exports are kept before the answer leaves."""

    def note(self, reading: Reading) -> None:
        """Keep a reading or an export; durable when this returns."""
        ...


def checked_roles(roles: Iterable[str]) -> tuple[Role, ...]:
    """Return the roles in a fixed order.

    Raises:
        AccountProblem: there is none, one is unknown, or duties would not be kept apart.
    """
    asked = set(roles)
    unknown = sorted(asked - set(Role))
    if unknown or not asked:
        named = f"不认识角色“{unknown[0]}”。" if unknown else "至少要有一个角色。"
        raise AccountProblem("account.roles", f"{named}可用的角色：{told(ROLE_TITLES)}。")
    found = tuple(role for role in Role if role in asked)
    if len(found) > 1 and ALONE & set(found):
        titles = "、".join(ROLE_TITLES[role] for role in found if role in ALONE)
        raise AccountProblem("account.roles", f"{titles}须单独设置账号，不得与其他角色合用。")
    return found


def check_institution(roles: Sequence[Role], institution: str | None) -> None:
    """Check that an account belongs to an institution just where its role needs one.

    Raises:
        AccountProblem: it names none and needs one, or names one that it has no use for.
    """
    title = ROLE_TITLES[Role.DEPARTMENT]
    if Role.DEPARTMENT in roles and institution is None:
        raise AccountProblem("account.institution", f"{title}的账号须写明所属机构。")
    if Role.DEPARTMENT not in roles and institution is not None:
        raise AccountProblem("account.institution", f"只有{title}的账号写所属机构。")


def checked_password(password: str, name: str) -> str:
    """Return the password in the form that is hashed (NFC).

    Raises:
        AccountProblem: it is too short, too long or too easily guessed.
    """
    text = unicodedata.normalize("NFC", password)
    if len(text) < PASSWORD_LENGTH:
        raise AccountProblem("account.password", f"密码至少要有 {PASSWORD_LENGTH} 个字符。")
    if len(text.encode()) > PASSWORD_BYTES:
        raise AccountProblem("account.password", f"密码过长，不能超过 {PASSWORD_BYTES} 个字节。")
    if name.casefold() in text.casefold():
        raise AccountProblem("account.password", "密码中不能包含账号名。")
    if _is_monotonous(text):
        raise AccountProblem(
            "account.password", "密码过于简单：请不要使用重复或连续的字符，不同的字符至少 5 个。"
        )
    return text


def _is_monotonous(text: str) -> bool:
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return len(set(text)) < 5 or (len(steps) == 1 and steps <= {-1, 1})  # noqa: PLR2004  (as the message says)


def role_titles(roles: Sequence[Role]) -> str:
    """Return the roles as an office writes them: 经办人、审核人."""
    return "、".join(ROLE_TITLES[role] for role in roles)
