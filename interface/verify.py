"""核验程序：不用数据库，不用网络，不用本系统的其他文件，只用 Python 自带的标准库。

    python3 verify.py 42.tlog-proof --key 公钥            核验一条记录
    python3 verify.py 42.tlog-proof --entry 记录文件       并与另外保存的原始内容比对
    python3 verify.py 导出文件夹 --key 公钥                核验整本流水
    python3 verify.py 导出文件夹 --checkpoint 检查点文件    并与另外保存的检查点比对

公钥请用单位公布的，不要用与被核验文件放在一起的。格式见 docs/format.md。

退出码：0 核验通过；1 核验不通过；2 写法有误或文件无法读取。

This file repeats on purpose what the program itself does: it is the second, independent pair of
eyes, written from docs/format.md alone, and must run wherever Python 3.9 runs.
"""

# ruff: noqa: PLR2004  (the numbers are those of the formats: lengths of keys, hashes, tiles)

from __future__ import annotations

import argparse
import base64
import binascii
import errno
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from hashlib import sha256, sha512
from itertools import zip_longest
from json import loads
from pathlib import Path
from typing import Any, NamedTuple, NoReturn


class Failed(Exception):
    """The check did not succeed; the message says what does not hold."""

    code, title = 1, "核验不通过"


class Unreadable(Failed):
    """Something cannot be read at all."""

    code, title = 2, "无法核验"


def say(text: str) -> None:
    """Tell the person in front of it."""
    sys.stdout.write(text + "\n")


# ── Ed25519 (RFC 8032 §5.1.7), checking only ─────────────────────────────────────────────────

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T: x = X/Z, y = Y/Z, xy = T/Z


def _sum(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(n: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        n >>= 1
    return total


def _point(data: bytes) -> Point | None:
    """Decode a point (RFC 8032 §5.1.3), None where the bytes are none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else _P - x
    return x, y, 1, x * y % _P


def _bytes_of(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def is_signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether ``signature`` (64 bytes) is an Ed25519 signature over ``text`` by ``public``."""
    key, s = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or _BASE is None or s >= _L or (len(public), len(signature)) != (32, 64):
        return False
    k = int.from_bytes(sha512(signature[:32] + public + text).digest(), "little") % _L
    minus_key = (_P - key[0], key[1], key[2], _P - key[3])
    return _bytes_of(_sum(_times(s, _BASE), _times(k, minus_key))) == signature[:32]


# ── keys, signed notes, checkpoints (C2SP signed-note, tlog-checkpoint) ──────────────────────


class Key(NamedTuple):
    """A public key: its name, its id, the key itself."""

    name: str
    id: bytes
    public: bytes


class Checkpoint(NamedTuple):
    """So many entries, with this root."""

    origin: str
    size: int
    root: bytes


def from_base64(text: str, what: str, length: int = 0) -> bytes:
    """Decode Base64 as it must have been written; ``length`` in bytes, 0: any."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if base64.b64encode(data).decode() != text or len(data) != (length or len(data) or 1):
        raise Failed(f"{what}不是规范的 Base64 编码或长度不对，可能被改动。")
    return data


def parse_key(line: str) -> Key | None:
    """Read a public key: name+id+base64(0x01 ‖ key); None where it is of another suite."""
    found = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", line)
    if found is None:
        raise Unreadable(f"公钥“{line}”不完整，应为“名称+编号+公钥”一行文字。")
    name, key_id, material = found[1], found[2], from_base64(found[3], "公钥")
    if sha256(name.encode() + b"\n" + material).digest()[:4].hex() != key_id:
        raise Unreadable(f"公钥 {name} 的编号与内容不符，请检查是否抄写有误。")
    if material[:1] != b"\x01" or len(material) != 33:
        return None
    return Key(name, bytes.fromhex(key_id), material[1:])


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint."""
    found = re.fullmatch(r"(.+)\n(0|[1-9][0-9]{0,18})\n(.+)\n(?:.+\n)*", text)
    if found is None:
        raise Failed("检查点的格式不对：应为来源、条数、根散列三行。")
    return Checkpoint(found[1], int(found[2]), from_base64(found[3], "检查点的根散列", 32))


def open_checkpoint(note: str, keys: Sequence[Key]) -> Checkpoint:
    """Check the signatures of a checkpoint and return it."""
    text, empty, below = note.rpartition("\n\n")
    text += "\n"
    if not empty or not below.endswith("\n"):
        raise Failed("检查点不完整：缺少签名。")
    signers = []
    for line in below[:-1].split("\n"):
        found = re.fullmatch(r"— (\S+) (\S+)", line)
        if found is None:
            raise Failed("检查点的签名行格式不对。")
        value = from_base64(found[2], "检查点的签名")
        for key in keys:
            if (key.name, key.id) == (found[1], value[:4]):
                if not is_signed(key.public, text.encode(), value[4:]):
                    raise Failed(f"检查点的签名无效（密钥编号 {key.id.hex()}）：检查点被改动过。")
                signers.append(key)
    checkpoint = origin, size, _ = parse_checkpoint(text)
    if not any(key.name == origin for key in signers):
        raise Failed(f"检查点（来源 {origin}）没有所给公钥的签名，不能确认由谁签发。")
    ids = "、".join(key.id.hex() for key in signers)
    say(f"[通过] 检查点签名有效：来源 {origin}，密钥编号 {ids}；签发时流水共 {size} 条。")
    return checkpoint


# ── the tree (RFC 6962 §2.1, RFC 9162 §2.1.3.2) ──────────────────────────────────────────────


def root_above(leaf: bytes, index: int, size: int, hashes: Sequence[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to."""
    if index >= size:
        raise Failed(f"序号 {index} 超出检查点的条数 {size}。")
    at, last, root = index, size - 1, leaf
    for one in hashes:
        if last == 0:
            raise Failed("证明中的散列值过多。")
        if at & 1 or at == last:
            root = sha256(b"\x01" + one + root).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = sha256(b"\x01" + root + one).digest()
        at, last = at >> 1, last >> 1
    if last:
        raise Failed("证明中的散列值不足。")
    return root


def perfect(hashes: bytes) -> bytes:
    """Return the root over 1, 2, 4, 8 … hashes that stand one after the other."""
    level = [hashes[i : i + 32] for i in range(0, len(hashes), 32)]
    while len(level) > 1:
        each = iter(level)
        level = [sha256(b"\x01" + one + next(each)).digest() for one in each]
    return level[0]


class Tree:
    """Perfect subtrees of all leaves so far, largest first: (height, hash)."""

    def __init__(self) -> None:
        self.size = 0
        self.subtrees: list[tuple[int, bytes]] = []

    def add(self, leaves: bytes, known: dict[int, bytes]) -> None:
        """Add leaves, one after the other; ``known``: roots over 256 of them, by number."""
        at = 0
        while at < len(leaves):
            height = 0 if self.size & 255 or len(leaves) - at < 8192 else 8
            end = at + (32 << height)
            root = known.get(self.size >> 8) if height else None
            self._push(height, root or perfect(leaves[at:end]))
            self.size, at = self.size + (1 << height), end

    def _push(self, height: int, new: bytes) -> None:
        subtrees = self.subtrees
        while subtrees and subtrees[-1][0] == height:
            new = sha256(b"\x01" + subtrees.pop()[1] + new).digest()
            height += 1
        subtrees.append((height, new))

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self.subtrees:
            return sha256(b"").digest()
        above = self.subtrees[-1][1]
        for _, left in reversed(self.subtrees[:-1]):
            above = sha256(b"\x01" + left + above).digest()
        return above


# ── one entry ────────────────────────────────────────────────────────────────────────────────


def check_entry(path: Path, keys: Sequence[Key], entry: Path | None) -> None:
    """Check the proof of one entry (C2SP tlog-proof) and say what it shows."""
    above, _, note = text_of(path).partition("\n\n")
    lines = above.split("\n")
    if lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Unreadable(f"{path} 不是单条证明（第一行应为 c2sp.org/tlog-proof@v1）。")
    inside = None
    if lines and lines[0].startswith("extra "):
        inside = from_base64(lines.pop(0)[6:], "所附记录")
    found = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines.pop(0) if lines else "")
    if found is None:
        raise Failed("证明中缺少序号（index）一行。")
    index = int(found[1])
    hashes = [from_base64(line, "证明中的散列值", 32) for line in lines]
    stored = inside if entry is None else entry.read_bytes().removesuffix(b"\n")
    if stored is None:
        raise Unreadable("证明中没有附记录内容，请用 --entry 指明保存记录原始内容的文件。")
    checkpoint = open_checkpoint(note, keys)
    if inside not in (None, stored):
        raise Failed(f"{entry} 的内容与证明中所附的记录不同。")
    leaf = sha256(b"\x00" + stored).digest()
    if root_above(leaf, index, checkpoint.size, hashes) != checkpoint.root:
        raise Failed("记录内容与签发过的检查点不符：记录或证明被改动过。")
    say(f"[通过] 记录内容（{len(stored)} 字节）就是第 {index + 1} 条流水，一个字节也没有变。")
    show_entry(stored, index + 1)


def show_entry(stored: bytes, position: int) -> None:
    """Say what the entry says of itself."""
    try:
        entry: dict[str, Any] = loads(stored)
        said = entry["position"]
        facts = f"种类 {entry['fact']}，业务生效日期 {entry['effective_on'] or '无'}"
        filed = f"登记时间 {entry['recorded_at']}，办理账号 {entry['actor']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        say("[提示] 记录内容不是本系统格式的流水，未显示摘要。")
        return
    if said != position:
        raise Failed(f"记录中写的流水号是 {said}，与所在位置 {position} 不符。")
    say(f"       {facts}；{filed}（UTC）。其中个人信息是密封的，本程序不打开。")


# ── a whole journal ──────────────────────────────────────────────────────────────────────────


def check_journal(folder: Path, keys: Sequence[Key], held: Sequence[Path]) -> None:
    """Check an exported journal: every entry, every checkpoint, and those held elsewhere."""
    newest = open_checkpoint(text_of(folder / "checkpoint"), keys)
    wanted = older_checkpoints(folder)
    for path in held:
        checkpoint = open_checkpoint(text_of(path), keys)
        if checkpoint.origin != newest.origin:
            raise Failed(f"{path} 是另一本流水（{checkpoint.origin}）的检查点。")
        wanted.setdefault(checkpoint.size, {})[checkpoint.root] = str(path)
    if (size := max(wanted, default=0)) > newest.size:
        raise Failed(
            f"流水被截断或恢复成了旧副本：{next(iter(wanted[size].values()))} 签发时有"
            f" {size} 条，这里只有 {newest.size} 条，自流水号 {newest.size + 1} 起缺失。"
        )
    wanted.setdefault(newest.size, {})[newest.root] = "checkpoint"
    walk(folder, newest, wanted)
    say(f"[通过] 全部 {newest.size} 条记录与检查点相符，流水号连续，登记时间没有倒退。")
    say(f"[通过] {len(wanted)} 个检查点前后一致（含另行提供的 {len(held)} 个）。")
    if not held:
        say("[提示] 没有提供另外保存的检查点：如果整个文件夹被换成较早的导出，本程序看不出来。")


def older_checkpoints(folder: Path) -> Wanted:
    """Return roots by size; what the newest checkpoint signs contains them, or they are wrong."""
    found: Wanted = {}
    for path in sorted((folder / "checkpoints").glob("*/*/*/*")):
        _, size, root = parse_checkpoint(text_of(path).rpartition("\n\n")[0] + "\n")
        found.setdefault(size, {})[root] = str(path.relative_to(folder))
    return found


Wanted = dict[int, dict[bytes, str]]  # roots by size, and where each was found
PART, STEP = 8 * 1024 * 1024, 256 * 1024
ORDER = re.compile(
    rb',"position":([0-9]{1,18}),"prepared_by":"[^"\\]*(?:\\.[^"\\]*)*","recorded_at":"([^"]{27})"'
)


# Of the lines in a part: their leaves, one after the other; the roots over 256 of them, by number,
# should the first line's position be right; position and moment of the first; moment of the last;
# the first line (counted from 0) that does not follow the one above it, 0: none.
Part = tuple[bytes, dict[int, bytes], tuple[int, bytes], bytes, int]


def walk(folder: Path, newest: Checkpoint, wanted: Wanted) -> None:
    """Read every entry once, comparing the root at every checkpoint's size."""
    tree, stamp, passed, sizes = Tree(), b"", 0, sorted(wanted, reverse=True)
    for leaves, blocks, said, last, astray in parts(folder / "journal.ndjson"):
        first, end, at = tree.size + 1, tree.size + len(leaves) // 32, 0
        known = blocks if said[0] == first else {}
        while sizes and sizes[-1] <= end:
            size = sizes.pop()
            at, since = at + (size - tree.size) * 32, at
            tree.add(leaves[since:at], known)
            for root, name in wanted[size].items():
                if tree.root() != root:
                    raise Failed(blame(folder, newest, passed, size, name))
            passed = size
        tree.add(leaves[at:], known)
        if said[0] != first or said[1] < stamp or astray:
            at = first + (astray if said >= (first, stamp) else 0)
            raise Failed(f"流水号 {at} 的记录不接着前一条：流水号不连续，或登记时间早于前一条。")
        stamp = last
    if tree.size != newest.size:
        raise Failed(blame(folder, newest, passed, newest.size, "checkpoint"))


def parts(path: Path) -> Iterator[Part]:
    """Read the journal in parts, a large one by as many processes as there are processors."""
    pieces, read = list(cut(path)), partial(read_part, path)
    if len(pieces) <= 4:
        yield from map(read, pieces)
    else:
        with ProcessPoolExecutor() as pool:
            yield from pool.map(read, pieces)


def cut(path: Path) -> Iterator[tuple[int, int]]:
    """Cut the journal into parts of whole lines: where each begins and ends."""
    start, size = 0, path.stat().st_size
    with path.open("rb") as file:
        while start < size:
            file.seek(min(size, start + PART) - 1)
            file.readline()
            yield start, (start := file.tell())


def read_part(path: Path, piece: tuple[int, int]) -> Part:
    """Read a part that was cut out of the journal, few lines at a time: they stay at hand so."""
    leaves, found = b"", list[tuple[int, bytes]]()
    with path.open("rb", STEP) as file:
        file.seek(piece[0])
        while (left := piece[1] - file.tell()) > 0:
            more = min(left, STEP) - 1  # it stops after the line that goes beyond so many bytes
            lines = file.readlines(more) if more else [file.readline()]
            # A line break missing at the very end takes a byte with it: the hash does not fit.
            leaves += b"".join([sha256(b"\0" + line[:-1]).digest() for line in lines])
            said = [ORDER.match(line, line.rfind(b',"position":')) for line in lines]
            found += [(int(one[1]), one[2]) if one else (0, b"") for one in said]
    numbers, stamps = [one[0] for one in found], [one[1] for one in found]
    n, first, astray = len(found), numbers[0], 0
    if numbers != list(range(first, first + n)) or stamps != sorted(stamps):
        follow = [(numbers[i - 1] + 1, stamps[i - 1]) for i in range(n)]
        astray = next(i for i in range(1, n) if found[i][0] != follow[i][0] or found[i] < follow[i])
    whole = range(-(first - 1) % 256, n - 255, 256)
    blocks = {(first + i) // 256: perfect(leaves[i * 32 : i * 32 + 8192]) for i in whole}
    return leaves, blocks, found[0], stamps[-1], astray


def blame(folder: Path, newest: Checkpoint, passed: int, size: int, name: str) -> str:
    """Say as exactly as the files allow where the journal differs from what was signed."""
    between = f"流水号 {passed + 1} 至 {size} 之间有改动：与检查点（{name}，{size} 条）不符。"
    tree = Tree()
    for tile in tiles(folder, newest.size):
        tree.add(tile, {})
    if tree.size != newest.size or tree.root() != newest.root:
        return between + "文件夹中的散列块也与检查点不符，不能确定是哪一条。"
    genuine = (t[i : i + 32] for t in tiles(folder, newest.size) for i in range(0, len(t), 32))
    with (folder / "journal.ndjson").open("rb") as file:
        for position, (leaf, line) in enumerate(zip_longest(genuine, file), 1):
            if line is None:
                return f"流水自流水号 {position} 起缺失：签发检查点时有 {newest.size} 条。"
            if leaf is None:
                return f"流水多出记录：检查点只有 {newest.size} 条，文件中还有第 {position} 条。"
            if leaf != sha256(b"\x00" + line[:-1]).digest():
                return f"流水号 {position} 的记录与签发过的散列值不符，此前各条无误。"
    return f"检查点（{name}，{size} 条）与流水不符：该检查点被改动，或流水曾有两个版本。"


def tiles(folder: Path, size: int) -> Iterator[bytes]:
    """Yield the leaves kept in the tiles, 256 at a time, as far as there are any."""
    for number in range(-(-size // 256)):
        name, rest, width = f"{number % 1000:03}", number, min(256, size - number * 256)
        while rest := rest // 1000:
            name = f"x{rest % 1000:03}/{name}"
        path = folder / "tile" / "0" / (name if width == 256 else f"{name}.p/{width}")
        if not path.is_file():
            return
        yield path.read_bytes()


def text_of(path: Path) -> str:
    """Return a text file's contents."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise Failed(f"{path} 不是 UTF-8 文本，可能被改动。") from None


def known_keys(given: Sequence[str], beside: Path) -> list[Key]:
    """Return the public keys given on the command line (or in files), else those lying beside."""
    lines: list[str] = []
    for one in given:
        lines += text_of(Path(one)).split() if Path(one).is_file() else [one]
    if lines:
        say(f"使用所给的公钥 {len(lines)} 把。")
    elif beside.is_file():
        lines = text_of(beside).split()
        say("[注意] 没有用 --key 给出公钥，用的是放在一起的公钥：不能说明确由该单位签发。")
    if not lines:
        raise Unreadable("请用 --key 给出单位公布的公钥（一行文字，或保存公钥的文件）。")
    keys = [key for line in lines if (key := parse_key(line))]
    if len(keys) < len(lines):
        say(f"[提示] 其中 {len(lines) - len(keys)} 把不是 Ed25519 公钥，本程序不核验其签名。")
    if not keys:
        raise Unreadable("所给公钥中没有 Ed25519 公钥，本程序不能核验。")
    return keys


_REASONS = {errno.ENOENT: "没有这个文件", errno.EACCES: "没有权限", errno.EISDIR: "这是文件夹"}
_USAGE = """用法：verify.py 证明文件或导出文件夹 --key 公钥 [--entry 文件] [--checkpoint 文件]

核验台账流水。--key 单位公布的公钥，可重复；--entry 另外保存的记录原始内容；--checkpoint 另外保存的
检查点，可重复。
"""


class _Parser(argparse.ArgumentParser):
    """The command line in Chinese; argparse speaks English."""

    def error(self, message: str) -> NoReturn:  # noqa: ARG002  (in English)
        say(f"{_USAGE}\n命令写法有误，请对照用法检查。\n结论：无法核验。")
        raise SystemExit(Unreadable.code)

    def format_help(self) -> str:
        return _USAGE


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what the command line names; return the exit code."""
    parser = _Parser("verify.py")
    parser.add_argument("target", type=Path)
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--entry", type=Path)
    parser.add_argument("--checkpoint", action="append", default=[], type=Path)
    options = parser.parse_args(arguments)
    target: Path = options.target
    try:
        say(f"核验对象：{target}")
        beside = target / "keys" if target.is_dir() else target.with_name("keys")
        keys = known_keys(options.key, beside)
        if target.is_dir():
            check_journal(target, keys, options.checkpoint)
        else:
            check_entry(target, keys, options.entry)
    except Failed as failure:
        say(f"[不通过] {failure}\n结论：{failure.title}。")
        return failure.code
    except OSError as error:
        said = _REASONS.get(error.errno or 0, f"系统错误 {error.errno}")
        say(f"[不通过] 文件读不到：{error.filename}（{said}）。\n结论：无法核验。")
        return Unreadable.code
    say("结论：核验通过。")
    return 0


if __name__ == "__main__":
    sys.exit(main())
