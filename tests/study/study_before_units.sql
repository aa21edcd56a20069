PRAGMA application_id = 1414415437;
BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'tandem','m001_tables','2026-11-24 18:15:27.194211+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'tandem','m002_views','2026-11-24 18:15:27.195124+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'tandem','m003_likelihoods_of_any_text','2026-11-24 18:15:27.201839+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'tandem','m004_scores_of_likelihood_are_called_so','2026-11-24 18:15:27.202790+00:00');
CREATE TABLE assignment_outputs (
        assignment INTEGER NOT NULL REFERENCES assignments (id),
        position INTEGER NOT NULL,
        output TEXT NOT NULL REFERENCES outputs (id),
        PRIMARY KEY (assignment, position)
    );
INSERT INTO "assignment_outputs" VALUES(1,0,'00470125d45f2a8fe6ae794b9a41f7c1');
INSERT INTO "assignment_outputs" VALUES(2,0,'84f19e2b614da3731ec4288868286b14');
INSERT INTO "assignment_outputs" VALUES(3,0,'b194a2d835c6247d6ce5a879a45656b3');
INSERT INTO "assignment_outputs" VALUES(4,0,'38b9d17e07195ac4ebb4c3ee1b05a0e0');
INSERT INTO "assignment_outputs" VALUES(5,0,'b194a2d835c6247d6ce5a879a45656b3');
INSERT INTO "assignment_outputs" VALUES(6,0,'84f19e2b614da3731ec4288868286b14');
INSERT INTO "assignment_outputs" VALUES(7,0,'00470125d45f2a8fe6ae794b9a41f7c1');
INSERT INTO "assignment_outputs" VALUES(8,0,'da20eae15bee4d87ef6d10599f75031b');
INSERT INTO "assignment_outputs" VALUES(9,0,'38b9d17e07195ac4ebb4c3ee1b05a0e0');
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
    );
INSERT INTO "assignments" VALUES(1,1,1,1,'XuSbNm2f8dglzas56jOteY3BX0P-i1Z5','rated',1.0,'{"outputs": ["0f7f9f6e4555a948aa3721706ec0fdab"], "prompt": "fe1360efd01444f012ea318dccab8bf8", "references": null, "references_shown": false, "render": "raw"}','2030-01-01T00:30:00.000000+00:00','2030-01-01T00:00:00.000000+00:00');
INSERT INTO "assignments" VALUES(2,1,1,1,'GaAogEx-ymvwm0CBPAC4BtC_5BDDr4Is','rated',1.0,'{"outputs": ["63b2e3006ebdf7d06cf4435895540f67"], "prompt": "7c166b584d97c85473400ae809c1b05d", "references": null, "references_shown": false, "render": "raw"}','2030-01-01T00:30:00.000000+00:00','2030-01-01T00:00:00.000000+00:00');
INSERT INTO "assignments" VALUES(3,1,1,1,'GBBqhqqxmHX9lgnw3gcUzVnmQ4hEpa0E','rated',1.0,'{"outputs": ["06ab5706b043fa93366e2924ee7e6512"], "prompt": "9603b4933679fc245a48f90e103c192f", "references": null, "references_shown": false, "render": "raw"}','2030-01-01T00:30:00.000000+00:00','2030-01-01T00:00:00.000000+00:00');
INSERT INTO "assignments" VALUES(4,1,1,1,'mPcq1pQrNQCEZ9CkQN7tvHXg5LT53wv1','rated',1.0,'{"outputs": ["0f7f9f6e4555a948aa3721706ec0fdab"], "prompt": "fe1360efd01444f012ea318dccab8bf8", "references": null, "references_shown": false, "render": "raw"}','2030-01-01T00:30:00.000000+00:00','2030-01-01T00:00:00.000000+00:00');
INSERT INTO "assignments" VALUES(5,1,1,2,'DdZ-FvXRtNTq3P-Y_XeUTST3FoBRsy9H','rated',1.0,'{"outputs": ["06ab5706b043fa93366e2924ee7e6512"], "prompt": "9603b4933679fc245a48f90e103c192f", "references": null, "references_shown": false, "render": "raw"}','2030-01-01T00:30:00.000000+00:00','2030-01-01T00:00:00.000000+00:00');
INSERT INTO "assignments" VALUES(6,1,1,2,'QajPISXSK2Q7vUlqvGjs8Hfc8JC3Hp0e','undone',1.0,'{"outputs": ["63b2e3006ebdf7d06cf4435895540f67"], "prompt": "7c166b584d97c85473400ae809c1b05d", "references": null, "references_shown": false, "render": "raw"}','2030-01-01T00:30:00.000000+00:00','2030-01-01T00:00:00.000000+00:00');
INSERT INTO "assignments" VALUES(7,1,1,3,'OM4T_tVDwxJI8w8_QCmkHWX24n0atX79','skipped',1.0,'{"outputs": ["0f7f9f6e4555a948aa3721706ec0fdab"], "prompt": "fe1360efd01444f012ea318dccab8bf8", "references": null, "references_shown": false, "render": "raw"}','2030-01-01T00:30:00.000000+00:00','2030-01-01T00:00:00.000000+00:00');
INSERT INTO "assignments" VALUES(8,1,1,3,'OzsNDrFLF0JZDvfuwZoErIzawFrcQf4o','rated',1.0,'{"outputs": ["63c5566f005af65a710695a0dc2b8634"], "prompt": "7c166b584d97c85473400ae809c1b05d", "references": null, "references_shown": false, "render": "raw"}','2030-01-01T00:30:00.000000+00:00','2030-01-01T00:00:00.000000+00:00');
INSERT INTO "assignments" VALUES(9,1,1,3,'oeafhE6laco0tHMcuIP6Cw85FnkeWe0G','open',1.0,'{"outputs": ["0f7f9f6e4555a948aa3721706ec0fdab"], "prompt": "fe1360efd01444f012ea318dccab8bf8", "references": null, "references_shown": false, "render": "raw"}','2030-01-01T00:30:00.000000+00:00','2030-01-01T00:00:00.000000+00:00');
CREATE TABLE campaigns (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        name TEXT NOT NULL,
        scheme TEXT NOT NULL,
        protocol TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE,
        created TEXT NOT NULL
    );
INSERT INTO "campaigns" VALUES(1,'modernize','modernize','likert','{"drawn_from": 3, "instructions": "Rewrite the verse in modern English.", "items": ["3d2aef4cc2c8e7768596105e395a57b7", "31b7f41e32e5aeb666cb9f72a5140e4b", "4487ca16aa617989ad7c4f6aa54654ab"], "plan": {"criteria": [{"anchors": {"1": "Another meaning", "3": "Partly", "5": "The same meaning"}, "definition": "Nothing added, lost or changed.", "name": "meaning", "question": "Does the rewrite keep the meaning?"}, {"anchors": {}, "definition": "", "name": "fluency", "question": "Is it good English?"}], "items": "all", "points": 5, "raters_per_output": 2, "scheme": "likert", "seed": 7, "show_references": false}, "task": "modernize"}','968c5eeb7b376f3d7a4a3c6d1d45344c','2026-11-24T18:15:27.246124+00:00');
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
    );
INSERT INTO "checkpoints" VALUES('9ec782a498557d0321eaa04e6ed56c29','lr-canary','ckpt-0',0,'replay','f78e2621a919fad04d1f52728a56b827',NULL,'2026-11-24T18:15:27.244246+00:00');
INSERT INTO "checkpoints" VALUES('00f1fd2976f4e5bc356614020c06116e','lr-canary','ckpt-1',100,'replay','c5bcb7068a779d84549c247f8de3f1e1',NULL,'2026-11-24T18:15:27.245193+00:00');
INSERT INTO "checkpoints" VALUES('89bb40a642472ac3fc19fe680313da1f','lr-canary','ckpt-2',200,'replay','ed5c2c6bc4ff6ea733a0bb5a4eb005b4',NULL,'2026-11-24T18:15:27.264253+00:00');
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
    );
INSERT INTO "evaluations" VALUES('9ec782a498557d0321eaa04e6ed56c29','modernize','bb58017efe57e31ecca538d5876ee4d3','settings','settings',1,'[]',NULL);
INSERT INTO "evaluations" VALUES('00f1fd2976f4e5bc356614020c06116e','modernize','bb58017efe57e31ecca538d5876ee4d3','settings','settings',1,'[]',NULL);
INSERT INTO "evaluations" VALUES('89bb40a642472ac3fc19fe680313da1f','modernize','bb58017efe57e31ecca538d5876ee4d3','settings','settings',1,'[]',NULL);
CREATE TABLE file_hashes (
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (path, size, mtime_ns, inode)
    );
CREATE TABLE invites (
        hash TEXT PRIMARY KEY,
        rater INTEGER NOT NULL REFERENCES raters (id),
        created TEXT NOT NULL
    );
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
    );
INSERT INTO "items" VALUES('31b7f41e32e5aeb666cb9f72a5140e4b','modernize','item-0','Prompt 0 of modernize','[]','["Reference 0"]','cefb21ce7990975218d6d7e78d3390d0','{}',1);
INSERT INTO "items" VALUES('4487ca16aa617989ad7c4f6aa54654ab','modernize','item-1','Prompt 1 of modernize','[]','["Reference 1"]','85590a9de70f72ae0a9679f73fadcf9b','{}',1);
INSERT INTO "items" VALUES('3d2aef4cc2c8e7768596105e395a57b7','modernize','item-2','Prompt 2 of modernize','[]','["Reference 2"]','22f2ad1cca678f39540afd46ef463736','{}',1);
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
    );
CREATE TABLE metrics (
        signature TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        form TEXT NOT NULL,
        spec TEXT NOT NULL,
        base TEXT,
        unit TEXT NOT NULL DEFAULT '',
        higher_is_better INTEGER NOT NULL
    );
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
    );
INSERT INTO "outputs" VALUES('84f19e2b614da3731ec4288868286b14','31b7f41e32e5aeb666cb9f72a5140e4b','9ec782a498557d0321eaa04e6ed56c29',0,'settings','Answer (0, 0).','stop',NULL,NULL,0,'2026-11-24T18:15:27.244978+00:00');
INSERT INTO "outputs" VALUES('dd98dafeb8d0e02e43c082bc1c7b060d','4487ca16aa617989ad7c4f6aa54654ab','9ec782a498557d0321eaa04e6ed56c29',0,'settings','Answer (1, 0).','stop',NULL,NULL,0,'2026-11-24T18:15:27.244998+00:00');
INSERT INTO "outputs" VALUES('38b9d17e07195ac4ebb4c3ee1b05a0e0','3d2aef4cc2c8e7768596105e395a57b7','9ec782a498557d0321eaa04e6ed56c29',0,'settings','Answer 2.','stop',NULL,NULL,0,'2026-11-24T18:15:27.245011+00:00');
INSERT INTO "outputs" VALUES('da20eae15bee4d87ef6d10599f75031b','31b7f41e32e5aeb666cb9f72a5140e4b','00f1fd2976f4e5bc356614020c06116e',0,'settings','Answer (0, 1).','stop',NULL,NULL,0,'2026-11-24T18:15:27.245543+00:00');
INSERT INTO "outputs" VALUES('b194a2d835c6247d6ce5a879a45656b3','4487ca16aa617989ad7c4f6aa54654ab','00f1fd2976f4e5bc356614020c06116e',0,'settings','Answer (1, 1).','stop',NULL,NULL,0,'2026-11-24T18:15:27.245560+00:00');
INSERT INTO "outputs" VALUES('00470125d45f2a8fe6ae794b9a41f7c1','3d2aef4cc2c8e7768596105e395a57b7','00f1fd2976f4e5bc356614020c06116e',0,'settings','Answer 2.','stop',NULL,NULL,0,'2026-11-24T18:15:27.245573+00:00');
INSERT INTO "outputs" VALUES('d40285b8bb46c8d759614393c6620d90','31b7f41e32e5aeb666cb9f72a5140e4b','89bb40a642472ac3fc19fe680313da1f',0,'settings','Answer (0, 2).','stop',NULL,NULL,0,'2026-11-24T18:15:27.264556+00:00');
INSERT INTO "outputs" VALUES('262af8910e4f8048f21107c70e172fc5','4487ca16aa617989ad7c4f6aa54654ab','89bb40a642472ac3fc19fe680313da1f',0,'settings','Answer (1, 2).','stop',NULL,NULL,0,'2026-11-24T18:15:27.264572+00:00');
INSERT INTO "outputs" VALUES('91f1a0dcc5ee3993e437d7744d1873cc','3d2aef4cc2c8e7768596105e395a57b7','89bb40a642472ac3fc19fe680313da1f',0,'settings','Answer 2.','stop',NULL,NULL,0,'2026-11-24T18:15:27.264584+00:00');
CREATE TABLE raters (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('person', 'simulated', 'imported')),
        created TEXT NOT NULL
    );
INSERT INTO "raters" VALUES(1,'ana','person','2026-11-24T18:15:27.246443+00:00');
INSERT INTO "raters" VALUES(2,'ben','person','2026-11-24T18:15:27.246552+00:00');
INSERT INTO "raters" VALUES(3,'eve','person','2026-11-24T18:15:27.246604+00:00');
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
    );
INSERT INTO "ratings" VALUES(1,1,'00470125d45f2a8fe6ae794b9a41f7c1','meaning','rated',1.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(2,1,'00470125d45f2a8fe6ae794b9a41f7c1','fluency','rated',3.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(3,2,'84f19e2b614da3731ec4288868286b14','meaning','rated',2.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(4,2,'84f19e2b614da3731ec4288868286b14','fluency','rated',3.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(5,3,'b194a2d835c6247d6ce5a879a45656b3','meaning','rated',3.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(6,3,'b194a2d835c6247d6ce5a879a45656b3','fluency','rated',3.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(7,4,'38b9d17e07195ac4ebb4c3ee1b05a0e0','meaning','rated',2.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(8,4,'38b9d17e07195ac4ebb4c3ee1b05a0e0','fluency','rated',3.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(9,4,'38b9d17e07195ac4ebb4c3ee1b05a0e0','meaning','rated',4.0,NULL,NULL,'note',NULL,7,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(10,4,'38b9d17e07195ac4ebb4c3ee1b05a0e0','fluency','rated',4.0,NULL,NULL,'note',NULL,8,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(11,5,'b194a2d835c6247d6ce5a879a45656b3','meaning','rated',5.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(12,5,'b194a2d835c6247d6ce5a879a45656b3','fluency','rated',3.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(13,6,'84f19e2b614da3731ec4288868286b14','meaning','rated',4.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(14,6,'84f19e2b614da3731ec4288868286b14','fluency','rated',3.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(15,6,'84f19e2b614da3731ec4288868286b14','meaning','undone',NULL,NULL,NULL,NULL,NULL,13,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(16,6,'84f19e2b614da3731ec4288868286b14','fluency','undone',NULL,NULL,NULL,NULL,NULL,14,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(17,7,'00470125d45f2a8fe6ae794b9a41f7c1','meaning','skipped',NULL,NULL,NULL,'cannot tell',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(18,7,'00470125d45f2a8fe6ae794b9a41f7c1','fluency','skipped',NULL,NULL,NULL,'cannot tell',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(19,8,'da20eae15bee4d87ef6d10599f75031b','meaning','rated',2.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "ratings" VALUES(20,8,'da20eae15bee4d87ef6d10599f75031b','fluency','rated',3.0,NULL,NULL,'note',NULL,NULL,'2030-01-01T00:00:00.000000+00:00');
CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        command TEXT NOT NULL,
        version TEXT NOT NULL,
        settings TEXT NOT NULL,
        started TEXT NOT NULL,
        finished TEXT
    );
CREATE TABLE scores (
        checkpoint TEXT NOT NULL REFERENCES checkpoints (id),
        item TEXT NOT NULL REFERENCES items (id),
        output TEXT REFERENCES outputs (id),
        signature TEXT NOT NULL REFERENCES metrics (signature),
        key TEXT NOT NULL,
        value REAL,
        tally BLOB,
        reason TEXT
    );
CREATE TABLE series (
        name TEXT PRIMARY KEY,
        configuration TEXT NOT NULL DEFAULT '{}',
        data_fingerprint TEXT
    );
INSERT INTO "series" VALUES('lr-canary','{}',NULL);
CREATE TABLE sessions (
        hash TEXT PRIMARY KEY,
        rater INTEGER NOT NULL REFERENCES raters (id),
        created TEXT NOT NULL,
        expires TEXT NOT NULL
    );
CREATE TABLE tasks (
        hash TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        path TEXT,
        created TEXT NOT NULL
    );
INSERT INTO "tasks" VALUES('bb58017efe57e31ecca538d5876ee4d3','modernize','name: modernize
',NULL,'2026-11-24T18:15:27.235791+00:00');
CREATE TABLE waves (
        campaign INTEGER NOT NULL REFERENCES campaigns (id),
        checkpoint TEXT NOT NULL REFERENCES checkpoints (id),
        wave INTEGER NOT NULL,
        joined TEXT NOT NULL,
        PRIMARY KEY (campaign, checkpoint)
    );
INSERT INTO "waves" VALUES(1,'00f1fd2976f4e5bc356614020c06116e',1,'2030-01-01T00:00:00.000000+00:00');
INSERT INTO "waves" VALUES(1,'9ec782a498557d0321eaa04e6ed56c29',1,'2030-01-01T00:00:00.000000+00:00');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX items_of_task ON items (task, key);
CREATE INDEX outputs_of_item ON outputs (item);
CREATE UNIQUE INDEX scores_once ON scores
        (checkpoint, item, signature, ifnull(output, ''), key)
    ;
CREATE INDEX scores_of_output ON scores (output);
CREATE INDEX assignments_of_rater ON assignments (campaign, rater);
CREATE INDEX assignments_of_output ON assignment_outputs (output);
CREATE INDEX ratings_of_assignment ON ratings (assignment);
CREATE INDEX ratings_of_output ON ratings (output);
CREATE TRIGGER ratings_are_never_updated BEFORE UPDATE ON ratings
    BEGIN SELECT RAISE(ABORT, 'ratings are append-only'); END;
CREATE TRIGGER ratings_are_never_deleted BEFORE DELETE ON ratings
    BEGIN SELECT RAISE(ABORT, 'ratings are append-only'); END;
CREATE TRIGGER assignments_follow_ratings AFTER INSERT ON ratings
    BEGIN
        UPDATE assignments SET state = new.state WHERE id = new.assignment;
    END;
CREATE VIEW "current_outputs" AS 
        SELECT outputs.*, items.task, items.key
        FROM outputs
        JOIN items ON items.id = outputs.item AND items.active
        JOIN evaluations ON evaluations.checkpoint = outputs.checkpoint
            AND evaluations.task = items.task
            AND evaluations.settings = outputs.settings
            AND outputs.sample < evaluations.samples;
CREATE VIEW "current_likelihoods" AS 
        SELECT likelihoods.*, items.task, items.key
        FROM likelihoods
        JOIN items ON items.id = likelihoods.item AND items.active
            AND items.refs_hash = likelihoods.refs_hash
        JOIN evaluations ON evaluations.checkpoint = likelihoods.checkpoint
            AND evaluations.task = items.task
            AND evaluations.likelihood_settings = likelihoods.settings;
CREATE VIEW "current_scores" AS 
        SELECT scores.*, items.task, current_outputs.sample
        FROM scores
        JOIN items ON items.id = scores.item AND items.refs_hash = scores.key
        JOIN current_outputs ON current_outputs.id = scores.output
        UNION ALL
        SELECT scores.*, items.task, NULL AS sample
        FROM scores
        JOIN items ON items.id = scores.item AND items.active
        JOIN evaluations ON evaluations.checkpoint = scores.checkpoint
            AND evaluations.task = items.task
            AND scores.key
                = items.refs_hash || ' ' || evaluations.likelihood_settings
        WHERE scores.output IS NULL;
CREATE VIEW "current_ratings" AS 
        SELECT ratings.*, assignments.campaign, assignments.wave, assignments.rater,
            raters.name AS rater_name, raters.kind AS rater_kind
        FROM ratings
        JOIN assignments ON assignments.id = ratings.assignment
        JOIN raters ON raters.id = assignments.rater
        WHERE ratings.state = 'rated'
            AND NOT EXISTS (
                SELECT 1 FROM ratings AS newer WHERE newer.supersedes = ratings.id
            );
CREATE VIEW "judgements" AS 
        SELECT items.task, checkpoints.series, checkpoints.step,
            checkpoints.name AS checkpoint, items.key AS item,
            current_outputs.sample, current_outputs.text AS output,
            current_outputs.id AS output_id,
            current_ratings.criterion, current_ratings.value AS rating,
            current_ratings.rater_name AS rater, current_ratings.rater_kind,
            current_scores.signature, current_scores.value AS score,
            CASE WHEN current_scores.output IS NOT NULL THEN 'output'
                WHEN current_scores.item IS NOT NULL THEN 'likelihood' END AS score_of
        FROM current_ratings
        JOIN current_outputs ON current_outputs.id = current_ratings.output
        JOIN items ON items.id = current_outputs.item
        JOIN checkpoints ON checkpoints.id = current_outputs.checkpoint
        LEFT JOIN current_scores ON current_scores.item = items.id
            AND current_scores.checkpoint = checkpoints.id
            AND ifnull(current_scores.output, current_outputs.id)
                = current_outputs.id;
CREATE VIEW "preferences" AS 
        WITH choices AS (
            SELECT current_ratings.*, left_side.output AS left_output,
                right_side.output AS right_output,
                left_side.output < right_side.output AS in_order
            FROM current_ratings
            JOIN assignment_outputs AS left_side
                ON left_side.assignment = current_ratings.assignment
                AND left_side.position = 0
            JOIN assignment_outputs AS right_side
                ON right_side.assignment = current_ratings.assignment
                AND right_side.position = 1
            JOIN current_outputs AS left_current
                ON left_current.id = left_side.output
            JOIN current_outputs AS right_current
                ON right_current.id = right_side.output
            WHERE current_ratings.choice IS NOT NULL
        ), sided AS (
            SELECT assignment, rater_name AS rater, criterion,
                iif(in_order, left_output, right_output) AS output_a,
                iif(in_order, right_output, left_output) AS output_b,
                CASE
                    WHEN choice IN ('tie', 'both_bad') THEN 0.5
                    WHEN (choice = 'first') = in_order THEN 1.0
                    ELSE 0.0
                END AS outcome,
                choice = 'both_bad' AS both_bad
            FROM choices
        )
        SELECT sided.*, a.signature, a.value AS score_a, b.value AS score_b
        FROM sided
        LEFT JOIN current_scores AS a ON a.output = sided.output_a
        LEFT JOIN current_scores AS b ON b.output = sided.output_b
            AND b.signature = a.signature;
CREATE VIEW "checkpoint_summary" AS 
        SELECT current_scores.task, checkpoints.series, checkpoints.step,
            checkpoints.name AS checkpoint, 'metric' AS kind,
            current_scores.signature AS name,
            avg(current_scores.value) AS mean_per_output,
            count(current_scores.value) AS n,
            count(*) - count(current_scores.value) AS dropped
        FROM current_scores
        JOIN checkpoints ON checkpoints.id = current_scores.checkpoint
        GROUP BY current_scores.task, checkpoints.id, current_scores.signature
        UNION ALL
        SELECT current_outputs.task, checkpoints.series, checkpoints.step,
            checkpoints.name, 'criterion', current_ratings.criterion,
            avg(current_ratings.value), count(current_ratings.value),
            count(*) - count(current_ratings.value)
        FROM current_ratings
        JOIN current_outputs ON current_outputs.id = current_ratings.output
        JOIN checkpoints ON checkpoints.id = current_outputs.checkpoint
        GROUP BY current_outputs.task, checkpoints.id, current_ratings.criterion;
COMMIT;
