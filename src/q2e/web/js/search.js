// The box one asks in: words, rows for what happens next, examples, and hints as one types.

import { Refused, api, at } from "./api.js";
import { button, fill, h, icon, notice, one, put, say, tool, words } from "./dom.js";
import { asks, go, question, state } from "./state.js";
import { channelName, clock, languageName } from "./text.js";

const WAIT_MS = 280;
const LESSONS = [
  ["A then B", " THEN ", "first one, later the other"],
  ["said", "speech:", "only in what is said"],
  ["on screen", "screen:", "only in text on screen"],
  ["“exact words”", '""', "as they stand"],
  ["not", " -", "without this"],
  ["or", " OR ", "either will do"],
  ["language", " lang:", "lang:ar, lang:zh"],
  ["dates", " after:", "after:2020, until:2021"],
];

let timer;
let hinting;
const uploads = new Map();

/** Build the box once. */
export function build() {
  const form = one("#ask");
  const input = h("input", {
    id: "q", type: "search", class: "q", dir: "auto", maxlength: 4000, enterkeyhint: "search", spellcheck: "false",
    placeholder: "What happens in the video? Ask in any language", "aria-label": "Question",
    "aria-describedby": "hints", on: { input: () => typed(), search: () => typed(0) },
  });
  const file = h("input", {
    id: "file", type: "file", class: "unseen", accept: "image/*,video/*,audio/*", tabindex: -1, "aria-hidden": "true",
    on: { change: () => { if (file.files.length) bring(file.files); file.value = ""; } },
  });
  put(
    form,
    h("div", { class: "box" }, icon("search"), input,
      tool("then", "Add what happens then", addRow, { id: "add-then" }),
      tool("image", "Search by a picture, clip or sound", () => file.click(), { id: "add-example" }), file),
    h("ol", { id: "rows" }),
    h("div", { id: "given", "aria-label": "Examples, likes and dislikes" }),
    h("div", { id: "hints", class: "hints" }),
  );
  form.addEventListener("submit", (event) => { event.preventDefault(); typed(0); });
  listenForDrops();
}

/** Show the state in the box. */
export function show(now, before) {
  const input = one("#q");
  if (document.activeElement !== input || now.q !== input.value) if (input.value !== now.q) input.value = now.q;
  showRows(now);
  showGiven(now);
  if (!before || question(now) !== question(before)) hint(now);
}

function typed(wait = WAIT_MS) {
  clearTimeout(timer);
  timer = setTimeout(take, wait);
}

function take() {
  clearTimeout(timer);
  const q = one("#q").value;
  const then = [...document.querySelectorAll("#rows .row")].map((row) => {
    const words = one("input[type=search]", row).value.trim();
    const within = one("select", row).value;
    return words && within ? `${words} WITHIN ${within}` : words;
  });
  const now = state();
  if (q === now.q && JSON.stringify(then) === JSON.stringify(now.then)) return;
  const refined = asks(now) && q.trim() !== "" && now.q.trim() !== "";
  go({ q, then, hit: "", t: null, ev: null, view: "search" }, { quiet: refined && (q.startsWith(now.q) || now.q.startsWith(q)) });
}

/** Put the cursor into the box. */
export function focus() {
  go({ view: "search" });
  one("#q").focus();
  one("#q").select();
}

// -- rows -----------------------------------------------------------------------------------------
const WITHIN = [["", "any time later"], ["5s", "within 5 s"], ["30s", "within 30 s"], ["2m", "within 2 min"], ["10m", "within 10 min"]];

function showRows(now) {
  const list = one("#rows");
  if (list.contains(document.activeElement) && list.children.length === now.then.length) return;
  fill(list, now.then.map(row));
}

function row(text, index) {
  const [, wordsOf, within = ""] = /^(.*?)(?: WITHIN (\S+))?$/s.exec(text);
  const choices = WITHIN.some(([value]) => value === within) ? WITHIN : [...WITHIN, [within, `within ${within}`]];
  return h("li", { class: "row" },
    h("span", { class: "then" }, icon("then"), "then"),
    h("input", {
      type: "search", class: "q", dir: "auto", value: wordsOf, maxlength: 2000, spellcheck: "false",
      placeholder: "what happens next", "aria-label": `Then, step ${index + 2}`, on: { input: () => typed() },
    }),
    h("select", { "aria-label": `Longest wait before step ${index + 2}`, on: { change: () => typed(0) } },
      choices.map(([value, name]) => h("option", { value, selected: value === within }, name))),
    tool("close", `Remove step ${index + 2}`, () => {
      go({ then: state().then.filter((_, other) => other !== index), hit: "", ev: null });
      one("#q").focus();
    }));
}

/** Add a row for what happens next. */
export function addRow() {
  take();
  go({ then: [...state().then, ""], view: "search" }, { quiet: true });
  one("#rows .row:last-child input").focus();
}

// -- hints ----------------------------------------------------------------------------------------
async function hint(now) {
  hinting?.abort();
  const text = question(now);
  const place = one("#hints");
  if (!text) return lessons(place);
  hinting = new AbortController();
  try {
    const parsed = await api.parse(text, hinting.signal);
    if (parsed.error) return wrong(place, text, parsed.error);
    const clause = parsed.clause ? [clauseNode(parsed.clause)] : [];
    const filters = Object.entries(parsed.filters ?? {}).filter(([, value]) => value !== null && value.length !== 0);
    if (!clause.length && !filters.length) return lessons(place, true);
    fill(place, h("span", { class: "soft" }, "Read as "), clause, filters.map(filterNode));
  } catch (error) {
    if (error.name !== "AbortError") lessons(place, true);
  }
}

function wrong(place, text, error) {
  const at_ = error.position;
  fill(place, h("span", { class: "wrong" }, error.message), " ", h("span", { class: "soft" }, error.next ?? ""));
  if (Number.isInteger(at_) && at_ < text.length)
    place.append(" ", button("Show where", () => { one("#q").focus(); one("#q").setSelectionRange(at_, at_ + 1); }, { class: "plain" }));
}

const JOINS = { all: "and", any: "or", then: "then", before: "before", after: "after", during: "during" };

function clauseNode(clause) {
  if (clause.kind === "text")
    return h("span", { class: "clause" }, clause.channel && h("em", {}, `${channelName(clause.channel)} `), words(clause.exact ? `“${clause.text}”` : clause.text));
  if (clause.kind === "not") return h("span", { class: "clause not" }, h("em", {}, "not "), clause.parts.map(clauseNode));
  if (clause.kind === "first" || clause.kind === "every")
    return h("span", { class: "group" }, h("em", {}, clause.kind === "first" ? "the first time " : "every time "), clause.parts.map(clauseNode));
  const nodes = clause.parts.flatMap((part, index) => {
    if (!index) return [clauseNode(part)];
    const wait = clause.within?.[index - 1];
    const join = part.kind === "not" ? "" : JOINS[clause.kind] + (wait ? ` within ${clock(wait)}` : "");
    return [join && h("em", { class: "join" }, ` ${join} `), clauseNode(part)];
  });
  return h("span", { class: "group" }, nodes);
}

const FILTERS = {
  languages: "language", tags: "tag", channels: "only", videos: "video", since: "from", until: "to", shortest_s: "at least", longest_s: "at most",
  without_tags: "not tag", without_languages: "not language", without_channels: "not in",
};

function filterNode([name, value]) {
  const said = (Array.isArray(value) ? value : [value]).map((item) => (name.includes("language") ? languageName(item) : name.endsWith("_s") ? clock(item) : name.includes("channels") ? channelName(item) : String(item)));
  return h("span", { class: "clause filter" }, h("em", {}, `${FILTERS[name] ?? name.replaceAll("_", " ")} `), said.join(", "));
}

function lessons(place, typing = false) {
  fill(place, LESSONS.slice(0, typing ? 4 : LESSONS.length).map(([name, text, meaning]) =>
    h("button", { type: "button", class: "lesson", title: meaning, on: { click: () => insert(text) } }, name)));
}

function insert(text) {
  const input = one("#q");
  const there = input.value;
  const added = there ? text : text.trimStart();
  input.value = there + (there && !/\s$/.test(there) && !added.startsWith(" ") ? " " : "") + added;
  const end = input.value.length - (text === '""' ? 1 : 0);
  input.focus();
  input.setSelectionRange(end, end);
  hint({ ...state(), q: input.value });
}

// -- examples -------------------------------------------------------------------------------------
function listenForDrops() {
  const veil = one("#drop");
  let inside = 0;
  const brings = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => { if (brings(event)) { inside += 1; veil.hidden = false; } });
  addEventListener("dragleave", (event) => { if (brings(event) && (inside -= 1) <= 0) { inside = 0; veil.hidden = true; } });
  addEventListener("dragover", (event) => { if (brings(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    inside = 0;
    veil.hidden = true;
    bring(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => { if (event.clipboardData?.files.length) bring(event.clipboardData.files); });
}

async function bring(files) {
  for (const file of [...files].slice(0, 4)) {
    notice(`Looking at ${file.name} …`);
    try {
      const taken = await api.upload(file);
      uploads.set(taken.id, { name: file.name, url: taken.kind === "image" ? URL.createObjectURL(file) : null });
      go({ view: "search", ex: [...state().ex, taken.id], hit: "", t: null, ev: null });
      say(`Searching by ${file.name}`);
    } catch (error) {
      notice(error instanceof Refused ? `${file.name}: ${error.message} ${error.next ?? ""}` : String(error));
    }
  }
}

function showGiven(now) {
  const place = one("#given");
  const kinds = [["ex", "Like this", "example"], ["like", "More like", "liked"], ["dislike", "Less like", "disliked"]];
  fill(place, kinds.flatMap(([list, name, kind]) => now[list].map((id) => chip(list, name, kind, id))));
  place.hidden = !place.childElementCount;
}

function chip(list, name, kind, id) {
  const own = uploads.get(id);
  const [video, time] = id.split("@");
  const url = own?.url ?? (id.startsWith("up-") ? null : at.frame(video, Number(time ?? 0), 96));
  const label = own?.name ?? (id.startsWith("up-") ? "a file of your own" : `a moment at ${clock(Number(time ?? 0))}`);
  return h("span", { class: `given ${kind}` },
    url ? h("img", { src: url, alt: "", width: 44, height: 30 }) : icon(id.startsWith("up-") ? "sound" : "image"),
    h("span", {}, `${name} `, words(label)),
    tool("close", `Remove ${kind} ${label}`, () => go({ [list]: state()[list].filter((other) => other !== id) })));
}
