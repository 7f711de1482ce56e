"""The review queue: what a human should look at first, and who is looking at what.

Ranked by a measure, with near-copies spread: after one of them, the next comes only when
``SPACING`` other images have had their turn (or nothing else is left).

Leases keep two people from the same image: ``take`` hands images out for some minutes, ``decide``
gives them back. A holder who went away loses them when the time is up. A lease that would last
longer than any is a wrong clock's, and keeps nobody from an image.
"""

from __future__ import annotations

import heapq
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from enum import StrEnum

from cfinspect.project.listing import NEEDS, HumanState, ImageRow, by_ids, in_folders
from cfinspect.project.project import Project

SPACING = 20
LEASE_SECONDS = 300.0
MOST_LEASE_SECONDS = 2 * LEASE_SECONDS  # clocks of colleagues differ by a little
_LOOK_AHEAD = 1000


class Rank(StrEnum):
    """What the queue is ranked by.

    ``AREA``: how near the damaged area is to a limit that matters to the user.
    """

    UNCERTAINTY = "uncertainty"
    P_FAKE = "p_fake"
    DISAGREEMENT = "disagreement"
    AREA = "area"


def queue(
    project: Project,
    rank: Rank = Rank.UNCERTAINTY,
    *,
    folder: str | None = None,
    domain: str | None = None,
    everything: bool = False,
    area_limit: float = 0.01,
    limit: int = 50,
    free_for: str | None = None,
) -> list[ImageRow]:
    """The next ``limit`` images that nobody has decided yet, most urgent first; those that
    somebody has skipped come last.

    In the queue is what the model's review rule flags and what contradicts its label by folder or
    `labels.csv`; with ``everything``, whatever a model looked at. ``area_limit``: for Rank.AREA, as
    a share of the image. ``free_for``: leave out what is leased to others than this holder.
    """
    return by_ids(
        project,
        _order(project, rank, folder, domain, everything, area_limit, limit, free_for),
    )


def take(
    project: Project,
    holder: str,
    who: str,
    rank: Rank = Rank.UNCERTAINTY,
    *,
    folder: str | None = None,
    domain: str | None = None,
    everything: bool = False,
    area_limit: float = 0.01,
    number: int = 1,
    seconds: float = LEASE_SECONDS,
) -> list[ImageRow]:
    """Lease the next ``number`` images to ``holder`` (a text of its own for each window).

    ``seconds``: at most MOST_LEASE_SECONDS count. In a project that can only be looked at nothing
    is leased.
    """
    if project.read_only:
        return by_ids(
            project, _order(project, rank, folder, domain, everything, area_limit, number, holder)
        )
    with project.database.writing() as connection:
        ids = _order(project, rank, folder, domain, everything, area_limit, number, holder)
        until = time.time() + min(seconds, MOST_LEASE_SECONDS)
        connection.executemany(
            "INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?)",
            [(image_id, holder, who, until) for image_id in ids],
        )
    return by_ids(project, ids)


def renew(project: Project, holder: str, seconds: float = LEASE_SECONDS) -> None:
    """Prolong all leases of ``holder`` that have not run out."""
    if project.read_only:
        return
    with project.database.writing() as connection:
        connection.execute(
            "UPDATE lease SET until = ? WHERE holder = ? AND until > ?",
            (time.time() + seconds, holder, time.time()),
        )


def release(project: Project, holder: str) -> None:
    """Give back all leases of ``holder``, and remove those that have run out or never would."""
    if project.read_only:
        return
    with project.database.writing() as connection:
        connection.execute(f"DELETE FROM lease WHERE holder = ? OR NOT ({HELD})", (holder, *held()))


HELD = "until > ? AND until <= ?"


def held() -> tuple[float, float]:
    """Values for HELD: the leases that keep others from an image now."""
    return time.time(), time.time() + MOST_LEASE_SECONDS


def spread(ranked: Iterable[tuple[int, int]], spacing: int = SPACING) -> list[int]:
    """Put (id, cluster) pairs, most urgent first, in an order that spreads clusters.

    Between two of one cluster stand ``spacing`` others, as long as there are others.
    """
    places: defaultdict[int, deque[tuple[int, int]]] = defaultdict(deque)
    for place, (number, cluster) in enumerate(ranked):
        places[cluster].append((place, number))
    ready = [(waiting[0][0], cluster) for cluster, waiting in places.items()]
    heapq.heapify(ready)
    resting: deque[tuple[int, int]] = deque()  # (when it may come again, cluster), in that order
    order: list[int] = []
    while ready or resting:
        while resting and (resting[0][0] <= len(order) or not ready):
            _, cluster = resting.popleft()
            heapq.heappush(ready, (places[cluster][0][0], cluster))
        _, cluster = heapq.heappop(ready)
        order.append(places[cluster].popleft()[1])
        if places[cluster]:
            resting.append((len(order) + spacing, cluster))
    return order


def _order(
    project: Project,
    rank: Rank,
    folder: str | None,
    domain: str | None,
    everything: bool,
    area_limit: float,
    limit: int,
    free_for: str | None,
) -> list[int]:
    conditions = [f"missing = 0 AND {rank} IS NOT NULL"]
    values: list[object] = []
    if not everything:
        conditions.append(NEEDS)
    condition, ids = in_folders(project, folder, domain)
    conditions += condition
    values += ids
    if free_for is not None:
        taken = project.database.rows(
            f"SELECT image_id FROM lease WHERE holder != ? AND {HELD}", free_for, *held()
        )
        conditions += [f"id NOT IN ({', '.join(str(row['image_id']) for row in taken)})"]
    best: list[tuple[int, int, float]] = []
    for state in (HumanState.OPEN, HumanState.SKIPPED):  # who skips leaves it to another look
        if len(best) < limit:
            where = " AND ".join([*conditions, f"state = {int(state)}"])
            best += _ranked(project, rank, where, values, area_limit, limit)
    return spread((number, cluster) for number, cluster, _ in best)[:limit]


def _ranked(
    project: Project, rank: Rank, where: str, values: list[object], area_limit: float, limit: int
) -> list[tuple[int, int, float]]:
    """The most urgent images, at least ``limit`` if there are so many: (id, cluster, figure)."""
    number = max(_LOOK_AHEAD, 4 * limit)
    if rank is Rank.AREA:
        # Both ways from the limit along the index, instead of sorting everything by distance.
        best = [
            *_best(project, f"{where} AND area >= ?", [*values, area_limit], "area", "ASC", number),
            *_best(project, f"{where} AND area < ?", [*values, area_limit], "area", "DESC", number),
        ]
        best.sort(key=lambda one: abs(one[2] - area_limit))
    else:
        best = _best(project, where, values, rank, "DESC", number)
    if rank is Rank.DISAGREEMENT and len(best) < limit:
        # Without a label nothing can contradict it, but it waits for a human all the same.
        rest = where.replace(f"{rank} IS NOT NULL", "label IS NULL AND uncertainty IS NOT NULL")
        best += _best(project, rest, values, Rank.UNCERTAINTY, "DESC", number)
    return best


def _best(
    project: Project, where: str, values: list[object], figure: str, way: str, limit: int
) -> list[tuple[int, int, float]]:
    """The first images by an order: (id, cluster, the figure), the same every time."""
    order = ", ".join(f"{column} {way}" for column in (figure, "path", "folder_id"))
    rows = project.database.rows(
        f"SELECT i.id, coalesce(i.cluster, i.id) AS cluster, i.{figure} AS figure FROM (SELECT id "
        f"FROM image INDEXED BY image_by_{figure} WHERE {where} ORDER BY {order} LIMIT ?) AS "
        f"best JOIN image AS i ON i.id = best.id ORDER BY i.{figure} {way}, i.path {way}, "
        f"i.folder_id {way}",
        *values,
        limit,
    )
    return [(row["id"], row["cluster"], row["figure"]) for row in rows]
