"""Entries as bytes: the stored form of the journal, written down in ``docs/format.md``.

    Entry ──encode──► canonical JSON (RFC 8785), personal values replaced by salted commitments,
                      salts and values in one sealed box ──► SHA-256(0x00 ‖ bytes) is the leaf
    bytes ──decode──► Entry, boxes opened where the person's key still exists, else 已销毁

`infrastructure.decoding` reads the same bytes faster where many thousands are folded.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any, cast

import orjson
from cryptography.exceptions import InvalidTag
from pydantic import TypeAdapter, ValidationError

from domain.vocabulary import (
    ERASED,
    FACTS,
    Citation,
    Decided,
    Entry,
    Fact,
    Secrecy,
    person_of,
    upcast,
)
from infrastructure.keys import KeyRing, seal, unseal

FORMAT = 1
SALT_BYTES = 16


def canonical(value: Any) -> bytes:
    """Return canonical JSON (RFC 8785) of a value.

    Values are strings, booleans, null, integers below 2⁵³, arrays, and objects with ASCII keys.
    Under these limits orjson with sorted keys writes the same bytes as RFC 8785 asks for.
    """
    return orjson.dumps(
        value, default=_refuse, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
    )


def _refuse(value: Any) -> Any:
    msg = f"{type(value).__name__} has no canonical form here"
    raise TypeError(msg)


@lru_cache(maxsize=64)
def instant(moment: datetime) -> str:
    """Return a moment as stored: UTC, always six digits of a second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def leaf_hash(data: bytes) -> bytes:
    """Return the hash tree's leaf of stored bytes: SHA-256(0x00 ‖ bytes), RFC 6962."""
    return hashlib.sha256(b"\x00" + data).digest()


def commitment(salt: bytes, name: str, value: Any) -> str:
    """Return SHA-256(salt ‖ canonical [name, value]) in hexadecimal."""
    return hashlib.sha256(salt + canonical([name, value])).hexdigest()


def encode(entry: Entry, ring: KeyRing) -> bytes:
    """Return the bytes that are stored for an entry, sealing what is personal."""
    body = entry.fact.model_dump(mode="json")
    document: dict[str, Any] = {
        "actor": entry.actor,
        "approved_by": entry.approved_by,
        "basis": [one.model_dump() for one in entry.basis],
        "body": body,
        "decided": _decided(entry.decided),
        "effective_on": entry.effective_on.isoformat() if entry.effective_on else None,
        "fact": entry.fact.fact_name,
        "format": FORMAT,
        "id": entry.id,
        "note": entry.note,
        "place": entry.place,
        "position": entry.position,
        "prepared_by": entry.prepared_by,
        "recorded_at": instant(entry.recorded_at),
        "sealed": None,
        "secrecy": entry.secrecy,
        "tags": list(entry.tags),
        "version": entry.fact.fact_version,
        "voids": entry.voids,
    }
    person = person_of(entry.tags)
    if person is not None:
        document["sealed"] = _seal(document, entry, person, ring)
    return canonical(document)


def _decided(decided: Decided | None) -> dict[str, Any] | None:
    if decided is None:
        return None
    return {
        "asked": list(decided.asked),
        "code": decided.code,
        "head": decided.head,
        "rules": list(decided.rules),
    }


def _seal(document: dict[str, Any], entry: Entry, person: str, ring: KeyRing) -> str | None:
    """Replace personal values by commitments; return the box with their salts and values."""
    body = document["body"]
    inside: dict[str, list[Any]] = {}
    for name in entry.fact.personal_fields:
        if body[name] is not None:
            body[name] = _commit(inside, f"body.{name}", body[name], ring)
    if document["note"] is not None:
        document["note"] = _commit(inside, "note", document["note"], ring)
    if not inside:
        return None
    key = ring.person(person) or ring.make(person)
    box = seal(key, canonical(inside), entry.id.encode(), ring.randomness)
    return base64.b64encode(box).decode()


def _commit(inside: dict[str, list[Any]], name: str, value: Any, ring: KeyRing) -> dict[str, str]:
    salt = ring.randomness.take(SALT_BYTES)
    inside[name] = [base64.b64encode(salt).decode(), value]
    return {"sealed": commitment(salt, name, value)}


def decode(data: bytes, ring: KeyRing | None) -> Entry:
    """Return the entry that was stored as these bytes.

    Sealed values are opened with the person's key, which must have been loaded into ``ring``;
    where there is none (or no ring at all) texts read 已销毁 and other values None. ``target`` is
    not joined.
    """
    stored = orjson.loads(data)
    body = stored["body"]
    opened = stored["sealed"] is None or _open(stored, body, ring)
    fact = FACTS[stored["fact"]]
    if stored["version"] != fact.fact_version:
        body = upcast(stored["fact"], stored["version"], body)
    decided = stored["decided"]
    effective = stored["effective_on"]
    return Entry(
        position=stored["position"],
        id=stored["id"],
        recorded_at=datetime.fromisoformat(stored["recorded_at"]),
        effective_on=date.fromisoformat(effective) if effective else None,
        place=stored["place"],
        actor=stored["actor"],
        prepared_by=stored["prepared_by"],
        approved_by=stored["approved_by"],
        basis=tuple(Citation.model_construct(**one) for one in stored["basis"]),
        note=stored["note"],
        secrecy=cast("Secrecy", stored["secrecy"]),
        tags=tuple(stored["tags"]),
        fact=fact.model_validate(body) if opened else _without_the_erased(fact, body),
        voids=stored["voids"],
        decided=None if decided is None else _decided_from(decided),
    )


def _decided_from(stored: dict[str, Any]) -> Decided:
    return Decided(stored["head"], tuple(stored["asked"]), tuple(stored["rules"]), stored["code"])


def _open(stored: dict[str, Any], body: dict[str, Any], ring: KeyRing | None) -> bool:
    """Put the values from the box into the body; where it cannot be opened, 已销毁."""
    person = cast("str", person_of(stored["tags"]))
    inside = open_box(stored["sealed"], stored["id"], person, ring)
    for name, value in body.items():
        if isinstance(value, dict) and set(value) == {"sealed"}:
            body[name] = inside[f"body.{name}"][1] if inside else ERASED
    if isinstance(stored["note"], dict):
        stored["note"] = inside["note"][1] if inside else ERASED
    return inside is not None


def _without_the_erased(fact: type[Fact], body: dict[str, Any]) -> Fact:
    """Make the fact of a person whose key is gone, or whose box nobody has opened.

    An erased text reads 已销毁; an erased value of another type (a date, a code) is None. Nothing
    is validated that is not there: what was valid when it was filed stays readable.
    """
    values: dict[str, Any] = {}
    for name, value in body.items():
        adapter = _adapter(fact, name)
        try:
            values[name] = adapter.validate_python(value)
        except ValidationError:
            if name not in fact.personal_fields or value != ERASED:
                raise
            values[name] = None
    return fact.model_construct(**values)


@cache
def _adapter(fact: type[Fact], name: str) -> TypeAdapter[Any]:
    return TypeAdapter(fact.model_fields[name].rebuild_annotation())


def open_box(
    sealed: str, entry_id: str, person: str, ring: KeyRing | None
) -> dict[str, list[Any]] | None:
    """Return salts and values by name, or None where the person's key no longer exists.

    A box that does not open with an existing key has been tampered with: raises `ValueError`.
    """
    key = ring.person(person) if ring else None
    if key is None:
        return None
    try:
        plain = unseal(key, base64.b64decode(sealed), entry_id.encode())
    except InvalidTag as error:
        msg = f"流水记录 {entry_id} 的密封信息与密钥不符,可能被改动。"
        raise ValueError(msg) from error
    return cast("dict[str, list[Any]]", orjson.loads(plain))
