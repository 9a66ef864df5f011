// Parts of the page that are loaded when they are first shown: code, style and words.

import { h, one } from "./dom.js";
import { state } from "./state.js";
import { more } from "./texts.js";

const PARTS = {
  collection: () => import("./collection.js"),
  labels: () => import("./labels.js"),
  map: () => import("./map.js"),
  tray: () => import("./tray.js"),
  video: () => import("./video.js"),
};
/** Parts with words of their own. */
const WORDED = ["map", "tray"];
/** The style sheets of each part. */
const SHEETS = {
  collection: ["panel", "views"],
  labels: ["panel", "views"],
  map: ["views", "map"],
  tray: ["panel", "views", "tray"],
  video: ["panel", "views"],
};
const styles = new Map();
let broken = false;

/**
 * Return {now, load} of what is loaded when it is first wanted: `now()` is null until it is there.
 * `start` is called once with the module, and waited for.
 */
export function late(load, { sheets = [], start = () => {} } = {}) {
  let own = null;
  let coming = null;
  const come = async () => {
    try {
      const [module] = await Promise.all([load(), ...sheets.map(style)]);
      await start(module);
      own = module;
      return module;
    } catch (error) {
      coming = null;
      broken = true;
      dispatchEvent(new Event("q2e:lost"));
      throw error;
    }
  };
  return { now: () => own, load: () => (coming ??= come()) };
}

/** Beside the hits: the player of one, and why it is there. */
export const beside = late(() => import("./panel.js"), {
  sheets: ["panel"],
  start: () => more("told"),
});

/** Return whether a view is such a part. */
export const isPart = (view) => Object.hasOwn(PARTS, view);

/** Load a part's style sheet; what it styles waits for it. */
export function style(name) {
  if (!styles.has(name)) {
    const { promise, resolve } = Promise.withResolvers();
    const href = new URL(`../css/${name}.css`, import.meta.url).href;
    // What is laid out for fingers and narrow screens has the last word.
    one("head link[href$='touch.css']").before(
      h("link", { rel: "stylesheet", href, on: { load: resolve, error: resolve } }),
    );
    styles.set(name, promise);
  }
  return styles.get(name);
}

/** Return the module of a view's part, whole: with its words and its style. */
export async function part(view) {
  const [own] = await Promise.all([
    PARTS[view](),
    ...SHEETS[view].map(style),
    WORDED.includes(view) && more(view),
  ]);
  return own;
}

/** Whether a part could not be loaded; browsers may keep that in mind until the page is loaded anew. */
export const failed = () => broken;

let shown = null;
/** Show the part that a view is, if it is one; `still()` says whether it is wanted when it has come. */
export async function show(view, still) {
  const own = await part(view);
  if (!still()) return;
  shown = own;
  await own.show(state());
}

/** Hide the part that is shown. */
export function hide() {
  shown?.hide?.();
  shown = null;
}

/** Return the part that is shown. */
export const current = () => shown;
