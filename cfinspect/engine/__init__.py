"""The engine: data, networks, training, inspection, evaluation. Knows no Qt and no project."""
