"""The tables of a study file, as numbered migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Migrations

from harness.study.views import VIEWS

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("tandem")

TABLES = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        command TEXT NOT NULL,
        version TEXT NOT NULL,
        settings TEXT NOT NULL,
        started TEXT NOT NULL,
        finished TEXT
    )
    """,
    """
    CREATE TABLE tasks (
        hash TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        path TEXT,
        created TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE items (
        id TEXT PRIMARY KEY,
        task TEXT NOT NULL,
        key TEXT NOT NULL,
        prompt TEXT NOT NULL,
        messages TEXT NOT NULL DEFAULT '[]',
        refs TEXT NOT NULL DEFAULT '[]',
        refs_hash TEXT NOT NULL,
        meta TEXT NOT NULL DEFAULT '{}',
        active INTEGER NOT NULL DEFAULT 1
    )
    """,
    "CREATE INDEX items_of_task ON items (task, key)",
    """
    CREATE TABLE series (
        name TEXT PRIMARY KEY,
        configuration TEXT NOT NULL DEFAULT '{}',
        data_fingerprint TEXT
    )
    """,
    """
    CREATE TABLE checkpoints (
        id TEXT PRIMARY KEY,
        series TEXT NOT NULL REFERENCES series (name),
        name TEXT NOT NULL,
        step INTEGER,
        backend TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        location TEXT,
        created TEXT NOT NULL,
        UNIQUE (series, name)
    )
    """,
    """
    CREATE TABLE evaluations (
        checkpoint TEXT NOT NULL REFERENCES checkpoints (id),
        task TEXT NOT NULL,
        task_hash TEXT NOT NULL REFERENCES tasks (hash),
        settings TEXT NOT NULL,
        likelihood_settings TEXT NOT NULL,
        samples INTEGER NOT NULL,
        whole TEXT NOT NULL DEFAULT '[]',
        run INTEGER REFERENCES runs (id),
        PRIMARY KEY (checkpoint, task)
    )
    """,
    """
    CREATE TABLE outputs (
        id TEXT PRIMARY KEY,
        item TEXT NOT NULL REFERENCES items (id),
        checkpoint TEXT NOT NULL REFERENCES checkpoints (id),
        sample INTEGER NOT NULL,
        settings TEXT NOT NULL,
        text TEXT NOT NULL,
        finish TEXT NOT NULL,
        prompt_tokens INTEGER,
        new_tokens INTEGER,
        truncated INTEGER NOT NULL DEFAULT 0,
        created TEXT NOT NULL,
        UNIQUE (checkpoint, item, sample, settings)
    )
    """,
    "CREATE INDEX outputs_of_item ON outputs (item)",
    """
    CREATE TABLE likelihoods (
        item TEXT NOT NULL REFERENCES items (id),
        checkpoint TEXT NOT NULL REFERENCES checkpoints (id),
        settings TEXT NOT NULL,
        refs_hash TEXT NOT NULL,
        nll REAL NOT NULL,
        tokens INTEGER NOT NULL,
        words INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        truncated INTEGER NOT NULL DEFAULT 0,
        policy TEXT NOT NULL,
        reason TEXT,
        PRIMARY KEY (checkpoint, item, settings, refs_hash)
    )
    """,
    """
    CREATE TABLE metrics (
        signature TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        form TEXT NOT NULL,
        spec TEXT NOT NULL,
        base TEXT,
        unit TEXT NOT NULL DEFAULT '',
        higher_is_better INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE scores (
        checkpoint TEXT NOT NULL REFERENCES checkpoints (id),
        item TEXT NOT NULL REFERENCES items (id),
        output TEXT REFERENCES outputs (id),
        signature TEXT NOT NULL REFERENCES metrics (signature),
        key TEXT NOT NULL,
        value REAL,
        tally BLOB,
        reason TEXT
    )
    """,
    """
    CREATE UNIQUE INDEX scores_once ON scores
        (checkpoint, item, signature, ifnull(output, ''), key)
    """,
    "CREATE INDEX scores_of_output ON scores (output)",
    """
    CREATE TABLE campaigns (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        name TEXT NOT NULL,
        scheme TEXT NOT NULL,
        protocol TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE,
        created TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE raters (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('person', 'simulated', 'imported')),
        created TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE invites (
        hash TEXT PRIMARY KEY,
        rater INTEGER NOT NULL REFERENCES raters (id),
        created TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE sessions (
        hash TEXT PRIMARY KEY,
        rater INTEGER NOT NULL REFERENCES raters (id),
        created TEXT NOT NULL,
        expires TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE waves (
        campaign INTEGER NOT NULL REFERENCES campaigns (id),
        checkpoint TEXT NOT NULL REFERENCES checkpoints (id),
        wave INTEGER NOT NULL,
        joined TEXT NOT NULL,
        PRIMARY KEY (campaign, checkpoint)
    )
    """,
    """
    CREATE TABLE assignments (
        id INTEGER PRIMARY KEY,
        campaign INTEGER NOT NULL REFERENCES campaigns (id),
        wave INTEGER NOT NULL DEFAULT 1,
        rater INTEGER NOT NULL REFERENCES raters (id),
        token TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL DEFAULT 'open'
            CHECK (state IN ('open', 'rated', 'skipped', 'undone')),
        probability REAL NOT NULL,
        stimulus TEXT NOT NULL DEFAULT '{}',
        lease_until TEXT,
        shown_at TEXT
    )
    """,
    "CREATE INDEX assignments_of_rater ON assignments (campaign, rater)",
    """
    CREATE TABLE assignment_outputs (
        assignment INTEGER NOT NULL REFERENCES assignments (id),
        position INTEGER NOT NULL,
        output TEXT NOT NULL REFERENCES outputs (id),
        PRIMARY KEY (assignment, position)
    )
    """,
    "CREATE INDEX assignments_of_output ON assignment_outputs (output)",
    """
    CREATE TABLE ratings (
        id INTEGER PRIMARY KEY,
        assignment INTEGER NOT NULL REFERENCES assignments (id),
        output TEXT REFERENCES outputs (id),
        criterion TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'rated'
            CHECK (state IN ('rated', 'skipped', 'undone')),
        value REAL,
        choice TEXT CHECK (choice IN ('first', 'second', 'tie', 'both_bad')),
        spans TEXT,
        comment TEXT,
        seconds REAL,
        supersedes INTEGER UNIQUE REFERENCES ratings (id),
        created TEXT NOT NULL
    )
    """,
    "CREATE INDEX ratings_of_assignment ON ratings (assignment)",
    "CREATE INDEX ratings_of_output ON ratings (output)",
    """
    CREATE TRIGGER ratings_are_never_updated BEFORE UPDATE ON ratings
    BEGIN SELECT RAISE(ABORT, 'ratings are append-only'); END
    """,
    """
    CREATE TRIGGER ratings_are_never_deleted BEFORE DELETE ON ratings
    BEGIN SELECT RAISE(ABORT, 'ratings are append-only'); END
    """,
    # The ratings are the truth; an assignment repeats its newest rating's state so
    # that places are counted without reading them all.
    """
    CREATE TRIGGER assignments_follow_ratings AFTER INSERT ON ratings
    BEGIN
        UPDATE assignments SET state = new.state WHERE id = new.assignment;
    END
    """,
    """
    CREATE TABLE file_hashes (
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (path, size, mtime_ns, inode)
    )
    """,
)


@migrations()
def m001_tables(db: Database) -> None:
    """Every table of the first version."""
    for statement in TABLES:
        db.execute(statement)


LIKELIHOODS = """
    CREATE TABLE likelihoods (
        item TEXT NOT NULL REFERENCES items (id),
        checkpoint TEXT NOT NULL REFERENCES checkpoints (id),
        settings TEXT NOT NULL,
        refs_hash TEXT NOT NULL,
        target TEXT NOT NULL,
        nll REAL NOT NULL,
        tokens INTEGER NOT NULL,
        words INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        truncated INTEGER NOT NULL DEFAULT 0,
        policy TEXT NOT NULL,
        reason TEXT,
        PRIMARY KEY (checkpoint, item, settings, refs_hash, target)
    )
"""


@migrations()
def m002_views(db: Database) -> None:
    """Every view of the first version."""
    _make_views(db)


@migrations()
def m003_likelihoods_of_any_text(db: Database) -> None:
    """Likelihoods know what they are of; so far it was the first reference."""
    # SQLite renames no table that a view reads.
    _drop_views(db)
    db.execute("ALTER TABLE likelihoods RENAME TO old_likelihoods")
    db.execute(LIKELIHOODS)
    db.execute(
        "INSERT INTO likelihoods SELECT item, checkpoint, settings, refs_hash, "
        "'reference:0', nll, tokens, words, bytes, truncated, policy, reason "
        "FROM old_likelihoods"
    )
    db.execute("DROP TABLE old_likelihoods")
    _make_views(db)


@migrations()
def m004_scores_of_likelihood_are_called_so(db: Database) -> None:
    """They were called scores of a reference, also those of documents and choices."""
    _drop_views(db)
    _make_views(db)


RATED_BY = """
    SELECT count(*) FROM assignments JOIN raters ON raters.id = assignments.rater
    WHERE assignments.unit = units.id AND assignments.state = 'rated'
        AND assignments.kind IN ('normal', 'anchor') AND raters.kind
"""
UNITS = (
    """
    CREATE TABLE units (
        id INTEGER PRIMARY KEY,
        campaign INTEGER NOT NULL REFERENCES campaigns (id),
        wave INTEGER NOT NULL,
        kind TEXT NOT NULL
            CHECK (kind IN ('normal', 'anchor', 'gold', 'degraded', 'example')),
        item TEXT REFERENCES items (id),
        round INTEGER NOT NULL DEFAULT 0,
        probability REAL NOT NULL,
        copy_of INTEGER REFERENCES units (id),
        content TEXT,
        live INTEGER NOT NULL DEFAULT 1,
        people INTEGER NOT NULL DEFAULT 0,
        programs INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE INDEX units_of_campaign
    ON units (campaign, kind, wave, round, live, people, programs)
    """,
    """
    CREATE TABLE unit_outputs (
        unit INTEGER NOT NULL REFERENCES units (id),
        place INTEGER NOT NULL,
        output TEXT NOT NULL REFERENCES outputs (id),
        checkpoint TEXT NOT NULL REFERENCES checkpoints (id),
        PRIMARY KEY (unit, place)
    )
    """,
    "CREATE INDEX units_of_output ON unit_outputs (output)",
    """
    CREATE TABLE decks (
        campaign INTEGER PRIMARY KEY REFERENCES campaigns (id),
        dealt_from TEXT NOT NULL
    )
    """,
    "ALTER TABLE assignments ADD COLUMN unit INTEGER REFERENCES units (id)",
    "ALTER TABLE assignments ADD COLUMN kind TEXT NOT NULL DEFAULT 'normal'",
    "ALTER TABLE assignments ADD COLUMN places TEXT NOT NULL DEFAULT '[0]'",
    "CREATE INDEX assignments_of_unit ON assignments (unit)",
    "ALTER TABLE ratings ADD COLUMN place INTEGER",
    "ALTER TABLE ratings ADD COLUMN flagged INTEGER NOT NULL DEFAULT 0",
    # So far a unit was one output; equal ones become one unit.
    """
    INSERT INTO units (campaign, wave, kind, item, probability, content)
    SELECT assignments.campaign, min(assignments.wave), 'normal', outputs.item,
        max(assignments.probability), min(outputs.id)
    FROM assignments
    JOIN assignment_outputs ON assignment_outputs.assignment = assignments.id
    JOIN outputs ON outputs.id = assignment_outputs.output
    JOIN campaigns ON campaigns.id = assignments.campaign
        AND campaigns.scheme <> 'imported'
    GROUP BY assignments.campaign, outputs.item, outputs.text
    """,
    """
    INSERT INTO unit_outputs (unit, place, output, checkpoint)
    SELECT units.id, 0, outputs.id, outputs.checkpoint
    FROM units JOIN outputs ON outputs.id = units.content
    """,
    """
    UPDATE assignments SET unit = (
        SELECT units.id FROM assignment_outputs
        JOIN outputs AS shown ON shown.id = assignment_outputs.output
        JOIN outputs AS same ON same.item = shown.item AND same.text = shown.text
        JOIN units ON units.content = same.id
        WHERE assignment_outputs.assignment = assignments.id
            AND units.campaign = assignments.campaign
    )
    """,
    # Of a rater's answers to equal outputs the first counts, as today.
    """
    UPDATE assignments SET kind = 'repeat' WHERE id IN (
        SELECT id FROM (
            SELECT id, unit, row_number() OVER (
                PARTITION BY unit, rater ORDER BY state <> 'rated', id
            ) AS nth FROM assignments
        ) WHERE unit IS NOT NULL AND nth > 1
    )
    """,
    "UPDATE units SET content = NULL",
    # As with the state of an assignment: places are counted at every rating, and the
    # ratings are too many to be counted each time.
    f"""
    UPDATE units SET people = ({RATED_BY} <> 'simulated'),
        programs = ({RATED_BY} = 'simulated')
    """,  # noqa: S608 - a constant
    """
    CREATE TRIGGER units_count_their_raters AFTER UPDATE OF state ON assignments
    WHEN new.kind IN ('normal', 'anchor')
        AND (new.state = 'rated') <> (old.state = 'rated')
    BEGIN
        UPDATE units SET people = people + (new.state = 'rated') * 2 - 1
        WHERE id = new.unit AND 'simulated' <> (
            SELECT kind FROM raters WHERE id = new.rater
        );
        UPDATE units SET programs = programs + (new.state = 'rated') * 2 - 1
        WHERE id = new.unit AND 'simulated' = (
            SELECT kind FROM raters WHERE id = new.rater
        );
    END
    """,
    # Few are, and whoever rates asks for them.
    "CREATE INDEX inactive_items ON items (task) WHERE NOT active",
    # For those that are being looked at, a few, among the many that are rated.
    """
    CREATE INDEX open_assignments ON assignments (campaign, lease_until)
    WHERE state IN ('open', 'undone')
    """,
)


@migrations()
def m005_units(db: Database) -> None:
    """What is judged in one go may be several outputs, or none of a checkpoint's."""
    _drop_views(db)
    for statement in UNITS:
        db.execute(statement)
    _make_views(db)


def _drop_views(db: Database) -> None:
    for name in db.view_names():
        db.execute(f'DROP VIEW "{name}"')


def _make_views(db: Database) -> None:
    for name, statement in VIEWS.items():
        db.create_view(name, statement)
