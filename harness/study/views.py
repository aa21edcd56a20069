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
            raters.name AS rater_name, raters.kind AS rater_kind
        FROM ratings
        JOIN assignments ON assignments.id = ratings.assignment
        JOIN raters ON raters.id = assignments.rater
        WHERE ratings.state = 'rated'
            AND NOT EXISTS (
                SELECT 1 FROM ratings AS newer WHERE newer.supersedes = ratings.id
            )
    """,
    "judgements": """
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
                = current_outputs.id
    """,
    "preferences": """
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
        SELECT current_outputs.task, checkpoints.series, checkpoints.step,
            checkpoints.name, 'criterion', current_ratings.criterion,
            avg(current_ratings.value), count(current_ratings.value),
            count(*) - count(current_ratings.value)
        FROM current_ratings
        JOIN current_outputs ON current_outputs.id = current_ratings.output
        JOIN checkpoints ON checkpoints.id = current_outputs.checkpoint
        GROUP BY current_outputs.task, checkpoints.id, current_ratings.criterion
    """,
}
