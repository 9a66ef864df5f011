// Filters beside the hits, with how many videos each would leave.

import { button, fill, h, one, words } from "./dom.js";
import { results, settled } from "./results.js";
import { asks, go, state } from "./state.js";
import { channelName, languageName } from "./text.js";
import { has, language, more, number, t } from "./texts.js";

let facets = {};
let named = false;

const GROUPS = [
  ["channel", "ch", channelName],
  ["language", "lang", languageName],
  ["tag", "tag", String],
];
const SHOWN = 8;

/** Show the filters of the state, with the counts that came with the answer. */
export function show(now) {
  const place = one("#filters");
  place.hidden = !asks(now);
  if (place.hidden) return;
  if (settled()) facets = results().facets ?? {};
  draw(place, now);
  // Kinds of sound have names of their own in other languages, which are loaded once.
  if (language !== "en" && facets.sound && !named) {
    named = true;
    more("sounds").then(() => !place.hidden && draw(place, state()), () => null);
  }
}

function draw(place, now) {
  const focused = place.contains(document.activeElement) && document.activeElement.id;
  const wasOpen = one("details", place)?.open ?? matchMedia("(min-width: 1101px)").matches;
  const given =
    now.ch.length +
    now.lang.length +
    now.tag.length +
    (now.since ? 1 : 0) +
    (now.until ? 1 : 0) +
    (now.dur ? 1 : 0);
  fill(
    place,
    h(
      "details",
      { open: wasOpen },
      h("summary", { id: "f-all" }, t("place.filters"), given > 0 && h("span", { class: "badge number" }, given)),
      GROUPS.map(([facet, list, called]) => group(now, facet, list, called)),
      labelled(now, "sound"),
      labelled(now, "seen"),
      dates(now),
      lengths(now),
      given > 0 &&
        button(
          t("filter.clear"),
          () => go({ ch: [], lang: [], tag: [], since: "", until: "", dur: "" }),
          { class: "button small", id: "f-clear" },
        ),
    ),
  );
  if (focused !== false) (document.getElementById(focused) ?? one("#f-all")).focus();
}

function group(now, facet, list, called) {
  const counts = {
    ...Object.fromEntries(now[list].map((value) => [value, 0])),
    ...(facets[facet] ?? {}),
  };
  const rows = Object.entries(counts).sort(
    ([a, x], [b, y]) => now[list].includes(b) - now[list].includes(a) || y - x,
  );
  if (!rows.length) return null;
  return h(
    "fieldset",
    {},
    h("legend", {}, t(`filter.${facet}`)),
    rows.slice(0, SHOWN).map(([value, many]) => {
      const id = `f-${facet}-${encodeURIComponent(value)}`;
      return h(
        "label",
        { for: id },
        h("input", {
          type: "checkbox",
          id,
          checked: now[list].includes(value),
          on: {
            change: (event) =>
              go({
                [list]: event.target.checked
                  ? [...state()[list], value]
                  : state()[list].filter((other) => other !== value),
                hit: "",
              }),
          },
        }),
        h("bdi", { dir: "auto" }, called(value)),
        h("span", { class: "soft number" }, many ? number(many) : ""),
      );
    }),
  );
}

/**
 * Return what is heard, or seen, in the videos found, by the facet's channel; pressed, only those
 * are left in which it is.
 */
function labelled(now, channel) {
  const rows = Object.entries(facets[channel] ?? {}).slice(0, SHOWN);
  const clause = (name) => `${channel}:"${name.replaceAll('"', " ")}"`;
  const key = (name) => `sound.${name.toLowerCase()}`;
  const told = (name) => (has(key(name)) ? t(key(name)) : words(name, "en"));
  const called = (name) => (channel === "sound" ? told(name) : words(name, null));
  return (
    rows.length > 0 &&
    h(
      "fieldset",
      { class: "dates" },
      h("legend", {}, t(`filter.${channel}`)),
      h(
        "div",
        { class: "years" },
        rows.map(([name, many]) => {
          const on = now.q.includes(clause(name));
          const without = now.q.replace(clause(name), "").replace(/\s+/g, " ").trim();
          return h(
            "button",
            {
              type: "button",
              class: "lesson",
              id: `f-${channel}-${encodeURIComponent(name)}`,
              "aria-pressed": String(on),
              on: {
                click: () => go({ q: on ? without : `${now.q} ${clause(name)}`.trim(), hit: "", ev: null }),
              },
            },
            called(name),
            h("span", { class: "soft number" }, ` ${number(many)}`),
          );
        }),
      ),
    )
  );
}

function dates(now) {
  const field = (name, label) =>
    h(
      "label",
      {},
      label,
      h("input", {
        id: `f-${name}`,
        type: "date",
        class: "field",
        value: now[name],
        on: { change: (event) => go({ [name]: event.target.value, hit: "" }) },
      }),
    );
  return h(
    "fieldset",
    { class: "dates" },
    h("legend", {}, t("filter.date")),
    years(now),
    field("since", t("filter.from")),
    field("until", t("filter.until")),
  );
}

function years(now) {
  const rows = Object.entries(facets.year ?? {})
    .sort(([a], [b]) => b.localeCompare(a))
    .slice(0, 6);
  return (
    rows.length > 0 &&
    h(
      "div",
      { class: "years" },
      rows.map(([year, many]) => {
        const on = now.since === `${year}-01-01` && now.until === `${year}-12-31`;
        return h(
          "button",
          {
            type: "button",
            class: "lesson number",
            id: `f-year-${year}`,
            "aria-pressed": on,
            title: t("filter.of-year", { n: many, year }),
            on: {
              click: () =>
                go(
                  on
                    ? { since: "", until: "" }
                    : { since: `${year}-01-01`, until: `${year}-12-31` },
                ),
            },
          },
          year,
        );
      }),
    )
  );
}

function lengths(now) {
  const counts = { ...(now.dur ? { [now.dur]: 0 } : {}), ...(facets.duration ?? {}) };
  const rows = Object.entries(counts);
  return (
    rows.length > 0 &&
    h(
      "fieldset",
      { class: "dates" },
      h("legend", {}, t("filter.length")),
      h(
        "div",
        { class: "years" },
        rows.map(([value, many]) =>
          h(
            "button",
            {
              type: "button",
              class: "lesson number",
              id: `f-dur-${value}`,
              "aria-pressed": String(now.dur === value),
              title: many ? t("filter.of-length", { n: many }) : "",
              on: { click: () => go({ dur: now.dur === value ? "" : value, hit: "" }) },
            },
            h("bdi", { dir: "ltr" }, value.replace("-", " – ")),
          ),
        ),
      ),
    )
  );
}
