"""Reading personal data: who may see it unmasked."""

from __future__ import annotations

from application.access import Right
from interface.asking import Param
from interface.operations import Asked
from interface.problems import Problem
from interface.services import Services

UNMASKED = Param(
    "unmasked",
    "完整个人信息：true 表示显示；须有相应权限，每次查看都留有访问记录",
    "boolean",
    default=False,
)


async def may_unmask(services: Services, asked: Asked) -> bool:
    """Return whether personal values are asked for; raises a 403 `Problem` where they may not be.

    The role must have the right at all, and the office's setting ``unmasked_roles`` must name it.
    """
    if not asked.query["unmasked"]:
        return False
    if not await _sees_all(services, asked):
        raise Problem("access.denied", "您的账号没有查看完整个人信息的权限，只能查看隐去后的内容。")
    return True


async def _sees_all(services: Services, asked: Asked) -> bool:
    roles = await services.setting("unmasked_roles")
    return asked.session.may(Right.UNMASK) and not set(roles).isdisjoint(asked.session.roles)


async def may_search(services: Services, asked: Asked) -> None:
    """Raise a 403 `Problem` unless the caller may see what is searched for or sorted by.

    Who may not read a value must not find it out by asking for it.
    """
    if not await _sees_all(services, asked):
        raise Problem("access.denied", "您的账号没有按个人信息查询或排序的权限。")
