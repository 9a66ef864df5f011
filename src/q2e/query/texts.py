"""Which words of a question in the query language are looked for."""

from __future__ import annotations

from q2e.types import Clause, Query


def is_plain(clause: Clause) -> bool:
    """Whether a question is but one text once its filters are taken out."""
    return clause.kind == "text" and clause.channel is None and not clause.exact


def main_text(clause: Clause) -> Clause | None:
    """Return the text that is asked like a plain question, beside what else is said of it."""
    if clause.kind in ("first", "every"):
        return main_text(clause.parts[0])
    parts = clause.parts if clause.kind == "all" else (clause,)
    texts = [part for part in parts if is_plain(part)]
    return texts[0] if len(texts) == 1 else None


def words_of(query: Query) -> str:
    """Return the words of a question that are looked for: all of a plain one."""
    if query.clause is None:
        return query.text
    main = main_text(query.clause)
    return main.text if main is not None else ", ".join(_texts(query.clause))


def _texts(clause: Clause) -> list[str]:
    if clause.kind == "not":
        return []
    own = [clause.text] if clause.text else []
    return own + [text for part in clause.parts for text in _texts(part)]
