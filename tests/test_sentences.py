"""Words with their times become sentences, in scripts with and without marks and spaces."""

from __future__ import annotations

import pytest

from q2e.text.sentences import MOST_S, MOST_WORDS, Word, sentences

#: Two sentences a language, as recognisers write them.
TWO = {
    "ar": ("متى تفتح المدرسة؟", "تفتح المدرسة في الساعة الثامنة."),
    "de": ("Dr. Weber misst 1.5 Meter.", "Wann öffnet das Museum?"),
    "en": ("Where is the museum?", "It opens at 9.30 every day!"),
    "es": ("¿Dónde está el museo?", "Abre a las nueve."),
    "fr": ("Où est le musée ?", "Il ouvre à neuf heures."),
    "hi": ("संग्रहालय कहाँ है?", "वह नौ बजे खुलता है।"),
    "ja": ("博物館はどこですか？", "九時に開きます。"),
    "ko": ("박물관은 어디에 있습니까?", "아홉 시에 엽니다."),
    "ru": ("Где находится музей?", "Он открывается в девять."),
    "zh": ("博物馆在哪里？", "九点开门。"),
}


def timed(*texts: str, pause_s: float = 0.0, each_s: float = 0.1) -> list[Word]:
    """Return texts letter by letter, a space with the letter after it, with pauses between them."""
    found: list[Word] = []
    at_s = 0.0
    for number, text in enumerate(texts):
        at_s += pause_s if number else 0.0
        space = ""
        for letter in text:
            if letter.isspace():
                space = letter
                continue
            found.append(Word(at_s, at_s + each_s, space + letter))
            at_s, space = at_s + each_s, ""
    return found


@pytest.mark.parametrize("language", TWO)
def test_a_sentence_ends_at_its_mark(language: str) -> None:
    one, other = TWO[language]
    glue = "" if language in ("ja", "zh") else " "
    words = timed(one + glue + other)
    found = sentences(words)
    assert [line.text for line in found] == [one, other]
    first = next(word for word in words[len(one.replace(" ", "")) :] if word.text.strip().isalnum())
    assert found[1].start_s == first.start_s
    assert found[0].end_s <= found[1].start_s


def test_a_sentence_keeps_when_its_words_begin() -> None:
    told = (
        *((0.0, 0.4, " Where"), (0.4, 0.6, " is"), (0.6, 1.2, " it?"), (2.0, 2.5, " «")),
        *((2.5, 2.9, "Here"), (2.9, 3.0, "...»"), (3.1, 3.4, " 博物"), (3.5, 3.9, "馆。")),
    )
    first, *rest = sentences([Word(*one) for one in told])
    assert (first.text, first.words) == ("Where is it?", ((0, 0.0), (6, 0.4), (9, 0.6)))
    assert [
        (line.text[place:], at_s) for line in rest for place, at_s in line.words
    ] == [("Here...»", 2.5), ("博物馆。", 3.1), ("馆。", 3.5)]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "pause_s", "count"),
    [
        (("พิพิธภัณฑ์อยู่ที่ไหน", " เปิดตอนเก้าโมงเช้า"), 0.4, 2),
        (("พิพิธภัณฑ์อยู่ที่ไหน", " เปิดตอนเก้าโมงเช้า"), 0.1, 1),
        (("博物馆在哪里", "九点开门"), 0.4, 2),
        (("九時に開き", "ます"), 0.1, 1),
        (("where is the museum", " it opens at nine"), 0.9, 2),
        (("where is the", " museum"), 0.5, 1),
        # A pause within a word is none, nor one before a vowel that stands over a letter.
        (("where is the muse", "um"), 0.9, 1),
        (("พ", "ิพิธภัณฑ์"), 0.9, 1),
    ],
)
def test_without_marks_a_sentence_ends_at_a_pause(
    texts: tuple[str, ...], pause_s: float, count: int
) -> None:
    found = sentences(timed(*texts, pause_s=pause_s))
    assert len(found) == count
    assert found[0].start_s == 0.0


def test_a_long_sentence_is_divided_at_its_longest_pause() -> None:
    long = [" ".join(["word"] * 30), " " + " ".join(["other"] * 30)]
    one, other = sentences(timed(*long, pause_s=0.5, each_s=0.01))
    assert (one.text, other.text) == (long[0], long[1].strip())
    thai = sentences(timed("พิพิธภัณฑ์" * 40, each_s=0.01))
    assert len(thai) > 1 and "".join(line.text for line in thai) == "พิพิธภัณฑ์" * 40
    slow = sentences([Word(i * 2.0, i * 2.0 + 2.0, f" word{i}") for i in range(20)])
    assert all(line.end_s - line.start_s <= MOST_S for line in slow) and MOST_WORDS > 20


def test_what_is_not_said_makes_no_sentence() -> None:
    assert sentences([]) == []
    assert sentences([Word(0, 1, " ..."), Word(1, 2, " ♪")]) == []
    (line,) = sentences([Word(0.5, 1, " Yes"), Word(1, 9, ".")])
    assert (line.start_s, line.end_s, line.text) == (0.5, pytest.approx(1.0), "Yes.")
