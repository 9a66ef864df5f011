// A video's chapters: its own, or those found in what is said and seen, along the time and as a list.

import { Refused, V1, call } from "./api.js";
import { h, one, words } from "./dom.js";
import { clock, short } from "./text.js";
import { t } from "./texts.js";

/** Shorter ones are no help in a video. */
const FEWEST = 2;

/** Return the chapters of a video; none where they cannot be told. */
export async function chaptersOf(video) {
  try {
    const found = await call("GET", `${V1}/videos/${encodeURIComponent(video)}/chapters`);
    return found.chapters.length < FEWEST ? [] : found.chapters;
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}

/** Show chapters as the first lane of `lanes`; `seek(seconds)` plays. */
export function chapterLane(chapters, duration, lanes, seek) {
  if (!chapters.length) return;
  const whole = Math.max(duration, 0.1);
  const lane = h(
    "div",
    { class: "lane chapterlane" },
    h("span", { class: "lanename" }, t("video.chapters")),
    h(
      "div",
      { class: "track", role: "group", "aria-label": t("video.chapters") },
      chapters.map((chapter) => {
        const piece = h("button", {
          type: "button",
          class: "piece chapter",
          tabindex: -1, // the list below says the same to the keyboard
          title: `${clock(chapter.start)}  ${short(chapter.title)}`,
          "aria-label": `${clock(chapter.start)} ${short(chapter.title)}`,
          style: {
            "--from": String(chapter.start / whole),
            "--size": String((chapter.end - chapter.start) / whole),
          },
          on: { click: () => seek(chapter.start) },
        });
        piece.append(words(short(chapter.title), chapter.language));
        return piece;
      }),
    ),
  );
  lanes.prepend(lane);
}

/** Show chapters as a list in `place`. */
export function chapterList(chapters, place, seek) {
  if (!chapters.length) return;
  place.append(
    h("h2", { id: "chapters-title" }, t("video.chapters")),
    h(
      "ol",
      { class: "chapters", "aria-labelledby": "chapters-title" },
      chapters.map((chapter) =>
        h(
          "li",
          { data: { start: chapter.start, end: chapter.end } },
          h(
            "button",
            { type: "button", class: "chapterline", on: { click: () => seek(chapter.start) } },
            h("span", { class: "number" }, clock(chapter.start)),
            words(short(chapter.title), chapter.language),
          ),
        ),
      ),
    ),
  );
  place.hidden = false;
}

/** Mark the chapter that is on. */
export function lightChapter(place, seconds) {
  for (const line of place.querySelectorAll("li")) {
    const on = Number(line.dataset.start) <= seconds && seconds < Number(line.dataset.end);
    const button = one("button", line);
    if (on) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}
