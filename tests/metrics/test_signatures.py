"""Short names of metrics."""

from harness.metrics.signatures import labels


def test_labels_are_the_shortest_that_tell_metrics_apart():
    signatures = ["bleu|tok:13a|v1", "bleu|tok:intl|v1", "chrf|nc:6|v1", "x|imported"]
    assert list(labels(signatures).values()) == [
        "bleu (tok:13a)",
        "bleu (tok:intl)",
        "chrf",
        "x",
    ]


def test_a_label_names_no_more_settings_than_it_takes():
    signatures = [
        "perplexity|ref:first|per:token|v1",
        "perplexity|of:document|joined:no|window:64|per:token|v1",
        "perplexity|of:document|joined:no|window:32|per:token|v1",
        "perplexity|of:document|joined:no|window:32|per:word|v1",
    ]
    assert list(labels(signatures).values()) == [
        "perplexity (ref:first)",
        "perplexity (of:document, window:64)",
        "perplexity (of:document, window:32, per:token)",
        "perplexity (of:document, window:32, per:word)",
    ]
