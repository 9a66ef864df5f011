"""Says what a test needs of Debian's tesseract, and skips it visibly where that is not there."""

from __future__ import annotations

import pytest

from q2e.models.local.tesseract import installed_packs


def need_pack(pack: str | None) -> None:
    """Skip the test, naming the package, unless tesseract reads with this language pack."""
    if pack is not None and pack not in installed_packs():
        pytest.skip(f"tesseract has no pack {pack} (apt install tesseract-ocr-{pack})")
