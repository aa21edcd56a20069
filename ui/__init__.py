"""The rating page: a Gradio app that talks to nobody but the rater's browser."""

import os

# Gradio and its hub client read these when they are imported, and would otherwise
# report every start to their makers.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
