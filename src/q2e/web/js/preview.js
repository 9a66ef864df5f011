// Plays a moment silently in its picture while one points at it, or stays on it with the keyboard.

import { at } from "./api.js";
import { h, put } from "./dom.js";

/** How long a pointer rests before anything is loaded. */
const REST_MS = 350;

/** Whether a reader wants pictures that move by themselves, and has the data for them. */
export const wanted = () =>
  matchMedia("(prefers-reduced-motion: no-preference)").matches &&
  !matchMedia("(prefers-reduced-data: reduce)").matches &&
  !navigator.connection?.saveData;

/** What the browser could not play, by id: it is not tried again. */
const unplayable = new Set();

/** Play a moment ({video, start, end}) in `node` while it is pointed at or has the visible focus. */
export function preview(node, { video, start, end }) {
  let playing = null;
  let later;

  const stop = () => {
    clearTimeout(later);
    if (!playing) return;
    playing.removeAttribute("src");
    playing.load(); // lets go of the connection
    playing.remove();
    playing = null;
  };
  const begin = () => {
    clearTimeout(later);
    if (playing || unplayable.has(video) || !wanted()) return;
    later = setTimeout(() => {
      const from = Math.min(Math.max(start, Number(node.dataset.t ?? start)), end);
      playing = h("video", {
        class: "preview",
        src: `${at.media(video)}#t=${from.toFixed(2)}`,
        muted: true,
        playsinline: true,
        disableremoteplayback: true,
        tabindex: -1,
        "aria-hidden": "true",
      });
      playing.muted = true;
      playing.addEventListener("error", () => {
        if (!playing?.getAttribute("src")) return;
        unplayable.add(video);
        stop();
      });
      playing.addEventListener("playing", () => playing?.classList.add("on"));
      playing.addEventListener("timeupdate", () => {
        if (playing && playing.currentTime >= end) playing.currentTime = start;
      });
      put(node, playing);
      playing.play().catch(() => {});
    }, REST_MS);
  };

  node.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && begin());
  // Moving goes through the pictures of the moment; resting plays from there.
  node.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse") return;
    if (Math.abs(event.movementX) > 1 && playing) stop();
    if (!playing) begin();
  });
  node.addEventListener("pointerleave", stop);
  node.addEventListener("focus", () => node.matches(":focus-visible") && begin());
  node.addEventListener("blur", stop);
  node.addEventListener("click", stop);
  if (node.matches(":hover, :focus-visible")) begin();
}
