// A list of any length of which only what is in sight is there: pages are asked for as they come near.

import { h, fill, one, words } from "./dom.js";
import { tile } from "./results.js";
import { linkTo } from "./state.js";
import { day, languageName, length, titleOf } from "./text.js";
import { t } from "./texts.js";

const PAGE = 60;
/** Pages that are kept, and rows that are there beyond what is in sight. */
const KEPT = 40;
const BEYOND = 4;
/** Lines of text below a picture, and of a row, in rem. */
const BELOW = 3.4;
const ROW = 2.75;
const GAP = 1.2;

/**
 * Return a list in `place`, a list element: {show(total, first), table}. `page(offset, limit)` gives
 * the videos from there on, `table()` whether they are shown as rows.
 */
export function videoList(place, page, table) {
  let total = 0;
  let pages = new Map();
  let asked = new Set();
  let nodes = new Map();
  let drawn = "";
  let waiting = 0;

  const rem = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

  function measure() {
    const rows = table();
    const columns = rows ? [0] : getComputedStyle(place).gridTemplateColumns.split(" ");
    const wide = Number.parseFloat(columns[0]) || 160;
    const high = rows ? ROW * rem() : Math.round((wide * 9) / 16 + BELOW * rem());
    const gap = rows ? 0 : GAP * rem();
    return { columns: columns.length, high, step: high + gap, gap };
  }

  function draw() {
    waiting = 0;
    if (!place.isConnected || !total) return;
    const { columns, high, step, gap } = measure();
    const rows = Math.ceil(total / columns);
    const top = place.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor(-top / step) - BEYOND);
    const to = Math.min(rows, Math.ceil((innerHeight - top) / step) + BEYOND);
    const [first, last] = [Math.min(from, rows) * columns, Math.min(total, Math.max(to, 0) * columns)];
    const key = `${first} ${last} ${columns} ${high} ${[...pages.keys()]} ${table()}`;
    if (key === drawn) return;
    drawn = key;
    place.style.setProperty("--row", `${high}px`);
    place.style.setProperty("--gap", `${gap}px`);
    place.style.setProperty("--before", `${from * step}px`);
    place.style.setProperty("--after", `${Math.max(0, rows - to) * step}px`);
    const wanted = new Map();
    for (let index = first; index < last; index += 1) {
      const video = pages.get(Math.floor(index / PAGE))?.[index % PAGE];
      const known = nodes.get(index);
      wanted.set(index, known?.filled === Boolean(video) ? known : item(index, video));
    }
    // What stays is not touched, so that a place of the keyboard is kept.
    for (const [index, { node }] of nodes) if (wanted.get(index)?.node !== node) node.remove();
    let before = null;
    for (const { node } of wanted.values()) {
      if (before ? before.nextSibling !== node : place.firstChild !== node)
        place.insertBefore(node, before ? before.nextSibling : place.firstChild);
      before = node;
    }
    nodes = wanted;
    for (let one_ = Math.floor(first / PAGE); one_ * PAGE < last; one_ += 1) bring(one_);
  }

  async function bring(number) {
    if (pages.has(number) || asked.has(number)) return;
    asked.add(number);
    const [own, known] = [asked, pages];
    const videos = await page(number * PAGE, PAGE);
    own.delete(number);
    if (known !== pages || !videos) return;
    pages.set(number, videos);
    if (pages.size > KEPT) pages.delete(pages.keys().next().value);
    soon();
  }

  function item(index, video) {
    const node = !video ? h("li", { class: "unread" }) : table() ? row(video, index) : tile(video);
    node.setAttribute("aria-setsize", String(total));
    node.setAttribute("aria-posinset", String(index + 1));
    return { node, filled: Boolean(video) };
  }

  const soon = () => {
    waiting ||= requestAnimationFrame(draw);
  };

  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);

  return {
    /** Show a list of so many videos, of which the first page is known. */
    show(count, first) {
      total = count;
      pages = new Map([[0, first]]);
      asked = new Set();
      nodes = new Map();
      drawn = "";
      fill(place);
      place.classList.toggle("astable", table());
      place.classList.toggle("mosaic", !table());
      place.style.setProperty("--before", "0px");
      place.style.setProperty("--after", "0px");
      draw();
    },
    page: PAGE,
  };
}

/** Return a video as a row: title, folder, length, day, language. */
function row(video) {
  const path = video.path ?? "";
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  return h(
    "li",
    {},
    h(
      "a",
      {
        class: "tile videorow",
        href: linkTo({ view: "video", video: video.id }),
        data: { go: "" },
      },
      h("span", { class: "tiletitle" }, words(titleOf(video))),
      h("span", { class: "soft folder" }, words(folder)),
      h("span", { class: "soft number" }, length(video.duration)),
      h("span", { class: "soft number" }, video.date ? day(video.date) : ""),
      h("span", { class: "soft" }, video.language ? languageName(video.language) : ""),
    ),
  );
}

/** Return the button that shows the list as rows or as pictures; `changed()` after it is pressed. */
export function tableSwitch(changed) {
  const own = h(
    "button",
    {
      type: "button",
      class: "button",
      id: "as-table",
      "aria-pressed": String(asTable()),
      on: {
        click: () => {
          localStorage.setItem(KEY, asTable() ? "" : "table");
          one("#as-table").setAttribute("aria-pressed", String(asTable()));
          changed();
        },
      },
    },
    t("coll.as-table"),
  );
  return own;
}

const KEY = "q2e-videos";
/** Whether videos are shown as rows. */
export const asTable = () => localStorage.getItem(KEY) === "table";
