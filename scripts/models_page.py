"""The page docs/reference/models.md, from the catalogue and the profiles; used by gendocs.py."""

from __future__ import annotations

from collections.abc import Iterator

from q2e.models import profiles
from q2e.models.fetch.catalogue import Listed, listed
from q2e.models.fetch.sources import said

OURS = ("local", "standard", "paper")
INTRO = """A model is named by its source, and a profile names one for each task.

| source | what it is |
|---|---|
| `package:NAME` | weights that arrive with a Python package, fully offline |
| `hub:ORG/NAME@REVISION` | a Hugging Face repository, fetched by `q2e models pull` |
| `hub:ORG/NAME@REVISION#FILE.gguf` | one file of it, run by llama.cpp |
| `file:FOLDER`, `file:MODEL.gguf` | weights on this machine |
| `http://HOST:8000/v1#NAME` | a server that speaks the OpenAI protocol |

Only `q2e models pull` downloads; indexing and searching never do. A pull goes on where it stopped,
holds each file to the hash that the hub lists, and takes weights that cannot run code (safetensors,
ONNX, CTranslate2, GGUF). A revision that is not a commit, such as `main`, is resolved once: the
pull says so, notes the commit, and every later run keeps to it until `--update`. Where a folder
holds an ONNX export and there is no GPU, the export is taken. A repository's own Python code runs
only where the setting `remote_code` names it, and models whose licence forbids commercial use only
with `non_commercial = true`.

Your own profile is a TOML file in `~/.config/q2e/profiles`, or anywhere when named by its path:

```toml
base = "standard"          # what is not named here comes from there

[models]
image = "hub:google/siglip2-so400m-patch16-256@e8708ab72d125807e45b36fb7d4e0aacbb59f379"

[optional]
language = "http://127.0.0.1:8000/v1#my-model"
```

`q2e index --profile NAME` on an index of another profile makes a second generation beside the
first, which goes on answering until the new one is whole; `q2e status` says how far it is, and
`q2e remove --generation PROFILE` removes the old one. Each generation is a file of its own, so
vectors of two profiles are never compared.

`video` in `[models]` of your own profile is a second encoder of what is seen, such as X-CLIP beside
SigLIP 2: the frames of each segment get one more vector, in a space of its own, and a search scores
them as a row of their own. In `[optional]` it is only listed:

```toml
base = "standard"

[models]
video = "hub:microsoft/xclip-base-patch32@a2e27a78a2b5d802e894b8a1ef14f3a8ce490963"
```

In `paper`, InternVideo2 needs a plugin that wraps its package; without one the profile works with
frames alone. PLAID-X has pickled weights on its main branch, which a pull refuses; the profile
names the pull request `refs/pr/1` of that repository, which holds them as safetensors.

The repository of the XLM-R CLIP H/14 holds its tokenizer in one file, and neither a configuration
nor safetensors: the configuration comes with Q2E, as OpenCLIP lists it, and the pull turns the
checkpoint into safetensors by a reader that knows tensors alone.

`image_text` beside `image` takes the words from another model that was taught the same space, as
M-CLIP does. A clip is the mean of its frames' vectors (CLIP4Clip's parameter-free head), unless the
model was trained on clips.
"""
KINDS = """
## What loads by name

A folder's `config.json` decides: `clip`, `siglip`, `siglip2` (also NaFlex), `chinese_clip`,
`altclip`, `align`, `metaclip_2` and `xclip` through transformers; text encoders, rerankers, token
encoders (ColBERT and PyLate checkpoints) and multimodal embedders such as Qwen3-VL-Embedding
through sentence-transformers; Whisper and NLLB through CTranslate2; language models, with and
without pictures, through transformers or llama.cpp. Others are plugins: `examples/plugin-encoder`.
"""


def page() -> Iterator[str]:
    """Yield the page piece by piece."""
    yield "# Models\n\n" + INTRO
    for name in OURS:
        profile = profiles.load(name)
        yield f"\n## Profile {name}\n\n{profile.description}\n\n| task | source |\n|---|---|\n"
        for task, source in profile.all().items():
            optional = " (optional)" if task in profile.optional else ""
            yield f"| {task}{optional} | `{source}` |\n"
    yield KINDS
    yield "\n## All listed models\n\nSizes are what a pull fetches. *Not checked* is what was not "
    yield "held against the hub's own listing or the model's card; a blank cell is not known. "
    yield "Quality is as published by the source named; speed is left blank where it was not "
    yield "measured on our machines.\n\n"
    yield "| model | task | languages | size | licence | quality, as published | speed | runs |\n"
    yield "|---|---|---|---|---|---|---|---|\n"
    for entry in listed().values():
        yield row(entry)


def _unless(checked: bool) -> str:
    return "" if checked else " (not checked)"


def row(entry: Listed) -> str:
    """Return one line of the table."""
    info = entry.info
    link = info.id.removeprefix("hub:")
    name = f"[{entry.name}](https://huggingface.co/{link})" if "hub:" in info.id else entry.name
    licence = info.licence + _unless("licence" in entry.checked or "own page" in info.licence)
    licence += "" if entry.commercial else " **(not for commercial use)**"
    quality = f"{entry.quality} ({entry.quality_source})" if entry.quality else ""
    size = said(info.size_bytes) + _unless("size" in entry.checked) if info.size_bytes else ""
    cells = (name, entry.role, info.languages, size, licence, quality, entry.speed, entry.runs)
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |\n"
