"""How good a model is: robustness, uncertainty, realism, localisation, explanations."""
