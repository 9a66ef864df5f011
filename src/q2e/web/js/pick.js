// Puts moments into the tray from anywhere; what the tray is made of is loaded with the first one.

import { Refused } from "./api.js";
import { notice, say, tool } from "./dom.js";
import { more, t } from "./texts.js";

/** Return a button that puts a moment ({video, start, end}) into the tray. */
export const pickTool = (moment) =>
  tool("pick", t("tray.pick"), () => pick(moment), { class: "tool into" });

let dragged = null;

/** Let a node be dragged to the tray in the bar of views. */
export function draggable(node, moment) {
  node.draggable = true;
  node.addEventListener("dragstart", (event) => {
    dragged = moment;
    event.dataTransfer.effectAllowed = "copy";
    event.dataTransfer.setData("text/plain", "");
  });
  node.addEventListener("dragend", () => (dragged = null));
  return node;
}

/** Take what is dragged to a node. */
export function takesDrops(node) {
  node.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    node.classList.add("over");
  });
  node.addEventListener("dragleave", () => node.classList.remove("over"));
  node.addEventListener("drop", (event) => {
    node.classList.remove("over");
    if (!dragged) return;
    event.preventDefault();
    pick(dragged);
  });
}

/** Put a moment into the tray, and say so. */
export async function pick({ video, start, end, duration }) {
  const [trays] = await Promise.all([import("./trays.js"), more("tray")]);
  const last = Math.max(end, start + 1);
  try {
    const now = await trays.pick(
      { video, start, end: duration > start ? Math.min(last, duration) : last, note: "" },
      t("tray.first"),
    );
    const told = t("tray.picked", { n: now.moments.length });
    say(told);
    notice(told, () => undo(trays));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(`${error.message} ${error.next ?? ""}`);
  }
}

async function undo(trays) {
  const now = await trays.undo();
  notice(t("tray.picked", { n: now.moments.length }));
}
