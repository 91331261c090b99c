"""Finding a route: by method and path, without trying every other route first.

    /api/ledgers/roster                plain   one look into a mapping
    /qingdan/{edition}/{item}          shaped  by method, number of parts and what stands before the
                                               first parameter, the longest first

FastAPI has every route too, for its description of the API and for what we do not find; it tries
them one after the other, which takes longer than answering.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.convertors import Convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

Endpoint = Callable[[Request], Awaitable[Response]]


class Found(NamedTuple):
    """A route that a path leads to: as declared, what answers, and the path's parameters."""

    path: str
    endpoint: Endpoint
    params: dict[str, Any]


class _Shaped(NamedTuple):
    path: str
    endpoint: Endpoint
    match: Callable[[str], Any]
    convertors: dict[str, Convertor[Any]]


class Routes:
    """The routes of the application."""

    def __init__(self) -> None:
        """Begin with none."""
        self._plain: dict[tuple[str, str], Endpoint] = {}
        self._shaped: dict[tuple[str, int, str], list[_Shaped]] = {}
        self._methods: set[str] = set()

    def add(self, method: str, path: str, endpoint: Endpoint) -> None:
        """Add a route; of two that fit a path, the first wins, as with FastAPI."""
        self._methods.add(method)
        if "{" not in path:
            self._plain[method, path] = endpoint
            return
        before = path.partition("{")[0].rpartition("/")[0]
        regex, _, convertors = compile_path(path)
        shaped = _Shaped(path, endpoint, regex.match, convertors)
        self._shaped.setdefault((method, path.count("/"), before), []).append(shaped)

    def find(self, method: str, path: str) -> Found | None:
        """Return the route of a path, or None."""
        plain = self._plain.get((method, path))
        if plain is not None:
            return Found(path, plain, {})
        n, before = path.count("/"), path
        while before:
            before = before.rpartition("/")[0]
            for one in self._shaped.get((method, n, before), ()):
                match = one.match(path)
                if match:
                    given = match.groupdict()
                    params = {name: one.convertors[name].convert(v) for name, v in given.items()}
                    return Found(one.path, one.endpoint, params)
        return None

    def methods(self, path: str) -> list[str]:
        """Return every method of a path, in alphabetical order."""
        return sorted(method for method in self._methods if self.find(method, path))
