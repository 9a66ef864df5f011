// Plays a video at the second, with captions; shows stills where the browser cannot play the file.

import { at } from "./api.js";
import { button, fill, h, notice, tool } from "./dom.js";
import { linkTo, state } from "./state.js";
import { clock, fileName, range, soundOnly } from "./text.js";
import { t } from "./texts.js";

/**
 * Return a player of `video` ({id, path, has_video, duration}): {node, seek, toggle, step, time}.
 * `onTime(seconds)` is called as it plays.
 */
export function player(video, { start = 0, end = null, captions = false, onTime = () => {} } = {}) {
  if (!video.path) return absent(start);
  const still = /\.gif$/i.test(video.path);
  return still ? stills(video, start, onTime) : media(video, start, end, captions, onTime);
}

/** Return what stands in for a player where a video was imported without its file. */
function absent(start) {
  let time = start;
  return {
    node: h("p", { class: "cardbox soft" }, t("player.absent")),
    seek: (seconds) => (time = seconds),
    toggle: () => {},
    step: (seconds) => (time += seconds),
    time: () => time,
    pause: () => {},
    stop: () => {},
  };
}

function media(video, start, end, captions, onTime) {
  const element = h(
    "video",
    {
      src: `${at.media(video.id)}#t=${start.toFixed(2)}`,
      controls: true,
      preload: "metadata",
      playsinline: true,
      tabindex: 0,
      poster: soundOnly(video) ? undefined : at.frame(video.id, start, 640),
      "aria-label": t("player.of", { name: fileName(video.path ?? "") }),
    },
    captions &&
      h("track", {
        kind: "captions",
        label: t("player.captions"),
        src: at.transcript(video.id, "vtt"),
        default: true,
      }),
  );
  const node = h("div", { class: soundOnly(video) ? "player silent" : "player" }, element);
  const self = {
    node,
    seek(seconds, play = true) {
      element.currentTime = seconds;
      if (play) element.play().catch(() => {});
    },
    toggle: () => (element.paused ? element.play().catch(() => {}) : element.pause()),
    step: (seconds) => {
      element.currentTime = Math.max(0, element.currentTime + seconds);
    },
    time: () => element.currentTime,
    pause: () => element.pause(),
    stop: () => {
      element.pause();
      element.removeAttribute("src");
      element.load();
    },
  };
  element.addEventListener("timeupdate", () => onTime(element.currentTime));
  element.addEventListener("error", () => {
    if (!element.getAttribute("src")) return;
    notice(t("player.unplayable"));
    const other = soundOnly(video)
      ? heard(video, start, onTime)
      : stills(video, element.currentTime || start, onTime, true);
    node.className = other.node.className;
    fill(node, [...other.node.childNodes]);
    Object.assign(self, { ...other, node });
  });
  return self;
}

/** Play in `place` a file that the browser cannot, from `from` on: as the server makes it playable. */
async function made(place, video, from, onTime) {
  const { stretches } = await import("./stretches.js");
  fill(place, stretches(video, from, onTime));
}

/** Return a player of sound that the browser cannot play: stretch by stretch. */
function heard(video, start, onTime) {
  let time = start;
  const place = h("div", {});
  const node = h("div", { class: "player silent" }, place);
  const follow = (seconds) => {
    time = seconds;
    onTime(time);
  };
  const seek = (seconds) => {
    time = Math.max(0, seconds);
    fill(
      place,
      button(t("player.from", { time: clock(time) }), () =>
        made(place, video, time, follow),
      ),
    );
  };
  seek(start);
  return {
    node,
    seek,
    toggle: () => place.firstElementChild.click(),
    step: (seconds) => seek(time + seconds),
    time: () => time,
    pause: () => place.querySelector("video")?.pause(),
    stop: () => fill(place),
  };
}

function stills(video, start, onTime, playable = false) {
  let time = start;
  const image = h("img", { alt: "", width: 640, height: 360 });
  const screen = h("div", { class: "screen" }, image);
  const play = () =>
    made(screen, video, time, (seconds) => {
      time = seconds;
      onTime(time);
    });
  const clockNode = h("span", { class: "number" });
  const show = (seconds) => {
    time = Math.min(Math.max(0, seconds), Math.max(0, (video.duration ?? 1e6) - 0.01));
    image.src = at.frame(video.id, time, 640);
    image.alt = t("player.picture", { time: clock(time, true) });
    clockNode.textContent = clock(time, true);
    if (!image.isConnected) fill(screen, image);
    onTime(time);
  };
  const node = h(
    "div",
    { class: "player stills" },
    screen,
    h(
      "div",
      { class: "stillbar" },
      tool("left", t("player.back"), () => show(time - 0.5)),
      clockNode,
      tool("right", t("player.on"), () => show(time + 0.5)),
      playable && button(t("player.here"), play),
    ),
  );
  fill(screen, image);
  show(start);
  return {
    node,
    seek: show,
    toggle: () => show(time + 0.5),
    step: (seconds) => show(time + seconds),
    time: () => time,
    pause: () => screen.querySelector("video")?.pause(),
    stop: () => fill(screen),
  };
}

/** Return links that save a stretch: a clip, an exact clip and a sheet of pictures. */
export function downloads(video, start, end) {
  if (!video.path) return null;
  const stretch =
    end > start ? [start, end] : [start, Math.min(start + 5, video.duration || start + 5)];
  return h(
    "details",
    { class: "menu" },
    h("summary", { class: "button" }, t("save")),
    h(
      "ul",
      {},
      h(
        "li",
        {},
        h(
          "a",
          { href: at.clip(video.id, ...stretch), download: true },
          t("save.clip", { range: range(...stretch) }),
        ),
      ),
      h(
        "li",
        {},
        h("a", { href: at.clip(video.id, ...stretch, true), download: true }, t("save.exact")),
      ),
      !soundOnly(video) &&
        h(
          "li",
          {},
          h(
            "a",
            { href: at.storyboard(video.id, ...stretch), download: "storyboard.jpg" },
            t("save.board-moment"),
          ),
        ),
      !soundOnly(video) &&
        h(
          "li",
          {},
          h(
            "a",
            { href: at.storyboard(video.id), download: "storyboard.jpg" },
            t("save.board-video"),
          ),
        ),
      h(
        "li",
        {},
        h(
          "a",
          { href: at.transcript(video.id, "srt"), download: "transcript.srt" },
          t("save.subtitles", { format: "SRT" }),
        ),
      ),
      h(
        "li",
        {},
        h(
          "a",
          { href: at.media(video.id), download: fileName(video.path ?? "video") },
          t("save.file"),
        ),
      ),
    ),
  );
}

/** Return a button that copies the address of what is shown, at the second a player stands at. */
export const linkButton = (own) =>
  tool("link", t("player.link"), async () => {
    const link = new URL(linkTo({ ...state(), t: own.time() }), location).href;
    try {
      await navigator.clipboard.writeText(link);
      notice(t("player.copied"));
    } catch {
      notice(link);
    }
  });
