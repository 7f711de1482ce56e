"""Work beside the window.

``serial_worker`` is the thread under all of it. ``job`` is the queue of long work, ``job_types``,
``training`` and ``explaining`` are its kinds. ``project_thread`` asks a project, ``pictures``
holds what is read ahead for the canvas (``picture``: one of them, ``picture_reader``: from files,
``levels``: in smaller copies), and ``thumbnails`` makes those of the gallery.
"""
