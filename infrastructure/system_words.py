"""Why the operating system would not read or write, in the clerk's words.

except OSError as error:
raise CannotDo(f"不能写入 {path}（{why(error)}）。")
"""

from __future__ import annotations

import errno
from typing import Final

_REASONS: Final = {
    errno.ENOENT: "没有这个文件或文件夹",
    errno.EACCES: "当前用户没有权限",
    errno.EPERM: "当前用户没有权限",
    errno.EISDIR: "这是一个文件夹",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.EEXIST: "已经有同名的文件或文件夹",
    errno.ENOSPC: "磁盘空间已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.EROFS: "所在磁盘只能读取",
    errno.ENAMETOOLONG: "文件名过长",
    errno.EIO: "磁盘读写出错",
}


def why(error: OSError | ValueError) -> str:
    """Return the reason; one that has no words here is given as the system's own number.

    A `ValueError` is what reading says of bytes that are not what the file ought to hold.
    """
    if isinstance(error, ValueError):
        return "内容不完整或被改动"
    return _REASONS.get(error.errno or 0, f"系统错误 {error.errno}：{error.strerror}")
