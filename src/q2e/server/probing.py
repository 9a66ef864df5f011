"""The process that looks at one uploaded file, with bounds on its memory, time and output.

python -m q2e.server.probing RAW KEPT    prints JSON: kind, duration_s, width, height; or problem
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from q2e.errors import MediaError

_MEMORY_BYTES = 3 << 30
_CPU_S = 20
_FILE_BYTES = 128 << 20
#: Longest clip or sound to search by.
_LONGEST_S = 600.0


def main(raw: Path, kept: Path) -> dict[str, Any]:
    """Return what a file is; leave at `kept` a new JPEG of a picture, or the clip as it came."""
    from q2e.media.probe import probe

    try:
        video = probe(raw, video_id="example")
    except MediaError as error:
        with contextlib.suppress(MediaError):
            return _picture(raw, kept)
        return {"problem": _without_name(error, raw)}
    if video.duration_s > _LONGEST_S:
        return {"problem": f"{video.duration_s:.0f} s are too long for an example"}
    raw.rename(kept)
    return {
        "kind": "video" if video.has_video else "sound",
        "duration_s": video.duration_s,
        "width": video.width,
        "height": video.height,
    }


def _picture(raw: Path, kept: Path) -> dict[str, Any]:
    from q2e.media.frames import save_jpeg
    from q2e.media.still import read_still

    image = read_still(raw)
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    if min(width, height) < 2:
        raise MediaError("the picture has too few pixels")
    save_jpeg(image[:height, :width], kept)
    return {"kind": "image", "duration_s": 0.0, "width": width, "height": height}


def _without_name(error: MediaError, raw: Path) -> str:
    return str(error).removeprefix(f"{raw.name}: ")


def _bound() -> None:
    import resource

    for what, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    _bound()
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
