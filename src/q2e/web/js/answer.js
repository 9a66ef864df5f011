// The answer to a question in sentences, above the hits; what a sentence cites plays on click.

import { Refused, api } from "./api.js";
import { button, fill, h, icon, one, put, say, tool, words } from "./dom.js";
import { wanted } from "./answering.js";
import { ready, remark } from "./remarks.js";
import { bringHit, settled } from "./results.js";
import { answerBody, go, question, searchKey, state } from "./state.js";
import { channelName, clock, percent, sentence, titleOf } from "./text.js";
import { nodes, t } from "./texts.js";

/** What is done after each step of an answer. */
const NEXT = ["plan", "collect", "filter", "look", "write"];
const PLACES = { before: "prequel", during: "current", after: "sequel" };

let shown = null;
let running = null;
/** How questions are answered, until the page is left, and how they can be. */
let how = "extractive";
let ways = null;
let again = false;

/** Answer if the state asks for it, once the hits are there; hide the answer to anything else. */
export function show(now) {
  const key = wanted(now) && settled() ? `${how} ${searchKey(now)}` : null;
  if (key === shown) return;
  running?.abort();
  shown = key;
  one("#answer").hidden = key === null;
  fill(one("#answer"));
  if (key !== null) tell(now, key);
}

async function tell(now, key) {
  const place = one("#answer");
  const line = h("p", { class: "soft" }, t("answer.reading"));
  const body = h("div", { class: "body" }, line);
  fill(place, head(), choice(), body);
  place.setAttribute("aria-busy", "true");
  running = new AbortController();
  try {
    const told = (step) => {
      const known = NEXT.find((name) => step.startsWith(name));
      if (known) line.textContent = t(`answer.step.${known}`);
    };
    const body_ = how === "extractive" ? answerBody(now) : { ...answerBody(now), how };
    const found = await api.answer(body_, told, running.signal);
    await ready();
    if (key !== shown) return;
    fill(body, found.found ? written(found) : nothing(), remarks(found));
    if (found.found) one(".sectionhead", place).append(sure(found));
    say(found.found ? t("answer.of", { n: found.sentences.length }) : t("answer.nothing"));
  } catch (error) {
    if (error.name === "AbortError" || key !== shown) return;
    if (!(error instanceof Refused)) throw error;
    // What was not reached is asked again when the server answers.
    if (error.code === "unreachable") shown = null;
    const next = error.next && h("p", { class: "soft" }, words(sentence(error.next)));
    fill(body, h("div", { class: "problem", role: "alert" }, words(sentence(error.message)), next));
  }
  place.removeAttribute("aria-busy");
}

const head = () =>
  h(
    "div",
    { class: "sectionhead" },
    h("h2", {}, t("place.answer")),
    tool("close", t("answer.close"), () => {
      go({ answer: "off" });
      one("#q").focus();
    }),
  );

/** The way of answering, with what another may cost before it is taken; hidden without a choice. */
function choice() {
  const select = h("select", { class: "field", dir: "auto", "aria-label": t("answer.how") });
  const cost = h("span", { id: "answer-cost", class: "soft small" });
  const take = button(t("answer.take"), () => {
    how = select.value;
    shown = null;
    again = true;
    show(state());
  });
  const row = h("div", { class: "ways", hidden: true }, select, take, cost);
  select.setAttribute("aria-describedby", cost.id);
  ways ??= api.ways().catch(() => null);
  ways.then((told) => {
    const usable = told?.ways.filter((one_) => one_.usable) ?? [];
    if (!told) ways = null;
    // Without a model there is nothing to weigh against its cost.
    if (!usable.some((one_) => one_.calls > 0)) return;
    fill(
      select,
      usable.map(({ name }) => h("option", { value: name, selected: name === how }, name)),
    );
    const chosen = () => {
      const way = usable.find((one_) => one_.name === select.value);
      cost.textContent = way.calls ? t("answer.cost", way) : t("answer.free");
      take.disabled = way.name === how;
    };
    select.addEventListener("change", chosen);
    chosen();
    row.hidden = false;
    // Whoever has just taken a way goes on where it is chosen.
    if (again) select.focus();
    again = false;
  });
  return row;
}

const sure = (found) =>
  h("span", { class: "soft small number" }, t("answer.sure", { share: percent(found.confidence) }));

const nothing = () =>
  h("p", {}, sentence(t("answer.nothing")), " ", t("answer.nearest"));

function written(found) {
  let last = null;
  return h(
    "ol",
    { class: "sentences" },
    found.sentences.map((one_) => {
      const place = one_.place !== last && one_.place;
      last = one_.place;
      return h(
        "li",
        {},
        place && h("h3", {}, t(`when.${PLACES[place]}`)),
        saying(one_),
        h("ul", { class: "cites" }, one_.citations.map((cite) => h("li", {}, citation(one_, cite)))),
      );
    }),
  );
}

function saying(one_) {
  const language = one_.quoted ? one_.citations[0].language : null;
  return words(one_.text, language, one_.quoted ? "blockquote" : "p");
}

function citation(one_, cite) {
  const at = clock(cite.start);
  const title = titleOf(cite);
  return [
    h(
      "button",
      {
        type: "button",
        class: "cite",
        "aria-label": t("answer.cite", { title, time: at, channel: channelName(cite.channel) }),
        on: { click: () => play(cite) },
      },
      icon("play"),
      h("span", { class: "number" }, at),
      words(title),
      h("span", { class: "soft small" }, channelName(cite.channel)),
    ),
    !one_.quoted && words(cite.quote, cite.language, "q", { class: "soft" }),
  ];
}

/** Play what a sentence cites beside the hits, or where its video is none, in the video's view. */
async function play(cite) {
  const key = shown;
  const hit = await bringHit(cite.video);
  if (key !== shown) return;
  go(hit ? { hit: cite.video, t: cite.start } : { view: "video", video: cite.video, t: cite.start });
}

function remarks(found) {
  const missing = found.not_found.length > 0 && [
    nodes("answer.not-said", {
      words: found.not_found.map((word, place) => [place ? ", " : "", words(word)]),
    }),
    " ",
  ];
  const notes = found.notes.filter((note) => !/^nothing here answers/.test(note));
  if (!missing && !notes.length) return null;
  return put(
    h("p", { class: "soft small" }, missing),
    notes.map((note) => [remark(note), " "]),
  );
}
