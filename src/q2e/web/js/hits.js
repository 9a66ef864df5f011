// The hits: a grid of moments, each with its best frame, scrubbed by pointing, played by a click.

import { at } from "./api.js";
import { all, fill, h, icon, one, put, tool, words } from "./dom.js";
import { labelTools } from "./labelling.js";
import { draggable, pickTool } from "./pick.js";
import { go, linkTo, question, state, videoLink } from "./state.js";
import { channelName, clock, range, soundOnly, titleOf } from "./text.js";
import { nodes, t } from "./texts.js";

const STRIP = 10;
/** Share of a score below which a reason explains nothing. */
export const LITTLE = 0.05;
/** Hits shown where none is likely to answer. */
const NEAREST = 3;
const KINDS = ["query", "prequel", "current", "sequel"];

/** Return one hit as a list item. */
export function card(hit, { moved = 0 } = {}) {
  const best = hit.moments[0];
  const title = titleOf(hit);
  const open = (moment) => () => play(hit, moment);
  const node = h(
    "li",
    {
      class: hit.certain === "weaker" ? "hit weaker" : "hit",
      id: `hit-${hit.video}`,
      data: { video: hit.video },
    },
    h(
      "article",
      { "aria-label": `${hit.rank}. ${title}` },
      still(hit, best, "large", open(best)),
      h(
        "div",
        { class: "under" },
        h(
          "div",
          { class: "title" },
          h("span", { class: "rank number", "aria-hidden": "true" }, hit.rank),
          h(
            "h2",
            { dir: "auto" },
            words(title, null, "a", {
              href: videoLink(hit.video),
              data: { go: "" },
            }),
          ),
          moved !== 0 &&
            h(
              "span",
              { class: `moved ${moved > 0 ? "rose" : "fell"}`, title: t(moved > 0 ? "hit.rose" : "hit.fell") },
              `${moved > 0 ? "▲" : "▼"}${Math.abs(moved)}`,
            ),
        ),
        steps(hit) ?? reasons(hit),
        stack(hit),
        hit.moments.length > 1 &&
          h(
            "ul",
            { class: "more", "aria-label": t("hit.more") },
            hit.moments
              .slice(1, 4)
              .map((moment) => h("li", {}, still(hit, moment, "small", open(moment)))),
          ),
        tools(hit),
      ),
    ),
  );
  return node;
}

/** Return the place of a moment that a click plays: a little before what answers. */
export const startOf = (hit, moment) =>
  moment?.start ?? hit.why.find((reason) => reason.text)?.start ?? 0;

/** Open the player at a moment of a hit. */
export function play(hit, moment) {
  go({ hit: hit.video, t: startOf(hit, moment) });
}

function still(hit, moment, size, act) {
  const large = size === "large";
  const silent = soundOnly(hit);
  const from = moment?.start ?? 0;
  const to = moment?.end ?? 0;
  const seen = moment?.frame ?? from;
  const node = h(
    "button",
    {
      type: "button",
      class: `still ${size}`,
      "aria-label": t("hit.play", { title: titleOf(hit), time: clock(from) }),
      on: { click: act },
    },
    silent
      ? h("span", { class: "silent" }, icon("sound"))
      : h("img", {
          src: at.frame(hit.video, seen, large ? 480 : 160),
          alt: "",
          loading: "lazy",
          decoding: "async",
          width: 480,
          height: 270,
        }),
    h(
      "span",
      { class: "span number" },
      large && to > from ? range(from, to) : clock(from),
    ),
    large && h("span", { class: "go" }, icon("play")),
  );
  if (large && !silent && to > from) scrubbed(node, hit, from, to);
  if (large && !silent && to > from && hit.path) {
    // What plays it is loaded when a picture is first pointed at.
    const moving = async () => (await import("./preview.js")).preview(node, { video: hit.video, start: from, end: to });
    let asked;
    const ask = () => (asked ??= moving());
    node.addEventListener("pointerenter", ask, { once: true });
    node.addEventListener("focus", ask, { once: true });
  }
  return moment ? draggable(node, { ...hit, ...moment }) : node;
}

/** Show other pictures of a moment while one points at it, or stays on it with the keyboard. */
function scrubbed(node, hit, from, to) {
  let strip;
  let line;
  const load = () => {
    if (strip) return;
    strip = h("span", {
      class: "strip",
      style: { "--url": `url("${at.filmstrip(hit.video, from, to, STRIP, 320)}")` },
    });
    line = h("span", { class: "line" });
    put(node, strip, line);
  };
  const to_ = (part) => {
    const place = Math.min(STRIP - 1, Math.max(0, Math.floor(part * STRIP)));
    node.style.setProperty("--frame", String(place / (STRIP - 1)));
    node.style.setProperty("--part", String(part));
    node.dataset.t = String(from + part * (to - from));
  };
  let later;
  node.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") later = setTimeout(load, 90);
  });
  node.addEventListener("pointermove", (event) => {
    const { left, width } = node.getBoundingClientRect();
    to_((event.clientX - left) / width);
  });
  node.addEventListener("pointerleave", () => clearTimeout(later));
  node.addEventListener("focus", () => {
    if (node.matches(":focus-visible")) {
      load();
      to_(0);
    }
  });
  node.addEventListener("keydown", (event) => {
    if (!event.shiftKey || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    load();
    const now = (Number(node.dataset.t ?? from) - from) / (to - from);
    to_(Math.min(0.999, Math.max(0, now + (event.key === "ArrowRight" ? 1 : -1) / STRIP)));
  });
}

/** Return what was found in up to two channels, the strongest first; not what explains little. */
function reasons(hit) {
  const told = [];
  const whole = hit.why.reduce((sum, { contribution }) => sum + Math.max(contribution, 0), 0);
  for (const reason of hit.why) {
    if (!reason.text || reason.contribution <= 0 || reason.channel === "collection") continue;
    if (reason.contribution < LITTLE * whole) continue;
    if (reason.channel === "metadata" && told.length && !hit.title) continue;
    if (told.some((other) => other.channel === reason.channel || other.text === reason.text))
      continue;
    told.push(reason);
    if (told.length === 2) break;
  }
  return h(
    "ul",
    { class: "told" },
    told.map((reason) =>
      h(
        "li",
        {},
        h("span", { class: "dot", style: { "--c": `var(--${reason.channel})` } }),
        h("span", { class: "unseen" }, `${channelName(reason.channel)}: `),
        // What a picture was taken for says less than the words of the question that it matches.
        words(reason.channel === "frame" && reason.says ? reason.says : reason.text),
      ),
    ),
  );
}

/** Return the steps of an order, one row each, where the question asked for one. */
function steps(hit) {
  const parts = new Map();
  for (const reason of hit.why)
    if (
      !KINDS.includes(reason.part) &&
      reason.channel !== "collection" &&
      (reason.frame !== null || reason.text)
    )
      if (!parts.has(reason.part) || parts.get(reason.part).contribution < reason.contribution)
        parts.set(reason.part, reason);
  if (parts.size < 2) return null;
  const text = question(state());
  const rows = [...parts]
    .map(([part, reason]) => [part.replace(/"(.*)"$/, "$1"), reason])
    .sort(([a], [b]) => text.indexOf(a) - text.indexOf(b));
  return h(
    "ol",
    { class: / THEN /.test(text) ? "steps inorder" : "steps" },
    rows.map(([part, reason]) =>
      h(
        "li",
        {},
        h(
          "button",
          {
            type: "button",
            class: "step",
            on: { click: () => go({ hit: hit.video, t: reason.start }) },
            "aria-label": t("hit.play", { title: part, time: clock(reason.start) }),
          },
          soundOnly(hit)
            ? icon("sound")
            : h("img", {
                src: at.frame(hit.video, reason.frame ?? reason.start, 160),
                alt: "",
                loading: "lazy",
                width: 72,
                height: 40,
              }),
          h(
            "span",
            {},
            words(part, null, "b"),
            " ",
            h("span", { class: "soft number" }, clock(reason.start)),
          ),
        ),
      ),
    ),
  );
}

/** Return a hit's contributions by channel. */
export function byChannel(hit) {
  const sums = new Map();
  for (const reason of hit.why)
    sums.set(reason.channel, (sums.get(reason.channel) ?? 0) + reason.contribution);
  return [...sums].sort(([, a], [, b]) => b - a);
}

function stack(hit) {
  const parts = byChannel(hit).filter(([, value]) => value > 0.0005);
  const whole = parts.reduce((sum, [, value]) => sum + value, 0);
  return h(
    "div",
    {
      class: "stack",
      role: "img",
      "aria-label": t("hit.found-by", {
        channels: parts.map(([name]) => channelName(name)).join(", "),
      }),
    },
    parts.map(([name, value]) =>
      h("span", {
        title: channelName(name),
        style: { "--c": `var(--${name})`, "--w": String(value / whole) },
      }),
    ),
  );
}

function tools(hit) {
  const now = state();
  const moment = hit.moments[0];
  const place = `${hit.video}@${(moment?.frame ?? moment?.start ?? 0).toFixed(1)}`;
  const own = (id) => id.split("@")[0] === hit.video;
  const flip = (list, other) => () => {
    const rest = {
      [list]: state()[list].filter((id) => !own(id)),
      [other]: state()[other].filter((id) => !own(id)),
    };
    if (!state()[list].some(own)) rest[list].push(place);
    go(rest);
  };
  return h(
    "div",
    { class: "acts" },
    tool("why", t("hit.why"), () => go({ hit: hit.video, t: startOf(hit, moment) }), {
      class: "tool why",
    }),
    tool("up", t("hit.like"), flip("like", "dislike"), {
      "aria-pressed": now.like.some(own),
      class: "tool like",
    }),
    tool("down", t("hit.dislike"), flip("dislike", "like"), {
      "aria-pressed": now.dislike.some(own),
      class: "tool dislike",
    }),
    !soundOnly(hit) &&
      tool(
        "similar",
        t("hit.similar"),
        () => go({ q: "", then: [], ev: null, ex: [place], hit: "", t: null }),
        { class: "tool similar" },
      ),
    moment && pickTool({ ...hit, ...moment }),
    labelTools(hit, moment),
    hit.also_in?.length > 0 &&
      h(
        "span",
        { class: "soft small" },
        nodes("hit.also-in", {
          copies: hit.also_in.slice(0, 9).map((video, place) => [
            place ? ", " : "",
            h(
              "a",
              { href: linkTo({ view: "video", video }), data: { go: "" } },
              t("hit.copy", { n: place + 1 }),
            ),
          ]),
        }),
      ),
  );
}

/** Show hits in place of those before, moving the ones that stay. */
export function showHits(list, hits, { from = 0 } = {}) {
  const old = new Map(
    all(".hit", list).map((node, place) => [
      node.dataset.video,
      { box: node.getBoundingClientRect(), place },
    ]),
  );
  const kept = document.activeElement?.closest?.(".hit")?.dataset.video;
  const part = kept && [...document.activeElement.classList].slice(-1)[0];
  const cards = hits.map((hit) =>
    card(hit, { moved: from || !old.has(hit.video) ? 0 : old.get(hit.video).place + 1 - hit.rank }),
  );
  if (from) put(list, cards);
  else fill(list, cards);
  if (kept)
    one(`#hit-${CSS.escape(kept)} .${CSS.escape(part ?? "still")}`, list)?.focus({
      preventScroll: true,
    });
  if (!from && old.size && matchMedia("(prefers-reduced-motion: no-preference)").matches)
    slide(cards, old);
}

/**
 * Fold the hits that hardly answer, but for the nearest where all do and for `kept`, a video; return
 * how many are folded.
 */
export function foldWeaker(list, kept, unfolded) {
  const cards = all(".hit", list);
  const weaker = cards.filter((node) => node.classList.contains("weaker"));
  const less = weaker.length < cards.length ? weaker : weaker.slice(NEAREST);
  const folded = unfolded ? [] : less.filter((node) => node.dataset.video !== kept);
  for (const node of cards) node.hidden = folded.includes(node);
  return folded.length;
}

function slide(cards, old) {
  // All are measured before any is moved: else each would be laid out anew.
  const places = cards.map((node) => node.getBoundingClientRect());
  for (const [number, node] of cards.entries()) {
    const before = old.get(node.dataset.video);
    if (!before) {
      node.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 200 });
      continue;
    }
    const after = places[number];
    const [x, y] = [before.box.left - after.left, before.box.top - after.top];
    if (x || y)
      node.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], {
        duration: 320,
        easing: "cubic-bezier(.2,.7,.2,1)",
      });
  }
}

/** Mark the hit that is open. */
export function markOpen(video) {
  for (const node of all("#results .hit"))
    node.classList.toggle("open", node.dataset.video === video);
}
