"""The public API, once: bodies, errors and events. `openapi.yaml` beside this file is its specification."""
