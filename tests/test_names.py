"""Names in questions and texts, across scripts."""

import pytest

from q2e.query.knowledge import load
from q2e.query.names import Names, places_elsewhere
from q2e.text.names import MARK, latin_words, name_grams

PAIRS = {
    "ko": ("Pohang", "포항에서 지진이 났다"),
    "ru": ("Magnitogorsk", "Взрыв в Магнитогорске"),
    "zh": ("Luding", "四川泸定县发生地震"),
    "ja": ("Kumamoto", "クマモトの地震"),
    "ar": ("Sudan", "مظاهرات في السودان"),
    "hi": ("Mumbai", "मुंबई में बारिश"),
    "th": ("Phuket", "ภูเก็ต"),
    "de": ("Köln", "Dom in Köln"),
    "en": ("Anchorage", "Quake near Anchorage"),
}


@pytest.fixture(scope="module")
def names() -> Names:
    return Names(load())


@pytest.mark.parametrize("language", PAIRS)
def test_a_name_shares_groups_with_its_form_in_another_script(language: str, names: Names) -> None:
    name, text = PAIRS[language]
    assert set(names.grams(name)) & set(name_grams(text))


def test_groups_never_meet_tokens() -> None:
    assert all(gram.startswith(MARK) for gram in name_grams("Taipei 台北"))


def test_texts_without_letters_have_none() -> None:
    assert name_grams("") == []
    assert name_grams("!? …") == []


def test_han_is_read_in_pairs() -> None:
    assert latin_words("李强") == ["liqiang"]
    assert latin_words("火") == ["huo"]


def test_words_of_the_knowledge_base_are_no_names(names: Names) -> None:
    assert names.grams("earthquake") == []
    assert "~_lud" in names.grams("luding earthquake")
    assert "~_ear" not in names.grams("luding earthquake")


def test_neighbouring_names_count_as_one_word_too(names: Names) -> None:
    assert "~liqi" in names.grams("Li Qiang")


def test_prose_gives_its_capitalised_words(names: Names) -> None:
    grams = names.grams("The blaze tore through a mall in Kemerovo on Sunday afternoon")
    assert "~keme" in grams
    assert "~_tor" not in grams


def test_places_have_names_elsewhere() -> None:
    assert "قبرص" in places_elsewhere("cyprus earthquake")
    assert "Кипр" in places_elsewhere("earthquake on Cyprus")
    assert places_elsewhere("a red bicycle") == []
