"""Finding a route: what we find is what FastAPI would, with the same parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from infrastructure.evidence_folder import EvidencePlaces
from infrastructure.office import Office
from interface.app import make_app
from interface.frame import Frame
from interface.routing import Routes
from tests.databases import MASTER_KEY


def _framed(app: FastAPI) -> Routes:
    """The routes that the application's frame was given."""
    kinds: dict[Any, Any] = {one.cls: one for one in app.user_middleware}
    found = kinds[Frame].kwargs["routes"]
    assert isinstance(found, Routes)
    return found


def test_every_route_of_the_application_is_found(empty_database: str, tmp_path: Path) -> None:
    """By an example of its path; and it is the one that FastAPI finds first."""
    places = EvidencePlaces(tmp_path / "evidence.key", tmp_path / "evidence")
    with Office(empty_database, MASTER_KEY, evidence=places) as office:
        app = make_app(office)
    (included,) = (one for one in app.routes if hasattr(one, "original_router"))
    routes = [one for one in included.original_router.routes if isinstance(one, APIRoute)]
    ours = _framed(app)
    assert len(routes) > 100
    for route in routes:
        path = route.path_format
        for name, convertor in route.param_convertors.items():
            example = "7" if convertor.regex == "[0-9]+" else "xlsx"
            path = path.replace(f"{{{name}}}", example)
        method = next(iter(route.methods or ()))
        scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "path_params": {}}
        first, params = next(
            (one, child["path_params"])
            for one in routes
            for matched, child in [one.matches(dict(scope))]
            if matched is Match.FULL
        )
        found = ours.find(method, path)
        assert found is not None, path
        assert (found.path, found.params) == (first.path, params)
        assert method in ours.methods(path)


async def _answer(_: Request) -> Response:
    return Response()


@pytest.mark.parametrize("path", ["/b", "/a/1/c", "/a/x", "/a//", "/a", "", "/a/1\n/c"])
def test_other_paths_are_not_found(path: str) -> None:
    """FastAPI says what is wrong with them."""
    routes = Routes()
    routes.add("GET", "/a/{one:int}", _answer)
    assert routes.find("GET", "/a/12") == ("/a/{one:int}", _answer, {"one": 12})
    assert routes.find("POST", "/a/12") is None
    assert routes.find("GET", path) is None
    assert routes.methods("/a/12") == ["GET"]
