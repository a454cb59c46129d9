"""The tables. `SCHEMA` goes up with every change that an older Assay could not read."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, Table
from sqlalchemy import Text as AnyText

SCHEMA = 1

metadata = MetaData()

Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")
"""Text that is sorted by its bytes, as SQLite does."""

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("run", Text, primary_key=True),
    Column("suite", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("status", Text, CheckConstraint("status in ('running', 'interrupted', 'finished')"), nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("manifest", Text, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("task_id", Integer, primary_key=True),
    Column("run", Text, ForeignKey("runs.run"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("task", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("player", Text),
    Column("perspective", Text, nullable=False),
    Column("chance", Float),
    Column("metrics", Text, nullable=False),
    Column("planned", Integer),
    Index("one_task_a_model", "run", "task", "model", unique=True),
)
"""`planned` is null until every case of the task has an outcome; setting it is what the balance is checked at."""

replies = Table(
    "replies",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("model", Text, nullable=False),
    Column("reply", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""One reply per model and request: `key` is the hash of both."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.task_id"), primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("status", Text, CheckConstraint("status in ('scored', 'failed', 'unscored', 'skipped')"), nullable=False),
    Column("error", Text),
    Column("reason", Text, nullable=False),
    Column("found", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("cluster", Text),
    Column("shown", Text, nullable=False),
    Column("replies", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""`shown` is the case for a reader (JSON), `replies` the keys of the replies, 32 bytes each."""

totals = Table(
    "totals",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.task_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("metric", Text, nullable=False),
    Column("value", Float),
    Column("low", Float),
    Column("high", Float),
    Column("note", Text, nullable=False, default=""),
    sqlite_with_rowid=False,
)
"""Numbers over all cases of a closed task; `metric` is the JSON of name, unit and direction. A store from before has no such table."""

scores = Table(
    "scores",
    metadata,
    Column("task_id", Integer, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("status", Text, CheckConstraint("status in ('scored', 'failed', 'unscored', 'skipped')"), nullable=False),
    Column("value", Float),
    CheckConstraint("(status = 'scored') = (value is not null)", name="only_what_is_scored_has_a_value"),
    sqlite_with_rowid=False,
)

written = Table(
    "written",
    metadata,
    Column("run", Text, ForeignKey("runs.run"), primary_key=True),
    Column("last", Integer, primary_key=True),
    Column("cases", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Which outcomes of a run one transaction wrote: `last` is the position of the last of them, `cases` JSON, [[task_id, [case_id, ...]], ...].

One row a transaction costs next to nothing. On PostgreSQL a transaction holds the row of its run until it has committed, so that whoever
sees a position sees every one before it.
"""

counts = Table(
    "counts",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.task_id"), primary_key=True),
    Column("status", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""How many outcomes of a task have which status: those that stand in `written`."""

leases = Table(
    "leases",
    metadata,
    Column("run", Text, ForeignKey("runs.run"), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("seen_at", Float, nullable=False),
    sqlite_with_rowid=False,
)
"""Who carries a run out, and when that was last heard of, in seconds since 1970. The owner "" is nobody: the run waits for its turn."""

requests = Table(
    "requests",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("run", Text, ForeignKey("runs.run"), nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""`written`, `counts`, `leases` and `requests` are made where a store of before is opened for writing."""
