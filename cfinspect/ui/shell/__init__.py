"""The window itself.

Its start (``app``), the one class (``main_window``), how its pages, panels and bars are made
(``building``), and who hears what (``connections``).
"""
