"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import q2e

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def dev_data() -> Path:
    """The development data folder; tests that need it are skipped visibly where it is absent."""
    folder = Path(os.environ.get("Q2E_DEV_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no development data at {folder} (set Q2E_DEV_DATA)")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The sample collection that ships with the repository."""
    return ROOT / "samples"


@pytest.fixture(scope="session", autouse=True)
def _no_user_settings() -> None:
    for name in list(os.environ):
        if name.startswith("Q2E_") and name != "Q2E_DEV_DATA":
            del os.environ[name]


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> q2e.Index:
    """The whole sample collection, read once with the real models; tests must not change it."""
    index = q2e.open(tmp_path_factory.mktemp("samples") / "index")
    report = index.add(samples / "manifest.csv")
    assert report.failures == []
    return index
