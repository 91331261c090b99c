"""The stored form: canonical bytes, sealed values, leaves; and the keys behind them."""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from domain.vocabulary import ERASED, Citation, Entry, Fact, Personal, Subject, upcasts
from infrastructure.entries import canonical, commitment, decode, encode, leaf_hash, open_box
from infrastructure.keys import KeyProblem, KeyRing, Randomness, load_master_key, make_master_key


class Noted(Fact, fact="test.noted", version=2):
    """A fact about a person, in its second version: ``wish`` was called ``request`` once."""

    person: Annotated[str | None, Subject("person")] = None
    name: Annotated[str | None, Personal()] = None
    phone: Annotated[str | None, Personal()] = None
    wish: str = ""
    n: int = 0


@upcasts("test.noted", 1)
def _wish_was_called_request(body: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in body.items() if k != "request"}, "wish": body["request"]}


PERSON = "0123456789ABCDEF"


def ring() -> KeyRing:
    """A ring that makes keys and needs no database for it."""
    return KeyRing(b"m" * 32)


def entry(fact: Fact, **changes: Any) -> Entry:
    """An entry of that fact with an ordinary envelope."""
    envelope: dict[str, Any] = {
        "position": 7,
        "id": "ABCDEFGHJKMNPQRS",
        "recorded_at": datetime(2026, 11, 23, 14, 0, 0, 1, tzinfo=UTC),
        "effective_on": date(2026, 11, 1),
        "place": 7,
        "actor": "lin",
        "prepared_by": "lin",
        "approved_by": None,
        "basis": (Citation(document="D" * 16, item="第三条"),),
        "note": None,
        "secrecy": "internal",
        "tags": fact.tags(),
        "fact": fact,
    }
    return Entry(**(envelope | changes))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner)
    ),
    max_leaves=20,
)


@given(json_values)
def test_canonical_bytes_are_those_of_rfc_8785(value: object) -> None:
    """Under our limits orjson writes what the RFC's own implementation writes."""
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [2**53, -(2**53), b"x", {1, 2}, object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """Large integers and foreign types do not slip into the journal."""
    with pytest.raises(TypeError):
        canonical({"v": value})


def test_an_entry_comes_back_as_it_was_stored() -> None:
    """Encoding and decoding lose nothing, personal values included."""
    keys = ring()
    fact = Noted(person=PERSON, name="示范甲", phone=None, wish="调动", n=3)
    before = entry(fact, note="本人当面提出")
    assert decode(encode(before, keys), keys) == before


def test_the_readable_part_of_an_entry_says_nothing_personal() -> None:
    """Names and notes about a person stand there as commitments only."""
    keys = ring()
    data = encode(entry(Noted(person=PERSON, name="示范甲"), note="备注甲"), keys)
    assert "甲" not in data.decode()
    stored = orjson.loads(data)
    inside = open_box(stored["sealed"], stored["id"], PERSON, keys)
    assert inside is not None
    for name, where in (("body.name", stored["body"]["name"]), ("note", stored["note"])):
        salt, value = inside[name]
        raw = __import__("base64").b64decode(salt)
        assert len(raw) == 16
        assert where == {"sealed": commitment(raw, name, value)}
    assert stored["body"]["phone"] is None


def test_the_same_value_is_committed_to_differently_each_time() -> None:
    """Salts are fresh, so equal names cannot be recognised by their commitments."""
    keys = ring()
    datas = [encode(entry(Noted(person=PERSON, name="示范甲")), keys) for _ in range(2)]
    first, second = (orjson.loads(data)["body"]["name"]["sealed"] for data in datas)
    assert first != second


def test_values_whose_key_is_gone_read_as_erased_and_keep_the_leaf() -> None:
    """Destroying a key is no error for a reader and changes no hash."""
    keys = ring()
    data = encode(entry(Noted(person=PERSON, name="示范甲", wish="调动"), note="备注"), keys)
    leaf = leaf_hash(data)
    keys.discard([PERSON])
    read = decode(data, keys)
    assert isinstance(read.fact, Noted)
    assert (read.fact.name, read.fact.phone, read.fact.wish, read.note) == (
        ERASED,
        None,
        "调动",
        ERASED,
    )
    assert leaf_hash(data) == leaf == hashlib.sha256(b"\x00" + data).digest()


def test_a_box_that_was_moved_to_another_entry_does_not_open() -> None:
    """The entry's id is bound into the box."""
    keys = ring()
    stored = orjson.loads(encode(entry(Noted(person=PERSON, name="示范甲")), keys))
    with pytest.raises(ValueError, match="可能被改动"):
        open_box(stored["sealed"], "another-entry-id", PERSON, keys)


def test_what_is_about_nobody_is_stored_readable() -> None:
    """The same fields are plain where no person is named."""
    stored = orjson.loads(encode(entry(Noted(name="区政府办文件"), note="备注"), ring()))
    assert (stored["body"]["name"], stored["note"], stored["sealed"]) == (
        "区政府办文件",
        "备注",
        None,
    )


def test_an_older_version_is_read_as_todays() -> None:
    """Upcasting: what was filed under version 1 is folded like version 2."""
    keys = ring()
    stored = orjson.loads(encode(entry(Noted(wish="调动")), keys))
    stored["version"] = 1
    stored["body"]["request"] = stored["body"].pop("wish")
    assert decode(canonical(stored), keys).fact == Noted(wish="调动")


def test_random_bytes_are_never_handed_out_twice() -> None:
    """The pool behind salts, nonces and ids gives every byte once."""
    pool = Randomness()
    taken = [pool.take(16) for _ in range(1000)]
    assert len(set(taken)) == 1000


def test_a_forked_child_has_random_bytes_of_its_own() -> None:
    """What a child is given nobody else gets: nonces must never meet under one key."""
    pool = Randomness()
    pool.take(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, pool.take(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 16) != pool.take(16)
    os.close(reading)
    os.close(writing)


def test_the_master_key_file_is_the_owners_alone(tmp_path: Path) -> None:
    """Made with mode 0600, read back the same; a wider mode or a damaged file is refused."""
    path = tmp_path / "deep" / "master.key"
    key = make_master_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_master_key(path) == key
    with pytest.raises(KeyProblem, match="已经存在"):
        make_master_key(path)
    assert load_master_key(path) == key
    assert [one.name for one in path.parent.iterdir()] == ["master.key"]
    path.chmod(0o640)
    with pytest.raises(KeyProblem, match="权限过宽"):
        load_master_key(path)
    path.chmod(0o600)
    path.write_text("c2hvcnQ=\n")
    with pytest.raises(KeyProblem, match="不完整"):
        load_master_key(path)
    path.unlink()
    with pytest.raises(KeyProblem, match="找不到主密钥"):
        load_master_key(path)
