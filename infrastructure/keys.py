"""Keys: the master key outside the database, and everything it wraps inside.

    master key (file, 0600) ──wraps──► office keys  (identity index, fingerprints, proposals)
                            └─wraps──► person keys ──seals──► that person's boxes in the journal

Destroying one wrapped person key makes that person's sealed values unreadable for ever and leaves
every hash and proof as it was. Rotating the master key re-wraps and changes nothing else.
"""

from __future__ import annotations

import base64
import hmac
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection

from infrastructure.durable import make_folder, sync
from infrastructure.system_words import why

KEY_BYTES = 32
NONCE_BYTES = 12
OFFICE_KEYS = ("identity", "fingerprint", "proposals")


class KeyProblem(Exception):
    """The master key cannot be used; the message says why, in Chinese."""


_POOL = 64 * 1024
_FORKS = [0]
"""How often this process and its forebears have been forked, down to here."""


def _note_fork() -> None:
    _FORKS[0] += 1


os.register_at_fork(after_in_child=_note_fork)


class Randomness:
    """Random bytes from the operating system, fetched in large pieces.

    ``os.urandom`` gives up the interpreter's lock at every call, which starves the writer's queue;
    one call per 64 KiB does not. A forked child starts a pool of its own.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._pool = b""
        self._at = 0
        self._forks = -1

    def take(self, n: int) -> bytes:
        """Return ``n`` random bytes (at most 64 KiB) that nobody else gets."""
        if self._at + n > len(self._pool) or self._forks != _FORKS[0]:
            self._pool, self._at, self._forks = os.urandom(_POOL), 0, _FORKS[0]
        self._at += n
        return self._pool[self._at - n : self._at]


def seal(key: bytes, plain: bytes, bound_to: bytes, randomness: Randomness) -> bytes:
    """Encrypt with AES-256-GCM; the result is nonce ‖ ciphertext ‖ tag, bound to ``bound_to``."""
    nonce = randomness.take(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(key: bytes, box: bytes, bound_to: bytes) -> bytes:
    """Open what `seal` closed; raises ``InvalidTag`` where key or binding do not fit."""
    return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound_to)


# ── the master key's file ────────────────────────────────────────────────────────────────────


def load_master_key(path: Path) -> bytes:
    """Read the master key; it must be a plain file that nobody else may read."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
        key = base64.b64decode(text, validate=True)
    except FileNotFoundError as error:
        msg = f"找不到主密钥文件：{path}。请把备份的主密钥放回原处；没有它，个人信息无法读取。"
        raise KeyProblem(msg) from error
    except (OSError, ValueError) as error:
        msg = f"主密钥文件无法读取：{path}（{why(error)}）。请换回完整的主密钥文件后再启动。"
        raise KeyProblem(msg) from error
    if stat.S_IMODE(mode) & 0o077:
        msg = f"主密钥文件 {path} 的权限过宽（{stat.S_IMODE(mode):o}），请改为 600 后再启动。"
        raise KeyProblem(msg)
    if len(key) != KEY_BYTES:
        msg = f"主密钥文件内容不完整：{path}（应为 {KEY_BYTES} 字节，实为 {len(key)} 字节）。"
        raise KeyProblem(msg)
    return key


def make_master_key(path: Path) -> bytes:
    """Write a new master key (mode 0600) where there is none, and return it.

    The file appears under its name once it is complete, whatever interrupts the writing.

    Raises:
        KeyProblem: it cannot be written there.
    """
    key = os.urandom(KEY_BYTES)
    new = path.with_name(f".{path.name}-{os.urandom(4).hex()}")
    with writing_a_key("主密钥", path):
        make_folder(path.parent, 0o700)
        try:
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(base64.b64encode(key) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(new, path)  # unlike a rename, never takes the place of a key that is there
        finally:
            new.unlink(missing_ok=True)
        sync(path.parent)  # before anything is sealed with it
    return key


@contextmanager
def writing_a_key(what: str, path: Path) -> Iterator[None]:
    """Say in the clerk's words why a key file could not be written."""
    try:
        yield
    except FileExistsError as error:
        raise KeyProblem(f"{what}文件 {path} 已经存在，没有覆盖。请再运行一次。") from error
    except OSError as error:
        raise KeyProblem(
            f"不能写入{what}文件 {path}（{why(error)}）。"
            "请检查磁盘空间和文件夹的写入权限后再启动；数据未作改动。"
        ) from error


# ── the ring ─────────────────────────────────────────────────────────────────────────────────


class KeyRing:
    """The opened keys of one office, and the person keys as far as they were needed."""

    def __init__(self, master: bytes) -> None:
        """Hold the master key; `open` fetches what it wraps."""
        self._master = master
        self._office: dict[str, bytes] = {}
        self._persons: dict[str, bytes] = {}
        self._new: dict[str, bytes] = {}
        self.randomness = Randomness()

    def open(self, connection: Connection[Any]) -> None:
        """Open the office's keys, making them in a new office.

        Raises `KeyProblem` where the master key is not the one this database was opened with.
        """
        stored = dict(connection.execute("SELECT name, wrapped FROM office_keys").fetchall())
        try:
            self._office = {
                name: unseal(self._master, bytes(box), name.encode())
                for name, box in stored.items()
            }
        except InvalidTag as error:
            msg = (
                "主密钥与数据库不匹配：这不是建库时使用的主密钥。"
                "请换回原来的主密钥文件后再启动，数据未作任何改动。"
            )
            raise KeyProblem(msg) from error
        if not stored:
            for name in OFFICE_KEYS:
                key = os.urandom(KEY_BYTES)
                box = seal(self._master, key, name.encode(), self.randomness)
                connection.execute("INSERT INTO office_keys VALUES (%s, %s)", (name, box))
                self._office[name] = key

    def sibling(self) -> KeyRing:
        """Return another ring of the same keys, for another thread; no person's key is in it."""
        other = KeyRing(self._master)
        other._office = self._office
        return other

    def office(self, name: str) -> bytes:
        """Return one of the office's own keys."""
        return self._office[name]

    def digest(self, name: str, *parts: str) -> bytes:
        """Return the keyed hash (HMAC-SHA-256) of some texts under one of the office's keys."""
        return hmac.digest(self._office[name], "\x1f".join(parts).encode(), "sha256")

    def person(self, person: str) -> bytes | None:
        """Return the person's key if it is known here and not destroyed."""
        return self._persons.get(person)

    def load(self, connection: Connection[Any], persons: Iterable[str]) -> None:
        """Fetch the keys of these persons. One that is not there is asked for again next time.

        Raises `KeyProblem` where the master key has been rotated since this ring was opened.
        """
        missing = [person for person in dict.fromkeys(persons) if person not in self._persons]
        if not missing:
            return
        rows = connection.execute(
            "SELECT person, wrapped FROM person_keys WHERE person = ANY(%s)", (missing,)
        ).fetchall()
        try:
            found = {p: unseal(self._master, bytes(box), p.encode()) for p, box in rows}
        except InvalidTag as error:
            msg = "主密钥已经轮换，本程序仍在使用旧密钥。请重新启动程序；数据未作任何改动。"
            raise KeyProblem(msg) from error
        self._persons.update(found)

    def make(self, person: str) -> bytes:
        """Make a key for a person who has none yet; `take_new` hands it over for storing."""
        key = self.randomness.take(KEY_BYTES)
        self._persons[person] = key
        self._new[person] = seal(self._master, key, person.encode(), self.randomness)
        return key

    def take_new(self) -> dict[str, bytes]:
        """Return the wrapped keys made since the last call, by person."""
        new, self._new = self._new, {}
        return new

    def discard(self, persons: Iterable[str]) -> None:
        """Forget keys whose storing failed, or that are no longer needed in memory."""
        for person in persons:
            self._persons.pop(person, None)

    def discard_all(self) -> None:
        """Forget all person keys in memory; they are fetched again when needed."""
        self._persons.clear()

    @property
    def size(self) -> int:
        """How many person keys are held in memory."""
        return len(self._persons)

    def rewrap(self, connection: Connection[Any], new_master: bytes) -> int:
        """Wrap every stored key with another master key; return how many. Nothing else changes."""
        total = 0
        for table, name in (("office_keys", "name"), ("person_keys", "person")):
            rows = connection.execute(f"SELECT {name}, wrapped FROM {table} FOR UPDATE").fetchall()  # noqa: S608  (fixed names)
            fresh = [
                (
                    seal(
                        new_master,
                        unseal(self._master, bytes(box), n.encode()),
                        n.encode(),
                        self.randomness,
                    ),
                    n,
                )
                for n, box in rows
            ]
            with connection.cursor() as cursor:
                cursor.executemany(f"UPDATE {table} SET wrapped = %s WHERE {name} = %s", fresh)  # noqa: S608
            total += len(rows)
        self._master = new_master
        return total
