// Searches whenever the question changes, and shows what was found, page by page.

import { Refused, api, at, refusal } from "./api.js";
import { button, fill, h, icon, notice, one, say, words } from "./dom.js";
import { foldWeaker, showHits } from "./hits.js";
import { edge } from "./certain.js";
import { asksBack, clarify } from "./clarify.js";
import { parsed, written } from "./hints.js";
import { measuresBar } from "./labelling.js";
import { savedList, star } from "./saved.js";
import { rest } from "./suggest.js";
import { asks, filtered, go, linkTo, question, searchBody, searchKey, state } from "./state.js";
import { understood } from "./understood.js";
import { elapsed, languageName, length, sentence, soundOnly, titleOf } from "./text.js";
import { nodes, t } from "./texts.js";

/** Hits of the first answer, of which a screen shows a few, and of those that follow. */
const FIRST = 12;
const PAGE = 24;
const MOST = 1000;

let asked = null;
let running = null;
let answer = null;
let answered = null;
/** The question whose weaker hits are shown. */
let unfolded = null;
let seen = null;
/** Milliseconds the last search took. */
let took = 200;
const watchers = new Set();

/** Call `react(results)` whenever an answer has come; null where nothing is asked. */
export const onAnswer = (react) => watchers.add(react);
export const results = () => answer;
export const tookMs = () => took;
/** Whether what is shown answers what is asked. */
export const settled = () => answer !== null && answered === asked;
export const hitOf = (video) =>
  [...(answer?.hits ?? []), ...(answer?.linked ?? [])].find((hit) => hit.video === video) ?? null;

/** Return the hit of a video; one that lies further down than the first page is asked for. */
export async function bringHit(video) {
  if (hitOf(video) || !answer) return hitOf(video);
  const shown = answer;
  const own = await api.search({ ...searchBody(state()), videos: [video], top: 1 });
  shown.linked = [...(shown.linked ?? []), ...own.hits];
  return hitOf(video);
}

/** Search if the state asks for something else than what is shown. */
export function show(now) {
  const key = searchKey(now);
  if (key === asked) return;
  asked = key;
  running?.abort();
  if (!asks(now)) {
    answer = null;
    one("#results").removeAttribute("aria-busy");
    welcome();
    tell();
    return;
  }
  find(now, key);
}

/** Search again, though nothing was changed. */
export function again() {
  asked = null;
  show(state());
}

/** Draw what was found once more, as after switching labelling on. */
export function redraw() {
  if (answer) list(answer);
}

async function find(now, key) {
  const place = one("#results");
  running = new AbortController();
  place.setAttribute("aria-busy", "true");
  if (!one("#hits", place))
    fill(
      place,
      h(
        "ul",
        { class: "hits waiting", "aria-hidden": "true" },
        Array.from({ length: 6 }, () => h("li", {})),
      ),
    );
  try {
    // Only what may be written wrongly is read before it is searched for.
    const { error } = written(question(now)) ? await parsed(filtered(now)) : {};
    if (key !== asked) return;
    if (error) throw await refusal(error);
    const body = { ...searchBody(now), top: FIRST, facets: true, clarify: asksBack(now) };
    const begun = performance.now();
    const found = await api.search(body, running.signal);
    if (key !== asked) return;
    took = performance.now() - begun;
    found.linked = await linked(now, found);
    if (key !== asked) return;
    answer = found;
    answered = key;
    list(found);
    clarify(found, settled);
    rest(found.hits.length ? question(now) : "");
    say(found.hits.length ? t("found.videos", { n: found.hits.length }) : t("found.none"));
  } catch (error) {
    if (error.name === "AbortError") return;
    if (key !== asked) return;
    answer = null;
    refuse(place, error, error.code === "not_found" && without(now));
  }
  place.removeAttribute("aria-busy");
  tell();
}

/** Return a button for what a link names and the server has no longer, as uploads. */
function without({ ex, like, dislike }) {
  const given = ex.length + like.length + dislike.length;
  return given > 0 && button(t("found.no-examples"), () => go({ ex: [], like: [], dislike: [] }));
}

/** Return the hit that a link opens, where it lies further down than the first page. */
async function linked(now, found) {
  if (!now.hit || found.hits.length < FIRST || found.hits.some((hit) => hit.video === now.hit))
    return [];
  const own = await api.search({ ...searchBody(now), videos: [now.hit], top: 1 }, running.signal);
  return own.hits;
}

function tell() {
  for (const react of watchers) react(answer);
}

/** Say what went wrong and what to do: what the server advises, or `instead` of it a node. */
export function refuse(place, error, instead = null) {
  if (!(error instanceof Refused)) throw error;
  asked = error.code === "bad_question" ? asked : null;
  const text = [
    h("p", {}, h("b", {}, words(sentence(error.message)))),
    instead || (error.next && h("p", { class: "soft" }, words(sentence(error.next)))),
  ];
  fill(place, h("div", { class: "problem", role: "alert" }, text));
}

// -- the list -------------------------------------------------------------------------------------
function list(found) {
  const place = one("#results");
  let hits = one("#hits", place);
  const bar = resultBar(found);
  if (hits && found.hits.length) one(".resultbar", place).replaceWith(bar);
  else {
    hits = h("ol", { class: "hits", id: "hits" });
    fill(place, bar, hits, h("div", { class: "end" }));
  }
  showHits(hits, found.hits);
  end(found.hits.length === FIRST);
  const certain = new Set(found.hits.map((hit) => hit.certain));
  const nearest =
    certain.size === 1 && certain.has("weaker")
      ? t("found.unanswered")
      : certain.has(null) && found.index.confident === false
        ? t("found.unsure")
        : "";
  one(".unsure", place)?.remove();
  if (!found.hits.length) hits.replaceWith(nothing());
  else if (nearest) bar.after(h("p", { class: "unsure" }, nearest));
}

function resultBar(found) {
  const seconds = Object.values(found.timings).reduce((sum, value) => sum + value, 0);
  const language = found.query.language;
  const many = andMore(t("count.videos", { n: found.hits.length }), found.hits.length === FIRST);
  const asked = language && t("found.asked-in", { language: languageName(language) });
  const told = h(
    "p",
    {},
    h("b", { class: "number" }, many),
    h("span", { class: "soft" }, ` ${t("found.of", { n: found.index.videos })}`),
    h("span", { class: "soft aside" }, ` ${t("found.in", { time: elapsed(seconds) })}`),
    asked && h("span", { class: "soft aside" }, ` · ${asked}`),
  );
  return h(
    "div",
    { class: "resultbar" },
    h("div", {}, told, understood(found)),
    h("div", { class: "barend" }, star(state(), found), measuresBar(), exports()),
  );
}

const FORMATS = ["csv", "json", "srt", "vtt", "edl", "otio", "m3u8"];
const andMore = (videos, more) => (more ? t("found.more", { videos }) : videos);

function exports() {
  return h(
    "details",
    { class: "menu" },
    h("summary", { class: "button" }, t("list.save")),
    h(
      "ul",
      {},
      FORMATS.map((format) =>
        h(
          "li",
          {},
          h("button", { type: "button", on: { click: () => save(format) } }, t(`list.${format}`)),
        ),
      ),
    ),
  );
}

/** Save all hits of what is asked, as edited and with its examples, as a file. */
async function save(format) {
  one("#results .menu").open = false;
  try {
    const file = await api.export({ ...searchBody(state()), top: MOST, format });
    const url = URL.createObjectURL(file);
    h("a", { href: url, download: `q2e.${format}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    say(t("list.saved"));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(`${sentence(error.message)} ${sentence(error.next ?? "")}`);
  }
}

function nothing() {
  const now = state();
  const narrowed =
    now.ch.length || now.lang.length || now.tag.length || now.since || now.until || now.dur;
  return h(
    "div",
    { class: "empty hits" },
    h("p", {}, sentence(t("found.none"))),
    narrowed
      ? button(t("found.no-filters"), () =>
          go({ ch: [], lang: [], tag: [], since: "", until: "", dur: "" }),
        )
      : h("p", {}, t("found.other-words")),
  );
}

function end(more) {
  const place = one("#results .end");
  seen?.disconnect();
  fill(place);
  // Whoever judges hits judges them all.
  const whole = state().label || unfolded === question(state());
  const folded = foldWeaker(one("#hits"), state().hit, whole);
  const fold = () => {
    unfolded = null;
    end(more);
    one("#weaker").focus();
  };
  edge(one("#hits"), unfolded === question(state()) && !state().label ? fold : null);
  if (folded) {
    const first = one("#hits > .hit[hidden] .still");
    const show = () => {
      unfolded = question(state());
      end(more);
      first.focus();
    };
    const label = andMore(t("found.weaker", { n: folded }), more);
    place.append(button(label, show, { id: "weaker" }));
    return;
  }
  if (!more || answer.hits.length >= MOST) return;
  place.append(button(t("more"), next, { id: "next" }));
  seen = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) next();
    },
    { rootMargin: "600px" },
  );
  seen.observe(place);
}

async function next() {
  seen?.disconnect();
  const key = asked;
  try {
    const found = await api.search({
      ...searchBody(state()),
      top: PAGE,
      offset: answer.hits.length,
    });
    if (key !== asked) return;
    const known = new Set(answer.hits.map((hit) => hit.video));
    const fresh = found.hits.filter((hit) => !known.has(hit.video));
    showHits(one("#hits"), fresh, { from: answer.hits.length });
    answer.hits.push(...fresh);
    say(t("found.shown", { n: answer.hits.length }));
    end(found.hits.length === PAGE && fresh.length > 0);
  } catch (error) {
    if (error instanceof Refused) notice(`${error.message} ${error.next ?? ""}`);
    else throw error;
  }
}

// -- before anything is asked ---------------------------------------------------------------------
/** How much a collection holds: another number means that there is something else to find. */
const size = ({ videos, evidence }) =>
  `${videos}/${Object.values(evidence).reduce((sum, value) => sum + value, 0)}`;

async function welcome() {
  const place = one("#results");
  try {
    const [status, listed] = await Promise.all([api.status(false), api.videos({ limit: 24 })]);
    if (asks(state())) return;
    if (!status.videos) return empty(place);
    const kept = await savedList(size(status), welcome);
    if (asks(state())) return;
    fill(
      place,
      h(
        "div",
        { class: "resultbar" },
        h(
          "p",
          {},
          h("b", {}, `${t("count.videos", { n: status.videos })}, ${length(status.duration)}`),
          h(
            "span",
            { class: "soft" },
            ` · ${t("start.pieces", {
              n: Object.values(status.evidence).reduce((sum, value) => sum + value, 0),
            })}`,
          ),
        ),
        h(
          "span",
          { class: "barend" },
          h("a", { href: linkTo({ view: "map" }), data: { go: "" } }, t("map.link")),
          h("a", { href: linkTo({ view: "collection" }), data: { go: "" } }, t("start.whole")),
        ),
      ),
      kept,
      h("ul", { class: "mosaic", "aria-label": t("start.some") }, listed.videos.map(tile)),
    );
  } catch (error) {
    refuse(place, error);
  }
}

function empty(place) {
  fill(
    place,
    h(
      "div",
      { class: "empty" },
      h("h1", {}, t("start.empty")),
      h(
        "p",
        {},
        nodes("start.add", {
          collection: h(
            "a",
            { href: linkTo({ view: "collection" }), data: { go: "" } },
            t("start.collection"),
          ),
        }),
      ),
    ),
  );
}

/** Return a video as a link with a picture of its middle. */
export function tile(video) {
  return h(
    "li",
    {},
    h(
      "a",
      { class: "tile", href: linkTo({ view: "video", video: video.id }), data: { go: "" } },
      soundOnly(video)
        ? h("span", { class: "silent" }, icon("sound"))
        : h("img", {
            src: at.frame(video.id, video.duration / 3, 320),
            alt: "",
            loading: "lazy",
            decoding: "async",
            width: 320,
            height: 180,
          }),
      h("span", { class: "tiletitle" }, words(titleOf(video))),
      h(
        "span",
        { class: "soft small number" },
        length(video.duration),
        video.language && ` · ${languageName(video.language)}`,
      ),
    ),
  );
}
