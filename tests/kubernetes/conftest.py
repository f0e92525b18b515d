"""kubectl, where there is one: it renders. Where there is none, what needs it is skipped, and says so."""

from __future__ import annotations

import shutil

import pytest

from deploy.kubernetes import manifests
from deploy.kubernetes.manifests import Object


def require_kubectl() -> None:
    """Skip, loudly, where there is no kubectl."""
    if shutil.which("kubectl") is None:
        pytest.skip("NO kubectl, SO WHAT KUBERNETES IS GIVEN IS NOT TESTED: install it (it needs no cluster)")


@pytest.fixture(scope="session")
def everything() -> list[Object]:
    """The objects of all stacks with all components but `budgets` and `observe`, which change the others' files."""
    require_kubectl()
    return manifests.render_with(("hpa", "keda", "load", "network-policies"))
