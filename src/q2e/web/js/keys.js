// The keyboard: one key for each thing, and a sheet that names them.

import { ask } from "./answering.js";
import { all, one } from "./dom.js";
import { grade, labelling } from "./labelling.js";
import { beside, current, late } from "./parts.js";
import { hitOf } from "./results.js";
import { addRow, focus } from "./search.js";
import { go, state } from "./state.js";
import { theme } from "./theme.js";

const sheet = late(() => import("./keysheet.js"));
let pending = "";

/** Whether single keys do nothing, as set in the sheet. */
const off = () => localStorage.getItem("q2e-keys-off");

/** Listen, from now on. */
export function listen() {
  addEventListener("keydown", (event) => {
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.isComposing
    )
      return;
    if (event.key === "Escape") return escape();
    if (typing(event.target))
      return event.target.id === "q" && event.key === "ArrowDown"
        ? (event.preventDefault(), move(0))
        : undefined;
    if (one("#help").open || off()) return;
    const key = pending + event.key;
    pending = event.key === "g" && !pending ? "g " : "";
    if (pending) return;
    if (ACTS[key] && ACTS[key](event) !== false) event.preventDefault();
  });
}

const typing = (node) =>
  node.isContentEditable ||
  /^(TEXTAREA|SELECT)$/.test(node.tagName) ||
  (node.tagName === "INPUT" && node.type !== "checkbox");
/** The hits that are not folded. */
const HITS = "#hits > .hit:not([hidden])";
const here = () => document.activeElement?.closest?.(".hit") ?? one(".hit.open");
const press = (selector) => () => {
  const node = here()?.querySelector(selector);
  if (!node) return false;
  node.click();
  return true;
};
const playing = () => (state().view === "video" ? current()?.current?.() : beside.now()?.current());
const onPlayer = (act) => (event) => {
  const own = playing();
  if (
    !own ||
    (event.key === " " &&
      /^(BUTTON|A|SUMMARY|INPUT|VIDEO)$/.test(document.activeElement.tagName) &&
      !document.activeElement.closest(".hit .still"))
  )
    return false;
  act(own);
  return true;
};
const label = (relevance) => () => {
  const hit = labelling() && here() && hitOf(here().dataset.video);
  if (!hit) return false;
  grade(hit, hit.moments[0], relevance);
  return true;
};
const openMenu = () => {
  const menu = one("#panel:not([hidden]) .watchbar .menu") ?? one("#video:not([hidden]) .menu");
  if (!menu) return false;
  menu.open = !menu.open;
  one("a", menu).focus();
  return true;
};

/** Put what plays into the tray, else the hit one stands on. */
function pickIt() {
  const place = state().view === "video" ? "#video" : here() ? null : "#panel:not([hidden])";
  const node = place ? one(`${place} .into`) : here().querySelector(".into");
  if (!node) return false;
  node.click();
  return true;
}

const ACTS = {
  "/": focus,
  "?": help,
  t: theme,
  "g s": () => one(".top nav [data-go=search]").click(),
  "g c": () => one(".top nav [data-go=collection]").click(),
  "g m": () => go({ view: "map" }),
  "g t": () => one(".top nav [data-go=tray]").click(),
  "g l": () => one(".top nav [data-go=labels]").click(),
  a: ask,
  b: addRow,
  x: () => one("#file").click(),
  f: () => {
    const box = one("#filters:not([hidden]) details");
    if (!box) return false;
    box.open = true;
    one("input", box)?.focus();
    return true;
  },
  j: () => step(1),
  k: () => step(-1),
  ArrowRight: (event) => arrows(event, 1, 0),
  ArrowLeft: (event) => arrows(event, -1, 0),
  ArrowDown: (event) => arrows(event, 0, 1),
  ArrowUp: (event) => arrows(event, 0, -1),
  w: press(".why"),
  i: pickIt,
  "+": press(".like"),
  "=": press(".like"),
  "-": press(".dislike"),
  s: press(".similar"),
  v: press("h2 a"),
  " ": onPlayer((own) => own.toggle()),
  ",": onPlayer((own) => own.step(-2)),
  ".": onPlayer((own) => own.step(2)),
  n: () => beside.now()?.step(1),
  p: () => beside.now()?.step(-1),
  c: openMenu,
  e: () => {
    if (one("details.fold")) one("details.fold").open = true;
    const field = one(".unfold textarea:not(:disabled)") ?? one(".unfold .add");
    if (!field) return false;
    field.focus();
    return true;
  },
  u: () => {
    if (state().view === "tray") current()?.undo();
    else if (state().ev) go({ ev: null });
    else return false;
    return true;
  },
  m: () => go({ label: state().label ? "" : "on" }, { quiet: true }),
  0: label(0),
  1: label(1),
  2: label(2),
  3: label(3),
};

function move(to) {
  const hits = all(HITS);
  const next = hits[Math.min(hits.length - 1, Math.max(0, to))];
  const target = next && one(".still", next);
  target?.focus({ focusVisible: true });
  next?.scrollIntoView({ block: "nearest" });
  return Boolean(next);
}

const step = (by) => move(here() ? all(HITS).indexOf(here()) + by : 0);

function arrows(event, x, y) {
  if (event.shiftKey || !document.activeElement?.closest?.(".hit")) return false;
  const hits = all(HITS);
  const top = hits[0].getBoundingClientRect().top;
  const wide = hits.findIndex((hit) => hit.getBoundingClientRect().top > top + 4);
  const columns = wide < 1 ? hits.length : wide;
  return move(hits.indexOf(here()) + x + y * columns);
}

function escape() {
  const menu = one(".menu[open]");
  if (menu) {
    menu.open = false;
    one("summary", menu).focus();
    return;
  }
  if (one("#help").open) return;
  if (typing(document.activeElement)) return document.activeElement.blur();
  if (state().hit) {
    const hit = state().hit;
    go({ hit: "", t: null });
    if (document.activeElement.closest("#answer")) return;
    one(`#hit-${CSS.escape(hit)} .still`)?.focus();
  }
}

/** Show the sheet of keys. */
export function help() {
  sheet.load().then((own) => own.show());
}
