// A moment on its filmstrip, with a handle at each end: dragged, or moved with the arrow keys.

import { at } from "./api.js";
import { h } from "./dom.js";
import { clock } from "./text.js";
import { t } from "./texts.js";

const PICTURES = 12;
/** Least seconds of a moment, and seconds shown before and after it. */
const LEAST_S = 0.2;
const around = (length) => Math.max(4, length / 2);

/** Return a strip of a moment ({video, start, end, duration}); `done(start, end)` after a change. */
export function trim(moment, number, done) {
  const length = moment.end - moment.start;
  const from = Math.max(0, moment.start - around(length));
  const to = Math.min(moment.duration || Infinity, moment.end + around(length));
  const span = to - from;
  const ends = { start: moment.start, end: moment.end };
  const clocks = h("span", { class: "number trimclock" });
  const strip = h("div", {
    class: "trimstrip",
    style: { "--url": `url("${at.filmstrip(moment.video, from, to, PICTURES, 160)}")` },
  });
  const handles = ["start", "end"].map((which) => handle(which));
  const node = h("div", { class: "trim", dir: "ltr" }, strip, handles, clocks);

  function show() {
    strip.style.setProperty("--from", String((ends.start - from) / span));
    strip.style.setProperty("--to", String((ends.end - from) / span));
    handles.forEach((own, place) => {
      const value = place ? ends.end : ends.start;
      own.style.setProperty("--at", String((value - from) / span));
      own.setAttribute("aria-valuemin", from.toFixed(1));
      own.setAttribute("aria-valuemax", to.toFixed(1));
      own.setAttribute("aria-valuenow", value.toFixed(1));
      own.setAttribute("aria-valuetext", clock(value, true));
    });
    clocks.textContent = `${clock(ends.start, true)} – ${clock(ends.end, true)}`;
  }

  function move(which, seconds) {
    const within = Math.min(to, Math.max(from, seconds));
    if (which === "start") ends.start = Math.min(within, ends.end - LEAST_S);
    else ends.end = Math.max(within, ends.start + LEAST_S);
    show();
  }

  let kept = { ...ends };
  function commit() {
    if (ends.start === kept.start && ends.end === kept.end) return;
    kept = { ...ends };
    done(round(ends.start), round(ends.end));
  }

  function handle(which) {
    const own = h("div", {
      class: `handle ${which}`,
      role: "slider",
      tabindex: 0,
      "aria-label": t(`moment.${which}`, { number }),
      "data-focus": `${which}-${number}`,
      data: { which },
    });
    own.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      own.focus();
      own.setPointerCapture(event.pointerId);
      const { left, width } = node.getBoundingClientRect();
      const drag = (moved) => move(which, from + ((moved.clientX - left) / width) * span);
      own.addEventListener("pointermove", drag);
      own.addEventListener(
        "lostpointercapture",
        () => {
          own.removeEventListener("pointermove", drag);
          commit();
        },
        { once: true },
      );
    });
    own.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      move(which, ends[which] + by * (event.shiftKey ? 1 : 0.1));
    });
    own.addEventListener("keyup", (event) => event.key.startsWith("Arrow") && commit());
    own.addEventListener("blur", commit);
    return own;
  }

  show();
  return node;
}

const round = (seconds) => Math.round(seconds * 100) / 100;
