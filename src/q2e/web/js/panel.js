// Beside the hits: the player of the hit that is open, its timeline, and why it is there.

import { api } from "./api.js";
import { chapterLane, chapterList, chaptersOf, lightChapter } from "./chapters.js";
import { fill, h, one, tool, words } from "./dom.js";
import { markOpen, play } from "./hits.js";
import { labelTools } from "./labelling.js";
import { pickTool } from "./pick.js";
import { downloads, linkButton, player } from "./player.js";
import { hitOf, results } from "./results.js";
import { go, searchBody, state, videoLink } from "./state.js";
import { lanes, lightLines, pointAt, timelineOf, transcript } from "./timeline.js";
import { range, titleOf } from "./text.js";
import * as why from "./why.js";
import { t } from "./texts.js";

let open = null; // {video, player, moments}

/** Return the player that is open, or null. */
export const current = () => open?.player ?? null;

/** Show the state in the panel. */
export function show(now) {
  const panel = one("#panel");
  const found = results();
  if (!found || panel.hidden) return close();
  if (!one("#reasons", panel)) fill(panel, h("div", { id: "watch" }), h("div", { id: "reasons" }));
  const hit = now.hit ? hitOf(now.hit) : null;
  why.show(one("#reasons"), found, hit, (seconds) => go({ t: seconds }));
  if (!hit) return close();
  if (open?.video !== hit.video) start(hit, now.t ?? 0);
  else if (now.t !== null && Math.abs(now.t - open.asked) > 0.05) {
    open.asked = now.t;
    open.player.seek(now.t);
  }
  refresh(hit);
}

function close() {
  open?.player.stop();
  open = null;
  const place = one("#watch");
  if (place) fill(place);
}

function start(hit, seconds) {
  close();
  const video = { id: hit.video, path: hit.path, duration: hit.duration, has_video: hit.has_video };
  const own = { video: hit.video, asked: seconds };
  open = own;
  own.player = player(video, {
    start: seconds,
    captions: true,
    onTime: (time) => own.data && follow(own, time),
  });
  own.lanes = h("div", { class: "lanesplace" });
  own.chapters = h("div", { class: "chaptersplace", hidden: true });
  own.bar = h("div", { class: "watchbar" });
  fill(
    one("#watch"),
    h(
      "div",
      { class: "sectionhead" },
      h("h2", {}, words(titleOf(hit))),
      tool("close", t("player.close"), () => go({ hit: "", t: null }), { id: "close-panel" }),
    ),
    own.player.node,
    own.lanes,
    own.chapters,
    own.bar,
  );
  own.player.seek(seconds);
  if (matchMedia("(max-width: 1100px)").matches) one("#panel").scrollTo?.(0, 0);
  timelineOf(hit.video).then((data) => {
    if (open !== own) return;
    own.data = data;
    draw(own, hitOf(hit.video) ?? hit);
  });
  chaptersOf(hit.video).then((found) => {
    if (open !== own) return;
    own.titled = found;
    chapterList(found, own.chapters, quietly);
    if (own.data && found.length) draw(own, hitOf(hit.video) ?? hit);
  });
  curveOf(hit.video).then((curve) => {
    own.curve = curve;
    if (curve && own.data && open === own) draw(own, hitOf(hit.video) ?? hit);
  });
}

/** Return the score of a video over its time, for what is asked; null where there is none. */
const curveOf = (video) =>
  api.search({ ...searchBody(state()), videos: [video], top: 1, curve: true }).then(
    (found) => found.curve,
    () => null,
  );

/** Stop playing for a while, as when another view is shown. */
export const pause = (away) => {
  if (away) open?.player.pause();
};

const follow = (own, time) => {
  pointAt(own.lanes, time, own.data.duration);
  lightLines(own.lanes, time);
  lightChapter(own.chapters, time);
};

const quietly = (seconds) => go({ t: seconds }, { quiet: true });

function refresh(hit) {
  const moment =
    hit.moments.find((one_) => one_.start <= open.asked + 0.05 && open.asked <= one_.end) ??
    hit.moments[0];
  const [from, to] = [moment?.start ?? open.asked, moment?.end ?? open.asked];
  fill(
    open.bar,
    h("span", { class: "number soft" }, range(from, to)),
    tool("left", t("player.before"), () => step(-1)),
    tool("right", t("player.next"), () => step(1)),
    linkButton(open.player),
    pickTool({ ...hit, start: from, end: to }),
    labelTools(hit, moment),
    h(
      "a",
      {
        class: "button",
        href: videoLink(hit.video, from),
        data: { go: "" },
      },
      t("player.timeline"),
    ),
    downloads(
      { id: hit.video, path: hit.path, duration: hit.duration ?? 0, has_video: hit.has_video },
      from,
      to,
    ),
  );
  if (open.data) draw(open, hit);
}

function draw(own, hit) {
  const along = lanes(own.data, {
    moments: hit.moments,
    curve: own.curve,
    seek: quietly,
    compact: true,
  });
  chapterLane(own.titled ?? [], own.data.duration, along, quietly);
  fill(own.lanes, along, transcript(own.data, quietly, ["speech", "screen_text"]));
  pointAt(own.lanes, own.player.time(), own.data.duration);
}

/** Go to the moment before (-1) or after (1) the one that plays, in order of time. */
export function step(by) {
  const hit = open && hitOf(open.video);
  if (!hit?.moments.length) return;
  const inOrder = [...hit.moments].sort((a, b) => a.start - b.start);
  const here = inOrder.findLastIndex((moment) => moment.start <= open.asked + 0.05);
  play(hit, inOrder[(Math.max(0, here) + by + inOrder.length) % inOrder.length]);
}
