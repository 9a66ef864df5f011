// What one searches by besides words: pictures, clips and sounds, and moments liked or disliked.

import { Refused, api, at } from "./api.js";
import { fill, h, icon, notice, one, say, tool, words } from "./dom.js";
import { go, state } from "./state.js";
import { clock, short } from "./text.js";
import { t } from "./texts.js";

const uploads = new Map();

/** Take what is dropped on the page, or pasted. */
export function listenForDrops() {
  const veil = one("#drop");
  let inside = 0;
  const brings = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (brings(event)) {
      inside += 1;
      one("p", veil).textContent = t(state().view === "collection" ? "coll.drop" : "drop");
      veil.hidden = false;
    }
  });
  addEventListener("dragleave", (event) => {
    if (brings(event) && (inside -= 1) <= 0) {
      inside = 0;
      veil.hidden = true;
    }
  });
  addEventListener("dragover", (event) => {
    if (brings(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    inside = 0;
    veil.hidden = true;
    if (state().view === "collection") dispatchEvent(new CustomEvent("q2e:send", { detail: [...event.dataTransfer.files] }));
    else bring(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) bring(event.clipboardData.files);
  });
}

/** Hand files in and search by them. */
export async function bring(files) {
  for (const file of [...files].slice(0, 4)) {
    notice(t("example.reading", { name: file.name }));
    try {
      const taken = await api.upload(file);
      uploads.set(taken.id, {
        name: file.name,
        url: taken.kind === "image" ? URL.createObjectURL(file) : null,
      });
      go({ view: "search", ex: [...state().ex, taken.id], hit: "", t: null, ev: null });
      say(t("example.searching", { name: file.name }));
    } catch (error) {
      notice(
        error instanceof Refused
          ? `${file.name}: ${error.message} ${error.next ?? ""}`
          : String(error),
      );
    }
  }
}

/** Show the examples, likes and dislikes of a state, each to be removed. */
export function showGiven(now) {
  const place = one("#given");
  const kinds = [
    ["ex", "example"],
    ["like", "liked"],
    ["dislike", "disliked"],
  ];
  fill(
    place,
    kinds.flatMap(([list, kind]) => now[list].map((id) => chip(list, kind, id))),
  );
  place.hidden = !place.childElementCount;
}

function chip(list, kind, id) {
  const own = uploads.get(id);
  const [video, time] = id.split("@");
  const url = own?.url ?? (id.startsWith("up-") ? null : at.frame(video, Number(time ?? 0), 96));
  const label =
    own?.name ??
    (id.startsWith("up-")
      ? t("given.file")
      : t("given.moment", { time: clock(Number(time ?? 0)) }));
  return h(
    "span",
    { class: `given ${kind}` },
    url
      ? h("img", { src: url, alt: "", width: 44, height: 30 })
      : icon(id.startsWith("up-") ? "sound" : "image"),
    h("span", {}, t(`given.${list}`), ": ", words(short(label, 60))),
    tool("close", t("given.remove", { name: label }), () =>
      go({ [list]: state()[list].filter((other) => other !== id) }),
    ),
  );
}
