"""Answers that quote, what they refuse, and what of a draft is checked away."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

import q2e
from q2e.answer.base import Budget, Tools, Work
from q2e.answer.check import check, unrelated, unsupported
from q2e.answer.collect import _chance, _many, weigh
from q2e.answer.lines import Line, lines_of
from q2e.answer.quotes import _places, cited, novel
from q2e.answer.wanted import holds, wanted
from q2e.errors import ConfigError
from q2e.types import Citation, Decomposition, Evidence, Sentence, Span, SubEvent, Video

VIDEO = Video("v", "v.mp4", 60.0)

#: By language: who, where, when, how many, and a question of no such kind.
ASKED = {
    "ar": ("من فاز؟", "أين يقع؟", "متى بدأ؟", "كم عدد القتلى؟", "ماذا قالت؟"),
    "de": ("Wer gewann?", "Wo liegt es?", "Wann begann es?", "Wie viele starben?", "Was tut sie?"),
    "en": ("Who won?", "Where is it?", "When did it open?", "How many died?", "What is said?"),
    "es": ("¿Quién ganó?", "¿Dónde está?", "¿Cuándo fue?", "¿Cuántas personas?", "¿Qué dijo?"),
    "fr": ("Qui a gagné ?", "Où est-ce ?", "Quand ouvre-t-il ?", "Combien de morts ?", "Quoi ?"),
    "hi": ("कौन जीता?", "यह कहाँ है?", "यह कब शुरू हुआ?", "कितने लोग मरे?", "उसने क्या कहा?"),
    "ja": (
        "誰が勝ったか？",
        "どこですか？",
        "いつ始まったか？",
        "何人死んだか？",
        "何と言ったか？",
    ),
    "ko": (
        "누가 이겼나요?",
        "어디에 있나요?",
        "언제 시작했나요?",
        "몇 명 죽었나?",
        "무슨 일?",
    ),
    "ru": ("Кто выиграл?", "Где это?", "Когда началось?", "Сколько погибло?", "Что сказала?"),
    "th": ("ใครชนะ?", "อยู่ที่ไหน?", "เริ่มเมื่อไร?", "มีคนตายกี่คน?", "เธอพูดว่าอะไร?"),
    "zh": ("谁赢了？", "它在哪里？", "什么时候开始的？", "多少人死亡？", "她说了什么？"),
}


@pytest.mark.parametrize("known", [True, False], ids=["language known", "not known"])
@pytest.mark.parametrize("language", ASKED)
def test_a_question_says_what_kind_of_answer_it_wants(language: str, known: bool) -> None:
    told = [wanted(text, language if known else None) for text in ASKED[language]]
    assert told == [{"who"}, {"where"}, {"when"}, {"how many"}, frozenset()]


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("How old was he when he married?", {"how many"}),
        ("Quel âge avait-il quand il est mort ?", {"how many"}),
        ("Who met the man who won?", {"who"}),
        ("What did the minister promise, and when?", {"when"}),
        ("When and where was he born?", {"when", "where"}),
        ("¿Quién y cuándo?", {"who", "when"}),
        ("誰がどこで勝ったか？", {"who", "where"}),
    ],
)
def test_a_clause_that_hangs_on_a_question_asks_for_nothing(question: str, kinds: set[str]) -> None:
    assert wanted(question) == kinds


@pytest.mark.parametrize(
    ("text", "language", "kind", "there"),
    [
        ("It opened in May 1995.", "en", "when", True),
        ("Das war am Dienstag.", "de", "when", True),
        ("٣٤٥ شخصا", "ar", "how many", True),
        ("死者は十二人です", "ja", "how many", True),
        ("It was large.", "en", "how many", False),
        ("It began in the 1940s.", "en", "how many", False),
        ("STS-63 flew on March 13th, 1964.", "en", "how many", False),
        ("Das war der 2. Versuch mit 12 Booten.", "de", "how many", True),
        ("第二次发射", "zh", "how many", False),
        ("影响38人", "zh", "how many", True),
        ("в 2012 году", "ru", "how many", False),
        ("then they met Eileen Collins", "en", "who", True),
        ("then they all went home", "en", "who", False),
        ("Der Hund bellt", "de", "who", None),
        ("小猫在睡觉", "zh", "who", None),
        ("в Москве идёт снег", "ru", "where", True),
    ],
)
def test_a_line_holds_what_is_asked_for(
    text: str, language: str, kind: str, there: bool | None
) -> None:
    assert holds(text, kind, language) is there  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "video", "says"),
    [
        ("What have weasels eaten?", "call-06.mp4", "Weasels have eaten our phone system."),
        ("Who piloted the space shuttle?", "portrait-19.mp4", "Eileen Collins"),
        ("Was klettert am Baumstamm?", "wanderung-20.mp4", "ein Kleiber"),
        ("¿Cuándo cierra el templo?", "news-17.mp4", "CIERRA EL LUNES"),
        ("長城因為什麼關閉？", "news-11.mp4", "大雪"),
        ("動物園で何が生まれましたか？", "花-21.mp4", "ワオキツネザルの双子"),
    ],
)
def test_samples_answer_in_their_own_words(
    sample_index: q2e.Index, question: str, video: str, says: str
) -> None:
    answer = sample_index.answer(question)
    cites = answer.sentences[0].citations[0]
    assert cites.video.path.endswith(video) and says in cites.quote
    assert answer.confidence > 0.5 and answer.how == "extractive" and answer.spent["calls"] == 0
    record = sample_index.show(cites.video.id)
    assert any(cites.quote in evidence.text for evidence in record.evidence)
    assert 0 <= cites.start_s <= cites.end_s <= record.video.duration_s + 1


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("Wer steuerte die Space-Shuttle-Mission STS-63?", "who piloted"),
        ("¿Quién pilotó la misión STS-63 del transbordador espacial?", "who piloted"),
        ("अंतरिक्ष शटल मिशन STS-63 किसने उड़ाया?", "who piloted"),
        ("スペースシャトルSTS-63を操縦したのは誰ですか？", "who piloted"),
        ("До какого дня закрыты школы?", "до понедельника"),
        ("ブラジルの選挙で誰が勝ちましたか？", None),
        ("수영장은 언제 여나요?", None),
    ],
)
def test_what_is_said_in_another_language_is_quoted_or_refused(
    sample_index: q2e.Index, question: str, says: str | None
) -> None:
    answer = sample_index.answer(question)
    assert answer.found is (says is not None)
    assert says is None or says in answer.sentences[0].text
    assert not any("astronaut" in one.text for one in answer.sentences)


@pytest.mark.parametrize(
    "question", ["Who won the world cup?", "How many people live in Berlin?", "法国的首都是哪里？"]
)
def test_what_nothing_says_is_refused(sample_index: q2e.Index, question: str) -> None:
    answer = sample_index.answer(question)
    assert not answer.found and answer.confidence < 0.5
    assert answer.notes[0].startswith("nothing here answers")


def test_only_the_videos_named_are_asked(sample_index: q2e.Index) -> None:
    answer = sample_index.answer("What have weasels eaten?", video="news-11.mp4")
    assert not answer.found
    with pytest.raises(ConfigError, match="unknown answer 'guess'"):
        sample_index.answer("What have weasels eaten?", how="guess")


def test_lines_stand_in_their_evidence_to_the_letter() -> None:
    spans = (Span(0.0, 2.0, "The first half"), Span(2.0, 4.0, "of it."), Span(5.0, 6.0, "Then?"))
    whole = "The first half of it. Then?"
    timed = Evidence("v", "speech", 0.0, 6.0, whole, "en", spans=spans)
    told = [(one.start_s, one.end_s, one.text) for one in lines_of(VIDEO, timed)]
    assert told == [(0.0, 4.0, "The first half of it."), (5.0, 6.0, "Then?")]
    odd = Evidence("v", "speech", 0.0, 6.0, "another text", "en", spans=spans)
    assert {(one.start_s, one.end_s, one.text) for one in lines_of(VIDEO, odd)} == {
        (0.0, 6.0, "another text")
    }


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("NASA, astronaut, Hubble, 2012-09-25", False),
        ("NASA, 2012-09-25", False),
        ("hiking; Alps; snow; avalanche danger", False),
        ("снег, горы, лавина, зима", False),
        ("雪、山、雪崩、冬", False),
        ("ثلج، جبال، شتاء، خطر", False),
        ("Eileen Collins, who piloted the shuttle, waves", True),
        ("Lions, tigers, bears and a horse were fed, says the keeper.", True),
        ("Hubble", True),
    ],
)
def test_lists_of_tags_are_no_sentences(text: str, kept: bool) -> None:
    video = Video(
        "v", "v.mp4", 60.0, title="Hubble", date="2012-09-25", tags=("NASA", "astronaut; Hubble")
    )
    piece = Evidence("v", "metadata", 0.0, 60.0, text, origin="manifest")
    assert [one.text for one in lines_of(video, piece)] == ([text] if kept else [])
    said = Evidence("v", "speech", 0.0, 60.0, text)
    assert list(lines_of(video, said))


def test_tags_are_kept_whole_or_not_quoted_at_all() -> None:
    tag = "Avalanches have closed it. Ask the guide"
    video = Video("v", "v.mp4", 60.0, tags=(tag,), date="2024-01-05")
    piece = Evidence("v", "metadata", 0.0, 60.0, f"{tag}, 2024-01-05", origin="manifest")
    assert not list(lines_of(video, piece))


def test_what_is_said_twice_is_quoted_once() -> None:
    import numpy as np

    lines = [line("a fire at the mill", worth=3.0), line("a fire at the mill", worth=2.9)]
    lines.append(line("nobody was hurt", worth=2.0))
    assert novel(lines, np.eye(3, dtype=np.float32), 3, 0.7) == [0, 2]


def test_where_a_line_stands_is_told_by_what_it_is_clearly_nearer_to() -> None:
    # All texts come near to what came before, as to "a crowd gathers"; so that says little.
    event = {"crowd": [1, 0, 0], "it": [0, 1, 0], "result": [0, 0, 1]}
    held = np.array([[0.9, 0.1, 0.1], [0.8, 0.1, 0.0], [0.9, 0.0, 0.1]] * 40, np.float32)
    text = SimpleNamespace(
        space="s", encode_queries=lambda told: np.array([event[one] for one in told], np.float32)
    )
    store = SimpleNamespace(vectors=lambda space: (None, held))
    tools = SimpleNamespace(models=SimpleNamespace(text=text), store=store)
    events = (
        SubEvent("prequel", "crowd"), SubEvent("current", "it"), SubEvent("sequel", "result"),
    )  # fmt: skip
    work = Work("the storm in Rome", unfolded=Decomposition("storm", events=events))
    lines = np.array([[0.9, 0.5, 0.1], [0.1, 0.2, 0.9], [0.1, 0.5, 0.49], [1, 0.1, 0]], np.float32)
    told = _places(work, lines, tools)  # type: ignore[arg-type]
    assert told == ["during", "after", "during", "before"]
    assert _places(Work("storm", unfolded=None), lines, tools) == [None] * 4  # type: ignore[arg-type]


# -- the check ------------------------------------------------------------------------------------
def line(text: str, start_s: float = 0.0, worth: float = 1.0, language: str = "en") -> Line:
    return Line(VIDEO, "speech", start_s, start_s + 5, text, text, language, worth)


@pytest.mark.parametrize(
    ("sentence", "evidence", "missing"),
    [
        ("It cost 1,500 euros.", "es kostete 1.500 Euro", []),
        ("There were 34.", "كان هناك ٣٤ شخصا", []),
        ("There were 35.", "كان هناك ٣٤ شخصا", ["35"]),
        ("It was 7.", "sieben Menschen", []),
        ("On 5 April 2023 it began.", "am 2023-04-05", []),
        ("On 5 May 2023 it began.", "2023-04-05", ["month 5"]),
        ("It was in июля.", "in July", []),
        ("They met Putin there.", "там был Путин", []),
        ("They met Merkel there.", "там был Путин", ["Merkel"]),
        ("In München she spoke.", "munchen, 1995", []),
        ("Then Łódź burned.", "lodz burned", []),
        ("ในปี ๒๕๖๖", "ปี 2566", []),
        ("2023年に始まった", "２０２３年", []),
        ("१२ लोग", "12 people", []),
        ("Dann kam Angela Merkel.", "die Kanzlerin kam", ["Angela", "Merkel"]),
    ],
)
def test_numbers_names_and_dates_must_stand_in_what_is_cited(
    sentence: str, evidence: str, missing: list[str]
) -> None:
    language = "de" if "Dann" in sentence else None
    assert unsupported(sentence, [evidence], language) == missing


#: By language: what a line says, what follows of it, and what does not.
TOLD = {
    "ar": ("احترقت الطاحونة القديمة", "احترقت طاحونة", "اعتقلت الشرطة رئيس البلدية"),
    "de": ("Die Mühle ist abgebrannt.", "Die Mühle brannte.", "Der Bürgermeister wurde verhaftet."),
    "en": ("The mill burned down.", "A mill has burned.", "The mayor was arrested this morning."),
    "es": ("El molino se quemó.", "Se quemó un molino.", "El alcalde fue detenido hoy."),
    "fr": ("Le moulin a brûlé lundi.", "Un moulin a brûlé.", "Le maire a été arrêté ce matin."),
    "hi": ("पुरानी चक्की जल गई।", "चक्की जल गई थी।", "महापौर आज सुबह गिरफ्तार हुए हैं।"),
    "ja": ("水車小屋が月曜に焼けました。", "水車小屋が焼けた。", "市長は今朝逮捕されました。"),
    "ko": ("방앗간이 월요일에 불탔습니다.", "방앗간이 불탔다.", "시장은 오늘 체포되었습니다."),
    "ru": ("Старая мельница сгорела.", "Мельница сгорела.", "Мэра сегодня утром арестовали."),
    "th": ("โรงสีเก่าถูกไฟไหม้เมื่อวันจันทร์", "โรงสีถูกไฟไหม้", "นายกเทศมนตรีโดนจับกุมเช้านี้"),
    "zh": ("旧磨坊星期一烧毁了。", "磨坊烧毁了。", "市长今天早上被捕了。"),
}  # fmt: skip


@pytest.mark.parametrize("language", TOLD)
def test_a_sentence_must_have_a_word_in_common_with_what_it_cites(language: str) -> None:
    line_, follows, lie = TOLD[language]
    assert unrelated(lie, [(line_, language)])
    assert not unrelated(follows, [(line_, language)])
    # Of what is said in another language it cannot be told.
    assert not unrelated(lie, [(line_, "de" if language != "de" else "ru")])


def test_a_sentence_stays_only_if_what_was_shown_bears_it_out() -> None:
    shown = (line("The mill burned in 1995."), line("Nobody was hurt.", 20.0))
    good = Sentence("A mill burned in 1995.", (cited(shown[0]),), quoted=False)
    year = Sentence("A mill burned in 1996.", (cited(shown[0]),), quoted=False)
    words = Sentence("A mill burned.", (cited(shown[0], "the mill burnt"),), quoted=False)
    when = Citation(VIDEO, 40.0, 42.0, "Nobody was hurt.", "speech")
    where = Citation(Video("w", "w.mp4"), 20.0, 25.0, "Nobody was hurt.", "speech")
    elsewhere = [Sentence("Nobody was hurt.", (one,), quoted=False) for one in (when, where)]
    checked = check(Work("q", lines=shown, draft=(good, year, words, *elsewhere)))
    assert checked.draft == (good,)
    assert checked.notes == (
        "dropped 3 sentences that cited nothing that was shown",
        "dropped 1 sentence with a number, name or date that is not in what they cite",
    )
    nothing = check(Work("q", lines=shown, draft=(year,)))
    assert nothing.draft == () and "nothing here answers" in nothing.notes[-1]


@pytest.mark.parametrize("mark", ["?", "？", "؟", "?”"])
def test_a_question_answers_none(sample_index: q2e.Index, mark: str) -> None:
    said = [line(text) for text in (f"Who built the mill{mark}", "Who built the mill.")]
    tools = Tools(
        find=sample_index.search,
        store=sample_index.store,
        models=sample_index.models,
        settings=sample_index.settings,
        budget=Budget(0, 0, 1.0),
    )
    asked, told = weigh(
        Work("Who built it?"), "Who built it?", sample_index.search("a mill"), said, tools
    )
    assert asked.worth < told.worth - 0.5


def test_among_more_texts_a_line_must_stand_out_more_of_an_event_among_more_videos() -> None:
    table = SimpleNamespace(held=("speech", "caption"), texts=lambda channel: 3_000, videos=200)
    one_in = [_many(Work("?", event=event), table) for event in (False, True)]  # type: ignore[arg-type]
    assert one_in == [6_000, 200]
    few, some, many = (_chance(np.zeros(0), count).start for count in (10, 200, 6_000))
    assert few > some > many and many - some == pytest.approx(math.log(200 / 6_000))
