"""What people write on the command line is read as they mean it, or refused."""

from __future__ import annotations

import pytest

from deploy.model.errors import DeployError
from twinshop.faults import duration_s


def test_durations_are_read_as_people_write_them() -> None:
    assert [duration_s(text) for text in ("30s", "500ms", "2m", "7")] == [30, 0.5, 120, 7]
    for text in ("", "soon", "-1s", "2h"):
        with pytest.raises(DeployError):
            duration_s(text)
