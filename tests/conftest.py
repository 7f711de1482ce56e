"""For all tests: a data folder of the user that is theirs alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _user_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What programs remember on this PC, they remember there; tests may name another one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFINSPECT_HOME", str(tmp_path_factory.mktemp("user")))
        yield
