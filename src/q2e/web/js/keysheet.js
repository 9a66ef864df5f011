// The sheet that names the keys, loaded when it is asked for.

import { fill, h, one, tool } from "./dom.js";
import { t } from "./texts.js";

const SHEET = {
  anywhere: [
    ["/", "ask"],
    ["g s", "search"],
    ["g c", "collection"],
    ["g t", "tray"],
    ["g m", "map"],
    ["g l", "labels"],
    ["t", "theme"],
    ["?", "sheet"],
    ["Esc", "escape"],
  ],
  asking: [
    ["Enter", "now"],
    ["Shift Enter", "answer"],
    ["a", "answer-outside"],
    ["b", "then"],
    ["x", "file"],
    ["f", "filters"],
  ],
  hits: [
    ["j k", "step"],
    ["← ↑ ↓ →", "grid"],
    ["Shift ← →", "scrub"],
    ["Enter", "play"],
    ["w", "why"],
    ["+ −", "like"],
    ["s", "similar"],
    ["i", "pick"],
    ["v", "timeline"],
  ],
  player: [
    ["Space", "toggle"],
    [", .", "skip"],
    ["n p", "moments"],
    ["c", "save"],
  ],
  reasons: [
    ["e", "edit"],
    ["u", "undo"],
  ],
  labels: [
    ["m", "labelling"],
    ["0 1 2 3", "grade"],
  ],
};
const OFF = "q2e-keys-off";

/** Show the sheet of keys. */
export function show() {
  const dialog = one("#help");
  const off = h("input", {
    type: "checkbox",
    checked: !localStorage.getItem(OFF),
    on: {
      change: () => (off.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")),
    },
  });
  fill(
    dialog,
    h(
      "div",
      { class: "help-head" },
      h("h1", { id: "help-title" }, t("top.keys")),
      tool("close", t("close"), () => dialog.close()),
    ),
    h(
      "div",
      { class: "help-columns" },
      Object.entries(SHEET).map(([title, rows]) =>
        h(
          "section",
          {},
          h("h2", {}, title === "labels" ? t("view.labels") : t(`keys.${title}`)),
          h(
            "dl",
            {},
            rows.map(([keys, meaning]) => [
              h(
                "dt",
                {},
                keys.split(" ").map((key) => [h("kbd", {}, key), " "]),
              ),
              h("dd", {}, t(`keys.${meaning}`)),
            ]),
          ),
        ),
      ),
    ),
    h("p", {}, h("label", {}, off, " ", t("keys.work"))),
  );
  dialog.showModal();
}
