// What was understood of the question, in one line: each part is changed or left out in place.

import { fill, h, notice, one, tool, words } from "./dom.js";
import { go, state } from "./state.js";
import { t } from "./texts.js";

/** Return the line about what was found for a plain question; null where there is nothing to say. */
export function understood(found) {
  if (found.query.clause || state().ev || !state().q.trim()) return null;
  const parts = partsOf(found.query.decomposition);
  const line = h("ul", { class: "understood", "aria-label": t("understood") });
  fill(
    line,
    parts.map((part) => h("li", {}, chip(part))),
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "plain small", id: "understood-more", on: { click: unfold } },
        t(parts.length ? "understood.more" : "understood.plain"),
      ),
    ),
  );
  return line;
}

/** Return the parts {kind, text}: the kind of event, who, where and when. */
function partsOf({ event_type: kind, subject, place, time }) {
  const event = kind ? [{ kind: "event", text: kind.replaceAll("_", " ") }] : [];
  const lists = Object.entries({ subject, place, time });
  return event.concat(
    lists.flatMap(([name, texts]) => (texts ?? []).map((text) => ({ kind: name, text }))),
  );
}

/** Where in the question a part stands, or -1: what was read from other words stands nowhere. */
const placeOf = ({ text }) => state().q.toLowerCase().indexOf(text.toLowerCase());

function chip(part) {
  const written = placeOf(part) >= 0;
  const name = words(part.text);
  const node = h("span", { class: `clause part of-${part.kind}` });
  const edit = () => fill(node, field(part));
  return fill(
    node,
    written
      ? h(
          "button",
          {
            type: "button",
            class: "plain",
            title: t("understood.change", { text: part.text }),
            on: { click: () => (edit(), one("input", node).select()) },
          },
          name,
        )
      : name,
    (written || part.kind === "event") &&
      tool("close", t("understood.leave", { text: part.text }), () => leave(part), {
        class: "tool tiny",
      }),
  );
}

/** Return a field that writes over a part; Enter takes it, Escape leaves it as it was. */
function field(part) {
  const before = state();
  const input = h("input", {
    class: "field",
    dir: "auto",
    value: part.text,
    maxlength: 200,
    size: Math.max(4, part.text.length + 1),
    "aria-label": t("understood.change", { text: part.text }),
    on: {
      keydown: (event) => {
        if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        if (event.key === "Escape") input.value = part.text;
        input.blur();
      },
      blur: () => {
        const text = input.value.trim();
        if (text && text !== part.text) replace(part, text);
        else if (state() === before) input.closest(".part")?.replaceWith(chip(part));
      },
    },
  });
  return input;
}

function leave(part) {
  if (placeOf(part) >= 0) return replace(part, "");
  go({ decompose: "none", ev: null });
  return notice(t("understood.left", { text: part.text }), () => go({ decompose: "" }));
}

/** Put other words in the place of a part; what was asked comes back by a click. */
function replace(part, text) {
  const { q } = state();
  const at = placeOf(part);
  const changed = `${q.slice(0, at)}${text}${q.slice(at + part.text.length)}`;
  go({ q: changed.replace(/\s+/g, " ").trim(), ev: null, hit: "", t: null });
  const said = text ? "understood.changed" : "understood.left";
  notice(t(said, { text: part.text }), () => go({ q, ev: null, hit: "", t: null }));
}

/** Show all that was searched for, to be edited. */
function unfold() {
  const fold = one("details.fold");
  fold.open = true;
  fold.scrollIntoView({ block: "nearest" });
  one("summary", fold).focus();
}
