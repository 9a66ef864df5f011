// Builds the page's nodes. Text goes in as text, never as markup, whatever it says.

import { t } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";

/** Return a new element; `props` are properties, `on` handlers, `style` custom properties. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || (value === false && !name.startsWith("aria-")))
      continue;
    if (name === "on")
      for (const [type, act] of Object.entries(value)) node.addEventListener(type, act);
    else if (name === "style")
      for (const [key, set] of Object.entries(value)) node.style.setProperty(key, set);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
  }
  put(node, ...children);
  return node;
}

/** Append nodes, strings and lists of them, leaving out null, undefined and false. */
export function put(node, ...children) {
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined && child !== false) node.append(child);
  return node;
}

/** Replace all that is in a node. */
export function fill(node, ...children) {
  node.replaceChildren();
  return put(node, ...children);
}

export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const PATHS = {
  answer: "M4 5h16v11H11l-4.500 4v-4H4zM8 9h8M8 12h5",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.3 15.3 20 20",
  image: "M4 5h16v14H4zM4 16l4.5-5 4 4 2.5-2.500 5 4.500M15 9.500h.01",
  then: "M4 6h9M4 12h6M4 18h3M16 9v9m0 0-3-3m3 3 3-3",
  close: "M6 6l12 12M18 6 6 18",
  filter: "M4 6h16M7 12h10M10 18h4",
  play: "M8 5.500v13l10.500-6.500z",
  up: "M7 11v9H4v-9zM7 12l4-8c1.500 0 2.500 1 2.500 2.500V10H19a1.600 1.600 0 0 1 1.600 1.900l-1.200 6.500A2 2 0 0 1 17.400 20H7",
  down: "M7 13V4H4v9zM7 12l4 8c1.500 0 2.500-1 2.500-2.500V14H19a1.600 1.600 0 0 0 1.600-1.900l-1.200-6.500A2 2 0 0 0 17.400 4H7",
  why: "M5 20V10M12 20V4M19 20v-7",
  label: "M4 4h8l8 8-8 8-8-8zM8.500 8.500h.01",
  save: "M12 4v11m0 0-4-4m4 4 4-4M5 20h14",
  link: "M10 14a4 4 0 0 0 5.700 0l3-3a4 4 0 0 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1",
  time: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.500l3 2",
  similar: "M4 4h10v10H4zM10 14v6h10V10h-6",
  sound: "M5 10v4M9 7v10M13 4v16M17 8v8M21 11v2",
  pick: "M4 11h16l-1.500 9h-13zM8 11l3-7M16 11l-3-7M9.500 15.500h5",
  up_: "M6 15l6-7 6 7",
  down_: "M6 9l6 7 6-7",
  plus: "M12 5v14M5 12h14",
  undo: "M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 3v1.500M12 19.500V21M3 12h1.500M19.500 12H21M5.600 5.600l1.100 1.100M17.300 17.300l1.100 1.100M5.600 18.400l1.100-1.100M17.300 6.700l1.100-1.100",
  help: "M9 9a3 3 0 1 1 4.200 2.800c-.8.400-1.200 1-1.200 2.200M12 17.500h.01",
  star: "M12 4l2.400 5.200 5.600.600-4.200 3.800 1.200 5.600-5-2.900-5 2.900 1.200-5.600L4 9.800l5.600-.600z",
  sheet: "M4 4h16v16H4zM4 12h16M12 4v16",
  bin: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  retry: "M20 12a8 8 0 1 1-2.500-5.800M20 4v5h-5",
  leave: "M14 4H5v16h9M10 12h11m0 0-4-4m4 4-4 4",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
};

/** Return an icon; it says nothing to a screen reader, its button does. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Return a button with an icon and, read aloud and shown on hover, its name. */
export function tool(name, label, act, props = {}) {
  return h(
    "button",
    {
      type: "button",
      class: "tool",
      "aria-label": label,
      title: label,
      ...props,
      on: { click: act },
    },
    icon(name),
  );
}

/** Return a button with words. */
export function button(label, act, props = {}) {
  return h("button", { type: "button", class: "button", ...props, on: { click: act } }, label);
}

/** Return someone else's words: their direction is their own, and their language where known. */
export function words(text, language, tag = "bdi", props = {}) {
  return h(tag, { dir: "auto", lang: language || scriptLanguage(text), ...props }, text);
}

const SCRIPTS = [
  ["ja", /[\u3040-\u30ff]/],
  ["ko", /[\uac00-\ud7af\u1100-\u11ff]/],
  ["zh", /[\u4e00-\u9fff]/],
  ["ar", /[\u0600-\u06ff]/],
  ["he", /[\u0590-\u05ff]/],
  ["hi", /[\u0900-\u097f]/],
  ["th", /[\u0e00-\u0e7f]/],
  ["ru", /[\u0400-\u04ff]/],
];

/** Return a language whose script a text is in, so that a fitting font is taken, or undefined. */
export function scriptLanguage(text) {
  return SCRIPTS.find(([, script]) => script.test(text))?.[0];
}

let speaker;
/** Have a screen reader say something, without moving its place. */
export function say(text) {
  speaker ??= one("#said");
  speaker.textContent = "";
  requestAnimationFrame(() => {
    speaker.textContent = text;
  });
}

/** Show a short notice for a few seconds; with `undo`, a function, it offers to take back. */
export function notice(text, undo = null) {
  const back = undo && button(t("undo"), () => (node.remove(), undo()), { class: "plain undo" });
  const node = h("p", { class: "notice" }, text, back && [" ", back]);
  one("#notices").append(node);
  setTimeout(() => node.remove(), undo ? 12_000 : 6000);
}
