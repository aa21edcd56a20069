"""The tables of a study file, as numbered migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.study.sqlite import Migrations
from harness.study.tables import TABLES
from harness.study.views import VIEWS

if TYPE_CHECKING:
    from harness.study.sqlite import Database

migrations = Migrations("tandem")


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
    """Every view of the first version; see `bring_up_to_date`."""


@migrations()
def m003_likelihoods_of_any_text(db: Database) -> None:
    """Likelihoods know what they are of; so far it was the first reference."""
    db.execute("ALTER TABLE likelihoods RENAME TO old_likelihoods")
    db.execute(LIKELIHOODS)
    db.execute(
        "INSERT INTO likelihoods SELECT item, checkpoint, settings, refs_hash, "
        "'reference:0', nll, tokens, words, bytes, truncated, policy, reason "
        "FROM old_likelihoods"
    )
    db.execute("DROP TABLE old_likelihoods")


@migrations()
def m004_scores_of_likelihood_are_called_so(db: Database) -> None:
    """They were called scores of a reference, also those of documents and choices."""


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
    for statement in UNITS:
        db.execute(statement)


OWNER = (
    "CREATE TABLE owner_invites (hash TEXT PRIMARY KEY, created TEXT NOT NULL)",
    """
    CREATE TABLE owner_sessions (
        hash TEXT PRIMARY KEY,
        created TEXT NOT NULL,
        expires TEXT NOT NULL
    )
    """,
    # As for ratings, but the places are the unit's own: `first` is its place 0.
    """
    CREATE TABLE adjudications (
        id INTEGER PRIMARY KEY,
        unit INTEGER NOT NULL REFERENCES units (id),
        place INTEGER,
        output TEXT REFERENCES outputs (id),
        criterion TEXT NOT NULL,
        value REAL,
        choice TEXT CHECK (choice IN ('first', 'second', 'tie', 'both_bad')),
        comment TEXT,
        supersedes INTEGER UNIQUE REFERENCES adjudications (id),
        created TEXT NOT NULL
    )
    """,
    "CREATE INDEX adjudications_of_unit ON adjudications (unit)",
    """
    CREATE TRIGGER adjudications_are_never_updated BEFORE UPDATE ON adjudications
    BEGIN SELECT RAISE(ABORT, 'adjudications are append-only'); END
    """,
    """
    CREATE TRIGGER adjudications_are_never_deleted BEFORE DELETE ON adjudications
    BEGIN SELECT RAISE(ABORT, 'adjudications are append-only'); END
    """,
)


@migrations()
def m006_owner(db: Database) -> None:
    """The study's owner has a page of their own, and settles what raters dispute."""
    for statement in OWNER:
        db.execute(statement)


@migrations()
def m007_comparisons(db: Database) -> None:
    """Comparisons know their campaign, and can be had without the scores."""


@migrations()
def m008_configurations(db: Database) -> None:
    """How a checkpoint was trained stands with it; series of one name may differ."""
    db.execute(
        "ALTER TABLE checkpoints ADD COLUMN configuration TEXT NOT NULL DEFAULT '{}'"
    )
    db.execute("ALTER TABLE series DROP COLUMN configuration")
    db.execute("ALTER TABLE series DROP COLUMN data_fingerprint")


# Of every prompt that could have been drawn, so that what was not is known, too.
CHANCES = """
    CREATE TABLE campaign_items (
        campaign INTEGER NOT NULL REFERENCES campaigns (id),
        item TEXT NOT NULL REFERENCES items (id),
        probability REAL NOT NULL,
        stratum INTEGER,
        place INTEGER,
        PRIMARY KEY (campaign, item)
    )
"""


@migrations()
def m009_chances(db: Database) -> None:
    """Prompts may be drawn with probabilities that differ, or from strata."""
    db.execute(CHANCES)


# A log that went on gets more points; one that tells another story is a new log.
LOGS = (
    """
    CREATE TABLE training_logs (
        id INTEGER PRIMARY KEY,
        series TEXT NOT NULL REFERENCES series (name),
        place TEXT NOT NULL,
        form TEXT NOT NULL,
        supersedes INTEGER UNIQUE REFERENCES training_logs (id),
        created TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE training_points (
        log INTEGER NOT NULL REFERENCES training_logs (id),
        name TEXT NOT NULL,
        step INTEGER NOT NULL,
        value REAL,
        PRIMARY KEY (log, name, step)
    ) WITHOUT ROWID
    """,
)


@migrations()
def m010_learning_curves(db: Database) -> None:
    """What training logged stands beside what its checkpoints wrote."""
    for statement in LOGS:
        db.execute(statement)


TRACKED = """
    CREATE TABLE tracked (
        tracker TEXT NOT NULL,
        series TEXT NOT NULL,
        run TEXT NOT NULL,
        name TEXT NOT NULL,
        step INTEGER NOT NULL,
        value REAL NOT NULL,
        low REAL,
        high REAL,
        created TEXT NOT NULL
    )
"""


@migrations()
def m011_tracked(db: Database) -> None:
    """What trackers were told is known."""
    db.execute(TRACKED)
    db.execute("CREATE INDEX tracked_by ON tracked (tracker, series)")


def bring_up_to_date(db: Database) -> None:
    """Apply what is pending, and make today's views, once, over today's tables."""
    # SQLite renames no table that a view reads.
    _drop_views(db)
    migrations.apply(db)
    _make_views(db)


def _drop_views(db: Database) -> None:
    for name in db.view_names():
        db.execute(f'DROP VIEW "{name}"')


def _make_views(db: Database) -> None:
    for name, statement in VIEWS.items():
        db.create_view(name, statement)
