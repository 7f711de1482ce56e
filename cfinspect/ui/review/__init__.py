"""One image at a time: what the model says, verdicts, corrections, the queue.

``image_page`` and ``result_panel`` (``answer``, ``probability_bars``, ``region_table``,
``histogram``, ``layer_bar``: pieces of them) show it. ``shown_image`` says which one it is;
``unsaved_edits`` and ``comments`` keep what is drawn and written on it; ``image_navigator`` goes
through a list, ``reviewer`` through the queue; ``verdicts`` hands on what is said. ``parts`` puts
them together.
"""
