"""``taizhang evidence``: checkpoints, proofs, the examination and the export."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from application.access import Export
from application.evidence import KIND_TITLES, Examination, Signed
from domain.evidence_notes import Checkpoint, Note, NoteProblem
from domain.vocabulary import SECRECY
from infrastructure.access_log import AccessLog
from infrastructure.evidence import StoredEvidence
from infrastructure.evidence_folder import EvidenceFolder
from infrastructure.evidence_keys import SigningKeys, load_signing_keys, save_signing_keys
from infrastructure.evidence_opening import replace_lost_keys
from infrastructure.evidence_suites import SUITES
from infrastructure.office import Office
from infrastructure.settings import read_settings
from infrastructure.system_words import why
from interface import verify
from interface.cli_office import (
    UNBUILT,
    UNBUILT_ADVICE,
    CannotDo,
    Commands,
    evidence_of,
    opened_office,
    operator,
    out,
    progress,
    shown,
    unbuilt_told,
)

FOUND: Final = 3
"""Exit code: the examination found something wrong."""

NO_WITNESS: Final = 4
"""Exit code: nothing wrong was found, but nothing outside the database to compare with either."""

READ_ME: Final = """\
这里是机构编制流水的导出，可以脱离本系统独立核验。密级：{grade}。

    journal.ndjson   流水，每行一条，逐字节照录（个人信息是密封的）
    checkpoint       最新检查点（签名文本）；checkpoints/ 为以前的检查点
    tile/            散列树，用来确定被改动的是哪一条
    keys             公钥（请以单位公布的为准）
    verify.py        核验程序，只需要 Python 3.9 或更高版本

核验：  python3 verify.py . --key 单位公布的公钥
"""


def register(commands: Commands) -> None:
    """Add the group."""
    group = commands.add_parser(
        "evidence", help="存证", description="签发检查点，核验流水，出具单条证明，导出流水。"
    )
    actions = group.add_subparsers(title="命令", metavar="命令", required=True)

    action = actions.add_parser("status", help="存证状态")
    action.set_defaults(run=_status)

    action = actions.add_parser("checkpoint", help="立即签发检查点", description=_CHECKPOINT)
    action.add_argument("--out", metavar="文件", type=Path, help="另存一份检查点")
    action.set_defaults(run=_checkpoint)

    action = actions.add_parser("verify", help="核验流水、检查点和台账", description=_VERIFY)
    action.add_argument(
        "--checkpoint",
        metavar="文件",
        action="append",
        default=[],
        type=Path,
        help="另外保存的检查点，可重复",
    )
    action.set_defaults(run=_verify)

    action = actions.add_parser("prove", help="出具一条流水的证明", description=_PROVE)
    action.add_argument("position", type=int, metavar="流水号", help="要证明哪一条流水")
    action.add_argument("--size", type=int, metavar="条数", help="以哪个检查点为准，默认最新的")
    action.add_argument("--out", metavar="文件", type=Path, help="默认为 流水号.tlog-proof")
    action.set_defaults(run=_prove)

    action = actions.add_parser("consistency", help="核对两个检查点前后一致")
    action.add_argument("old", type=int, metavar="较早的条数", help="较早的检查点的条数")
    action.add_argument("new", type=int, metavar="较晚的条数", nargs="?", help="默认最新的")
    action.set_defaults(run=_consistency)

    action = actions.add_parser("export", help="导出整本流水", description=_EXPORT)
    action.add_argument("folder", type=Path, metavar="文件夹", help="新的或空的文件夹")
    action.set_defaults(run=_export)

    keys = actions.add_parser("key", help="签名密钥", description="查看、轮换检查点的签名密钥。")
    choices = keys.add_subparsers(title="命令", metavar="命令", required=True)
    choices.add_parser("show", help="列出公钥").set_defaults(run=_show_keys)
    choice = choices.add_parser("rotate", help="启用一把新密钥，与原密钥并签", description=_ROTATE)
    suites = {suite.name: type_ for type_, suite in SUITES.items()}
    choice.add_argument(
        "--suite", choices=suites, default="ed25519", metavar="算法", help="默认 ed25519"
    )
    choice.set_defaults(run=_rotate, suites=suites)
    choice = choices.add_parser("retire", help="停用一把密钥（其公钥仍可核验以前的检查点）")
    choice.add_argument("id", metavar="编号", help="8 位编号，见 key show")
    choice.set_defaults(run=_retire)
    choice = choices.add_parser("replace", help="密钥文件丢失且没有备份时，补发新密钥")
    choice.set_defaults(run=_replace)


_CHECKPOINT: Final = (
    "为全部流水签发检查点。请定期用 --out 另存一份并交他人保管："
    "只有另存的检查点能发现流水被截断或恢复成旧副本。"
)
_VERIFY: Final = (
    "逐条比对流水与检查点、外存文件夹、身份索引和台账，指出最早出问题的流水号。"
    f"退出码：0 无误；{FOUND} 发现问题；{NO_WITNESS} 未见问题，但没有数据库以外的检查点可比；"
    f"{UNBUILT} 未见问题，但有台账待重建、没有核对。"
)
_PROVE: Final = "出具一条流水的证明（C2SP tlog-proof 文本，附原始内容），用 verify.py 核验。"
_ROTATE: Final = (
    "新密钥与原密钥并签，直到停用原密钥。安装了 gmssl-pyx 的可选 --suite sm2（国密 SM2/SM3）；"
    "该实现未经商用密码检测认证，核验程序 verify.py 只核验 ed25519 签名。"
)
_EXPORT: Final = "导出整本流水、散列树、检查点、公钥和核验程序；个人信息保持密封。"


# ── the office's evidence ────────────────────────────────────────────────────────────────────


@contextmanager
def opened() -> Iterator[tuple[Office, StoredEvidence]]:
    """Lend the office and its evidence."""
    settings = read_settings()
    with opened_office(settings) as office:
        yield office, evidence_of(office, settings)


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────


def _status(_: argparse.Namespace) -> int:
    with opened() as (_office, evidence):
        state = evidence.state()
    out.print(f"来源：{state.origin}")
    out.print(f"流水：{state.head} 条")
    out.print(f"最新检查点：{_told(state.newest)}")
    out.print(f"外存文件夹：{state.folder}（最新检查点 {state.outside or '无'}）")
    for key in state.signing:
        out.print(f"在用公钥：{key}")
    return 0


def _told(signed: Signed | None) -> str:
    return f"{signed.checkpoint.size} 条，{shown(signed.at)} 签发" if signed else "无"


def _checkpoint(options: argparse.Namespace) -> int:
    with opened() as (_, evidence):
        signed = evidence.checkpoint()
    if options.out is None:
        out.print(signed.note, end="")
    else:
        _write(options.out, signed.note)
        out.print(f"{_told(signed)}，已存为 {options.out}。请交他人保管。")
    return 0


def _consistency(options: argparse.Namespace) -> int:
    with opened() as (_, evidence):
        found = evidence.consistency(options.old, options.new)
    old, new = found.old.checkpoint.size, found.new.checkpoint.size
    out.print(f"一致：{old} 条时的流水就是 {new} 条时的流水的开头，其间没有改动或删除。")
    return 0


# ── proofs and exports ───────────────────────────────────────────────────────────────────────


def _prove(options: argparse.Namespace) -> int:
    path: Path = options.out or Path(f"{options.position}.tlog-proof")
    with opened() as (office, evidence):
        proof = evidence.prove(options.position, options.size)
        _note(office, proof.extra, options.position)
        _write(path, str(proof))
    out.print(f"第 {options.position} 条流水的证明已存为 {path}，可用 verify.py 核验。")
    return 0


def _export(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    with opened() as (office, evidence):
        signed = evidence.checkpoint()
        size = signed.checkpoint.size
        grade = evidence.secrecy(size)
        _log(office, {"size": size}, size, size, "ndjson", grade)
        with progress() as report:
            evidence.export(folder, signed, report)
    shutil.copyfile(str(verify.__file__), folder / "verify.py")
    (folder / "说明.txt").write_text(READ_ME.format(grade=SECRECY[grade]), "utf-8")
    out.print(
        f"已导出 {size} 条流水到 {folder}（密级：{SECRECY[grade]}），用其中的 verify.py 核验。"
    )
    return 0


def _note(office: Office, stored: bytes, position: int) -> None:
    grade = json.loads(stored)["secrecy"]
    _log(office, {"position": position}, 1, position, "tlog-proof", grade)


def _log(
    office: Office, question: dict[str, int], rows: int, position: int, form: str, grade: str
) -> None:
    export = Export(
        actor=operator(),
        what="evidence",
        question=question,
        rows=rows,
        unmasked=False,
        position=position,
        format=form,
        secrecy=grade,
    )
    AccessLog(office.database).note(export)


def _write(path: Path, text: str) -> None:
    """Write a new file; one that is there is left alone."""
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise CannotDo(f"文件 {path} 已经存在，请用 --out 另取文件名。") from None
    except OSError as error:
        raise CannotDo(f"无法写入 {path}（{why(error)}）。") from None


# ── the examination ──────────────────────────────────────────────────────────────────────────


def _verify(options: argparse.Namespace) -> int:
    held = [_read(path) for path in options.checkpoint]
    with opened() as (_, evidence), progress() as report:
        found = evidence.verify(held, report)
    for line in told(found):
        out.print(line)
    if found.findings:
        return FOUND
    if found.unbuilt:
        return UNBUILT
    return 0 if found.outside or not found.entries else NO_WITNESS


def _read(path: Path) -> str:
    """Return a checkpoint that was handed in; another file is a slip, and no sign of tampering."""
    try:
        note = path.read_bytes().decode()
        Checkpoint.parse(Note.parse(note).text)
    except OSError as error:
        raise CannotDo(f"检查点文件读不到：{path}（{why(error)}）。") from None
    except UnicodeDecodeError:
        raise CannotDo(f"{path} 不是检查点文件。") from None
    except NoteProblem as problem:
        raise CannotDo(f"{path} 不是检查点文件，或内容不完整：{problem}") from None
    return note


def told(found: Examination) -> Iterator[str]:
    """Yield what an examination found, the first bad position first, for a person to read."""
    yield f"核验了 {found.entries} 条流水、{found.checkpoints} 个检查点。"
    if found.first is not None:
        yield f"发现问题 {sum(found.counts.values())} 处，最早的一处：{found.first.detail}"
        for kind, count in found.counts.items():
            yield f"  {KIND_TITLES[kind]}：{count} 处"
            listed = [one for one in found.findings if one.kind is kind]
            yield from (f"    {one.detail}" for one in listed)
            if count > len(listed):
                yield f"    （其余 {count - len(listed)} 处未列出）"
        if found.left_out:
            yield f"流水本身有问题，没有再核验：{'、'.join(found.left_out)}。"
        yield "请保护现场（不要修改数据库和文件夹），并报告负责人。"
    else:
        compared = "已核对的台账" if found.unbuilt else "台账"
        yield f"未发现流水、检查点、身份索引和{compared}被改动。"
    if found.unbuilt:  # where something was changed, nothing is to be rebuilt before it is seen
        yield unbuilt_told(found.unbuilt) + ("" if found.findings else UNBUILT_ADVICE)
    yield from found.notes
    if found.outside:
        yield f"其中 {found.outside} 条有数据库以外的检查点为证。"
    else:
        yield "没有数据库以外的检查点可比：流水若被截断或恢复成旧副本，这次核验看不出来。"
    if found.covered < found.entries:
        rest = found.entries - found.covered
        yield f"最后 {rest} 条没有检查点为证（尚未签发，或其检查点不成立）。"


# ── keys ─────────────────────────────────────────────────────────────────────────────────────


def _show_keys(_: argparse.Namespace) -> int:
    with opened() as (_office, evidence):
        state = evidence.state()
    for key in state.known:
        out.print(f"{'在用' if key in state.signing else '停用'}  {key}")
    return 0


def _rotate(options: argparse.Namespace) -> int:
    keys = _changed(lambda keys: keys.rotated(options.suites[options.suite]))
    out.print(
        f"已启用新密钥，今后的检查点由 {len(keys.signers)} 把密钥并签：\n{keys.signers[-1].key}\n"
        "请公布新公钥；待核验人都已取得后，再停用旧密钥（evidence key retire）。\n"
        "正在运行的台账服务从下一个检查点起使用新密钥，不必重新启动。"
    )
    return 0


def _retire(options: argparse.Namespace) -> int:
    keys = _changed(lambda keys: keys.retiring(options.id))
    out.print(
        f"已停用密钥 {options.id}，在用密钥还有 {len(keys.signers)} 把。"
        "正在运行的台账服务不必重新启动。"
    )
    return 0


def _changed(change: Callable[[SigningKeys], SigningKeys]) -> SigningKeys:
    """Change the key file; the folder outside learns the public keys before it is written."""
    file, folder = read_settings().evidence_places
    with opened():  # makes the first key where there is none
        keys = change(load_signing_keys(file))
        EvidenceFolder(folder).keep_keys([str(key) for key in keys.known])
        save_signing_keys(file, keys)
    return keys


def _replace(_: argparse.Namespace) -> int:
    settings = read_settings()
    with opened_office(settings) as office:
        keys = replace_lost_keys(office.database, settings.evidence_places)
    out.print(f"已补发签名密钥，请公布新公钥并说明原因：\n{keys.signers[0].key}")
    return 0
