// What somebody sees who was given the link to a tray: its moments, played and printed.

import { fill, h, icon, one, words } from "./dom.js";
import { clock, length } from "./text.js";
import { language, more, t } from "./texts.js";

const place = one("#shared");
const here = new URL(`../v1${location.pathname.slice(location.pathname.lastIndexOf("/shared/"))}`, location);

function item(moment, number) {
  const title = moment.title || String(number + 1);
  const address = `${here.pathname}/clip/${number}`;
  const still = moment.has_video && moment.playable;
  return h(
    "li",
    { class: "pickedone" },
    h(
      "div",
      { class: "pickedhead" },
      h("span", { class: "rank number" }, number + 1),
      words(title, null, "h2"),
    ),
    moment.playable &&
      h("video", {
        src: address,
        poster: still ? `${here.pathname}/frame/${number}` : undefined,
        preload: "none",
        controls: true,
        playsinline: true,
        tabindex: 0,
        "aria-label": t("moment.play", { number: number + 1, title }),
      }),
    still && h("img", { class: "printed", src: `${here.pathname}/frame/${number}`, alt: "" }),
    h(
      "p",
      { class: "number soft", dir: "ltr" },
      `${clock(moment.start, true)} – ${clock(moment.end, true)}`,
    ),
    moment.note && words(moment.note, null, "p"),
  );
}

async function show() {
  await more("tray");
  const answer = await fetch(here);
  if (!answer.ok) {
    fill(place, h("p", { class: "empty", role: "alert" }, t("shared.over")));
    return;
  }
  const { name, changed, moments } = await answer.json();
  const whole = moments.reduce((sum, { start, end }) => sum + end - start, 0);
  const day = new Date(changed).toLocaleDateString(language, { dateStyle: "long" });
  document.title = `${name} – Q2E`;
  const save = (format) =>
    h(
      "a",
      { class: "button", href: `${here.pathname}/export?format=${format}`, download: `tray.${format}` },
      icon("save"),
      t(`tray.as.${format}`),
    );
  fill(
    place,
    h(
      "div",
      { class: "viewhead trayhead" },
      words(name, null, "h1"),
      h(
        "p",
        { class: "soft" },
        t("tray.size", { n: moments.length, length: length(whole) }),
        ` · ${day}`,
      ),
      moments.length > 0 && h("div", { class: "traytools" }, save("mp4"), save("zip")),
    ),
    h("ol", { class: "picked", "aria-label": t("view.tray") }, moments.map(item)),
  );
}

show();
