// The line in a list of hits where certainty ends.

import { button, h, one } from "./dom.js";
import { t } from "./texts.js";

/** Draw the line before the first weaker hit that is shown after a better one; `fold` hides them. */
export function edge(list, fold) {
  one(".edge", list)?.remove();
  const first = one(".hit.weaker:not([hidden])", list);
  if (!first?.previousElementSibling) return;
  const back = fold && button(t("found.fold"), fold, { class: "plain small", id: "fold-weaker" });
  first.before(h("li", { class: "edge" }, h("span", {}, t("found.edge")), back));
}
