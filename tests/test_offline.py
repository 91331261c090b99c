"""At run time the program makes no outbound connection: it serves where there is no network."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CUT_OFF = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--user", "-r", "--net")


@pytest.fixture
def cut_off() -> tuple[str, ...]:
    """A command prefix under which there is no network but what a program raises itself."""
    try:
        tried = subprocess.run([*CUT_OFF, "true"], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("没有 unshare 命令，不能在空的网络命名空间里试运行")
    if tried.returncode != 0:
        pytest.skip(f"本机内核不允许新建网络命名空间，不能试运行：{tried.stderr.strip()}")
    return CUT_OFF


def test_the_program_serves_where_there_is_no_network(cut_off: tuple[str, ...]) -> None:
    """Makes a demonstration, serves, answers and ends; nothing looks beyond the machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="taizhang-test-") as folder:
        own = {"TAIZHANG_DATA_DIR": folder, "TAIZHANG_PORT": str(port), "PYTHONPATH": str(ROOT)}
        run = subprocess.run(
            [*cut_off, sys.executable, str(ROOT / "tests" / "offline_program.py")],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **own},
            timeout=600,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    said = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert [one["cut_off"] for one in said if "cut_off" in one], "the namespace has a network"
    beyond = [one["beyond"] for one in said if "beyond" in one]
    assert beyond, "the watch was asleep: it did not even see the connection tried on purpose"
    assert set(beyond) <= {"socket.connect 192.0.2.1", "socket.getaddrinfo 192.0.2.1"}
    answered = {one["path"]: one["status"] for one in said if "path" in one}
    assert len(answered) >= 7
    assert set(answered.values()) == {200}
