"""The example of a plugin works as its page says: installed, found, and searched with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "plugin-encoder"
SCRIPT = """
import sys
from pathlib import Path
import numpy as np
import q2e
from q2e.models.registry import Models
from q2e.settings import load_settings

profile, index, clip = sys.argv[1:]
encoder = Models(load_settings(profile=profile)).image
red = np.zeros((4, 4, 3), np.uint8); red[..., 0] = 200
blue = np.zeros((4, 4, 3), np.uint8); blue[..., 2] = 200
for word in ("red", "rot", "红", "赤", "빨간", "أحمر", "красный", "लाल", "แดง"):
    scores = encoder.encode_images([red, blue]) @ encoder.encode_texts([word])[0]
    assert scores[0] > scores[1], word
assert encoder.encode_clips([[red, red], [blue]]).shape == (2, 3)
with q2e.open(index, profile=profile, channels=("frame",)) as collection:
    assert collection.add(clip).ok
    assert "package:q2e-tiny-images/1" in collection.store.spaces()
    assert len(collection.search("something red", confidence=0)) == 1
print("works")
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The example as an installed distribution, in a folder that only this test's Python sees."""
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", str(site), str(EXAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        # Without hatchling here, the entry point is written by hand as an installer would.
        info = site / "q2e_tiny_images-0.1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Name: q2e-tiny-images\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text("[q2e]\ntiny-images = q2e_tiny_images\n")
        (site / "q2e_tiny_images").symlink_to(EXAMPLE / "src" / "q2e_tiny_images")
    return site


def test_the_example_is_found_and_searched_with(
    installed: Path, tmp_path: Path, samples: Path
) -> None:
    profile = tmp_path / "colours.toml"
    profile.write_text('base = "local"\n[models]\nimage = "package:q2e-tiny-images"\n')
    clip = samples / "clips" / "call-06.mp4"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(profile), str(tmp_path / "index"), str(clip)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert done.stdout.strip().endswith("works"), done.stderr[-2000:]
