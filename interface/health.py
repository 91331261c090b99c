"""Whether the program and its database answer (健康检查): open to monitors, says nothing else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from interface.operations import Answer, Api, Asked, Operation
from interface.shown import answer


class Health(BaseModel):
    """The program answers and reaches its database."""

    status: Annotated[Literal["ok"], Field(title="状态")]
    version: Annotated[str, Field(title="程序版本")]


def add_routes(api: Api) -> None:
    """Add the route."""

    async def health(_: Asked) -> Response:
        await api.services.run(api.services.journal.head)
        return answer({"status": "ok", "version": api.services.version})

    api.add(
        "GET",
        "/health",
        health,
        Operation(
            summary="健康检查",
            tag="运行",
            open_to_all=True,
            answers=(Answer(200, "正常", Health),),
        ),
    )
