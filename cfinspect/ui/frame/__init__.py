"""What the window's controllers share: its parts by name, pages and panels, words, enabled actions.

``parts`` and ``context`` name everything; ``layout`` shows pages and panels, ``messages`` tells and
asks, ``status`` fills the status bar, ``action_refresher`` enables what can be done now, ``gui_gc``
keeps Python's garbage collection on the window's thread.
"""
