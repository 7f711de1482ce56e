"""Opening a folder as a project, its image folders, and the models bound to them."""

from __future__ import annotations

import functools
import os
import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cfinspect.engine.model.metadata import MetadataError, ModelMetadata
from cfinspect.project import backup
from cfinspect.project.database import Database, ProjectError, now_text
from cfinspect.project.paths import ProjectPaths, find_project_paths, new_place
from cfinspect.project.reach import Reach, read_reach, remember


@dataclass(frozen=True)
class Folder:
    """An image folder of a project.

    ``path`` is absolute; ``name`` is how the project calls it: relative to its own folder with
    forward slashes ("." for that itself), absolute when outside. ``model_id``: the model whose
    predictions count for it. ``mm_per_px``: scale of its images, None when unknown. ``reachable``:
    whether it may be read, see ``reach``.
    """

    id: int
    name: str
    path: Path
    domain: str
    model_id: int | None
    mm_per_px: float | None
    reachable: bool = True


@dataclass(frozen=True)
class ProjectModel:
    """A model that a project knows; ``digest`` is its file's.

    ``metadata``: as it was when the project met the model; None where this version cannot read it.
    """

    id: int
    digest: str
    name: str
    path: Path
    metadata: ModelMetadata | None


@functools.lru_cache(maxsize=256)
def _metadata(text: str) -> ModelMetadata | None:
    """Parsed once for each text: lists of models are read again and again."""
    try:
        return ModelMetadata.from_json(text)
    except MetadataError:
        return None


def image_name(folder: str, path: str, *, several: bool) -> str:
    """What an image is called: its path, after the folder's name where there are ``several``."""
    return f"{folder}/{path}" if several and folder != "." else path


class Project:
    """An open project; use as a context manager. ``human`` opens it for verdicts and masks.

    For one thread at a time: each worker opens its own with ``again``.
    """

    def __init__(self, paths: ProjectPaths, database: Database) -> None:
        self.paths = paths
        self.database = database
        self._id = ""

    @classmethod
    def create(cls, root: Path, *, domain: str = "", human: bool = False) -> Project:
        """Make a project of the folder ``root``, or open the one that is there.

        A new one has ``root`` itself as its first image folder, of the given ``domain`` (its own
        name where empty). Raises ProjectError when ``root`` is no folder.
        """
        if not root.is_dir():
            raise ProjectError(f"There is no folder {root}; check the path.")
        _require_text(domain or root.resolve().name, root)
        if find_project_paths(root) is not None:
            project = cls.open(root, human=human)
        else:
            paths = new_place(root)
            paths.make(paths.scratch)
            project = cls(paths, Database(paths.database, human=human, create=True))
        if not project.folders():
            with project.database.writing() as connection:
                about = {"id": str(uuid.uuid4()), "created": now_text()}
                connection.executemany(
                    "INSERT OR IGNORE INTO meta VALUES (?, ?)", list(about.items())
                )
                project.add_folder(root, domain or root.resolve().name or "images")
        return project

    @classmethod
    def open(cls, root: Path, *, human: bool = False) -> Project:
        """Open the project of the folder ``root``.

        Checks the database, removes what killed programs left and backs up when that is due. One
        that may not be written can still be looked at; ``read_only`` says why.
        Raises ProjectError where there is no project, its database is damaged or not built as ours,
        or a link stands among its files.
        """
        paths = find_project_paths(root)
        if paths is None:
            raise ProjectError(
                f"There is no project in {root}: make one with `cfinspect project init {root}`."
            )
        paths.refuse_links()
        project = cls(paths, Database(paths.database, human=human))
        try:
            project.database.check()
            if not project.read_only:
                project.tidy()
                backup.back_up_when_due(paths, project.database)
        except BaseException:
            project.close()
            raise
        return project

    @classmethod
    def open_again(cls, root: Path) -> Project:
        """Another connection of a program that has opened the project of ``root`` already.

        Its values are not checked again.
        """
        paths = find_project_paths(root)
        if paths is None:
            raise ProjectError(f"There is no project in {root} any more.")
        return cls(paths, Database(paths.database, human=False))

    def again(self, *, human: bool = False) -> Project:
        """A second connection to the same project, for another thread."""
        return Project(self.paths, Database(self.paths.database, human=human))

    def tidy(self) -> None:
        """Remove temporary files of programs that were killed."""
        if next(self.paths.make(self.paths.scratch).iterdir(), None) is None:
            return
        # Masks are only written while holding the write lock: whoever holds it knows that none of
        # these files belongs to a mask in the making. A backup or a cached map may do without.
        with self.database.writing():
            self.paths.remove_leftovers()

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def id(self) -> str:
        """The project's own id, as exports name it."""
        if not self._id:
            row = self.database.row("SELECT value FROM meta WHERE key = 'id'")
            self._id = str(row["value"]) if row else ""
        return self._id

    @property
    def read_only(self) -> str:
        """Why the project can only be looked at, as part of a sentence; "" where it can be written.

        Whatever would change it raises ProjectError then.
        """
        return self.database.read_only

    # Folders ------------------------------------------------------------------------------------

    def add_folder(self, path: Path, domain: str = "", *, mm_per_px: float | None = None) -> Folder:
        """Add an image folder; one that is there has its domain and scale renewed where given.

        Whoever adds a folder that lies outside of the project allows the project to read it.
        Raises ProjectError when ``path`` is no folder, or lies in or around a folder of the
        project: an image would belong to both.
        """
        if not path.is_dir():
            raise ProjectError(f"There is no folder {path}; check the path.")
        real = path.resolve()
        for other in self.folders():
            if other.path != real and (
                real.is_relative_to(other.path) or other.path.is_relative_to(real)
            ):
                raise ProjectError(
                    f"{path} and {other.path}, which the project has already, lie in one another; "
                    "an image would belong to both."
                )
        _require_text(self._name_of(real) + (domain or real.name), path)
        if not self.reach.includes(real):
            self.answer([real], allowed=True)
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO folder (path, domain, mm_per_px, added) VALUES (?, ?, ?, ?) ON "
                "CONFLICT (path) DO UPDATE SET domain = coalesce(nullif(?, ''), domain), mm_per_px "
                "= coalesce(excluded.mm_per_px, mm_per_px), removed = 0",
                (self._name_of(real), domain or real.name, mm_per_px, now_text(), domain),
            )
        return next(folder for folder in self.folders() if folder.path == real)

    def remove_folder(self, folder: Folder) -> None:
        """Take an image folder out of the project; no file is touched.

        What was said of its images is kept, and comes back with the folder and a scan.
        """
        with self.database.writing() as connection:
            connection.execute("UPDATE folder SET removed = 1 WHERE id = ?", (folder.id,))
            connection.execute("UPDATE image SET missing = 1 WHERE folder_id = ?", (folder.id,))

    def folders(self) -> list[Folder]:
        """The image folders, in the order they were added."""
        reach, found = self.reach, []
        for row in self.database.rows("SELECT * FROM folder WHERE removed = 0 ORDER BY id"):
            real = (self.paths.root / row["path"]).resolve()
            facts = (row["domain"], row["model_id"], row["mm_per_px"])
            found.append(Folder(row["id"], row["path"], real, *facts, reach.includes(real)))
        return found

    def folder_named(self, name: str) -> Folder:
        """The folder that is called ``name`` or lies there; ProjectError names those there are."""
        folders = self.folders()
        place = Path(name).resolve()
        for folder in folders:
            if folder.name == name or folder.path == place:
                return folder
        known = ", ".join(folder.name for folder in folders) or "none"
        raise ProjectError(f"The project has no folder {name}; it has: {known}.")

    @property
    def reach(self) -> Reach:
        """What the project may read on this PC."""
        return read_reach(self.paths.root, self.id)

    def answer(self, folders: Iterable[Path], *, allowed: bool) -> None:
        """Keep whether a person lets the project read ``folders`` outside of it, on this PC.

        Raises ProjectError where that cannot be kept.
        """
        real = [folder.resolve() for folder in folders]
        remember(self.paths.root, self.id, real, allowed=allowed)

    def set_scale(self, folder: Folder, mm_per_px: float) -> None:
        """Note the scale of a folder's images, in millimetres a pixel."""
        with self.database.writing() as connection:
            connection.execute(
                "UPDATE folder SET mm_per_px = ? WHERE id = ?", (mm_per_px, folder.id)
            )

    def _name_of(self, real: Path) -> str:
        if real.is_relative_to(self.paths.root):
            return real.relative_to(self.paths.root).as_posix()
        return os.fspath(real)

    # Models -------------------------------------------------------------------------------------

    def add_model(self, path: Path, digest: str, metadata: ModelMetadata) -> ProjectModel:
        """Remember the model file ``path``; one of the same ``digest`` is the same model."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO model (digest, name, path, card, added) VALUES (?, ?, ?, ?, ?) ON "
                "CONFLICT (digest) DO UPDATE SET path = excluded.path, name = excluded.name",
                (digest, path.name, str(path.resolve()), metadata.to_json(), now_text()),
            )
        return next(model for model in self.models() if model.digest == digest)

    def models(self) -> list[ProjectModel]:
        """The models, in the order they were first used."""
        return [
            ProjectModel(
                row["id"], row["digest"], row["name"], Path(row["path"]), _metadata(row["card"])
            )
            for row in self.database.rows("SELECT * FROM model ORDER BY id")
        ]

    def bind(self, folder: Folder, model: ProjectModel) -> None:
        """Let the predictions of ``model`` count for ``folder``: lists, queue and statistics."""
        with self.database.writing() as connection:
            connection.execute("UPDATE folder SET model_id = ? WHERE id = ?", (model.id, folder.id))
            use_predictions(connection, "folder_id = ?", folder.id)


def _require_text(name: str, folder: Path) -> None:
    """ProjectError for a name that the database cannot hold."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise ProjectError(
            f"The name of the folder {folder} is no UTF-8 text, as projects need it: rename it."
        ) from None


def use_predictions(connection: sqlite3.Connection, where: str, *values: object) -> None:
    """Copy the predictions of each folder's model into the columns that lists sort by."""
    connection.execute(f"{_USE_PREDICTIONS} WHERE {where}", values)


_USE_PREDICTIONS = """
UPDATE image SET (machine, score, p_fake, uncertainty, disagreement, area, flagged) = (
    SELECT p.label, p.score, p.p_fake, p.uncertainty, abs(image.label - p.score), p.area,
        coalesce(p.review, 0)
    FROM folder AS f LEFT JOIN prediction AS p ON p.image_id = image.id AND p.model_id = f.model_id
    WHERE f.id = image.folder_id
)
"""
