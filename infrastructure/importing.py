"""The files of an import (期初导入): opened together, read together, written back when checked.

    Files({"机构.xlsx": …, "人员.csv": …}) ──books──► rows by sheet, for `application.importing`
                                         └─write_copy──► 核对结果.xlsx, a copy of one file

Whatever is wrong with a file is said of that file by its name, and of all files at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, Self

from application.importing import books_of
from application.importing_results import BookLines, Imported, Unread
from infrastructure.workbooks import BookProblem, Workbook, open_book
from infrastructure.workbooks_annotated import RowNote, annotated_copy


class FileProblem(NamedTuple):
    """Why a file cannot be imported: its name, a stable code, and what the clerk reads."""

    file: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"《{self.file}》不能导入：{self.message}"


class Unreadable(Exception):
    """Files that cannot be imported; nothing of any file is, then."""

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        """Name every file with its problem."""
        super().__init__("；".join(problem.code for problem in problems))
        self.problems = tuple(problems)


def distinct_names(given: Sequence[str]) -> list[str]:
    """Return a name for each file: without its folders, unless two would then be called the same.

    Raises `Unreadable` where one file is given twice.
    """
    paths = [PurePosixPath(name.replace("\\", "/")) for name in given]
    short = [path.name for path in paths]
    names = [
        one if short.count(one) == 1 else str(path) for one, path in zip(short, paths, strict=True)
    ]
    twice = dict.fromkeys(name for name in names if names.count(name) > 1)
    if twice:
        message = "这个文件给了两次，请只给一次；不同的文件请改用不同的名称"
        raise Unreadable([FileProblem(name, "given_twice", message) for name in twice])
    return names


class Files:
    """Files of one import by the names that messages call them; a context manager closes them."""

    def __init__(self, sources: Mapping[str, Path | bytes]) -> None:
        """Import these files: where they lie, or what they hold."""
        self._sources = dict(sources)
        self._workbooks: dict[str, Workbook] = {}
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        """Open all; raises `Unreadable` naming every file that cannot be opened."""
        problems: list[FileProblem] = []
        for name, source in self._sources.items():
            with collecting(problems, name):
                self._workbooks[name] = self._opened.enter_context(open_book(source, name))
        if problems:
            self.close()
            raise Unreadable(problems)
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self.close()

    def close(self) -> None:
        """Give back the memory that the opened files take."""
        self._workbooks.clear()
        self._opened.close()

    def books(self) -> tuple[list[BookLines], list[Unread]]:
        """Return the known books in the files, and the sheets that are not read.

        Raises `Unreadable` naming every file that has no book in it; the rows may raise it too.
        """
        books: list[BookLines] = []
        unread: list[Unread] = []
        problems: list[FileProblem] = []
        for name, workbook in self._workbooks.items():
            with collecting(problems, name):
                found, ignored = books_of([(name, workbook)], _naming)
                books += found
                unread += ignored
        if problems:
            raise Unreadable(problems)
        return books, unread

    def write_copy(self, name: str, imported: Imported, target: Path | BinaryIO) -> None:
        """Write a file back as an .xlsx with what was found beside each row."""
        notes = {place: RowNote(*note) for place, note in imported.notes(name).items()}
        with _naming(name), open_book(self._sources[name], name) as book:
            annotated_copy(book, notes, target)


@contextmanager
def collecting(problems: list[FileProblem], name: str) -> Iterator[None]:
    """Go on with the next file after a problem."""
    try:
        with _naming(name):
            yield
    except Unreadable as unreadable:
        problems += unreadable.problems


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Say of which file a problem speaks."""
    try:
        yield
    except BookProblem as problem:
        raise Unreadable([FileProblem(name, problem.code, problem.message)]) from problem
    except FileNotFoundError as error:
        raise Unreadable([FileProblem(name, "missing", "没有找到这个文件，请检查路径")]) from error
    except IsADirectoryError as error:
        message = "这是一个文件夹，请写明其中的文件"
        raise Unreadable([FileProblem(name, "folder", message)]) from error
    except PermissionError as error:
        message = "没有读取这个文件的权限，或文件正被别的程序占用"
        raise Unreadable([FileProblem(name, "not_allowed", message)]) from error


def copy_name(name: str) -> str:
    """Return what the checked copy of a file is called: 东区/人员.xls → 东区_人员-核对结果.xlsx."""
    path = PurePosixPath(name)
    folders = [part for part in path.parts[:-1] if part not in {"/", "..", "."}]
    return "_".join([*folders, path.stem]) + "-核对结果.xlsx"


def copy_names(names: Sequence[str]) -> dict[str, str]:
    """Return a file name for the checked copy of each file, all of them different."""
    short = {name: copy_name(name) for name in names}
    taken = list(short.values())
    return {
        name: copy if taken.count(copy) == 1 else copy_name(name.replace(".", "_"))
        for name, copy in short.items()
    }
