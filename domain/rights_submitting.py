"""What a department does when a list is compiled (部门起草、报送).

It drafts items one by one, writes them anew, takes them back, and submits the whole when every one
of them is complete. What has been submitted lies still until it comes back.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.deciding import DatedCommand, Decision, Hindrance, Past, rule
from domain.rights import require_department, require_item
from domain.rights_catalogue import heading_of
from domain.rights_codes import require_codes
from domain.rights_compiling import (
    Compilation,
    CompileId,
    DepartmentId,
    DraftsSubmitted,
    Part,
    department_is_in_the_scope,
)
from domain.rights_content import ItemContent
from domain.rights_drafting import (
    Drafts,
    DraftWithdrawn,
    ItemDrafted,
    draft_lies_in_the_folder,
    draft_name_is_free,
    drafts_are_complete,
    folder_digest,
    folder_of,
    lacking,
)
from domain.rights_effects import item_belongs_to_the_department
from domain.vocabulary import InternalId

# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def drafts_are_open(compilation: Compilation, department: str) -> bool | Hindrance:
    """已报送的草稿在退回之前不得改动，已审定的清单不得改动。

    依据：各地权责清单管理办法关于逐轮审核的规定。
    """
    if compilation.approved is not None:
        return Hindrance("该清单已经审定。", (compilation.approved_at,))
    part = compilation.parts.get(department, Part())
    if part.state in ("drafting", "returned"):
        return True
    return Hindrance(f"该部门第{part.round}轮草稿已经报送。", (part.position,))


@rule
def something_is_drafted(n_drafts: int) -> bool | Hindrance:
    """报送的草稿不能是空的。依据：各地权责清单管理办法关于部门自查报送的规定。"""
    return n_drafts > 0 or Hindrance("该部门还没有草稿。")


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class _OfDrafts(DatedCommand):
    compiling: CompileId
    department: DepartmentId

    def open_folder(self, past: Past) -> Drafts:
        """Require that the department may work on its drafts; return them."""
        compilation = past.of(Compilation, self.compiling)
        past.require(department_is_in_the_scope, compilation, self.department)
        past.require(drafts_are_open, compilation, self.department)
        return past.of(Drafts, folder_of(self.compiling, self.department))


class DraftItem(_OfDrafts, kind="rights.draft-item", title="起草权责事项"):
    """Draft a new item, write a draft anew, or draft another text for an item on the list."""

    item: Annotated[
        InternalId | None, Field(title="事项或草稿（系统内编号）", description="新事项不填")
    ] = None
    content: Annotated[ItemContent, Field(title="事项内容")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        drafts = self.open_folder(past)
        level = require_department(self.department, self.effective_on, past)
        line = None if self.item is None else drafts.line(self.item)
        revises = self.item is not None and (line is None or line.revises)
        former: tuple[ItemContent, ...] = ()
        if self.item is not None and revises:
            now = require_item(self.item, self.effective_on, past)
            past.require(item_belongs_to_the_department, now, self.department)
            former = (now.content,)
        day = self.effective_on
        require_codes(self.content, self.department, day, past, former, ahead=True)
        heading = heading_of(level, self.content)
        past.require(draft_name_is_free, drafts, heading, self.item or "")
        yield ItemDrafted(
            compiling=self.compiling,
            department=self.department,
            item=self.item or past.new_id(),
            level=level,
            content=self.content,
            revises=revises,
        )


class WithdrawDraft(_OfDrafts, kind="rights.withdraw-draft", title="撤回草稿"):
    """Take a draft out of the folder."""

    item: Annotated[InternalId, Field(title="草稿（系统内编号）")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(draft_lies_in_the_folder, self.open_folder(past), self.item)
        yield DraftWithdrawn(compiling=self.compiling, department=self.department, item=self.item)


class SubmitDrafts(_OfDrafts, kind="rights.submit-drafts", title="报送清单草稿"):
    """Submit a department's drafts for review."""

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        lines = self.open_folder(past).lines()
        past.require(something_is_drafted, len(lines))
        told = tuple(lacking((line.heading, line.gaps) for line in lines))
        past.require(drafts_are_complete, told)
        part = past.of(Compilation, self.compiling).parts[self.department]
        yield DraftsSubmitted(
            compiling=self.compiling,
            department=self.department,
            round=part.round + 1,
            items=len(lines),
            digest=folder_digest(lines),
        )
