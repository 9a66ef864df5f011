// A question back, where hits are many and one answer would tell them apart.

import { api } from "./api.js";
import { fill, h, one, words } from "./dom.js";
import { go, question, state } from "./state.js";
import { channelName, languageName } from "./text.js";

const FEWEST = 6;
const WAIT_MS = 900;
let timer;

/** Ask back about an answer, once the typing has come to rest. */
export function clarify(results, settled) {
  clearTimeout(timer);
  if (!results || results.hits.length < FEWEST || results.query.clause) return;
  const now = state();
  if (!question(now) || now.ex.length || now.lang.length || now.ch.length || now.hit) return;
  timer = setTimeout(() => ask(results, settled), WAIT_MS);
}

async function ask(results, settled) {
  let back;
  try {
    back = await api.clarify(results.query.text);
  } catch {
    return; // the hits are there; a question about them may stay away
  }
  if (!back.question || !settled() || question(state()) !== results.query.text) return;
  // In place of the hints, so that nothing moves under the pointer; but never under the cursor.
  if (one("#hints").contains(document.activeElement)) return;
  fill(
    one("#hints"),
    h(
      "span",
      { class: "hints back", role: "group", "aria-label": back.question },
      h("span", { class: "soft" }, words(back.question)),
      back.options.slice(0, 5).map((option) =>
        h(
          "button",
          {
            type: "button",
            class: "lesson",
            on: { click: () => go({ q: option.text, then: [], ev: null }) },
          },
          words(named(option.label)),
          ` ${option.videos}`,
        ),
      ),
    ),
  );
}

function named(label) {
  if (/^[a-z]{2,3}$/.test(label)) return languageName(label);
  return channelName(label);
}
