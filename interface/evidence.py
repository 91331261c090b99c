"""Evidence (存证) over HTTP: checkpoints, proofs, and the tree's tiles, all as files to be kept.

    /api/evidence                              where it stands
    /api/evidence/checkpoint · /keys · /tile/… a log as C2SP tlog-tiles describes it
    /api/evidence/checkpoints/{size}           a checkpoint as it was signed
    /api/evidence/entries/{position}/proof     the proof of one entry (.tlog-proof)
    /api/evidence/consistency                  an older checkpoint's journal begins a newer one's

Every proof has been verified before it leaves. Nothing personal is in any of it but sealed.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.access import Export, Right
from application.evidence import Signed
from domain.evidence import TILE_WIDTH, Tile
from interface.asking import Param
from interface.operations import Answer, Api, Asked, Operation
from interface.problems import Problem
from interface.shown import answer, moment

TAG: Final = "存证"
TEXT: Final = "text/plain; charset=utf-8"
BINARY: Final = "application/octet-stream"

_LARGEST: Final = 2**53 - 1
_TILE_NUMBER: Final = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_POSITION: Final = Param("position", "流水号", "integer", place="path", example=1)


# ── what OpenAPI says of them ────────────────────────────────────────────────────────────────


class CheckpointShown(BaseModel):
    """A checkpoint: so many entries, with this root."""

    size: Annotated[int, Field(title="条数")]
    root: Annotated[str, Field(title="根散列", description="Base64")]
    at: Annotated[datetime, Field(title="签发时刻")]
    link: Annotated[str, Field(title="签名文本的地址")]


class Checkpoints(BaseModel):
    """Checkpoints, the newest first."""

    checkpoints: Annotated[list[CheckpointShown], Field(title="检查点")]
    next: Annotated[str | None, Field(title="下一页地址")]


class EvidenceShown(BaseModel):
    """Where the evidence stands."""

    origin: Annotated[str, Field(title="来源", description="本单位流水在检查点中的名称")]
    position: Annotated[int, Field(title="查询时的最后流水号")]
    newest: Annotated[CheckpointShown | None, Field(title="最新检查点")]
    outside: Annotated[int, Field(title="外存文件夹中最新检查点的条数", description="0 表示没有")]
    keys: Annotated[list[str], Field(title="在用的公钥")]
    trouble: Annotated[str | None, Field(title="未能签发检查点的原因")]


class ConsistencyShown(BaseModel):
    """That one checkpoint's journal is the beginning of another's (RFC 6962 §2.1.2)."""

    old: Annotated[str, Field(title="较早的检查点（签名文本）")]
    new: Annotated[str, Field(title="较晚的检查点（签名文本）")]
    hashes: Annotated[list[str], Field(title="一致性证明", description="散列值，Base64")]


# ── routes ───────────────────────────────────────────────────────────────────────────────────


def add_routes(api: Api) -> None:
    """Add the evidence's routes."""
    desk = _Desk(api)
    for path, handler, operation in (
        ("", desk.state, _STATE),
        ("/checkpoint", desk.newest, _NEWEST),
        ("/checkpoints", desk.page, _PAGE),
        ("/checkpoints/{size}", desk.one, _ONE),
        ("/keys", desk.keys, _KEYS),
        ("/entries/{position}", desk.entry, _ENTRY),
        ("/entries/{position}/proof", desk.proof, _PROOF),
        ("/consistency", desk.consistency, _CONSISTENCY),
        ("/tile/{level}/{number:path}", desk.tile, _TILE),
    ):
        api.add("GET", f"/api/evidence{path}", handler, operation)


def _operation(
    summary: str, shown: Answer, *params: Param, description: str = "", unknown: bool = True
) -> Operation:
    return Operation(
        summary=summary,
        tag=TAG,
        description=description,
        right=Right.READ,
        params=params,
        answers=(shown,),
        problems=("evidence.unknown", "evidence.unavailable")[0 if unknown else 1 :],
    )


_STATE = _operation("存证状态", Answer(200, "当前状态", EvidenceShown), unknown=False)
_NEWEST = _operation(
    "最新检查点",
    Answer(200, "签名文本", files=("text/plain",)),
    description="C2SP tlog-checkpoint。请定期另存一份到别处："
    "只有另存的检查点能发现流水被截断或恢复成旧副本。",
)
_PAGE = _operation(
    "检查点清单",
    Answer(200, "检查点，最新的在前", Checkpoints),
    Param("before", "只查条数小于此数的（翻页用）", "integer"),
    Param("limit", "每页个数", "integer", default=50, maximum=500),
    unknown=False,
)
_ONE = _operation(
    "指定条数的检查点",
    Answer(200, "签名文本", files=("text/plain",)),
    Param("size", "条数", "integer", place="path", example=1),
)
_KEYS = _operation(
    "核验检查点用的公钥",
    Answer(200, "每行一把，先停用的在前", files=("text/plain",)),
    description="核验人应从单位公布的渠道取得公钥，并与此处核对。",
    unknown=False,
)
_ENTRY = _operation(
    "一条流水的原始内容",
    Answer(200, "存储的字节，一个不多一个不少", files=(BINARY,)),
    _POSITION,
    description="散列值即由这些字节算出。个人信息是密封的。",
)
_PROOF = _operation(
    "一条流水的存证证明",
    Answer(200, "C2SP tlog-proof 文本，附记录原始内容", files=("text/plain",)),
    _POSITION,
    Param("size", "以哪个检查点为准（条数）;默认为最新的", "integer"),
    description="用 verify.py 核验，不需要数据库和网络。尚无检查点包含这条记录的，先签发一个。",
)
_CONSISTENCY = _operation(
    "两个检查点的一致性证明",
    Answer(200, "证明", ConsistencyShown),
    Param("old", "较早的检查点条数", "integer", example=1),
    Param("new", "较晚的检查点条数；默认为最新的", "integer"),
    description="证明较早的流水就是较晚的流水的开头，其间没有改动或删除。",
)
_TILE = _operation(
    "散列块",
    Answer(200, "散列值，每个 32 字节", files=(BINARY,)),
    Param("level", "层", "integer", minimum=0, maximum=7, place="path", example=0),
    Param("number", "块号，写法见 C2SP tlog-tiles", place="path", example="000.p/1"),
)


class _Desk:
    def __init__(self, api: Api) -> None:
        self._services = api.services
        self._ask = api.services.run
        self._evidence = api.services.evidence

    async def state(self, _: Asked) -> Response:
        state = await self._ask(self._evidence.state)
        return answer(
            {
                "origin": state.origin,
                "position": state.head,
                "newest": None if state.newest is None else _shown(state.newest),
                "outside": state.outside,
                "keys": [str(key) for key in state.signing],
                "trouble": state.trouble,
            }
        )

    async def newest(self, _: Asked) -> Response:
        newest = await self._ask(self._evidence.newest)
        if newest is None:
            raise Problem("evidence.unknown", "还没有签发过检查点。")
        return _file(newest.note, "checkpoint")

    async def page(self, asked: Asked) -> Response:
        before, limit = asked.query["before"], asked.query["limit"]
        found = await self._ask(self._evidence.page, before, limit + 1)
        following = None
        if len(found) > limit:
            last = found[limit - 1].checkpoint.size
            following = f"/api/evidence/checkpoints?before={last}&limit={limit}"
        return answer({"checkpoints": [_shown(one) for one in found[:limit]], "next": following})

    async def one(self, asked: Asked) -> Response:
        size = asked.query["size"]
        return _file((await self._ask(self._evidence.signed, size)).note, f"checkpoint-{size}")

    async def keys(self, _: Asked) -> Response:
        state = await self._ask(self._evidence.state)
        return _file("".join(f"{key}\n" for key in state.known), "keys")

    async def entry(self, asked: Asked) -> Response:
        position = asked.query["position"]
        stored = await self._ask(self._evidence.stored, position)
        await self._note(asked, stored, "bytes")
        return Response(stored, media_type=BINARY)

    async def proof(self, asked: Asked) -> Response:
        position, size = asked.query["position"], asked.query["size"]
        found = await self._ask(self._evidence.prove, position, size)
        await self._note(asked, found.extra, "tlog-proof")
        return _file(str(found), f"{position}.tlog-proof")

    async def _note(self, asked: Asked, stored: bytes, format_: str) -> None:
        """Log that an entry left as a file, with its secrecy grade."""
        position = asked.query["position"]
        grade = re.search(rb',"secrecy":"([a-z]+)",', stored)
        export = Export(
            actor=asked.session.name,
            what="evidence",
            question={"position": position},
            rows=1,
            unmasked=False,
            position=position,
            format=format_,
            secrecy=grade[1].decode() if grade else "secret",
        )
        await self._ask(self._services.access_log.note, export)

    async def consistency(self, asked: Asked) -> Response:
        old, new = asked.query["old"], asked.query["new"]
        if old is None:
            raise Problem("request.parameters", "请写明较早的检查点条数(old)。")
        found = await self._ask(self._evidence.consistency, old, new)
        hashes = [base64.b64encode(one).decode() for one in found.hashes]
        return answer({"old": found.old.note, "new": found.new.note, "hashes": hashes})

    async def tile(self, asked: Asked) -> Response:
        number = _TILE_NUMBER.fullmatch(asked.query["number"])
        width = int(number[2] or TILE_WIDTH) if number else 0
        if number is None or not 0 < width <= TILE_WIDTH:
            raise Problem("evidence.unknown", "没有这个散列块；块号的写法如 x001/234 或 000.p/7。")
        tile = Tile(asked.query["level"], int(re.sub(r"\D", "", number[1])), width)
        if tile.path != f"tile/{tile.level}/{number[0]}":
            raise Problem("evidence.unknown", "没有这个散列块；块号的写法如 x001/234 或 000.p/7。")
        return Response(await self._ask(self._evidence.tile, tile), media_type=BINARY)


def _shown(signed: Signed) -> dict[str, Any]:
    checkpoint = signed.checkpoint
    return {
        "size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
        "at": moment(signed.at),
        "link": f"/api/evidence/checkpoints/{checkpoint.size}",
    }


def _file(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(text, headers=headers, media_type=TEXT)
