"""The query language: a plain sentence stays one, and what is written is read back alike."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q2e.channel_facts import known
from q2e.errors import QueryError
from q2e.query.language import parse, write
from q2e.query.marks import seconds
from q2e.types import Clause, ClauseKind, Filters

#: Sentences in the nine languages, with the words and signs that the language knows.
PLAIN = [
    "earthquake in Mexico, then the rescue",
    "to be or not to be",
    "first time on a bike",
    "he does not smile before the camera",
    "do not enter",
    "why not, or when",
    "she's not amused",
    "not only cats but every dog",
    "doctors without borders",
    "with or without you",
    '"Not" then what',
    'the film "Before Sunrise" and "Before Sunset", which came after',
    "what is at 12:30?",
    "Mission: Impossible",
    "before: the storm, after: the calm",
    "https://example.org/a?b=c",
    "protests (2019) in Paris or London",
    'a 5" screen -5 degrees - and a dash',
    "POLICE THEN ARMY OR NOBODY",
    'an unclosed ( and an unclosed " too :)',
    "who was the first: every time I ask, within 2m",
    "地震救援现场，然后警察到达",
    "植物園のダリア「花」の前に",
    "산불이 난 뒤 (2019)",
    "زلزال في المكسيك ثم الإنقاذ",
    "протесты в Москве: не митинг, а потом полиция",
    "आगरा में बारिश की चेतावनी, फिर बाढ़",
    "เตือนภัยน้ำท่วม แล้วก็ฝน",
    "Not in der Stadt, nicht auf dem Land, dann Hilfe",
    "in not geraten",
    "sınav not sistemi",
]


@pytest.mark.parametrize(
    ("text", "start"), [('"panda" then "bear', 13), ('speech:"a b', 7), ('„a“ or "b', 7)]
)
def test_a_quote_that_is_never_closed_is_pointed_at(text: str, start: int) -> None:
    with pytest.raises(QueryError, match="this quote is never closed") as caught:
        parse(text)
    assert caught.value.start == start


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("(fire or flood) not drill", '("fire" or "flood") NOT "drill"'),
        ("(cats and dogs) lang:en", '"cats" AND "dogs"'),
        ("see the protest (police or army)", None),
        ("(or fire)", None),
    ],
)
def test_words_join_inside_parentheses(text: str, written: str | None) -> None:
    clause = parse(text).clause
    assert (clause and write(clause)) == written


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_sentence_is_plain(text: str) -> None:
    parsed = parse(text)
    assert parsed.plain
    assert (parsed.clause, parsed.filters, parsed.text) == (None, Filters(), text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('"a crowd" then "police" within 2m', '"a crowd" then "police" within 120s'),
        ("crowd gathers THEN police arrive", '"crowd gathers" then "police arrive"'),
        ('"a" then "b" then "c" within 1m', '"a" then "b" within 60s then "c" within 60s'),
        ('"a" then "b" within 2 minutes then "c"', '"a" then "b" within 120s then "c"'),
        ('"a" before "b" within 2 minutes', '"a" before "b" within 120s'),
        ('speech:"a" during screen:"b"', 'speech:"a" during screen:"b"'),
        ('first time "a" then "b"', 'first time ("a" then "b")'),
        ('"a" then "b" within 1m not "c" lang:en', '("a" then "b" within 60s) NOT "c"'),
        ("EVERY TIME goal", 'every time "goal"'),
        ("dog not indoors", '"dog" NOT "indoors"'),
        ("dogs but not cats", '"dogs" NOT "cats"'),
        ("cat without glasses", '"cat" NOT "glasses"'),
        ("people not wearing masks", '"people" NOT "wearing masks"'),
        ('Hund -drinnen -"im Haus"', '"Hund" -"drinnen" -"im Haus"'),
        ("狗 NOT 室内", '"狗" NOT "室内"'),
        ('("a" or "b") then "c"', '("a" or "b") then "c"'),
        ('"a" or "b" not "c"', '("a" or "b") NOT "c"'),
        ("猫 OR 犬", '"猫" or "犬"'),
        ('"a" and "b"', '"a" AND "b"'),
        ('speech:"state of emergency"', 'speech:"state of emergency"'),
        ("speech:(state of emergency)", 'speech:("state of emergency")'),
        ("screen:(rain OR snow)", 'screen:("rain") or screen:("snow")'),
        ("flood screen:BREAKING in Paris", '"flood in Paris" AND screen:("BREAKING")'),
        ("“crowd” then „police“", '"crowd" then "police"'),
        ("「群衆」 then 『警察』", '"群衆" then "警察"'),
        ("«толпа» then «полиция»", '"толпа" then "полиция"'),
        ('"خروج" then "دخول"', '"خروج" then "دخول"'),
        ('"คน" then "ตำรวจ"', '"คน" then "ตำรวจ"'),
        ('"भीड़" then "पुलिस"', '"भीड़" then "पुलिस"'),
        ('"군중" then "경찰"', '"군중" then "경찰"'),
    ],
)  # fmt: skip
def test_what_is_understood(text: str, meaning: str) -> None:
    parsed = parse(text)
    assert parsed.clause is not None
    assert write(parsed.clause) == meaning


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("flood lang:ar,fr", Filters(languages=("ar", "fr"))),
        ("flood lang:Arabic,français,de-AT,日本語", Filters(languages=("ar", "fr", "de", "ja"))),
        ("flood not lang:english", Filters(without_languages=("en",))),
        ("flood after:2020-05", Filters(since="2020-05")),
        ("flood before:2020", Filters(until="2019-12-31")),
        ("flood until:2020-02", Filters(until="2020-02")),
        ("duration:<5m flood", Filters(longest_s=300.0)),
        ("flood duration:1h30m-2h", Filters(shortest_s=5400.0, longest_s=7200.0)),
        ('flood tag:sport -tag:"two words"', Filters(tags=("sport",), without_tags=("two words",))),
        ("flood channel:screen", Filters(channels=("screen_text",))),
        ("flood -channel:screen not lang:en", Filters(without_channels=("screen_text",), without_languages=("en",))),  # noqa: E501
        ("flood lang：ja", Filters(languages=("ja",))),
        ('flood video:"my clip.mp4"', Filters(videos=("my clip.mp4",))),
    ],
)  # fmt: skip
def test_filters(text: str, filters: Filters) -> None:
    parsed = parse(text)
    assert parsed.filters == filters
    assert parsed.clause is not None
    assert (parsed.clause.kind, parsed.clause.text) == ("text", "flood")


@pytest.mark.parametrize(
    ("text", "meant", "said"),
    [
        ("flood after:noon", "after:noon", "2020-05-31"),
        ("flood until:31.12.2020", "until:31.12.2020", "in quotes"),
        ("flood after:2020-13", "after:2020-13", "date"),
        ("flood duration:5m", "duration:5m", "<5m"),
        ("flood lang:Klingon", "lang:Klingon", "give a code or a name"),
        ("flood channel:smell", "channel:smell", "speech"),
        ('speach:"x"', "speach:", "speech:"),
        ('"a" then ("b" or "c"', "(", "closed"),
        ('"a" then "b" before "c"', "before", "( )"),
        ('"a" then "b" within 5', "5", "90s"),
        ("NOT indoors", "NOT indoors", "look for"),
        ('"a" THEN "b" WITHIN 5m in Paris', "in", "follow"),
        ('"a" or lang:fr', "or", "lang:ar,fr"),
        ('"a" then ("b" lang:fr)', "lang:fr", "outside"),
        ('"a" then ("b" not "c")', "not", "outside"),
        ('speech:("a" then "b")', "speech:", "words"),
        ("flood lang:ar lang:fr", "lang:fr", "both"),
        ('"犬が走る" then "猫" before "鳥"', "before", "( )"),
    ],
)
def test_errors_point_at_the_character(text: str, meant: str, said: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse(text)
    error = raised.value
    assert error.start is not None
    assert text[error.start : error.end] == meant
    message, shown, carets = str(error).split("\n")
    assert said in message
    assert shown.strip() == text
    assert set(carets.strip()) == {"^"}


def test_nothing_is_left_unread() -> None:
    parsed = parse('"a" before "b" within 1m lang:ja -tag:x -"c"')
    assert parsed.filters == Filters(languages=("ja",), without_tags=("x",))
    assert parsed.clause is not None
    assert write(parsed.clause) == '("a" before "b" within 60s) -"c"'


def test_carets_stand_under_wide_letters() -> None:
    with pytest.raises(QueryError) as raised:
        parse("地震 after:noon")
    carets = str(raised.value).split("\n")[2]
    # Two wide letters fill four columns of a terminal.
    assert carets == "  " + " " * 5 + "^" * 10


def test_marks_lie_where_they_were_typed() -> None:
    text = '  speech:"a b"   then “c” within 2m  -"d" lang:ar'
    parsed = parse(text)
    assert [text[mark.start : mark.end] for mark in parsed.marks] == [
        'speech:"a b"', "then", "“c”", "within", "2m", "-", '"d"', "lang:ar",
    ]  # fmt: skip
    for clause in _walk(parsed.clause):
        assert 0 <= clause.start < clause.end <= len(text)


@pytest.mark.parametrize(
    ("text", "given_s"),
    [("90s", 90), ("2m", 120), ("1h30m", 5400), ("1.5h", 5400), ("2 minutes", 120), ("2:30", 150)],
)
def test_times(text: str, given_s: float) -> None:
    assert seconds(text) == given_s


def test_what_is_no_time() -> None:
    assert [seconds(text) for text in ("5", "m", "", "5x", "1:2:3", "two")] == [None] * 6


@pytest.mark.parametrize(
    ("hostile", "said"),
    [
        ("(" * 3000 + '"a" then "b"' + ")" * 3000, "inside of one another"),
        ('"a" then "b" within ' + "9" * 5000 + ":30", "needs a time"),
        ('"a" then ' + "“a " * 10_000, "never closed"),
    ],
    ids=["deep", "digits", "quotes"],
)
def test_a_hostile_question_is_refused_soon(hostile: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        parse(hostile)


# -- properties ---------------------------------------------------------------------------------
_SAMPLED = "crowd then or not NOT 警察 полиция जल ฝน (2019) 5-6 l'eau"
_WORDS = st.lists(
    st.sampled_from(_SAMPLED.split()),
    min_size=1,
    max_size=3,
).map(" ".join)  # fmt: skip


def _text(channel: str | None, exact: bool) -> st.SearchStrategy[Clause]:
    return _WORDS.map(lambda words: Clause("text", words, channel, exact))


_LEAF = st.one_of(
    _text(None, False),
    st.tuples(st.sampled_from(known()), st.booleans()).flatmap(lambda pair: _text(*pair)),
)
_EITHER = st.lists(_LEAF, min_size=2, max_size=3).map(lambda all_: Clause("any", parts=tuple(all_)))
_ALL = st.lists(st.one_of(_LEAF, _EITHER), min_size=2, max_size=3).map(
    lambda found: Clause("all", parts=tuple(found))
)
_STEP = st.one_of(_LEAF, _EITHER, _ALL)


@st.composite
def _order(draw: st.DrawFn) -> Clause:
    kind: ClauseKind = draw(st.sampled_from(["then", "before", "after", "during"]))
    parts = draw(st.lists(_STEP, min_size=2, max_size=4 if kind == "then" else 2))
    within: tuple[float | None, ...] = ()
    if kind != "during" and draw(st.booleans()):
        within = tuple(float(draw(st.integers(1, 7200))) for _ in parts[1:])
    return Clause(kind, parts=tuple(parts), within_s=within)


_WANTED = st.one_of(_STEP, _order())
_TIMED = st.tuples(st.sampled_from(["first", "every"]), _WANTED).map(
    lambda pair: Clause(pair[0], parts=(pair[1],))
)
_NOT = st.one_of(_text(None, True), _LEAF).map(lambda leaf: Clause("not", parts=(leaf,)))


@st.composite
def _question(draw: st.DrawFn) -> Clause:
    wanted = draw(st.one_of(_WANTED, _TIMED))
    excluded = draw(st.lists(_NOT, max_size=2))
    if not excluded:
        return wanted
    parts = wanted.parts if wanted.kind == "all" else (wanted,)
    return Clause("all", parts=(*parts, *excluded))


def _walk(clause: Clause | None) -> list[Clause]:
    if clause is None:
        return []
    return [clause, *(one for part in clause.parts for one in _walk(part))]


def _bare(clause: Clause) -> Clause:
    """Return a clause without its positions."""
    return Clause(
        clause.kind, clause.text, clause.channel, clause.exact,
        tuple(map(_bare, clause.parts)), clause.within_s,
    )  # fmt: skip


@given(_question())
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_back(clause: Clause) -> None:
    text = write(clause)
    parsed = parse(text)
    if parsed.plain:
        # A single phrase says no more than the words in it.
        assert (clause.kind, clause.channel) == ("text", None)
        return
    assert parsed.clause is not None
    assert _bare(parsed.clause) == clause


@given(st.text(alphabet='ab "(“)”:-<5m lang:speech:thenORnot\u3042\u0e01', max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        parsed = parse(text)
    except QueryError as error:
        assert error.start is not None and error.end is not None
        assert 0 <= error.start < error.end <= len(text) + 1
        return
    for mark in parsed.marks:
        assert 0 <= mark.start < mark.end <= len(text)
