"""What the window can do, one class by subject; ``building`` makes them all.

``projects`` and ``folders`` open, close and scan; ``models`` bind; ``inspections``,
``explanations`` and ``training`` start work; ``jobs`` show and stop it; ``review`` goes between
gallery and image and hands on verdicts; ``exchange`` exports and imports; ``preferences`` and
``help`` are what they say.
"""
