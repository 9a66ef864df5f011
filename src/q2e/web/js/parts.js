// Parts of the page that are loaded when they are first shown: code, style and words.

import { h } from "./dom.js";
import { more } from "./texts.js";

const PARTS = {
  map: () => import("./map.js"),
  tray: () => import("./tray.js"),
};
const styles = new Map();

/** Return whether a view is such a part. */
export const isPart = (view) => Object.hasOwn(PARTS, view);

/** Load a part's style sheet; what it styles waits for it. */
export function style(name) {
  if (!styles.has(name)) {
    const { promise, resolve } = Promise.withResolvers();
    const href = new URL(`../css/${name}.css`, import.meta.url).href;
    document.head.append(h("link", { rel: "stylesheet", href, on: { load: resolve, error: resolve } }));
    styles.set(name, promise);
  }
  return styles.get(name);
}

/** Return the module of a view's part, whole: with its words and its style. */
export async function part(view) {
  await Promise.all([more(view), style(view)]);
  return PARTS[view]();
}

let shown = null;
/** Show the part that a view is, if it is one; `still()` says whether it is wanted when it has come. */
export async function show(view, still) {
  const own = await part(view);
  if (!still()) return;
  shown = own;
  await own.show();
}

/** Hide the part that is shown. */
export function hide() {
  shown?.hide?.();
  shown = null;
}

/** Return the part that is shown. */
export const current = () => shown;
