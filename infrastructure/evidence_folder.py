"""The folder outside the database (外存文件夹): what was signed, where the database cannot reach.

    checkpoints/000/001/234/567    the checkpoint of 1,234,567 entries, as it was signed
    tile/0/x001/234  tile/0/x001/235.p/7 …   the tree's hashes in the C2SP tlog-tiles layout
    keys                           public keys that sign or signed, one a line

Files are only ever added, never changed or removed: the folder may be append-only by its file
system (``chattr +a``), a mounted write-once share, or copied away at any time. The same layout
(with ``checkpoint`` and the journal beside it) is what an export writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from application.evidence import Contradiction, EvidenceProblem
from domain.evidence import HASH_BYTES, TILE_WIDTH, Tile, split
from infrastructure.durable import make_folder, sync
from infrastructure.system_words import why

SIZE_DIGITS: Final = 12
_SIZE_PARTS: Final = SIZE_DIGITS // 3


class EvidencePlaces(NamedTuple):
    """Where an office's evidence lies outside the database: its signing keys, and this folder."""

    key_file: Path
    folder: Path


class EvidenceFolder:
    """One journal's checkpoints and tiles as files."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Keep them below ``path``, which is made when something is first written.

        ``durable``: what is written is on disk when the call returns.
        """
        self.path = path
        self._durable = durable

    # ── checkpoints ──────────────────────────────────────────────────────────────────────────

    def newest(self) -> int:
        """Return the size of the newest checkpoint, 0 where there is none."""
        folder, digits = self.path / "checkpoints", ""
        for depth in range(_SIZE_PARTS):
            names = [one.name for one in _entries(folder) if _is_part(one.name)]
            if not names:
                if depth:
                    raise Contradiction(f"外存文件夹不完整：{folder} 是空的。")
                return 0
            digits += max(names)
            folder /= max(names)
        return int(digits)

    def note(self, size: int) -> str | None:
        """Return the checkpoint of that size as it was signed, None where there is none."""
        path = self._checkpoint(size)
        try:
            return path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise EvidenceProblem(f"外存检查点无法读取：{path}（{why(error)}）。") from error

    def sizes(self) -> list[int]:
        """Return the sizes of all checkpoints, ascending."""
        found: list[int] = []
        pending = [(self.path / "checkpoints", "")]
        while pending:
            folder, digits = pending.pop()
            for one in _entries(folder):
                if _is_part(one.name) and len(digits) + 3 < SIZE_DIGITS:
                    pending.append((Path(one.path), digits + one.name))
                elif _is_part(one.name):
                    found.append(int(digits + one.name))
        return sorted(found)

    def keep_checkpoint(self, size: int, note: str) -> None:
        """Write a checkpoint."""
        self._keep(self._checkpoint(size), note.encode())

    def _checkpoint(self, size: int) -> Path:
        digits = f"{size:0{SIZE_DIGITS}}"
        return self.path.joinpath(
            "checkpoints", *(digits[i : i + 3] for i in range(0, SIZE_DIGITS, 3))
        )

    # ── tiles ────────────────────────────────────────────────────────────────────────────────

    def keep_tile(self, tile: Tile, hashes: bytes) -> None:
        """Write a tile."""
        self.keep_tiles([(tile, hashes)])

    def keep_tiles(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Write tiles; the disk is waited for when all of them are written."""
        paths = []
        for tile, hashes in tiles:
            paths.append(self.path / tile.path)
            self._add(paths[-1], hashes)
        self._settle(*paths)

    def leaves(self, size: int) -> Iterator[tuple[bytes, ...]]:
        """Yield the leaves of the tree of that size, tile by tile.

        Raises:
            Contradiction: a tile is missing or has not as many hashes as it should.
        """
        for number in range(-(-size // TILE_WIDTH)):
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            yield split(self._leaf_tile(number, width))

    def _leaf_tile(self, number: int, width: int) -> bytes:
        """Return the first hashes of a leaf tile, from the full one where the partial is gone."""
        for tile in (Tile(0, number, width), Tile(0, number)):
            hashes = self.tile(tile)
            if hashes is not None:
                if len(hashes) != tile.width * HASH_BYTES:
                    raise Contradiction(f"外存散列块不完整：{self.path / tile.path}。")
                return hashes[: width * HASH_BYTES]
        raise Contradiction(f"外存散列块缺失：{self.path / Tile(0, number, width).path}。")

    def tile(self, tile: Tile) -> bytes | None:
        """Return what a tile's file holds, None where there is none."""
        path = self.path / tile.path
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EvidenceProblem(f"外存散列块无法读取：{path}（{why(error)}）。") from error

    # ── keys ─────────────────────────────────────────────────────────────────────────────────

    def public_keys(self) -> list[str]:
        """Return the public keys, one a line."""
        try:
            return (self.path / "keys").read_text("utf-8").split()
        except FileNotFoundError:
            return []

    def keep_keys(self, lines: list[str]) -> None:
        """Add those public keys that are not there yet."""
        known = self.public_keys()
        new = [line for line in lines if line not in known]
        if new:
            before = "".join(f"{line}\n" for line in known)
            self._keep(self.path / "keys", (before + "".join(f"{line}\n" for line in new)).encode())

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def _keep(self, path: Path, data: bytes) -> None:
        self._add(path, data)
        self._settle(path)

    def _add(self, path: Path, data: bytes) -> None:
        """Bring a file to hold ``data``, only by adding to it.

        What a crash left half written is completed; anything else that is there is left alone.
        """
        try:
            make_folder(path.parent, 0o755)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            with os.fdopen(handle, "r+b") as file:
                there = file.read()
                if not data.startswith(there):
                    raise Contradiction(f"外存文件与应有内容不同，未作改动：{path}。")
                file.write(data[len(there) :])
        except OSError as error:
            raise EvidenceProblem(f"外存文件夹无法写入：{path}（{why(error)}）。") from error

    def _settle(self, *paths: Path) -> None:
        """Wait until what was added to these files is on disk, and that they are there."""
        if not self._durable:
            return
        for path in (*paths, *dict.fromkeys(path.parent for path in paths)):
            try:
                sync(path)
            except OSError as error:
                raise EvidenceProblem(f"外存文件夹无法写入：{path}（{why(error)}）。") from error


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise EvidenceProblem(f"外存文件夹无法读取：{folder}（{why(error)}）。") from error


def _is_part(name: str) -> bool:
    return len(name) == 3 and name.isdecimal()  # noqa: PLR2004  (three digits a level)
