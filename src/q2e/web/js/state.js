// What the page shows, kept in its address, so that every state is a link.

const LISTS = ["then", "ch", "lang", "tag", "ex", "like", "dislike", "ev"];
const WORDS = ["view", "q", "since", "until", "dur", "hit", "decompose", "video", "label", "answer"];
const EMPTY = {
  view: "search",
  q: "",
  since: "",
  until: "",
  dur: "",
  hit: "",
  decompose: "",
  video: "",
  label: "",
  answer: "", // `on` and `off` by hand; else questions are answered that end with a mark
  then: [],
  ch: [],
  lang: [],
  tag: [],
  ex: [],
  like: [],
  dislike: [],
  ev: null, // sub-events edited by hand, or null for those the server finds
  t: null, // seconds at which the player stands
};
const VIEWS = ["search", "video", "collection", "labels", "tray", "map"];

const watchers = new Set();
let current = read(location.search);

export const state = () => current;

/** Call `react(now, before)` after each change. */
export function watch(react) {
  watchers.add(react);
}

/** Change the state; each change is a step of the browser's history unless `quiet`. */
export function go(changes, { quiet = false } = {}) {
  const before = current;
  current = { ...current, ...changes };
  const address = write(current);
  if (address !== location.search) {
    if (quiet) history.replaceState(null, "", address || location.pathname);
    else history.pushState(null, "", address || location.pathname);
  }
  for (const react of watchers) react(current, before);
}

/** Return the address of another state, for links. */
export const linkTo = (changes) => write({ ...EMPTY, ...changes }) || "./";

/** Return the state that an address of the page shows. */
export const stateOf = (address) => read(address.replace(/^[^?]*/, ""));

/** Return the address of a video's view that keeps what is asked. */
export const videoLink = (video, t = null) => linkTo({ ...current, view: "video", video, t, hit: "" });

/** Return what of a state makes a search what it is. */
export function searchKey(now) {
  const { q, then, ch, lang, tag, ex, like, dislike, ev, since, until, dur, decompose } = now;
  return JSON.stringify({
    q,
    then,
    ch,
    lang,
    tag,
    ex,
    like,
    dislike,
    ev,
    since,
    until,
    dur,
    decompose,
  });
}

/** Return the question with its rows, in the query language. */
export function question(now) {
  const rows = [now.q, ...now.then].map((row) => row.trim()).filter(Boolean);
  return rows.join(" THEN ");
}

/** Return the question with those filters that only the query language has. */
export const filtered = (now) =>
  [question(now), now.dur && `duration:${now.dur}`].filter(Boolean).join(" ");

/** Say whether there is anything to search for. */
export const asks = (now) => Boolean(question(now) || now.ex.length);

/** Return the body of POST /v1/search. */
export function searchBody(now) {
  const body = { q: filtered(now) };
  const given = {
    channels: now.ch,
    languages: now.lang,
    tags: now.tag,
    examples: now.ex,
    like: now.like,
    dislike: now.dislike,
  };
  for (const [name, list] of Object.entries(given)) if (list.length) body[name] = list;
  for (const name of ["since", "until", "decompose"]) if (now[name]) body[name] = now[name];
  if (now.ev) {
    const events = events_of(now).filter((event) => !event.struck && event.text.trim());
    body.decomposition = { events: events.map(({ kind, text, own }) => ({ kind, text: text.trim(), own })) };
  }
  return body;
}

/** Return the body of POST /v1/answer/events. */
export function answerBody(now) {
  const { q, channels, languages, tags, since, until } = searchBody(now);
  const body = { q, channels, languages, tags, since, until };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

const KINDS = { b: "prequel", d: "current", a: "sequel" };
const LETTERS = { prequel: "b", current: "d", sequel: "a" };

/** Return the edited sub-events as {kind, text, struck, own}; `own` are those written here. */
export function events_of(now) {
  return (now.ev ?? []).flatMap((entry) => {
    const found = /^([bda])(\+?)(-?):([^]*)$/.exec(entry);
    if (!found) return [];
    const [, letter, plus, minus, text] = found;
    return [{ kind: KINDS[letter], own: plus === "+", struck: minus === "-", text }];
  });
}

export const eventEntry = ({ kind, text, struck, own }) =>
  `${LETTERS[kind]}${own ? "+" : ""}${struck ? "-" : ""}:${text}`;

function read(address) {
  const given = new URLSearchParams(address);
  const found = structuredClone(EMPTY);
  for (const name of WORDS) if (given.has(name)) found[name] = given.get(name);
  for (const name of LISTS) if (given.has(name)) found[name] = given.getAll(name);
  if (found.ev && found.ev.length === 1 && found.ev[0] === "none") found.ev = [];
  const t = Number.parseFloat(given.get("t"));
  if (Number.isFinite(t) && t >= 0) found.t = t;
  if (!VIEWS.includes(found.view)) found.view = "search";
  return found;
}

function write(now) {
  const query = new URLSearchParams();
  for (const name of WORDS) if (now[name] !== EMPTY[name]) query.set(name, now[name]);
  for (const name of LISTS) for (const item of now[name] ?? []) query.append(name, item);
  if (now.ev && !now.ev.length) query.set("ev", "none");
  if (now.t !== null) query.set("t", String(Math.round(now.t * 10) / 10));
  return query.size ? `?${query}` : "";
}

addEventListener("popstate", () => {
  const before = current;
  current = read(location.search);
  for (const react of watchers) react(current, before);
});
