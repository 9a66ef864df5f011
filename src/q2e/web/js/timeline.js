// One video along its time: shots, what is said, what stands on screen, where the question matches.

import { api, at } from "./api.js";
import { all, h, one, words } from "./dom.js";
import { channelName, clock, percent, short, soundOnly } from "./text.js";
import { t } from "./texts.js";
import { lightWord, playsWords, unlight } from "./wordbyword.js";

const ORDER = ["frame", "caption", "summary", "speech", "screen_text", "sound", "metadata"];

// Shots that are each shown by a picture; more share one strip of as many.
const MANY = 24;

const known = new Map();

/** Return a video's timeline, asked for once. */
export async function timelineOf(video) {
  if (!known.has(video)) {
    if (known.size > 50) known.delete(known.keys().next().value);
    known.set(
      video,
      api.timeline(video).catch((error) => {
        known.delete(video);
        throw error;
      }),
    );
  }
  return known.get(video);
}

/** Return evidence as short pieces: the spans of what has them. */
export function pieces(list) {
  return list.flatMap((item) =>
    item.spans?.length ? item.spans.map((span) => ({ ...item, ...span })) : [item],
  );
}

/** Return what a piece says: its text, or the likeliest names of what it shows. */
export function saying(item) {
  if (item.text) return item.text;
  return (item.tags ?? [])
    .slice(0, 3)
    .map((tag) => `${tag.label} ${percent(tag.probability)}`)
    .join(", ");
}

/** Return lanes over the whole video; `seek(seconds)` plays from there. */
export function lanes(data, { moments = [], curve = null, seek, compact = false, video = {} }) {
  const whole = Math.max(data.duration, 0.1);
  const place = (start, end) => ({
    "--from": String(start / whole),
    "--size": String(Math.max(end - start, whole / 400) / whole),
  });
  const mark = (item, css, name) =>
    h("button", {
      type: "button",
      class: `piece ${css}`,
      style: place(item.start, item.end),
      // The list of lines says the same to the keyboard, one line a stop.
      tabindex: compact || css === "said" ? -1 : 0,
      title: `${clock(item.start)}  ${short(name)}`,
      "aria-label": `${clock(item.start)} ${short(name)}`,
      on: { click: () => seek(item.start) },
    });
  const lane = (name, css, nodes, style) =>
    nodes.length > 0 &&
    h(
      "div",
      { class: `lane ${css}` },
      h("span", { class: "lanename" }, name),
      h("div", { class: "track", role: "group", "aria-label": name, style }, nodes),
    );
  const channels = compact
    ? ["speech", "screen_text"]
    : [...ORDER, ...Object.keys(data.evidence).filter((name) => !ORDER.includes(name))].filter(
        (name) => !["frame", "metadata", "summary"].includes(name),
      );
  const pictures = !soundOnly(video) && !compact;
  const strip = at.filmstrip(data.video, 0, whole, MANY, 160);
  const top = Math.max(...moments.map((moment) => moment.score), 0);
  const node = h(
    "div",
    { class: compact ? "lanes compact" : "lanes", dir: "ltr" },
    lane(
      t("lane.matches"),
      "matches",
      moments.map((moment) => {
        const button = mark(moment, "match", t("lane.match"));
        button.style.setProperty(
          "--strength",
          String(top > 0 ? Math.max(0.35, moment.score / top) : 1),
        );
        return button;
      }),
    ),
    curve && lane(t("lane.curve"), "curvelane", [drawn(curve, whole, seek)]),
    lane(
      t("lane.shots"),
      "shots",
      data.segments.map((segment) => {
        const button = mark(segment, "shot", t("lane.shot", { time: clock(segment.end) }));
        if (pictures && data.segments.length <= MANY)
          button.append(
            h("img", {
              src: at.frame(data.video, (segment.start + segment.end) / 2, 160),
              alt: "",
              loading: "lazy",
              decoding: "async",
            }),
          );
        return button;
      }),
      pictures && data.segments.length > MANY ? { "--strip": `url("${strip}")` } : undefined,
    ),
    channels.map((channel) =>
      lane(
        channelName(channel),
        channel,
        pieces(data.evidence[channel] ?? [])
          .filter((item) => item.end > item.start || item.text)
          .map((item) => {
            const button = mark(item, "said", saying(item));
            button.style.setProperty("--c", `var(--${channel}, var(--caption))`);
            if (!compact) button.append(words(short(saying(item)), item.language));
            return button;
          }),
      ),
    ),
    h(
      "div",
      { class: "lane ruler", "aria-hidden": "true" },
      h("span", { class: "lanename" }),
      h(
        "div",
        { class: "track" },
        ticks(whole).map((time) =>
          h(
            "span",
            { class: "tick number", style: { "--from": String(time / whole) } },
            clock(time),
          ),
        ),
      ),
    ),
    h("div", { class: "needle", "aria-hidden": "true" }),
  );
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** Return the score over time ({step, values}) as an area; a click in it plays from there. */
function drawn({ step, values }, whole, seek) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${values.length} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true"); // the list of moments says what stands out
  svg.setAttribute("class", "curve");
  const area = document.createElementNS(SVG, "path");
  const steps = values.map((value, place) => `V${(1 - value).toFixed(3)}H${place + 1}`);
  area.setAttribute("d", `M0 1${steps.join("")}V1Z`);
  svg.append(area);
  svg.addEventListener("click", (event) => {
    const { left, width } = svg.getBoundingClientRect();
    seek(Math.min(whole, ((event.clientX - left) / width) * step * values.length));
  });
  return svg;
}

function ticks(whole) {
  const step =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].find((size) => whole / size <= 8) ?? 7200;
  return Array.from({ length: Math.floor(whole / step) + 1 }, (_, place) => place * step).filter(
    (time) => time < whole * 0.97,
  );
}

/** Move the needle of lanes, and light what is on at that time. */
export function pointAt(node, seconds, duration) {
  one(".needle", node)?.style.setProperty(
    "--from",
    String(Math.min(1, seconds / Math.max(duration, 0.1))),
  );
}

/** Return all that is known as a list in order of time, each line playing from there. */
export function transcript(data, seek, channels) {
  const lines = channels
    .flatMap((channel) =>
      pieces(data.evidence[channel] ?? []).map((item) => ({ ...item, channel })),
    )
    .filter((item) => saying(item))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  const spoken = (item) => item.channel === "speech" && item.end > item.start;
  return h(
    "ol",
    { class: "lines" },
    lines.slice(0, 3000).map((item) => {
      const line = h(
        "li",
        { class: spoken(item) ? "spoken" : "", data: { start: item.start, end: item.end, ...(item.words && { words: JSON.stringify(item.words) }) } },
        h(
          "button",
          { type: "button", class: "plain number", on: { click: () => seek(item.start) } },
          clock(item.start),
        ),
        h("span", {
          class: "dot",
          title: channelName(item.channel),
          style: { "--c": `var(--${item.channel})` },
        }),
        h("span", { class: "unseen" }, channelName(item.channel)),
        words(saying(item), item.language, "span", { class: "linetext" }),
      );
      if (spoken(item)) playsWords(line, seek);
      return line;
    }),
  );
}

/** Mark the lines that are on at a time, and follow them, unless somebody reads elsewhere in them. */
export function lightLines(node, seconds) {
  let first = null;
  for (const line of all(".lines li", node)) {
    const on = Number(line.dataset.start) <= seconds && seconds < Number(line.dataset.end);
    if (on && !line.classList.contains("on")) first ??= line;
    if (line.classList.contains("spoken")) {
      if (on) lightWord(line, seconds);
      else if (line.classList.contains("on")) unlight(line);
    }
    line.classList.toggle("on", on);
    const button = one("button", line);
    if (on) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  if (first && !first.closest(".lines").matches(":hover, :focus-within")) follow(first);
}

/** Bring a line into sight by scrolling what it lies in, never the page. */
function follow(line) {
  const list = line.closest(".lines");
  const scroller = list.scrollHeight > list.clientHeight + 1 ? list : line.closest(".lineslist");
  if (!scroller) return;
  const own = line.getBoundingClientRect();
  const whole = scroller.getBoundingClientRect();
  if (own.top >= whole.top && own.bottom <= whole.bottom) return;
  scroller.scrollTop += own.top - whole.top - whole.height / 3;
}
