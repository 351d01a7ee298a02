"""Fixtures for every test."""

import pytest

from tests._lanes import LANES, Lane


@pytest.fixture(params=LANES, ids=lambda lane: lane.name)
def lane(request: pytest.FixtureRequest) -> Lane:
    """The sync and the async lane, one after the other."""
    return request.param
