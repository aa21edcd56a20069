"""The tables of the first version of a study file; migrations changed them."""

from __future__ import annotations

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
