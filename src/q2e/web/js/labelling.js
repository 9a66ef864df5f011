// The switch for labelling, and the grades beside moments while it is on: loaded with it.

import { h, tool } from "./dom.js";
import { late } from "./parts.js";
import { asks, go, question, state } from "./state.js";
import { t } from "./texts.js";

const labels = late(() => import("./labels.js"), { start: (own) => own.start() });
const on = () => state().label === "on";

/** Whether labelling is on and something is asked. */
export const labelling = () => on() && asks(state());

/** Load what labels, if labelling is on and it is not there; `ready()` is called once it is. */
export function load(ready) {
  if (labelling() && !labels.now()) labels.load().then(ready);
}

/** Return the buttons that label a moment while one labels, else null. */
export const labelTools = (hit, moment) =>
  on() && question(state()) && labels.now() ? labels.now().labelTools(hit, moment) : null;

/** Label a moment, if what labels is there. */
export const grade = (hit, moment, relevance) => labels.now()?.grade_(hit, moment, relevance);

/** Return the switch for labelling, with the measures of the labels so far while it is on. */
export function measuresBar() {
  return h(
    "div",
    { class: "measures" },
    on() && labels.now()?.measuresSoFar(),
    tool(
      "label",
      t(on() ? "label.stop" : "label.start"),
      () => go({ label: on() ? "" : "on" }, { quiet: true }),
      { "aria-pressed": on(), id: "label-mode" },
    ),
  );
}
