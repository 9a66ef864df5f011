// One video: a large player, its timeline, all that is known, and where the question matches.

import { Refused, api } from "./api.js";
import { chapterLane, chapterList, chaptersOf, lightChapter } from "./chapters.js";
import { fill, h, one, tool, words } from "./dom.js";
import { pick } from "./pick.js";
import { downloads, linkButton, player } from "./player.js";
import { refuse } from "./results.js";
import { asks, go, linkTo, question, searchBody, searchKey, state } from "./state.js";
import { lanes, lightLines, pointAt, timelineOf, transcript } from "./timeline.js";
import { bytes, channelName, day, fileName, languageName, length } from "./text.js";
import { short, titleOf } from "./text.js";
import { nodes, t } from "./texts.js";

let open = null;
/** What answers where nothing is asked. */
const NONE = { moments: [], curve: null };
export const current = () => open?.player ?? null;

/** Show the video of the state, or move its player. */
export async function show(now) {
  if (open?.id === now.video && open.key === searchKey(now)) {
    if (now.t !== null && now.t !== open.asked) {
      open.asked = now.t;
      open.player?.seek(now.t);
    }
    return;
  }
  hide();
  const own = { id: now.video, key: searchKey(now), asked: now.t ?? 0 };
  open = own;
  const place = one("#video");
  fill(place, h("p", { class: "empty" }, t("video.loading")));
  try {
    const [record, data, matching] = await Promise.all([
      api.video(now.video),
      timelineOf(now.video),
      matches(now),
    ]);
    if (open === own) draw(place, own, record, data, matching);
  } catch (error) {
    const link = { href: linkTo({ view: "collection" }), data: { go: "" } };
    refuse(place, error, error.code === "not_found" && h("a", link, t("video.see-collection")));
  }
}

/** Stop the player. */
export function hide() {
  open?.player?.stop();
  open = null;
}

/** Show the video anew when it is shown next, as after the server could not be reached. */
export function forget() {
  if (!open?.player) hide();
}

async function matches(now) {
  if (!asks(now)) return NONE;
  try {
    const inIt = { ...searchBody(now), videos: [now.video], top: 1, curve: true };
    const { hits, curve } = await api.search(inIt);
    return { moments: hits[0]?.moments ?? [], curve };
  } catch (error) {
    if (error instanceof Refused) return NONE;
    throw error;
  }
}

function draw(place, own, record, data, { moments, curve }) {
  const { video } = record;
  const seek = (seconds) => go({ t: Math.round(seconds * 100) / 100 }, { quiet: true });
  const lanesNode = lanes(data, { moments, curve, seek, video });
  const channels = Object.keys(data.evidence).filter(
    (name) => name !== "metadata" && data.evidence[name].length,
  );
  const lines = h("div", { class: "linesplace" });
  const chapters = h("div", { class: "chaptersplace", hidden: true });
  chaptersOf(video.id).then((found) => {
    if (open !== own) return;
    chapterLane(found, data.duration, lanesNode, seek);
    chapterList(found, chapters, seek);
  });
  const pick = h("div", { class: "pick", role: "group", "aria-label": t("video.which") });
  const choose = (chosen) => {
    fill(
      pick,
      ["all", ...channels].map((name) =>
        h(
          "button",
          {
            type: "button",
            class: "lesson",
            "aria-pressed": String(name === chosen),
            on: { click: () => choose(name) },
          },
          name === "all" ? t("video.all") : channelName(name),
        ),
      ),
    );
    fill(lines, transcript(data, seek, chosen === "all" ? channels : [chosen]));
  };
  choose(["speech", "screen_text", "caption"].find((name) => channels.includes(name)) ?? "all");
  own.player = player(video, {
    start: own.asked,
    captions: Boolean(data.evidence.speech?.length),
    onTime: (time) => {
      pointAt(lanesNode, time, data.duration);
      lightLines(lines, time);
      lightChapter(chapters, time);
    },
  });
  const stretch = moments.find(
    (moment) => moment.start <= own.asked && own.asked <= moment.end,
  ) ?? { start: own.asked, end: Math.min(video.duration, own.asked + 10) };
  fill(
    place,
    h(
      "div",
      { class: "viewhead" },
      asks(state()) &&
        h(
          "a",
          {
            class: "back",
            href: linkTo({ ...state(), view: "search", video: "", t: null }),
            data: { go: "" },
          },
          t("video.back"),
        ),
      h("h1", {}, words(titleOf(video))),
      h("p", { class: "soft" }, facts(video)),
    ),
    h(
      "div",
      { class: "stage" },
      h(
        "div",
        {},
        own.player.node,
        h(
          "div",
          { class: "watchbar" },
          linkButton(own.player),
          tool("pick", t("tray.pick"), () => pickHere(own, video, moments), { class: "tool into" }),
          downloads(video, stretch.start, stretch.end),
          asks(state()) && h("span", { class: "soft" }, told(moments.length)),
        ),
        video.description &&
          words(short(video.description, 2000), video.language, "p", { class: "description" }),
      ),
      h(
        "section",
        { class: "cardbox lineslist", "aria-label": t("video.lines"), tabindex: 0 },
        pick,
        lines,
      ),
    ),
    h("section", { class: "cardbox", "aria-label": t("player.timeline") }, lanesNode, chapters),
    record.failures.length > 0 &&
      h(
        "div",
        { class: "problem" },
        record.failures.map((failure) =>
          h("p", {}, words(failure.reason ?? ""), failure.stage && ` (${failure.stage})`),
        ),
      ),
  );
}

/** Put the moment that plays into the tray; where none does, ten seconds from there. */
function pickHere(own, video, moments) {
  const time = own.player.time();
  const moment = moments.find(({ start, end }) => start <= time && time <= end);
  const { start, end } = moment ?? { start: time, end: time + 10 };
  pick({ video: video.id, start, end, duration: video.duration });
}

function told(many) {
  const found = many ? t("count.moments", { n: many }) : t("video.no-moment");
  const asked = question(state());
  if (!asked) return t("video.like-example", { found });
  return nodes("video.for", { found, question: words(short(asked)) });
}

function facts(video) {
  const known = [
    length(video.duration),
    video.width && `${video.width} × ${video.height}`,
    day(video.date),
    video.language && languageName(video.language),
    video.size && bytes(video.size),
    video.path && " ",
  ];
  return [
    known.filter(Boolean).join(" · "),
    words(fileName(video.path)),
    video.tags.slice(0, 30).map((tag) =>
      h(
        "a",
        { class: "clause", href: linkTo({ q: tag, tag: [tag] }), data: { go: "" } },
        words(short(tag, 60)),
      ),
    ),
  ];
}
