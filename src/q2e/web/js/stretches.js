// Plays what the browser cannot: half a minute after another, made playable by the server.

import { at } from "./api.js";
import { h, notice } from "./dom.js";
import { clock, fileName } from "./text.js";
import { t } from "./texts.js";

/** Seconds that are made playable at once; pieces begin at whole ones, so that they are kept. */
const STRETCH_S = 30;

/** H.264 and AAC in MP4, which is small; `webm` where the browser has no decoder for these. */
const form = () =>
  document.createElement("video").canPlayType('video/mp4; codecs="avc1.42E01E, mp4a.40.2"') ? undefined : "webm";

/** Return an element that plays a video from `from` on; `onTime(seconds)` follows it. */
export function stretches(video, from, onTime) {
  let begin = 0;
  let ahead = null;
  const whole = video.duration || Infinity;
  const element = h("video", { controls: true, playsinline: true, autoplay: true, tabindex: 0 });

  function load(seconds) {
    begin = Math.floor(seconds / STRETCH_S) * STRETCH_S;
    element.src = `${at.playable(video.id, begin, form())}#t=${(seconds - begin).toFixed(2)}`;
    const end = Math.min(whole, begin + STRETCH_S);
    element.setAttribute(
      "aria-label",
      t("player.stretch", { from: clock(begin), to: clock(end), name: fileName(video.path ?? "") }),
    );
    ahead = null;
  }

  element.addEventListener("timeupdate", () => {
    onTime(begin + element.currentTime);
    // The next piece is made while this one plays.
    const next = begin + STRETCH_S;
    if (!ahead && next < whole && element.currentTime > STRETCH_S / 3)
      ahead = fetch(at.playable(video.id, next, form())).catch(() => null);
  });
  element.addEventListener("ended", () => {
    if (begin + STRETCH_S >= whole) return;
    load(begin + STRETCH_S);
    element.play().catch(() => {});
  });
  element.addEventListener(
    "error",
    () => element.getAttribute("src") && notice(t("player.no-stretch")),
    { once: true },
  );
  load(from);
  return element;
}
