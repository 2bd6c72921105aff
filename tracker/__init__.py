"""The pose tracker: source → detect → propagate → unify → pose → match → sinks."""
