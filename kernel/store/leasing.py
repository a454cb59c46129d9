"""Who carries a run out, who asked for it, and what is to become of it: several servers, one store.

Every method decides in one transaction, so that of two that try the same one does it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, literal, or_, select, update

from kernel.errors import StoreInUse
from kernel.store.base import Base, lasting
from kernel.store.codec import storable
from kernel.store.rows import RequestRow
from kernel.store.schema import counts, leases, outcomes, requests, runs, scores, tasks, totals, written

LOST = 20.0
"""Seconds after which a lease that nobody renewed is anybody's."""


class Leasing(Base):
    """The part of the store by which servers share the runs.

    "pending" is a state of ours and not of the table `runs`, which an older Assay reads and cannot be altered on SQLite: such a run is
    "running" there, and has a lease whose owner is nobody.
    """

    @lasting
    def create_run(self, run: str, suite: str, manifest: Mapping[str, Any], *, request_id: str = "", digest: str = "") -> RequestRow:
        """A new run in the state "pending", and the request that made it.

        Where `request_id` (empty: none) made a run before, nothing is written and that request is returned: it is the caller's to hold
        its digest against his own.
        """
        row = {"run": run, "suite": suite, "created": _stamp(), "status": "running", "note": "", "manifest": json.dumps(manifest)}
        with self._writing("the run cannot be begun") as connection:
            if request_id and (before := _request(connection, request_id)) is not None:
                return before
            connection.execute(self._insert(runs).values(**row).on_conflict_do_nothing())
            if request_id:
                put = self._insert(requests).values(request_id=request_id, digest=digest, run=run).on_conflict_do_nothing()
                if connection.execute(put).rowcount == 0 and (before := _request(connection, request_id)) is not None and before.run != run:
                    connection.execute(delete(runs).where(runs.c.run == run))
                    return before
            self._queue(connection, run)
        return RequestRow(request_id, digest, run)

    @lasting
    def request(self, request_id: str) -> RequestRow | None:
        """The request of that name, if it made a run that is still there."""
        with self._reading() as connection:
            return _request(connection, request_id) if self._has(connection, requests) else None

    @lasting
    def set_state(self, run: str, state: str, note: str = "", *, among: Collection[str] = (), owner: str = "") -> bool:
        """Put a run into the state "pending", "running", "interrupted" or "finished"; whether that was done, or is so already.

        among: only where it is in one of these; empty for any. owner: only where the lease is his; empty for whoever. A living lease stays:
        its owner hears from `renew_lease` that the run ended, and if it is "pending" again by then, he just goes on.
        """
        with self._writing("the run's state cannot be written") as connection:
            self._lock(connection, run)
            wanted = select(runs.c.status, leases.c.owner).outerjoin(leases, runs.c.run == leases.c.run).where(runs.c.run == run)
            row = connection.execute(wanted).one_or_none()
            if row is None:
                return False
            before = "pending" if row.status == "running" and row.owner == "" else row.status
            if before == state or (among and before not in among) or (owner and row.owner != owner):
                return bool(before == state)
            connection.execute(update(runs).where(runs.c.run == run).values(status="running" if state == "pending" else state, note=storable(note)))
            if state == "pending":
                self._queue(connection, run)
            elif row.owner == "":
                connection.execute(delete(leases).where(leases.c.run == run, leases.c.owner == ""))
            return True

    @lasting
    def take_lease(self, run: str, owner: str, lost_after: float = LOST) -> bool:
        """Become the one who carries a run out; whether that is so now.

        Not where the run has ended, or another's lease was renewed less than `lost_after` seconds ago. Asked twice, the answer is the same.
        """
        with self._writing("the lease cannot be taken") as connection:
            if self.shared:
                connection.execute(select(runs.c.run).where(runs.c.run == run).with_for_update(read=True, key_share=True))
            asked = select(runs.c.run, literal(owner), self._now()).where(runs.c.run == run, runs.c.status == "running")
            put = self._insert(leases).from_select(["run", "owner", "seen_at"], asked)
            ours = or_(leases.c.owner == put.excluded.owner, leases.c.seen_at < put.excluded.seen_at - lost_after)
            changed = {"owner": put.excluded.owner, "seen_at": put.excluded.seen_at}
            return connection.execute(put.on_conflict_do_update(index_elements=["run"], set_=changed, where=ours)).rowcount == 1

    @lasting
    def renew_lease(self, run: str, owner: str) -> bool:
        """Say that `owner` is still at it; whether he is to go on: the lease is his, and the run was neither cancelled nor deleted."""
        wanted = select(runs.c.run).where(runs.c.run == run, runs.c.status == "running").exists()
        with self._writing("the lease cannot be renewed") as connection:
            renewed = update(leases).where(leases.c.run == run, leases.c.owner == owner, wanted).values(seen_at=self._now())
            return connection.execute(renewed).rowcount == 1

    @lasting
    def release_lease(self, run: str, owner: str) -> None:
        """Let go of a run. Without a lease of his own, nothing happens."""
        with self._writing("the lease cannot be released") as connection:
            connection.execute(delete(leases).where(leases.c.run == run, leases.c.owner == owner))

    @lasting
    def expired(self, lost_after: float = LOST) -> list[str]:
        """Runs that are to be carried out and are not: those that wait for their turn, and those whose owner was lost. Oldest first."""
        wanted = select(runs.c.run).where(runs.c.status == "running").order_by(runs.c.created, runs.c.run)
        with self._reading() as connection:
            if self._has(connection, leases):
                lost = or_(leases.c.run.is_(None), leases.c.seen_at < self._now() - lost_after)
                wanted = wanted.outerjoin(leases, runs.c.run == leases.c.run).where(lost)
            return list(connection.execute(wanted).scalars())

    @lasting
    def delete_run(self, run: str, lost_after: float = LOST) -> None:
        """Forget a run and all that hangs on it; replies and pictures stay, for others to use. Twice does no harm.

        Raises `StoreInUse` while somebody carries it out.
        """
        mine = select(tasks.c.task_id).where(tasks.c.run == run)
        with self._writing("the run cannot be deleted") as connection:
            connection.execute(select(runs.c.run).where(runs.c.run == run).with_for_update())
            living = select(leases.c.owner).where(leases.c.run == run, leases.c.owner != "", leases.c.seen_at >= self._now() - lost_after)
            if owner := connection.scalar(living):
                raise StoreInUse(f"run {run} is carried out by {owner}; cancel it first")
            for table in (scores, outcomes, totals, counts):
                connection.execute(delete(table).where(table.c.task_id.in_(mine)))
            for table in (tasks, written, requests, leases, runs):
                connection.execute(delete(table).where(table.c.run == run))
        self._runs.clear()

    def _queue(self, connection: Connection, run: str) -> None:
        put = self._insert(leases).values(run=run, owner="", seen_at=0.0)
        lost = leases.c.seen_at < self._now() - LOST
        connection.execute(put.on_conflict_do_update(index_elements=["run"], set_={"owner": "", "seen_at": 0.0}, where=lost))


def _request(connection: Connection, request_id: str) -> RequestRow | None:
    row = connection.execute(select(requests.c.request_id, requests.c.digest, requests.c.run).where(requests.c.request_id == request_id)).one_or_none()
    return None if row is None else RequestRow(*row)


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
