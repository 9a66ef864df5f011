// A map of what is there: groups of like moments, as a way in for those who do not know what to ask.

import { V1, at, call } from "./api.js";
import { all, fill, h, notice, one, say, words } from "./dom.js";
import { refuse } from "./results.js";
import { go, linkTo } from "./state.js";
import { clock } from "./text.js";
import { nodes, number, t } from "./texts.js";

/** Words of a group that its spot and its list show; pictures of one that is looked into. */
const SPOT = 2;
const TOLD = 5;
const PICTURES = 12;
let drawn = null;
let watching = null;

/** Show the view. */
export async function show() {
  const place = one("#map");
  fill(place, h("div", { class: "viewhead" }, h("h1", {}, t("view.map"))), h("p", { class: "empty" }, "…"));
  place.setAttribute("aria-busy", "true");
  try {
    drawn = await call("GET", `${V1}/map`);
    draw(place, drawn);
  } catch (error) {
    refuse(place, error);
  }
  place.removeAttribute("aria-busy");
}

/** Stop following the size of the window. */
export function hide() {
  watching?.disconnect();
}

const nameOf = (group, many) => group.words.slice(0, many).join(", ") || t("map.nameless");

function draw(place, map) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const most = Math.max(...map.groups.map(({ moments }) => moments));
  const spots = map.groups.map((group, place_) =>
    h(
      "button",
      {
        type: "button",
        class: "spot",
        "aria-pressed": "false",
        "aria-label": `${nameOf(group, TOLD)} · ${t("map.moments", { n: group.moments })}`,
        title: nameOf(group, TOLD),
        data: { group: place_ },
        style: {
          "--x": String(group.x),
          "--y": String(group.y),
          "--share": String(Math.sqrt(group.moments / most)),
          "--hue": String(hue(place_)),
        },
        on: { click: () => look(place_) },
      },
      h("span", { class: "spotname" }, words(nameOf(group, SPOT))),
    ),
  );
  const field = h(
    "div",
    { class: "mapfield", role: "group", "aria-label": t("map.groups"), dir: "ltr" },
    canvas,
    spots,
  );
  fill(
    place,
    h(
      "div",
      { class: "viewhead" },
      h("h1", {}, t("view.map")),
      h(
        "p",
        { class: "soft" },
        nodes("map.told", {
          moments: t("map.moments", { n: map.moments }),
          videos: t("map.videos", { n: map.videos }),
        }),
      ),
    ),
    h(
      "div",
      { class: "maprow" },
      field,
      h("section", { class: "cardbox mapgroup", id: "map-group", tabindex: -1, hidden: true }),
    ),
    years(map.years),
  );
  watching?.disconnect();
  watching = new ResizeObserver(() => {
    paint(canvas, field, map.points);
    unhide(spots);
  });
  watching.observe(field);
  // Most collections name few places: the rest of the map does not wait for them.
  import("./places.js")
    .then(({ places }) => places(unhide))
    .then((section) => section && field.isConnected && place.append(section))
    .catch((error) => notice(error.message));
}

/** Return the colour of a group: neighbours in number are far apart in hue. */
const hue = (place) => Math.round((place * 137.5) % 360);

function paint(canvas, field, points) {
  const { width, height } = field.getBoundingClientRect();
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.globalAlpha = 0.5;
  for (const [x, y, group] of points) {
    pen.fillStyle = `hsl(${hue(group)} 55% 50%)`;
    pen.beginPath();
    pen.arc((0.12 + 0.76 * x) * width, (0.12 + 0.76 * y) * height, 1.8, 0, 7);
    pen.fill();
  }
}

/** Show the names that do not lie over one before: those of large groups come first. */
function unhide(spots) {
  const taken = [];
  for (const spot of spots) {
    const name = one(".spotname", spot);
    name.classList.remove("quiet");
    name.style.removeProperty("--shift");
    let box = name.getBoundingClientRect();
    // A name at the edge is moved inside, rather than cut.
    const field = spot.parentElement.getBoundingClientRect();
    const shift = Math.max(0, field.left + 4 - box.left) - Math.max(0, box.right - field.right + 4);
    if (shift) {
      name.style.setProperty("--shift", `${shift}px`);
      box = name.getBoundingClientRect();
    }
    const over = taken.some(
      (other) =>
        box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom,
    );
    if (over) name.classList.add("quiet");
    else taken.push(box);
  }
}

/** Look into a group: its words, and pictures of its moments, each playing on click. */
function look(place) {
  const group = drawn.groups[place];
  const panel = one("#map-group");
  for (const spot of all(".spot")) spot.setAttribute("aria-pressed", String(spot.dataset.group === String(place)));
  const [middle] = group.examples;
  const name = nameOf(group, TOLD);
  fill(
    panel,
    h("h2", {}, words(name)),
    h(
      "p",
      { class: "soft number" },
      `${t("map.moments", { n: group.moments })} · ${t("map.videos", { n: group.videos })}`,
    ),
    h(
      "div",
      { class: "traytools" },
      group.words.length > 0 &&
        h("a", { class: "button main", href: linkTo({ q: group.words.slice(0, 3).join(" ") }), data: { go: "" } }, t("map.search")),
      drawn.kind === "picture" &&
        h(
          "a",
          {
            class: "button",
            href: linkTo({ ex: [`${middle.video}@${middle.frame.toFixed(1)}`] }),
            data: { go: "" },
          },
          t("map.alike"),
        ),
    ),
    h("ul", { class: "mappictures" }, group.examples.slice(0, PICTURES).map(picture)),
  );
  panel.hidden = false;
  panel.focus({ preventScroll: matchMedia("(min-width: 821px)").matches });
  say(name);
}

function picture({ video, start, frame }) {
  const time = clock(frame);
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: "still",
        "aria-label": t("map.play", { title: video.slice(0, 8), time }),
        on: { click: () => go({ view: "video", video, t: start }) },
      },
      drawn.kind === "picture" &&
        h("img", { src: at.frame(video, frame, 240), alt: "", loading: "lazy", width: 240, height: 135 }),
      h("span", { class: "span number" }, time),
    ),
  );
}

function years(found) {
  const rows = Object.entries(found);
  if (rows.length < 2) return null;
  const most = Math.max(...rows.map(([, n]) => n));
  return h(
    "section",
    { class: "cardbox", "aria-labelledby": "map-years" },
    h("h2", { id: "map-years" }, t("map.years")),
    h(
      "ol",
      { class: "mapyears" },
      rows.map(([year, n]) =>
        h(
          "li",
          { style: { "--share": String(n / most) } },
          h("span", { class: "mapbar", "aria-hidden": "true" }),
          h("span", { class: "number" }, year),
          h("span", { class: "number soft small" }, number(n)),
        ),
      ),
    ),
  );
}
