"""The words by which six languages leave something out, and those that belong to a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field


def words(said: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(said.split())


@dataclass(frozen=True, slots=True)
class Language:
    """The words of a language; phrases have their words joined by `_`."""

    code: str
    things: frozenset[str]
    """Say by themselves that the thing after them is left out."""
    weak: frozenset[str]
    """Say it only after a comma, a join, or among few words."""
    joins: frozenset[str]
    """May stand before either, and belong to it."""
    sentence: frozenset[str]
    """Before either: the words of a sentence, of which it is a part."""
    idioms: frozenset[str]
    """After either: a saying, or what can be neither seen nor heard to be absent."""
    places: frozenset[str]
    """Begin another thought: `without a hat | on a beach`."""
    both: str = ""
    """The word for `with`: `with and without` leaves nothing out."""
    clauses: frozenset[str] = field(default=frozenset())
    """Say it of a clause, all of which is left out: `not wearing a hat`."""


LANGUAGES = (
    Language(
        "en",
        things=words("without with_no except except_for excluding other_than apart_from"),
        clauses=words("not"),
        weak=words("no"),
        joins=words("but and"),
        sentence=words("""
            am is are was were be been being do does did has have had can could will would shall
            should may might must ought need cannot or if why whether how to there with go goes
            went i we you they he she it who that which in of for at on by as about say says said
            the a an sign signs
        """),
        idioms=words("""
            only just even yet to so all every many much enough always because until that what who
            when where how if quite really too again today tomorrow now guilty
            borders warning trace doubt end question precedent notice reason delay incident success
            permission me you him her them us it being having knowing saying
            one matter longer more way idea problem entry smoking parking exit trespassing
        """),
        places=words("""
            in on at near by under over behind beside beneath inside outside next during between
            among along from while who which that
        """),
        both="with",
    ),
    Language(
        "de",
        things=words("ohne außer ausgenommen"),
        weak=words("nicht kein keine keinen keinem keiner keines"),
        joins=words("aber und doch jedoch sondern"),
        sentence=words("""
            ist sind war waren bin bist seid sein wird werden wurde hat haben hatte kann können darf
            soll will muss ich du er sie es wir ihr man wer was wie warum wieso weshalb ob wenn
            oder da dass noch gar auch leben lebe geht gehen ging zu
        """),
        idioms=words("""
            dich mich ihn uns euch sie ihr mir dir ende grenzen zweifel weiteres gewähr zu dass
            worte namen vorwarnung titel folgen erfolg nur mehr schlecht wahr so sehr immer alle
            jeder ahnung problem wunder
        """),
        places=words("""
            in im auf am an bei beim unter über neben vor hinter zwischen während aus vom
        """),
        both="mit",
    ),
    Language(
        "fr",
        things=words("sans sauf hormis excepté à_l'exception_de à_l'exception_d'un"),
        weak=words("pas pas_de pas_un pas_une pas_des non"),
        joins=words("mais et"),
        sentence=words("""
            est sont suis es êtes était a ai as ont avait fait peut veut doit je tu il elle on nous
            vous ils elles qui que quoi pourquoi comment si ou ne n'est n'a c'est ce va vais vit
            vivre faux premier premiers premières
        """),
        idioms=words("""
            toi moi lui elle nous vous eux doute cesse frontières fin que abri papiers fil titre
            issue retour serif nom seulement encore toujours tout tous plus mal grave même si trop
            famille
        """),
        places=words("""
            dans sur sous près devant derrière au aux chez pendant entre à parmi
        """),
        both="avec",
    ),
    Language(
        "es",
        things=words("sin excepto salvo a_excepción_de que_no_sea que_no_sean"),
        weak=words("no"),
        joins=words("pero y"),
        sentence=words("""
            es son soy eres está están era fue ha han he hay puede quiere debe yo tú él ella usted
            nosotros ellos ellas que quien qué cómo por si o ya todavía aún se me te lo le vivir
            vida el la los las
        """),
        idioms=words("""
            ti mí él ella embargo fin límites duda fronteras parar que querer hogar techo título
            nombre cesar salida remedio retorno palabras miedo city solo sólo más todo todos tan
            muy siempre obstante
        """),
        places=words("en sobre bajo cerca ante junto durante entre desde"),
        both="con",
    ),
    Language(
        "ru",
        things=words("без кроме за_исключением где_нет в_котором_нет в_которой_нет на_котором_нет"),
        weak=words("не нет"),
        joins=words("но а и"),
        sentence=words("""
            я ты он она оно мы вы они кто что как почему зачем если или ли бы уже ещё еще был была
            было были будет есть это жить больше никогда никто ничего тут там мне тебе ему ей нам
            вам им меня тебя его её у
        """),
        idioms=words("""
            тебя меня него неё нее них вас нас конца границ сомнения вести названия слов имени
            комментариев права шансов остановки остановок перерыва устали
            того чтобы только просто очень все всё так там здесь
        """),
        places=words("""
            в во на у под над за перед около возле рядом среди между вокруг из от
        """),
        both="с",
    ),
    Language(
        "ar",
        things=words("""
            بدون بلا دون من_دون من_غير بغير وبدون وبلا ودون عدا ما_عدا باستثناء ليس_فيه ليس_فيها
            ليس_بها ليس_به لا_يوجد_فيه لا_يوجد_فيها
        """),
        weak=words("ليس ليست وليس وليست"),
        joins=words("لكن ولكن و"),
        sentence=words("""
            هو هي هم أنا أنت نحن من ما ماذا لماذا كيف هل إن أن أو قد كان كانت هذا هذه هناك إنه إنها
        """),
        idioms=words("""
            حدود شك توقف عنوان أن كلام اسم نهاية سبب علم مقابل فقط كل يوجد أحد شيء جدوى
        """),
        places=words("في على تحت فوق أمام خلف قرب بجانب داخل عند بين خارج"),
        both="مع",
    ),
)
_QUALIFIED = """
    only just even yet to so all every many much enough always because until that what who when
    where how if quite really too again today tomorrow now guilty
"""
#: What follows `not` and `without` where they leave nothing out.
NOT = words(_QUALIFIED)
WITHOUT = words("""
    borders warning trace doubt end question precedent notice reason delay incident success
    permission me you him her them us it being having knowing saying
""")
