"""What the window remembers.

``preferences``, the open project (``open_project``), and what was said of its images in this
sitting (``session``).
"""
