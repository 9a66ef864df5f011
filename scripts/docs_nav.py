"""Orders the documentation's pages for mkdocs; a new page in a folder appears by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGES = ("index.md", "tutorial.md")
FOLDERS = ("how-to", "reference", "explanation", "decisions", "research")
LAST = ("architecture.md", "glossary.md")


def on_config(config: Any) -> Any:
    """Set the navigation: first pages, every page of each folder by name, last pages."""
    docs = Path(config["docs_dir"])
    nav: list[Any] = [page for page in PAGES if (docs / page).is_file()]
    for folder in FOLDERS:
        pages = sorted(path.relative_to(docs).as_posix() for path in docs.glob(f"{folder}/*.md"))
        if pages:
            nav.append({folder.capitalize(): pages})
    nav += [page for page in LAST if (docs / page).is_file()]
    config["nav"] = nav
    return config
