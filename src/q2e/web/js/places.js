// A map of places: where videos were recorded, and what their names and tags name; without tiles.

import { V1, at, call } from "./api.js";
import { fill, h, one, say, words } from "./dom.js";
import { linkTo } from "./state.js";
import { fileName } from "./text.js";
import { language, nodes, t } from "./texts.js";

/** What is drawn: all longitudes, and latitudes down to this, in degrees. */
const TOP = 90;
const BOTTOM = -60;
/** Pixels between two turns of the spiral on which spots are moved aside, and its turns at most. */
const STEP_PX = 9;
const TURNS = 600;
let found = null;

/** Return the section that shows the places, or null where the collection has none. */
export async function places(unhide) {
  found = await call("GET", `${V1}/places`);
  if (!found.places.length) return null;
  const most = Math.max(...found.places.map(({ videos }) => videos));
  const spots = found.places.map((place, number) =>
    h(
      "button",
      {
        type: "button",
        class: place.recorded ? "placespot recorded" : "placespot",
        "aria-pressed": "false",
        "aria-label": `${nameOf(place)} · ${t("map.videos", { n: place.videos })}`,
        title: nameOf(place),
        style: {
          "--x": String((place.longitude + 180) / 360),
          "--y": String(Math.min(1, (TOP - place.latitude) / (TOP - BOTTOM))),
          "--share": String(Math.sqrt(place.videos / most)),
        },
        on: { click: (event) => look(number, event.currentTarget) },
      },
      h("span", { class: "spotname" }, words(nameOf(place))),
    ),
  );
  const field = h(
    "div",
    { class: "worldmap", role: "group", "aria-labelledby": "map-places", dir: "ltr" },
    h("div", { class: "land", "aria-hidden": "true" }),
    spots,
  );
  new ResizeObserver(() => {
    spread(field, spots);
    unhide(spots);
  }).observe(field);
  return h(
    "section",
    { class: "cardbox", "aria-labelledby": "map-places" },
    h("h2", { id: "map-places" }, t("map.places")),
    h("p", { class: "soft" }, nodes("map.places.told", { videos: t("map.videos", { n: found.videos }) })),
    h("div", { class: "placerow" }, h("div", { class: "worldplace" }, field), h("div", { id: "map-place", tabindex: -1, hidden: true })),
  );
}

/** Move spots that lie over one another aside, the places of most videos least of all. */
function spread(field, spots) {
  const { width, height } = field.getBoundingClientRect();
  const taken = [];
  for (const [number, spot] of spots.entries()) {
    const [x, y] = [spot.style.getPropertyValue("--x") * width, spot.style.getPropertyValue("--y") * height];
    const size = spot.offsetWidth;
    let [left, top] = [x, y];
    // Around its own place on a spiral, until nothing else is there.
    for (let turn = 1; turn < TURNS && taken.some(near(left, top, size)); turn += 1) {
      left = x + STEP_PX * Math.sqrt(turn) * Math.cos(turn * 2.4 + number);
      top = y + STEP_PX * Math.sqrt(turn) * Math.sin(turn * 2.4 + number);
      left = Math.min(width - size / 2, Math.max(size / 2, left));
      top = Math.min(height - size / 2, Math.max(size / 2, top));
    }
    taken.push({ left, top, size });
    spot.style.setProperty("--dx", `${left - x}px`);
    spot.style.setProperty("--dy", `${top - y}px`);
  }
}

const near = (left, top, size) => (other) =>
  Math.max(Math.abs(left - other.left), Math.abs(top - other.top)) < (size + other.size) / 2;

/** Return what a place is called here, or its degrees where nothing known lies near. */
function nameOf({ names, latitude, longitude }) {
  const known = names[language] ?? names.en;
  if (known) return known;
  const degrees = (value, [plus, minus]) => `${Math.abs(value).toFixed(1)}° ${value < 0 ? minus : plus}`;
  return `${degrees(latitude, "NS")}, ${degrees(longitude, "EW")}`;
}

/** Look into a place: search for its name, and see its videos. */
function look(number, spot) {
  const place = found.places[number];
  const panel = one("#map-place");
  const name = nameOf(place);
  for (const other of spot.parentElement.querySelectorAll(".placespot"))
    other.setAttribute("aria-pressed", String(other === spot));
  fill(
    panel,
    h("h3", {}, words(name)),
    h(
      "p",
      { class: "soft number" },
      `${t("map.videos", { n: place.videos })} · ${t(place.recorded ? "map.recorded" : "map.named")}`,
    ),
    !place.recorded &&
      h("a", { class: "button main", href: linkTo({ q: name }), data: { go: "" } }, t("map.search")),
    h(
      "ul",
      { class: "mappictures" },
      place.examples.map(({ video, title, picture }) =>
        h(
          "li",
          {},
          h(
            "a",
            { class: "placevideo", href: linkTo({ view: "video", video }), data: { go: "" } },
            picture && h("img", { src: at.frame(video, 0, 240), alt: "", loading: "lazy", width: 240, height: 135 }),
            words(fileName(title)),
          ),
        ),
      ),
    ),
  );
  panel.hidden = false;
  panel.focus({ preventScroll: matchMedia("(min-width: 821px)").matches });
  say(name);
}
