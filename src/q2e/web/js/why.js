// Why a hit is where it is: what was searched for, to be edited, and bars that add up to the score.

import { button, fill, h, one, tool, words } from "./dom.js";
import { byChannel, LITTLE } from "./hits.js";
import { eventEntry, events_of, go, state } from "./state.js";
import { channelName, clock, percent, sentence } from "./text.js";
import { has, nodes, number, t } from "./texts.js";

/** What the server says of a question without an event, which is nothing unusual. */
const NO_EVENT = "the question names no event; it is searched as it is";
const KINDS = ["prequel", "current", "sequel"];

/** Return the decomposition of the question, to be edited, added to and struck. */
export function decomposition(results) {
  const now = state();
  const found = results.query.decomposition;
  const events = now.ev
    ? events_of(now)
    : found.events.map((event) => ({ ...event, struck: false }));
  const off = now.decompose === "none";
  return h(
    "section",
    { class: "unfold", "aria-labelledby": "unfold-title" },
    h(
      "div",
      { class: "sectionhead" },
      h("h2", { id: "unfold-title" }, t("why.searched")),
      now.ev && button(t("why.undo"), () => go({ ev: null }), { class: "plain small" }),
    ),
    h("p", { class: "soft small" }, off ? t("why.only") : told(found, now)),
    h(
      "div",
      { class: "timelineof" },
      KINDS.map((kind) => column(kind, events)),
    ),
    h(
      "label",
      { class: "switch small" },
      h("input", {
        type: "checkbox",
        checked: !off,
        on: { change: (event) => go({ decompose: event.target.checked ? "" : "none", ev: null }) },
      }),
      " ",
      t("why.also"),
    ),
  );
}

function told(found, now) {
  if (now.ev) return t("why.own");
  if (!found.events.length) {
    const usual = !found.note || found.note === NO_EVENT;
    return [usual ? t("why.no-events") : words(sentence(found.note)), " ", t("why.add-own")];
  }
  const kind = found.event_type && words(found.event_type.replaceAll("_", " "));
  return [kind && [nodes("why.kind", { kind }), " "], t("why.edit")];
}

function column(kind, events) {
  const own = events
    .map((event, place) => ({ event, place }))
    .filter(({ event }) => event.kind === kind);
  return h(
    "div",
    { class: `column ${kind}` },
    h("h3", { id: `kind-${kind}` }, t(`when.${kind}`)),
    h(
      "ul",
      { "aria-labelledby": `kind-${kind}` },
      own.map(({ event, place }) => entry(event, place, events)),
    ),
    tool(
      "plus",
      t(`why.add.${kind}`),
      () => {
        set(events.concat({ kind, text: "", struck: false, own: true }), true);
        one(`.column.${kind} li:last-child textarea`)?.focus();
      },
      { class: "tool add" },
    ),
  );
}

function entry(event, place, events) {
  const change = (changes) =>
    set(events.map((other, index) => (index === place ? { ...other, ...changes } : other)));
  const field = h("textarea", {
    rows: 1,
    dir: "auto",
    maxlength: 500,
    "aria-label": t("why.event"),
    placeholder: t("why.happens"),
    disabled: event.struck,
    on: {
      change: () =>
        field.value.trim()
          ? change({ text: field.value.trim(), own: true })
          : set(events.filter((_, index) => index !== place)),
      keydown: (key) => {
        if (key.key === "Enter" && !key.isComposing) {
          key.preventDefault();
          field.blur();
        }
      },
    },
  });
  field.value = event.text;
  return h(
    "li",
    { class: event.struck ? "event struck" : "event" },
    field,
    event.struck
      ? tool("undo", t("why.unstrike", { text: event.text }), () => change({ struck: false }))
      : tool("close", t("why.strike", { text: event.text }), () => change({ struck: true }), {
          class: "tool strike",
        }),
  );
}

function set(events, quiet = false) {
  const written = events.map(eventEntry);
  go({ ev: written, decompose: "" }, { quiet });
}

/** How sure a hit is; nothing is told to be wholly certain. */
const sure = (hit) =>
  t(`why.certain.${hit.certain}`, { share: percent(Math.min(0.99, hit.certainty)) });

/** Whether terms that explain little are shown too; what was chosen holds for the next hit. */
let everything = false;
const FEWER = t("why.fewer");

/** Return the line that stands for `count` terms that explain little, or shows and hides them. */
function smaller(count) {
  const told = t("why.smaller", { n: count });
  const line = button(
    everything ? FEWER : told,
    (event) => {
      everything = !everything;
      const section = event.target.closest(".score");
      section.classList.toggle("everything", everything);
      for (const other of section.querySelectorAll(".smaller")) {
        other.textContent = everything ? FEWER : other.dataset.told;
        other.setAttribute("aria-expanded", String(everything));
      }
    },
    { class: "plain small smaller", "aria-expanded": String(everything) },
  );
  line.dataset.told = told;
  return line;
}

/** Return a hit's score as bars by channel, each with the evidence behind it. */
export function scoreBars(hit, play) {
  const sums = byChannel(hit).filter(([, value]) => Math.abs(value) >= 0.0005);
  const whole = sums.reduce((sum, [, value]) => sum + Math.abs(value), 0);
  const little = ([, value]) => Math.abs(value) < LITTLE * whole;
  const count = sums.filter(little).length;
  return h(
    "section",
    {
      class: everything ? "score everything" : "score",
      "aria-labelledby": "score-title",
    },
    h(
      "div",
      { class: "sectionhead" },
      h("h2", { id: "score-title" }, t("hit.why")),
      h(
        "span",
        { class: "number soft", title: t("why.sum") },
        typeof hit.certainty === "number" && `${sure(hit)} · `,
        nodes("why.score", { score: h("b", {}, number(hit.score, 2)) }),
      ),
    ),
    h(
      "div",
      { class: "sum", "aria-hidden": "true" },
      sums
        .filter(([, value]) => value > 0)
        .map(([name, value]) =>
          h("span", { style: { "--c": `var(--${name})`, "--w": String(value / whole) } }),
        ),
    ),
    h(
      "ul",
      { class: "bars" },
      sums.map((sum) => {
        const most = Math.max(...sums.map(([, other]) => Math.abs(other)));
        return bar(hit, sum, { most, whole, little: little(sum) }, play);
      }),
    ),
    count > 0 && smaller(count),
  );
}

function bar(hit, [name, value], { most, whole, little }, play) {
  const terms = hit.why.filter(
    (reason) => reason.channel === name && Math.abs(reason.contribution) >= 0.0005,
  );
  const best = terms.find((reason) => reason.text);
  const least = LITTLE * whole;
  const main = Math.max(...terms.map((reason) => Math.abs(reason.contribution)));
  const minor = ({ contribution }) =>
    !little && Math.abs(contribution) < Math.min(least, main);
  const count = terms.filter(minor).length;
  return h(
    "li",
    { class: little ? "little" : null },
    h(
      "details",
      {},
      h(
        "summary",
        {},
        barName(name),
        h(
          "span",
          {
            class: value < 0 ? "bar less" : "bar",
            style: { "--c": `var(--${name})`, "--w": String(Math.abs(value) / most) },
          },
          h("span"),
        ),
        h(
          "span",
          { class: "number value" },
          `${value < 0 ? "−" : "+"}${number(Math.abs(value), 2)}`,
        ),
      ),
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, t("why.terms", { channel: channelName(name) })),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["part", "found-by", "weight", "value", "product"].map((title) =>
              h(
                "th",
                { scope: "col" },
                h("span", { class: title === "product" ? "unseen" : null }, t(`why.${title}`)),
              ),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          terms.map((reason) =>
            h(
              "tr",
              { class: minor(reason) ? "little" : null },
              h(
                "th",
                { scope: "row" },
                partName(reason.part),
                reason.event &&
                  reason.part !== "query" &&
                  h("span", { class: "soft" }, " ", words(reason.event)),
              ),
              h("td", {}, has(`how.${reason.how}`) ? t(`how.${reason.how}`) : words(reason.how)),
              h("td", { class: "number" }, number(reason.weight, 3)),
              h("td", { class: "number" }, number(reason.score, 2)),
              h("td", { class: "number" }, number(reason.contribution, 2)),
            ),
          ),
        ),
      ),
      count > 0 && smaller(count),
    ),
    best &&
      h(
        "p",
        { class: "proof" },
        best.channel !== "collection" &&
          h(
            "button",
            { type: "button", class: "plain number", on: { click: () => play(best.start) } },
            clock(best.start),
          ),
        " ",
        words(best.text),
      ),
  );
}

/** Return the name of what of a question a term answers; parts of an order have their own words. */
function partName(part) {
  if (part === "query") return t("why.query");
  return KINDS.includes(part) ? t(`when.${part}`) : words(part);
}

/** Return how much each channel counts for this question, as bars that add up to one. */
export function weights(results) {
  const sums = new Map();
  for (const reason of results.hits[0]?.why ?? [])
    if (reason.channel !== "collection")
      sums.set(reason.channel, (sums.get(reason.channel) ?? 0) + reason.weight);
  const whole = [...sums.values()].reduce((sum, value) => sum + value, 0);
  if (!whole) return null;
  const rows = [...sums].sort(([, a], [, b]) => b - a);
  return h(
    "section",
    { class: "weights", "aria-labelledby": "weights-title" },
    h("h2", { id: "weights-title" }, t("why.weights")),
    h(
      "p",
      { class: "soft small" },
      t("why.weights-note"),
    ),
    h(
      "div",
      { class: "sum", "aria-hidden": "true" },
      rows.map(([name, value]) =>
        h("span", { style: { "--c": `var(--${name})`, "--w": String(value / whole) } }),
      ),
    ),
    channelBars(rows, (value) => percent(value / whole)),
  );
}

/** Return [channel, value] pairs, the largest first, as bars with each value as `told`. */
export function channelBars(rows, told) {
  const most = rows[0]?.[1] || 1;
  return h(
    "ul",
    { class: "bars" },
    rows.map(([name, value]) =>
      h(
        "li",
        { class: "plainbar" },
        barName(name),
        h(
          "span",
          { class: "bar", style: { "--c": `var(--${name})`, "--w": String(value / most) } },
          h("span"),
        ),
        h("span", { class: "number value" }, told(value)),
      ),
    ),
  );
}

function barName(channel) {
  const dot = h("span", { class: "dot", style: { "--c": `var(--${channel})` } });
  return h("span", { class: "barname" }, dot, channelName(channel));
}

let folded = null;

/** Fill `place` with what of the reasons is known. */
export function show(place, results, hit, play) {
  const inside =
    place.contains(document.activeElement) && document.activeElement.tagName === "TEXTAREA";
  if (inside) return;
  const open = one(".bars details[open] .barname", place)?.textContent;
  fill(
    place,
    hit && scoreBars(hit, play),
    h(
      "details",
      {
        class: "fold",
        open: Boolean(state().ev) || folded === false,
        on: {
          toggle: (event) => {
            if (event.target.className === "fold") folded = !event.target.open;
          },
        },
      },
      h("summary", {}, t("why.fold")),
      decomposition(results),
      !hit && weights(results),
    ),
  );
  for (const node of place.querySelectorAll(".bars details"))
    if (one(".barname", node).textContent === open) node.open = true;
}
