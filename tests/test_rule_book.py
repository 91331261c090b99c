"""Every rule is seen refusing, and every fact happens, in some story."""

from __future__ import annotations

import re
from pathlib import Path

from application.books import FACTS, RULES

STORIES = Path(__file__).parent
OWN = ("domain.journal", "domain.documents", "domain.institutions", "domain.quotas")
STAFFING = ("domain.staffing",)
RIGHTS = ("domain.laws", "domain.rights")


def told() -> str:
    """The text of every story."""
    texts = [path.read_text("utf-8") for path in sorted(STORIES.glob("test_*.py"))]
    assert len(texts) > 10
    return "\n".join(texts)


def test_every_rule_is_seen_refusing() -> None:
    """A rule that never refuses in a story may not refuse at all."""
    contexts = OWN + STAFFING + RIGHTS
    rules = [name for name, rule in RULES.items() if rule.check.__module__.startswith(contexts)]
    assert len(rules) >= 30
    refusing = set(re.findall(r"refused_by\(\s*(\w+)", told()))
    assert set(rules) - refusing == set()


def test_every_fact_happens_in_a_story() -> None:
    """By its class, in what a story expects."""
    contexts = (*OWN, "domain.settings", *STAFFING, *RIGHTS)
    facts = [f.__name__ for f in FACTS.values() if f.__module__.startswith(contexts)]
    assert len(facts) >= 20
    expected = " ".join(re.findall(r"then(?:_one)?\(([^)]*)\)", told()))
    assert [name for name in facts if not re.search(rf"\b{name}\b", expected)] == []
