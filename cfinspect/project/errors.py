"""The error of everything that has to do with projects."""

from __future__ import annotations

from cfinspect.engine.base.errors import CfinspectError


class ProjectError(CfinspectError):
    """Something about a project that cannot be done; the sentence says what to do."""
