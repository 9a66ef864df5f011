"""What looks like the query language and is searched as words is said, and nothing else is."""

from __future__ import annotations

import pytest

from q2e.query.hints import hint
from q2e.query.language import parse
from test_query_language import PLAIN


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("speach:flood", "did you mean speech: ?"),
        ("langauge:de 猫", "did you mean language: ?"),
        ("наводнение LANG:ru", "the field is lang:"),
        ("Screen:หิมะ", "the field is screen:"),
        ("lang: ar زلزال", "as a field it is  lang:WORD"),
        ("बाढ़ title:आगरा", "title: is no field and is searched as a word; fields are frame,"),
        ('snow -spech:"눈"', "did you mean speech: ?"),
        ('flood "never closed', "the quote at character 7 is never closed"),
        ("雪 「学校", "the quote at character 3"),
        ("„Wanderweg gesperrt", "the quote at character 1"),
        ("dog (cat", "the ( at character 5 is never closed"),
        ("سيارة (حمراء", "the ( at character 7 is never closed"),
        ("(犬", "the ( at character 1 is never closed"),
        (
            '"dog" then',
            'then joins nothing here and is searched as a word; as in  "dog" then "cat"',
        ),
        ('"भीड़" then "पुलिस" then', "then joins nothing here"),
        ('before "ฝน"', "before joins nothing here"),
        ("speech:снег or", "or joins nothing here"),
        ("speech:", "speech: is given nothing and is searched as a word; as in  speech:WORD"),
        ("หิมะ lang: ", "lang: is given nothing"),
        ("「犬」 then or 「猫」", "then joins nothing here"),
        ('"개" within 2m', 'as in  "dog" then "cat" within 2m'),
        ('"perro" then within 2m', "then joins nothing here"),
    ],
)
def test_a_probable_mistake_is_said(text: str, says: str) -> None:
    parse(text)  # is not refused, as a mistake that no sentence has
    assert says in hint(text)


#: Plain sentences with a quote or a colon where a mistake would have it.
_DOUBTFUL = ("before: the storm, after: the calm", 'an unclosed ( and an unclosed " too :)')


@pytest.mark.parametrize(
    "text",
    [
        *(text for text in PLAIN if text not in _DOUBTFUL),
        "Alien:Covenant",
        "Tokyo：雪",
        "猫：犬",
        r"C:\films at 10:30",
        'говорит:"да"',
        'speech:"flood" lang:de after:2020-05 -tag:advert',
        '"flood" or "storm"',
        '"flood" then "storm" within 2m',
        '"flood" then "storm" within 2 minutes',
        '"Not" then what',
        'what came before "Titanic"',
        "smile :( and (2019)",
        "f(x",
    ],
)
def test_what_is_meant_so_gets_no_remark(text: str) -> None:
    assert hint(text) == ""
