"""Methods chosen in settings: refused at once, everywhere; old names understood; recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from q2e import recipes, renamed
from q2e import settings as settings_of
from q2e.choices import KINDS, check_plain
from q2e.cli import app
from q2e.errors import ConfigError, EvaluationError
from q2e.evaluate.experiment import read_experiment
from q2e.search.plan import Plan
from q2e.settings import Settings, changed, chosen, load_settings
from q2e.settings_file import CONFIG_NAME, write_settings

WRONG = {
    "fuse=nope": "unknown fuse 'nope'; known: combmnz, combsum, entropy",
    "fuse=rff": "did you mean 'rrf'?",
    "fuse=rrf(k=-1)": "k = -1: must be a number from 0 to",
    "fuse=rrf(q=1)": "unknown parameter of fuse rrf 'q'",
    "rerank=vote,nope": "unknown rerank 'nope'",
    "pool=frame=nope": "unknown pool 'nope'",
    "recipe=quick": "unknown recipe 'quick'; known: default, mmi, q2e, q2e-live",
    "top=0": "setting top = '0': must be a whole number from 1 to 10,000",
    "false_alarms=2": "must be a number above 0 and below 1",
    "confident=maybe": "must be true or false",
    "duplicates=lose": "must be 'merge' or 'keep'",
    "topp=3": "unknown setting 'topp'; did you mean 'top'?",
    "temperature=0": "temperature = '0': must be a number from 0.001 to 1,000",
}


@pytest.fixture(autouse=True)
def _warned_anew() -> None:
    renamed._warn.cache_clear()
    settings_of._warn.cache_clear()


@pytest.mark.parametrize(("pair", "said"), WRONG.items())
def test_what_is_not_allowed_is_refused_wherever_it_is_said(
    pair: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, value = pair.partition("=")
    where = tmp_path / "index"
    arguments = ["index", str(tmp_path), "--index", str(where), "--set", pair]
    done = CliRunner().invoke(app, arguments, standalone_mode=False)
    assert said in str(done.exception)
    assert not where.exists(), "a later search must not fail for what was taken here"
    experiment = tmp_path / "e.toml"
    experiment.write_text(
        f'[data]\nset = "own"\nfolder = "."\n[settings]\n{name} = {json.dumps(value)}\n'
    )
    if name != "topp":
        with pytest.raises(EvaluationError) as raised:
            read_experiment(experiment)
        assert said in str(raised.value)
        monkeypatch.setenv(f"Q2E_{name.upper()}", value)
        with pytest.raises(ConfigError) as refused:
            load_settings()
        assert said in str(refused.value)
        monkeypatch.undo()
    (tmp_path / CONFIG_NAME).write_text(f"{name} = {json.dumps(value)}\n")
    with pytest.raises(ConfigError) as named:
        load_settings(tmp_path)
    assert said in str(named.value)


def test_a_matrix_is_not_fused_by_what_does_not_exist(tmp_path: Path) -> None:
    import numpy as np

    np.save(tmp_path / "m.npy", np.eye(3))
    arguments = ["eval", "matrix", str(tmp_path / "m.npy"), "--fuse", "foo"]
    done = CliRunner().invoke(app, arguments, standalone_mode=False)
    assert "unknown fuse 'foo'" in str(done.exception)


def test_a_variable_that_is_no_setting_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("Q2E_TOPP", "3")
    monkeypatch.setenv("Q2E_CACHE", "/nowhere")
    assert load_settings().top == 10
    (record,) = caplog.records
    assert "Q2E_TOPP is no setting" in record.message
    assert "did you mean Q2E_TOP?" in record.message


OLD: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"temperature": 0.5}, {"fuse": "entropy_sum(temperature=0.5)"}),
    ({"temperature": 0.5, "fuse": "rrf"}, {"fuse": "rrf"}),
    ({"temperature": 0.5, "fuse": "entropy(temperature=2)"}, {"fuse": "entropy(temperature=2.0)"}),
    ({"event_weight": "0.2"}, {"decompose": "events(weight=0.2)"}),
    ({"refine": "llm", "decompose": "llm"}, {"decompose": "llm(refine='llm')"}),
    ({"expand": "hyde", "expand_weight": 0.3}, {"expand": ("hyde(weight=0.3)",)}),
    (
        {"rerank": "vote,mmi(depth=3)", "rerank_depth": 7},
        {"rerank": ("vote(depth=7)", "mmi(depth=3)")},
    ),
    ({"rerank_depth": 7}, {"rerank": ()}),
    ({"normalise": "videos"}, {"calibrate": "videos"}),
    ({"feedback": "always"}, {"feedback": "likeness(when='always')"}),
    ({"feedback": "never"}, {"feedback": "none"}),
    ({"change_image": 1, "change_share": 0}, {"compose": "pdv(image=1.0, share=0.0)"}),
    ({"like_weight": 1, "drift": 0.5}, {"likes": "rocchio(towards=1.0, limit=0.5)"}),
)


@pytest.mark.parametrize(("old", "new"), OLD)
def test_old_settings_are_understood_and_told_in_their_new_form(
    old: dict[str, Any], new: dict[str, Any], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    before = Settings()
    found = changed(before, old)
    assert chosen(found) == chosen(before) | new
    told = [record.message for record in caplog.records]
    names = [name for name in old if name in renamed.OLD or name in renamed.VALUES]
    assert len(told) == len(names)
    for name in names:
        assert any(line.startswith(name) for line in told), told
    (tmp_path / CONFIG_NAME).write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in old.items()))
    assert load_settings(tmp_path) == found
    caplog.clear()
    assert load_settings(tmp_path) == found and not caplog.records, "once is enough"


def test_a_choice_before_stands_where_an_old_setting_comes_later() -> None:
    kept = changed(Settings(fuse="entropy(temperature=2.0, epsilon=0.5)"), {"temperature": 3})
    assert kept.fuse == "entropy(temperature=3.0, epsilon=0.5)"


def test_recipes_come_with_the_package_and_settings_stand_before_them(tmp_path: Path) -> None:
    assert recipes.names() == ("default", "mmi", "q2e", "q2e-live")
    for name in recipes.names():
        plan = Plan.of(load_settings(recipe=name))
        assert set(recipes.read(name).choices) == set(KINDS)
        assert recipes.read(name).summary
        assert plan.fuse.method.kind == "fuse"
    paper = chosen(load_settings(recipe="q2e", fuse="rrf(k=5)"))
    assert paper["fuse"] == "rrf(k=5.0)"
    assert json.loads(str(paper["pool"])) == {"*": "max(across=True)", "frame": "mean"}
    own = tmp_path / "own.toml"
    own.write_text('summary = "mine"\nrerank = ["late_interaction(depth=5)", "mmi"]\n')
    found = load_settings(recipe=str(own))
    assert chosen(found) == chosen(Settings()) | {"rerank": ("late_interaction(depth=5)", "mmi")}
    assert [one.name for one in Plan.of(found).rerank] == ["late_interaction", "mmi"]
    write_settings(tmp_path, found)
    assert load_settings(tmp_path) == found


def test_a_recipe_says_how_a_new_index_is_read_and_an_old_one_stays_as_it_was(
    tmp_path: Path,
) -> None:
    told = load_settings(tmp_path, recipe="q2e-live")
    assert told.channels == ("frame", "caption", "summary", "speech")
    assert (told.captions, told.summary) == ("vision", "llm")
    assert told.speech_layers == ("english", "translation", "refined")
    assert load_settings(tmp_path, recipe="q2e-live", captions="composed").captions == "composed"
    assert load_settings(tmp_path).speech_layers == () != told.speech_layers
    write_settings(tmp_path, Settings())
    assert load_settings(tmp_path, recipe="q2e-live").channels == Settings().channels
    own = tmp_path / "own.toml"
    for text, said in (
        ("reading = 1", "must be a table"),
        ("[reading]\ntop = 1", "unknown setting"),
    ):
        own.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=said):
            load_settings(recipe=str(own))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fuse = ", "not valid TOML"),
        ('fuze = "rrf"', "unknown kind 'fuze'; did you mean 'fuse'?"),
        ('fuse = "nope"', "unknown fuse 'nope'"),
        ("fuse = 3", "fuse = 3: must be a name"),
        ("summary = 3", "summary must be a text"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_settings(recipe=str(file))
    assert said in str(raised.value) and "own.toml" in str(raised.value)


def test_strangers_choose_by_numbers_and_names_alone() -> None:
    check_plain(chosen(Settings(fuse="rrf(k=5)", feedback="likeness(when=always)")))
    from q2e.plugins import registry
    from q2e.registry import method

    @method("fuse", "remote")
    def remote(rows: object, given: object, *, address: str = "") -> object:
        """Rows sent elsewhere."""
        return rows

    registry().add(remote)
    try:
        with pytest.raises(ConfigError, match="address cannot be given from outside"):
            check_plain(chosen(Settings(fuse="remote(address='http://example.org')")))
    finally:
        del registry()._methods["fuse"]["remote"]
