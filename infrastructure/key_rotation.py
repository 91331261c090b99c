"""Changing the master key (更换主密钥): every wrapped key is wrapped anew, nothing else changes.

    master.key.new written ──► all keys rewrapped, one transaction ──► master.key.new → master.key
                                                                       master.key → master.key.old-…

Interrupted anywhere, the next start finishes it or takes it back: whichever of the two files opens
the office's keys is the right one (`settle`).
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import psycopg
from cryptography.exceptions import InvalidTag
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from infrastructure.durable import sync
from infrastructure.keys import KeyProblem, KeyRing, load_master_key, make_master_key, unseal

LEAVING_SECONDS = 2.0


def wrapped_keys(url: str, schema: str) -> dict[str, bytes]:
    """Return the office's wrapped keys by name; none for an office that was never opened."""
    table = Identifier(schema, "office_keys")
    with psycopg.connect(url) as connection:
        try:
            rows = connection.execute(SQL("SELECT name, wrapped FROM {}").format(table)).fetchall()
        except psycopg.errors.UndefinedTable:
            return {}
    return {name: bytes(wrapped) for name, wrapped in rows}


def master_key(path: Path, url: str, schema: str) -> tuple[bytes, bool]:
    """Return the office's master key, and whether it was made now, at an office's first start.

    A database that has keys needs the key it was opened with: none is ever made for it. Raises
    `KeyProblem`.
    """
    wrapped = wrapped_keys(url, schema)
    settle(path, wrapped)
    if not wrapped and not path.exists():
        return make_master_key(path), True
    return load_master_key(path), False


def rotate(path: Path, url: str, schema: str) -> tuple[int, Path]:
    """Change the master key; return how many keys were rewrapped and where the old one is kept.

    Earlier backups of the database still need the old key. Raises `KeyProblem`, and changes
    nothing, while another program is at work on the database: it would go on wrapping new keys
    with the old master key.
    """
    settle(path, wrapped_keys(url, schema))
    ring = KeyRing(load_master_key(path))
    with psycopg.connect(url) as connection:
        connection.execute(SQL("SET search_path = {}, pg_temp").format(Identifier(schema)))
        connection.execute("LOCK TABLE office_keys, person_keys IN ACCESS EXCLUSIVE MODE")
        _be_alone(connection)
        ring.open(connection)
        total = ring.rewrap(connection, make_master_key(_coming(path)))
    return total, _finish(path)


def settle(path: Path, wrapped: dict[str, bytes]) -> None:
    """Finish a change of keys that was interrupted, or take it back."""
    coming = _coming(path)
    if not coming.exists():
        return
    if not wrapped:
        raise KeyProblem(
            f"发现未完成的主密钥更换：{coming}，但数据库中没有可核对的密钥。"
            "请确认数据库无误后再启动；文件和数据均未改动。"
        )
    if _opens(coming, wrapped):
        _finish(path)
    elif path.exists() and _opens(path, wrapped):
        coming.unlink()
    else:
        raise KeyProblem(
            f"{path} 与 {coming} 都与数据库不匹配。请放回原来的主密钥文件后再启动；"
            "文件和数据均未改动。"
        )


def _opens(path: Path, wrapped: dict[str, bytes]) -> bool:
    try:
        master = load_master_key(path)
        for name, box in wrapped.items():
            unseal(master, box, name.encode())
    except (InvalidTag, KeyProblem):
        return False
    return True


def _coming(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _finish(path: Path) -> Path:
    """Put the new key in the old one's place; the old one stays beside it."""
    old = path.with_name(path.name + ".old")
    if path.exists():
        mark = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        old = path.with_name(f"{path.name}.old-{mark}")
        path.rename(old)
    _coming(path).rename(path)
    sync(path.parent)
    return old


def _be_alone(connection: Connection[Any]) -> None:
    """Raise `KeyProblem` where somebody else is connected, and does not leave within moments.

    A server needs a moment to notice that a program which has just ended is gone.
    """
    latest = time.monotonic() + LEAVING_SECONDS
    while _others(connection):
        if time.monotonic() > latest:
            raise KeyProblem(
                "数据库正在被其他程序使用。更换主密钥前请先停止台账服务（以及其他连接），再重新执行；"
                "本次没有作任何改动。"
            )
        time.sleep(0.05)


def _others(connection: Connection[Any]) -> int:
    connection.execute("SELECT pg_stat_clear_snapshot()")
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ).fetchone()
    return row[0] if row else 0
