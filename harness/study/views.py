"""The views of a study file: what people query."""

from __future__ import annotations

VIEWS = {
    # What a checkpoint was last asked for on a task: an answer to an older
    # template, setting or reference stays in the table but is never reported.
    "current_outputs": """
        SELECT outputs.*, items.task, items.key
        FROM outputs
        JOIN items ON items.id = outputs.item AND items.active
        JOIN evaluations ON evaluations.checkpoint = outputs.checkpoint
            AND evaluations.task = items.task
            AND evaluations.settings = outputs.settings
            AND outputs.sample < evaluations.samples
    """,
    "current_likelihoods": """
        SELECT likelihoods.*, items.task, items.key
        FROM likelihoods
        JOIN items ON items.id = likelihoods.item AND items.active
            AND items.refs_hash = likelihoods.refs_hash
        JOIN evaluations ON evaluations.checkpoint = likelihoods.checkpoint
            AND evaluations.task = items.task
            AND evaluations.likelihood_settings = likelihoods.settings
    """,
    "current_scores": """
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
        WHERE scores.output IS NULL
    """,
    "current_ratings": """
        SELECT ratings.*, assignments.campaign, assignments.wave, assignments.rater,
            assignments.unit, assignments.kind,
            raters.name AS rater_name, raters.kind AS rater_kind
        FROM ratings
        JOIN assignments ON assignments.id = ratings.assignment
        JOIN raters ON raters.id = assignments.rater
        WHERE ratings.state = 'rated'
            AND NOT EXISTS (
                SELECT 1 FROM ratings AS newer WHERE newer.supersedes = ratings.id
            )
    """,
    # What counts: no gold, repeats, degraded copies or outputs shown again. Equal
    # outputs to one prompt are rated once, and the rating is that of each checkpoint
    # in the campaign; another's would be rated on chosen outputs alone. From elsewhere
    # each brings its own.
    "output_ratings": """
        SELECT current_ratings.*, current_outputs.id AS of_output,
            current_outputs.checkpoint, current_outputs.task
        FROM current_ratings
        JOIN campaigns ON campaigns.id = current_ratings.campaign
        JOIN outputs AS rated ON rated.id = current_ratings.output
        JOIN current_outputs ON current_outputs.item = rated.item
            AND current_outputs.text = rated.text
            AND current_outputs.sample = rated.sample
            AND (current_outputs.id = rated.id OR EXISTS (
                SELECT 1 FROM waves WHERE waves.campaign = campaigns.id
                    AND waves.checkpoint = current_outputs.checkpoint
            ))
        WHERE current_ratings.kind = 'normal'
            AND current_ratings.value IS NOT NULL
            AND campaigns.scheme <> 'ranking'
    """,
    "judgements": """
        SELECT items.task, checkpoints.series, checkpoints.step,
            checkpoints.name AS checkpoint, items.key AS item,
            outputs.sample, outputs.text AS output, outputs.id AS output_id,
            output_ratings.criterion, output_ratings.value AS rating,
            output_ratings.rater_name AS rater, output_ratings.rater_kind,
            current_scores.signature, current_scores.value AS score,
            CASE WHEN current_scores.output IS NOT NULL THEN 'output'
                WHEN current_scores.item IS NOT NULL THEN 'likelihood' END AS score_of
        FROM output_ratings
        JOIN outputs ON outputs.id = output_ratings.of_output
        JOIN items ON items.id = outputs.item
        JOIN checkpoints ON checkpoints.id = outputs.checkpoint
        LEFT JOIN current_scores ON current_scores.item = items.id
            AND current_scores.checkpoint = checkpoints.id
            AND ifnull(current_scores.output, outputs.id) = outputs.id
    """,
    # The owner's verdict where raters disagreed, beside their ratings and never
    # among them.
    "adjudicated": """
        SELECT adjudications.id, adjudications.unit, units.campaign, campaigns.task,
            items.key AS item, adjudications.place,
            adjudications.output AS output_id, outputs.text AS output,
            checkpoints.series, checkpoints.step, checkpoints.name AS checkpoint,
            adjudications.criterion, adjudications.value, adjudications.choice,
            adjudications.comment, adjudications.created
        FROM adjudications
        JOIN units ON units.id = adjudications.unit
        JOIN campaigns ON campaigns.id = units.campaign
        LEFT JOIN items ON items.id = units.item
        LEFT JOIN outputs ON outputs.id = adjudications.output
        LEFT JOIN checkpoints ON checkpoints.id = outputs.checkpoint
        WHERE NOT EXISTS (
            SELECT 1 FROM adjudications AS newer
            WHERE newer.supersedes = adjudications.id
        )
    """,
    # One row for each pair of checkpoints and answer, whichever side was where; a
    # ranking says something of every pair in it. Equal outputs are ties that nobody
    # was asked about. Where only neighbours are compared, an output that equals
    # another's says nothing of pairs that were not to be compared: of those, only
    # chosen outputs would be seen. The plus signs keep SQLite from trying out every
    # pair of checkpoints for each answer.
    "comparisons": """
        WITH joined AS (
            SELECT waves.campaign, waves.wave, checkpoints.id AS checkpoint,
                json_extract(campaigns.protocol, '$.plan.pairs') = 'neighbours'
                    AND campaigns.scheme = 'pairwise' AS only_neighbours,
                row_number() OVER (
                    PARTITION BY waves.campaign
                    ORDER BY checkpoints.series, checkpoints.step IS NULL,
                        checkpoints.step, checkpoints.name
                ) AS place
            FROM waves
            JOIN campaigns ON campaigns.id = waves.campaign
                AND campaigns.scheme IN ('pairwise', 'ranking')
            JOIN checkpoints ON checkpoints.id = waves.checkpoint
        ), compared AS MATERIALIZED (
            SELECT a.campaign, a.checkpoint AS one, b.checkpoint AS two
            FROM joined AS a
            JOIN joined AS b ON b.campaign = a.campaign AND b.place <> a.place
            WHERE NOT a.only_neighbours OR NOT EXISTS (
                SELECT 1 FROM joined AS amid WHERE amid.campaign = a.campaign
                    AND amid.wave <= max(a.wave, b.wave)
                    AND amid.place > min(a.place, b.place)
                    AND amid.place < max(a.place, b.place)
            )
        ), sides AS (
            SELECT current_ratings.campaign, current_ratings.assignment,
                current_ratings.rater_name, current_ratings.criterion,
                campaigns.task,
                one.output AS one, two.output AS two,
                CASE WHEN current_ratings.choice IS NOT NULL THEN
                    CASE current_ratings.choice
                        WHEN 'first' THEN 1.0 WHEN 'second' THEN 0.0 ELSE 0.5 END
                WHEN other.value > current_ratings.value THEN 1.0
                WHEN other.value < current_ratings.value THEN 0.0
                ELSE 0.5 END AS outcome,
                ifnull(current_ratings.choice = 'both_bad', 0) AS both_bad
            FROM current_ratings
            JOIN campaigns ON campaigns.id = current_ratings.campaign
                AND campaigns.scheme IN ('pairwise', 'ranking')
            JOIN assignment_outputs AS one
                ON one.assignment = current_ratings.assignment
                AND CASE WHEN current_ratings.choice IS NOT NULL
                    THEN one.position = 0
                    ELSE one.output = current_ratings.output END
            JOIN assignment_outputs AS two
                ON two.assignment = current_ratings.assignment
                AND two.position > one.position
            LEFT JOIN current_ratings AS other
                ON other.assignment = current_ratings.assignment
                AND other.criterion = current_ratings.criterion
                AND other.output = two.output
            WHERE current_ratings.kind = 'normal'
        ), counted AS (
            SELECT sides.campaign, sides.task, sides.assignment,
                sides.rater_name AS rater, sides.criterion, a.id AS one, b.id AS two,
                sides.outcome, sides.both_bad, 0 AS identical
            FROM sides
            JOIN outputs AS rated_a ON rated_a.id = sides.one
            JOIN outputs AS rated_b ON rated_b.id = sides.two
            JOIN current_outputs AS a ON a.item = rated_a.item
                AND a.text = rated_a.text AND a.sample = rated_a.sample
            JOIN current_outputs AS b ON b.item = rated_b.item
                AND b.text = rated_b.text AND b.sample = rated_b.sample
            WHERE (sides.campaign, +a.checkpoint, +b.checkpoint) IN compared
            UNION ALL
            SELECT campaigns.id, campaigns.task, NULL, NULL,
                json_extract(criteria.value, '$.name'), a.id, b.id, 0.5, 0, 1
            FROM campaigns
            JOIN json_each(campaigns.protocol, '$.items') AS prompts
            JOIN json_each(campaigns.protocol, '$.plan.criteria') AS criteria
            JOIN current_outputs AS a ON a.item = prompts.value AND a.sample = 0
            JOIN current_outputs AS b ON b.item = a.item AND b.sample = 0
                AND b.text = a.text AND b.id > a.id
            WHERE campaigns.scheme IN ('pairwise', 'ranking')
                AND (campaigns.id, +a.checkpoint, +b.checkpoint) IN compared
        )
        SELECT campaign, task, assignment, rater, criterion,
            min(one, two) AS output_a, max(one, two) AS output_b,
            iif(one < two, outcome, 1.0 - outcome) AS outcome, both_bad, identical
        FROM counted
    """,
    "preferences": """
        SELECT comparisons.*, a.signature, a.value AS score_a, b.value AS score_b
        FROM comparisons
        LEFT JOIN current_scores AS a ON a.output = comparisons.output_a
        LEFT JOIN current_scores AS b ON b.output = comparisons.output_b
            AND b.signature = a.signature
    """,
    "checkpoint_summary": """
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
        SELECT output_ratings.task, checkpoints.series, checkpoints.step,
            checkpoints.name, 'criterion', output_ratings.criterion,
            avg(output_ratings.value), count(*), 0
        FROM output_ratings
        JOIN checkpoints ON checkpoints.id = output_ratings.checkpoint
        GROUP BY output_ratings.task, checkpoints.id, output_ratings.criterion
    """,
    # A value that is NULL was logged, but is no number.
    "learning_curves": """
        SELECT logs.series, logs.place, logs.form, points.name, points.step,
            points.value
        FROM training_logs AS logs
        JOIN training_points AS points ON points.log = logs.id
        WHERE NOT EXISTS (
            SELECT 1 FROM training_logs AS newer WHERE newer.supersedes = logs.id
        )
    """,
}
