"""The command `twinshop profile`, where it cannot do anything."""

from __future__ import annotations

import pytest

from deploy.model.errors import Unsupported
from twinshop import profile


def test_containers_are_refused_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "runner_for", lambda name: name)

    with pytest.raises(Unsupported, match="no containers"):
        profile.profile()
