"""What ``import cfinspect`` offers: load, inspect, train, evaluate, open a project."""
