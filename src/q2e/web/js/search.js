// The box one asks in: words, and rows for what happens next.

import { fill, h, icon, one, put, tool } from "./dom.js";
import { answerButton, ask } from "./answering.js";
import { bring, listenForDrops, showGiven } from "./examples.js";
import { hint, written } from "./hints.js";
import { tookMs } from "./results.js";
import { asks, go, question, state } from "./state.js";
import { suggesting } from "./suggest.js";
import { length } from "./text.js";
import { t } from "./texts.js";

/** How long a pause in typing is searched for: a part of what a search takes, between these. */
const WAIT_MS = [100, 280];
const PART = 0.6;
const pause = () => Math.min(WAIT_MS[1], Math.max(WAIT_MS[0], PART * tookMs()));
let timer;

/** Build the box once. */
export function build() {
  const form = one("#ask");
  const input = h("input", {
    id: "q",
    type: "search",
    class: "q",
    dir: "auto",
    maxlength: 4000,
    enterkeyhint: "search",
    spellcheck: "false",
    placeholder: t("ask.placeholder"),
    "aria-label": t("ask.question"),
    "aria-describedby": "hints",
    on: { input: () => typed(), search: () => typed(0) },
  });
  const file = h("input", {
    id: "file",
    type: "file",
    class: "unseen",
    accept: "image/*,video/*,audio/*",
    tabindex: -1,
    "aria-hidden": "true",
    on: {
      change: () => {
        if (file.files.length) bring(file.files);
        file.value = "";
      },
    },
  });
  put(
    form,
    h(
      "div",
      { class: "box" },
      icon("search"),
      input,
      tool("then", t("ask.then"), addRow, { id: "add-then" }),
      tool("image", t("ask.example"), () => file.click(), {
        id: "add-example",
      }),
      answerButton(answerNow),
      file,
    ),
    suggesting(input, choose),
    h("ol", { id: "rows" }),
    h("div", { id: "given", "aria-label": t("given") }),
    h("div", { id: "hints", class: "hints" }),
  );
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.shiftKey || event.isComposing) return;
    event.preventDefault();
    answerNow();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    typed(0);
  });
  listenForDrops();
}

/** Show the state in the box. */
export function show(now, before) {
  const input = one("#q");
  if (document.activeElement !== input || now.q !== input.value)
    if (input.value !== now.q) input.value = now.q;
  showRows(now);
  showGiven(now);
  // What is plain is searched for before it is asked how it is read.
  if (!before || question(now) !== question(before)) hint(now, written(question(now)));
}

function choose(question) {
  one("#q").value = question;
  typed(0);
}

function typed(wait = pause()) {
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
  go(
    { q, then, hit: "", t: null, ev: null, answer: "", view: "search" },
    { quiet: refined && (q.startsWith(now.q) || now.q.startsWith(q)) },
  );
}

function answerNow() {
  take();
  ask();
}

/** Put the cursor into the box. */
export function focus() {
  one(".top nav [data-go=search]").click();
  one("#q").focus();
  one("#q").select();
}

// -- rows -----------------------------------------------------------------------------------------
const WITHIN = [
  ["", t("wait.any")],
  ...[5, 30, 120, 600].map((seconds) => [
    seconds < 60 ? `${seconds}s` : `${seconds / 60}m`,
    t("wait.within", { time: length(seconds) }),
  ]),
];

function showRows(now) {
  const list = one("#rows");
  if (list.contains(document.activeElement) && list.children.length === now.then.length) return;
  fill(list, now.then.map(row));
}

function row(text, index) {
  const [, wordsOf, within = ""] = /^(.*?)(?: WITHIN (\S+))?$/s.exec(text);
  const choices = WITHIN.some(([value]) => value === within)
    ? WITHIN
    : [...WITHIN, [within, t("wait.within", { time: within })]];
  return h(
    "li",
    { class: "row" },
    h("span", { class: "then" }, icon("then"), t("row.then")),
    h("input", {
      type: "search",
      class: "q",
      dir: "auto",
      value: wordsOf,
      maxlength: 2000,
      spellcheck: "false",
      placeholder: t("row.next"),
      "aria-label": t("row.step", { n: index + 2 }),
      on: { input: () => typed() },
    }),
    h(
      "select",
      { "aria-label": t("row.wait", { n: index + 2 }), on: { change: () => typed(0) } },
      choices.map(([value, name]) => h("option", { value, selected: value === within }, name)),
    ),
    tool("close", t("row.remove", { n: index + 2 }), () => {
      go({ then: state().then.filter((_, other) => other !== index), hit: "", ev: null });
      one("#q").focus();
    }),
  );
}

/** Add a row for what happens next. */
export function addRow() {
  take();
  go({ then: [...state().then, ""], view: "search" }, { quiet: true });
  one("#rows .row:last-child input").focus();
}
