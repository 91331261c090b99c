"""A key in use, and a checkpoint that was told of, can be found again after a power failure.

No test can cut the power. These hold that the folder in which a name appears, and the one in which
a new folder appears, are synced after it has appeared and before anybody goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from infrastructure.durable import make_folder
from infrastructure.evidence_folder import EvidenceFolder
from infrastructure.evidence_keys import new_signing_keys, save_signing_keys
from infrastructure.keys import make_master_key

Named = dict[Path, set[str]]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Named:
    """Which names each folder held when it was last synced."""
    found: Named = {}
    sync = os.fsync

    def watched(handle: int) -> None:
        sync(handle)
        path = Path(f"/proc/self/fd/{handle}").resolve()
        if path.is_dir():
            found[path] = {one.name for one in path.iterdir()}

    monkeypatch.setattr(os, "fsync", watched)
    return found


def _master_key(folder: Path) -> Path:
    make_master_key(folder / "new" / "deep" / "master.key")
    return folder / "new" / "deep" / "master.key"


def _signing_keys(folder: Path) -> Path:
    path = folder / "new" / "deep" / "signing.key"
    save_signing_keys(path, new_signing_keys("示范"))
    return path


def _public_keys(folder: Path) -> Path:
    EvidenceFolder(folder / "new" / "deep").keep_keys(["a+b+c"])
    return folder / "new" / "deep" / "keys"


@pytest.mark.parametrize("write", [_master_key, _signing_keys, _public_keys])
def test_a_new_file_is_kept_under_its_name(
    write: Callable[[Path], Path], tmp_path: Path, kept: Named
) -> None:
    """And so are the folders that were made for it, up to the one that was there."""
    path = write(tmp_path)
    assert path.exists()
    while path != tmp_path:
        assert path.name in kept[path.parent]
        path = path.parent


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, kept: Named) -> None:
    """Nothing is waited for where nothing was made."""
    make_folder(tmp_path, 0o700)
    assert kept == {}
