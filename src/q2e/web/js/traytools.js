// What a tray becomes: files to save, and links that show it to others for a while.

import { button, fill, h, icon, notice } from "./dom.js";
import { language, t } from "./texts.js";
import { attempt } from "./tray.js";
import * as trays from "./trays.js";

const FORMATS = ["mp4", "zip", "csv", "edl", "otio", "m3u8", "srt"];
const DAYS = [1, 7, 30];

/** Return the menu of files that a tray can become. */
export const exportMenu = (tray) =>
  h(
    "details",
    { class: "menu" },
    h("summary", { class: "button" }, icon("save"), t("tray.save")),
    h(
      "ul",
      {},
      tray.moments.length
        ? FORMATS.map((format) => h("li", {}, link(format)))
        : h("li", { class: "soft" }, t("tray.how")),
    ),
  );

const link = (format) =>
  h(
    "a",
    {
      href: trays.file(format),
      download: `tray.${format}`,
      on: {
        click: () => ["mp4", "zip"].includes(format) && notice(t("tray.making")),
      },
    },
    t(`tray.as.${format}`),
  );

/** Return the menu of the links that show a tray: made, copied once, taken back. */
export function shareMenu(tray) {
  const days = h(
    "select",
    { class: "field", "aria-label": t("share.holds") },
    DAYS.map((n) => h("option", { value: n, selected: n === 7 }, t("share.days", { n }))),
  );
  const made = h("div", { class: "sharemade", "aria-live": "polite" });
  const menu = h(
    "details",
    { class: "menu sharing" },
    h("summary", { class: "button", "data-focus": "share" }, icon("link"), t("share")),
    h(
      "div",
      { class: "sharebox" },
      h("p", { class: "soft small" }, t("share.what")),
      h("div", { class: "addform" }, days, button(t("share.make"), () => give(), { class: "button main" })),
      made,
      tray.shares.length > 0 &&
        h("ul", { class: "rows", "aria-label": t("share.links") }, tray.shares.map(held)),
    ),
  );
  async function give() {
    const given = await attempt(() => trays.share(Number(days.value)));
    if (!given) return;
    // The tray was drawn anew meanwhile: the link is shown in the menu of now.
    const now = document.querySelector(".sharing");
    now.open = true;
    shown(now.querySelector(".sharemade"), new URL(given.path, document.baseURI).href);
  }
  return menu;
}

function shown(place, address) {
  const field = h("input", {
    class: "field",
    id: "share-link",
    readonly: true,
    value: address,
    dir: "ltr",
    "aria-label": t("share.link"),
  });
  fill(place, field, h("p", { class: "soft small" }, t("share.once")));
  field.select();
  navigator.clipboard?.writeText(address).then(
    () => notice(t("share.copied")),
    () => {},
  );
}

const held = (share) => {
  const day = new Date(share.until).toLocaleDateString(language, { dateStyle: "medium" });
  return h(
    "li",
    {},
    h("span", {}, t("share.until", { day })),
    button(t("share.revoke"), () => attempt(() => trays.revoke(share.id)), {
      class: "plain small revoke",
    }),
  );
};
