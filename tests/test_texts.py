"""The page's own words: as data, in eleven languages, and nowhere else."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import q2e

WEB = Path(q2e.__file__).parent / "web"
LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "ko", "ru", "th", "zh")
#: The forms that a count chooses among (CLDR); `other` stands for those that are left out.
PLURALS = {
    "ar": {"zero", "one", "two", "few", "many", "other"},
    "ru": {"one", "few", "many", "other"},
    **{language: {"other"} for language in ("ja", "ko", "th", "zh")},
}
#: A script in which every text of the language has a letter, where it is not Latin.
SCRIPTS = {
    "ar": r"[\u0600-\u06ff]",
    "hi": r"[\u0900-\u097f]",
    "ja": r"[\u3040-\u30ff\u4e00-\u9fff]",
    "ko": r"[\uac00-\ud7af]",
    "ru": r"[\u0400-\u04ff]",
    "th": r"[\u0e00-\u0e7f]",
    "zh": r"[\u4e00-\u9fff]",
}
#: What is the same in every language; beside it a text has to have more than a short word.
_SAME = re.compile(r"\{\w+\}|Q2E|JSON|nDCG@10|(lang|after|until):\w+|\W|\d")


def parts(language: str) -> list[dict[str, Any]]:
    """Return the words of the page, and of each part that is loaded when it is first shown."""
    files = sorted((WEB / "texts").glob(f"**/{language}.json"))
    return [json.loads(file.read_text("utf-8")) for file in files]


@cache
def texts(language: str) -> dict[str, Any]:
    return {key: text for part in parts(language) for key, text in part.items()}


def forms(language: str, key: str) -> dict[str, str]:
    text = texts(language)[key]
    return text if isinstance(text, dict) else {"other": text}


def slots(language: str, key: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", " ".join(forms(language, key).values())))


def scripts() -> dict[str, str]:
    """Return the page's modules and HTML without comments."""
    found = {path.name: path.read_text("utf-8") for path in sorted(WEB.glob("js/*.js"))}
    bare = {
        name: re.sub(r"(?m)/\*.*?\*/|(?<![:\w])//.*$", "", text) for name, text in found.items()
    }
    return bare | {path.name: path.read_text("utf-8") for path in WEB.glob("*.html")}


def test_there_is_a_file_for_each_language() -> None:
    folders = [WEB / "texts", *filter(Path.is_dir, (WEB / "texts").iterdir())]
    for folder in folders:
        assert {path.stem for path in folder.glob("*.json")} == set(LANGUAGES), folder
    named = re.search(r"LANGUAGES = \{(.*?)\};", scripts()["texts.js"], re.S)
    assert named is not None
    assert set(re.findall(r"(\w+): \"", named[1])) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing(language: str) -> None:
    own, english = texts(language), texts("en")
    for part in parts(language):
        assert list(part) == sorted(part), "in order of keys, so that two changes seldom meet"
    assert sum(map(len, parts(language))) == len(own), "a key is in one part only"
    assert set(own) == set(english)
    for key in english:
        assert slots(language, key) == slots("en", key), key
        assert isinstance(own[key], dict) == isinstance(english[key], dict), key
        written = forms(language, key)
        assert "other" in written, key
        assert set(written) <= PLURALS.get(language, {"one", "many", "other"}), key
        for text in written.values():
            assert text.strip(), key
            if language in SCRIPTS and len(_SAME.sub("", forms("en", key)["other"])) > 3:
                assert re.search(SCRIPTS[language], text), (key, text)


def test_every_text_is_used_and_every_use_has_its_text() -> None:
    code = "\n".join(scripts().values())
    whole = set(re.findall(r"\b(?:t|nodes)\(\s*\"([\w.-]+)\"", code))
    whole |= set(re.findall(r"data-(?:t|label)=\"([\w.-]+)\"", code))
    whole |= set(re.findall(r"\{([a-z]+\.[\w.-]+)\}", scripts()["sign-in.html"]))
    whole |= {key for key in texts("en") if f'"{key}"' in code}
    starts = set(re.findall(r"`([\w.-]+\.)\$\{", code))
    assert whole <= set(texts("en")), whole - set(texts("en"))
    unused = [
        key
        for key in texts("en")
        if key not in whole and not any(key.startswith(start) for start in starts)
    ]
    assert unused == []


def test_remarks_of_the_server_are_known() -> None:
    """What is remarked often has words of the page's own; another wording would stay English."""
    from q2e.answer.quotes import _ASKED, QUOTES
    from q2e.query.hints import hint

    listed = re.findall(r"\[/(.+)/, \"([\w.-]+)\"", scripts()["remarks.js"])
    known = [(re.compile(pattern), key) for pattern, key in listed]
    # Several reasons why a file was not read are told alike.
    once = [key for _, key in known if not key.startswith("fail.")]
    assert len(once) == len(set(once)) == 21
    hints = {
        "dog lang:": "hint.nothing",
        'dog "cat': "hint.quote",
        "dog (cat": "hint.bracket",
        "speech:dog or": "hint.joins",
        "speech: dog": "hint.space",
        "Speech:dog": "hint.small",
        "speach:dog": "hint.meant",
        "colour:dog": "hint.fields",
    }
    said = {hint(question): key for question, key in hints.items()}
    said |= {QUOTES: "note.quotes"}
    asked = {"who": "name", "how many": "number", "where": "place", "when": "time"}
    for kind, name in asked.items():
        remark = f"{_ASKED[kind]} is asked for, and no sentence here holds one"  # type: ignore[index]
        said[remark] = f"note.no-{name}"
    for remark, key in said.items():
        assert [one for pattern, one in known if pattern.search(remark)] == [key], remark


def test_names_of_sounds_are_those_of_the_table() -> None:
    from runpy import run_path

    made = run_path(str(WEB.parents[2] / "scripts" / "sound_texts.py"))["texts"]()
    for language, own in made.items():
        kept = json.loads((WEB / "texts" / "sounds" / f"{language}.json").read_text("utf-8"))
        assert kept == own, f"python scripts/sound_texts.py ({language})"
