"""Pages that are kept: only under the same choice of editions, and never more than fits."""

from __future__ import annotations

from typing import Any

from interface.rights_shown import Kept, Page


def _scope(path: str, query: bytes = b"") -> dict[str, Any]:
    return {"path": path, "query_string": query}


def test_a_page_is_kept_while_the_editions_are_the_same() -> None:
    """Another choice of editions is another frame around every page."""
    kept, first, second = Kept(), object(), object()
    page = Page(b"one", '"1"')
    kept.put(_scope("/a"), first, page)
    assert kept.get(_scope("/a"), first) is page
    assert kept.get(_scope("/a", b"word=x"), first) is None
    assert kept.get(_scope("/a"), second) is None
    kept.put(_scope("/b"), second, page)
    assert kept.get(_scope("/a"), first) is None
    assert kept.get(_scope("/b"), second) is page


def test_what_was_asked_for_longest_ago_leaves_first() -> None:
    """Counted in bytes; a page that is kept anew counts once."""
    kept, choice = Kept(10), object()
    for path in ("/a", "/b", "/b"):
        kept.put(_scope(path), choice, Page(b"1234", '"1"'))
    assert kept.get(_scope("/a"), choice)
    kept.put(_scope("/c"), choice, Page(b"1234", '"1"'))
    assert [path for path in ("/a", "/b", "/c") if kept.get(_scope(path), choice)] == ["/a", "/c"]
    kept.put(_scope("/d"), choice, Page(b"12345678901", '"1"'))
    assert not any(kept.get(_scope(path), choice) for path in ("/a", "/c", "/d"))
