"""Evidence over HTTP and on the command line, over a real office with its ledgers."""

from __future__ import annotations

import argparse
import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from application.evidence import EvidenceProblem
from domain.evidence import Tile, check_consistency, root_of, split
from domain.evidence_notes import EntryProof, VerifierKey, opened
from infrastructure.access_log import AccessLog
from infrastructure.evidence import StoredEvidence
from infrastructure.evidence_folder import EvidenceFolder
from infrastructure.evidence_suites import check_signature
from infrastructure.office import Office
from interface import cli_evidence
from interface.cli_office import CannotDo
from tests.auditor import audit
from tests.databases import MASTER_KEY
from tests.http_office import HttpOffice, http_office


class House(NamedTuple):
    """An office over HTTP, its evidence, and where its files are."""

    http: HttpOffice
    evidence: StoredEvidence
    folder: Path


@pytest.fixture(scope="module")
def house(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A small district with its evidence's routes."""
    folder = tmp_path_factory.mktemp("evidence")
    with http_office(module_database, folder) as http:
        http.small_district()
        yield House(http, http.office.evidence, folder)


def keys(house: House) -> list[VerifierKey]:
    """The public keys as the interface hands them out."""
    text = house.http.ask("GET", "/api/evidence/keys").text
    return [VerifierKey.parse(line) for line in text.splitlines()]


# ── HTTP ─────────────────────────────────────────────────────────────────────────────────────


def test_a_clerk_gets_the_proof_of_what_was_just_filed(house: House) -> None:
    """One text file; it holds the entry, and the checkpoint that was signed for it."""
    head = house.http.head()
    answer = house.http.ask("GET", f"/api/evidence/entries/{head}/proof")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert f'filename="{head}.tlog-proof"' in answer.headers["content-disposition"]
    found = EntryProof.parse(answer.text)
    assert found.index == head - 1
    assert found.extra == house.http.office.journal.stored(head)
    assert found.extra == house.http.ask("GET", f"/api/evidence/entries/{head}").content
    assert opened(found.note, keys(house), check_signature).size >= head


def test_a_file_that_leaves_is_noted_with_its_secrecy_grade(house: House) -> None:
    """Who took which entry's proof."""
    house.http.ask("GET", "/api/evidence/entries/2/proof", "reviewer")
    log = AccessLog(house.http.office.database)
    newest = log.readings(actor="reviewer", exports=True, before=None, limit=1)[0]
    assert (newest["actor"], newest["what"]) == ("reviewer", "evidence")
    assert (newest["position"], newest["secrecy"]) == (2, "internal")


def test_checkpoints_tiles_and_keys_are_a_log_as_tlog_tiles_describes(house: House) -> None:
    """A stranger's client finds checkpoint, tiles and root by the specification alone."""
    house.evidence.checkpoint()
    note = house.http.ask("GET", "/api/evidence/checkpoint").text
    checkpoint = opened(note, keys(house), check_signature)
    tile = Tile(0, 0, checkpoint.size)
    answer = house.http.ask("GET", f"/api/evidence/{tile.path}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert root_of(split(answer.content)) == checkpoint.root


def test_two_checkpoints_are_shown_to_be_consistent(house: House) -> None:
    """The proof is complete: both signed texts and the hashes between them."""
    old = house.evidence.checkpoint().checkpoint.size
    house.http.document(f"第 {old} 号批复")
    house.evidence.checkpoint()
    shown = house.http.get("/api/evidence/consistency", old=old)
    was, now = (opened(shown[name], keys(house), check_signature) for name in ("old", "new"))
    hashes = [base64.b64decode(one) for one in shown["hashes"]]
    assert was.size == old
    assert now.size > old
    check_consistency(was.size, now.size, hashes, was.root, now.root)


def test_the_list_of_checkpoints_is_paged(house: House) -> None:
    """Newest first; each with the address of its signed text."""
    for n in range(3):
        house.http.document(f"分页 {n}")
        house.evidence.checkpoint()
    page = house.http.get("/api/evidence/checkpoints", limit=2)
    sizes = [one["size"] for one in page["checkpoints"]]
    assert sizes == sorted(sizes, reverse=True)
    following = house.http.ask("GET", page["next"]).json()
    assert following["checkpoints"][0]["size"] < sizes[-1]
    link = page["checkpoints"][0]["link"]
    assert house.http.ask("GET", link).text == house.evidence.signed(sizes[0]).note


def test_the_state_says_what_is_signed_and_where(house: House) -> None:
    """In the journal, under the newest checkpoint, outside."""
    signed = house.evidence.checkpoint()
    shown = house.http.get("/api/evidence")
    assert shown["position"] == shown["newest"]["size"] == shown["outside"]
    assert shown["newest"]["root"] == base64.b64encode(signed.checkpoint.root).decode()
    assert shown["keys"] == [str(key) for key in keys(house)]
    assert shown["trouble"] is None


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/entries/99999", 404, "evidence.unknown"),
        ("/entries/99999/proof", 404, "evidence.unknown"),
        ("/entries/2/proof?size=99999", 404, "evidence.unknown"),
        ("/entries/2/proof?size=x", 422, "request.parameters"),
        ("/checkpoints/99999", 404, "evidence.unknown"),
        ("/consistency?old=1&new=99999", 404, "evidence.unknown"),
        ("/consistency", 422, "request.parameters"),
        ("/tile/0/999", 404, "evidence.unknown"),
        ("/tile/0/000.p/256", 404, "evidence.unknown"),
        ("/tile/0/000.p/0", 404, "evidence.unknown"),
        ("/tile/0/x000/000.p/1", 404, "evidence.unknown"),
        ("/tile/0/..%2F..%2Fkeys", 404, "evidence.unknown"),
        ("/tile/9/000", 422, "request.parameters"),
    ],
)
def test_what_there_is_not_is_a_problem_document(
    house: House, path: str, status: int, code: str
) -> None:
    """With a Chinese sentence, never a stack trace."""
    house.evidence.checkpoint()
    answer = house.http.ask("GET", f"/api/evidence{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_nobody_reads_evidence_without_logging_in(house: House) -> None:
    """It is the office's, not the world's."""
    for path in ("", "/checkpoint", "/keys", "/entries/1/proof", "/tile/0/000.p/1"):
        assert house.http.client.get(f"/api/evidence{path}").status_code == 401


def test_openapi_describes_every_route_in_chinese(house: House) -> None:
    """Summaries, answers, problems."""
    paths = house.http.client.get("/openapi.json").json()["paths"]
    shown = [one["get"] for path, one in paths.items() if path.startswith("/api/evidence")]
    assert len(shown) == 9
    for one in shown:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in one["summary"])
        assert {"200", "401", "403", "503"} <= set(one["responses"])


def test_an_office_that_is_served_signs_by_itself(empty_database: str, tmp_path: Path) -> None:
    """Nobody asks; when the service ends, everything that was filed is under a checkpoint."""
    with http_office(empty_database, tmp_path) as http:
        http.open_journal()
        http.document()
    kept = EvidenceFolder(tmp_path / "evidence" / "office")
    assert kept.newest() == 2
    known = [VerifierKey.parse(line) for line in kept.public_keys()]
    assert opened(kept.note(2) or "", known, check_signature).size == 2


def test_an_office_without_places_for_evidence_says_so(office: Office) -> None:
    """Work on the ledgers does without; whoever asks for evidence is told."""
    with pytest.raises(EvidenceProblem, match="没有指明"):
        _ = office.evidence


# ── the command line ─────────────────────────────────────────────────────────────────────────

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def commanding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[[str, Path], Command]:
    """Makes the command line work on an office: ``taizhang evidence …`` → exit code and output."""

    def make(url: str, folder: Path) -> Command:
        monkeypatch.setenv("TAIZHANG_DATABASE_URL", url)
        monkeypatch.setenv("TAIZHANG_DATA_DIR", str(folder))
        monkeypatch.chdir(tmp_path)
        key = folder / "master.key"
        key.write_text(base64.b64encode(MASTER_KEY).decode() + "\n")
        key.chmod(0o600)

        def run(*arguments: str) -> tuple[int, str]:
            parser = argparse.ArgumentParser()
            cli_evidence.register(parser.add_subparsers())
            options = parser.parse_args(["evidence", *arguments])
            code: int = options.run(options)
            return code, capsys.readouterr().out

        return run

    return make


@pytest.fixture
def command(
    house: House, module_database: str, commanding: Callable[[str, Path], Command]
) -> Command:
    """The command line on the house's office."""
    return commanding(module_database, house.folder)


def test_one_record_one_file_from_the_command_line(command: Command, tmp_path: Path) -> None:
    """Proved, written, and verified by the one-file verifier with the published key."""
    _, shown = command("key", "show")
    key = shown.split()[1]
    code, said = command("prove", "2")
    assert (code, "2.tlog-proof" in said) == (0, True)
    assert audit("2.tlog-proof", "--key", key, folder=tmp_path)[0] == 0
    with pytest.raises(CannotDo, match="已经存在"):
        command("prove", "2")


def test_an_export_carries_its_own_verifier(command: Command, tmp_path: Path) -> None:
    """The folder alone, a bare Python, and the key."""
    key = command("key", "show")[1].split()[1]
    code, said = command("export", "流水")
    assert (code, "密级：内部" in said) == (0, True)
    folder = tmp_path / "流水"
    assert "密级：内部" in (folder / "说明.txt").read_text("utf-8")
    code, said = audit(".", "--key", key, program="verify.py", folder=folder)
    assert code == 0, said


def test_verify_and_status_speak_plainly(command: Command, house: House) -> None:
    """Exit code 0, the number of entries, what is held outside."""
    assert command("checkpoint")[1].split("\n")[1] == str(house.http.head())
    code, said = command("verify")
    assert code == 0
    assert "未发现流水、检查点、身份索引和台账被改动" in said
    assert f"其中 {house.http.head()} 条有数据库以外的检查点为证" in said
    assert f"流水：{house.http.head()} 条" in command("status")[1]
    size = house.evidence.page(None, 2)[-1].checkpoint.size
    assert "其间没有改动或删除" in command("consistency", str(size))[1]


def test_without_a_checkpoint_outside_verify_does_not_say_that_all_is_well(
    command: Command, house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another exit code and another sentence; a checkpoint handed in is something outside."""
    command("checkpoint", "--out", "held")
    monkeypatch.setenv("TAIZHANG_EVIDENCE_DIR", str(tmp_path / "empty"))
    code, said = command("verify")
    assert code == cli_evidence.NO_WITNESS
    assert "这次核验看不出来" in said
    assert command("verify", "--checkpoint", "held")[0] == 0
    Path("letter").write_text("公函\n", "utf-8")
    with pytest.raises(CannotDo, match="letter 不是检查点文件，或内容不完整"):
        command("verify", "--checkpoint", "letter")
    assert house.evidence.newest() is not None


def test_verify_names_the_first_bad_position(command: Command, house: House) -> None:
    """Exit code 3; the clerk is told where, and to touch nothing."""
    database = house.http.office.database
    house.evidence.checkpoint()
    with database.as_owner() as connection:
        connection.execute("ALTER TABLE journal DISABLE TRIGGER USER")
        connection.execute("UPDATE journal SET actor = 'x' WHERE position = 3")
    code, said = command("verify")
    with database.as_owner() as connection:
        connection.execute("UPDATE journal SET actor = 'clerk' WHERE position = 3")
        connection.execute("ALTER TABLE journal ENABLE TRIGGER USER")
    assert code == cli_evidence.FOUND
    assert "最早的一处：流水号 3 的“办理账号”一列与记录不符" in said
    assert "请保护现场" in said
    assert "没有再核验：身份索引、台账" in said
    assert command("verify")[0] == 0


def test_keys_are_rotated_while_the_office_is_served(
    empty_database: str, commanding: Callable[[str, Path], Command], tmp_path: Path
) -> None:
    """Both sign, the old one is retired, everything signed before still verifies; no restart."""
    command = commanding(empty_database, tmp_path)
    with http_office(empty_database, tmp_path) as http:
        http.open_journal()
        old = http.ask("GET", "/api/evidence/keys").text.strip()
        signatures = [http.office.evidence.checkpoint().note.count("— taizhang/")]
        for change in (("rotate",), ("retire", VerifierKey.parse(old).id.hex())):
            code, said = command("key", *change)
            assert (code, "不必重新启动" in said) == (0, True)
            http.document(f"{change[0]} 之后的批复")
            signatures.append(http.office.evidence.checkpoint().note.count("— taizhang/"))
        shown = http.ask("GET", "/api/evidence/keys").text.split()
        assert (len(shown), shown[0]) == (2, old)
        assert http.get("/api/evidence")["keys"] == shown[1:]
    assert signatures == [1, 2, 1]
    assert f"停用  {old}" in command("key", "show")[1]
    assert command("verify")[0] == 0
