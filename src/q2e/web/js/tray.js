// The tray: picked moments in an order of one's own, shortened, noted, played and handed on.

import { Refused, at } from "./api.js";
import { all, button, fill, h, icon, notice, one, say, tool, words } from "./dom.js";
import { player } from "./player.js";
import { refuse } from "./results.js";
import { linkTo } from "./state.js";
import { clock, length, soundOnly, titleOf } from "./text.js";
import { t } from "./texts.js";
import { exportMenu, shareMenu } from "./traytools.js";
import * as trays from "./trays.js";
import { trim } from "./trim.js";

const NOTE = 500;
const NAME = 80;
let playing = null;
let dragged = null;

/** Show the view. */
export async function show() {
  try {
    await trays.load(true);
    draw(trays.tray());
  } catch (error) {
    refuse(one("#tray"), error);
  }
}

/** Stop what plays. */
export function hide() {
  playing?.stop();
  playing = null;
}

trays.onChange((tray) => {
  if (!one("#tray").hidden) draw(tray);
});

/** Do something that the server may refuse; then it is said why. */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(`${error.message} ${error.next ?? ""}`);
    draw(trays.tray());
    return null;
  }
}

const change = (edit) => attempt(() => trays.change(edit));

function draw(tray) {
  hide();
  const place = one("#tray");
  const before = place.contains(document.activeElement) ? document.activeElement : null;
  const { focus } = before?.dataset ?? {};
  const typed = before?.tagName === "INPUT" && before.value;
  if (!tray) {
    fill(
      place,
      h("div", { class: "viewhead" }, h("h1", {}, t("view.tray"))),
      h("div", { class: "empty" }, h("p", {}, t("tray.none")), h("p", {}, t("tray.how"))),
    );
    return;
  }
  fill(place, head(tray), body(tray));
  const after = focus && one(`[data-focus="${CSS.escape(focus)}"]`, place);
  // What is being written goes on, though something else was saved meanwhile.
  if (after && typed !== false) after.value = typed;
  after?.focus();
}

/** Return a field of one line; `save(text)` with what was written, when it is left or by Enter. */
function line(was, props, save) {
  let kept = was;
  const commit = () => {
    const text = field.value.trim();
    if (text === kept) return;
    kept = text;
    save(text, field);
  };
  const field = h("input", {
    class: "field",
    value: was,
    dir: "auto",
    ...props,
    on: { blur: commit, keydown: (event) => event.key === "Enter" && !event.isComposing && commit() },
  });
  return field;
}

/** Take the last change back; says so. */
export async function undo() {
  if (!trays.tray()?.undoable) return false;
  await attempt(trays.undo);
  say(t("tray.undone"));
  return true;
}

function head(tray) {
  const name = line(
    tray.name,
    { class: "field trayname", maxlength: NAME, "aria-label": t("tray.name"), "data-focus": "name" },
    (given, field) => {
      if (given) attempt(() => trays.change((moments) => moments, given));
      else field.value = tray.name;
    },
  );
  const whole = tray.moments.reduce((sum, { start, end }) => sum + end - start, 0);
  const many = trays.list();
  return h(
    "div",
    { class: "viewhead trayhead" },
    h("h1", { class: "unseen" }, t("view.tray")),
    h("h2", { class: "printed" }, words(tray.name)),
    h(
      "div",
      { class: "traynames" },
      name,
      many.length > 1 &&
        h(
          "select",
          {
            class: "field",
            "aria-label": t("tray.choose"),
            on: { change: (event) => trays.choose(event.target.value) },
          },
          many.map((other) =>
            h("option", { value: other.id, selected: other.id === tray.id }, other.name),
          ),
        ),
      button([icon("plus"), t("tray.new")], () => attempt(() => trays.make(t("tray.first")))),
    ),
    h(
      "p",
      { class: "soft", id: "tray-size" },
      t("tray.size", { n: tray.moments.length, length: length(whole) }),
    ),
    h(
      "div",
      { class: "traytools" },
      button([icon("undo"), t("tray.undo")], undo, {
        id: "tray-undo",
        disabled: !tray.undoable,
        "data-focus": "undo",
      }),
      exportMenu(tray),
      button([icon("sheet"), t("tray.print")], () => print(), { disabled: !tray.moments.length }),
      shareMenu(tray),
      button([icon("bin"), t("tray.remove")], () => drop(), { class: "button" }),
    ),
  );
}

async function drop() {
  const gone = await attempt(trays.remove);
  if (gone)
    notice(t("tray.removed", { name: gone.name }), () =>
      attempt(() => trays.make(gone.name, gone.moments)),
    );
}

function body(tray) {
  if (!tray.moments.length) return h("div", { class: "empty" }, h("p", {}, t("tray.how")));
  return h(
    "ol",
    { class: "picked", "aria-label": t("view.tray") },
    tray.moments.map((moment, place) => item(moment, place, tray.moments.length)),
  );
}

const moved = (moments, from, to) => {
  const left = moments.filter((_, place) => place !== from);
  left.splice(to, 0, moments[from]);
  return left;
};
const with_ = (place, changes) => (moments) =>
  moments.map((moment, at_) => (at_ === place ? { ...moment, ...changes } : moment));

function item(moment, place, many) {
  const number = place + 1;
  const title = moment.missing ? moment.video : titleOf({ ...moment, id: moment.video });
  const note = line(
    moment.note,
    {
      maxlength: NOTE,
      placeholder: t("moment.note"),
      "aria-label": t("moment.note.of", { number }),
      "data-focus": `note-${place}`,
    },
    (text) => change(with_(place, { note: text })),
  );
  const acts = [
    tool("up_", t("moment.up", { number }), () => step(place, -1), {
      disabled: place === 0,
      "data-focus": `up-${place}`,
    }),
    tool("down_", t("moment.down", { number }), () => step(place, 1), {
      disabled: number === many,
      "data-focus": `down-${place}`,
    }),
    tool("close", t("moment.remove", { number }), () => out(place), {
      "data-focus": `out-${place}`,
    }),
  ];
  const node = h(
    "li",
    { class: "pickedone", draggable: "true", data: { place } },
    h(
      "div",
      { class: "pickedhead" },
      h("span", { class: "rank number" }, number),
      moment.missing
        ? h("p", { class: "soft" }, t("moment.gone"))
        : words(title, null, "a", {
            href: linkTo({ view: "video", video: moment.video, t: moment.start }),
            data: { go: "" },
          }),
      h("span", { class: "acts" }, acts),
    ),
    !moment.missing && picture(moment, number, title),
    !moment.missing && moment.path && !soundOnly(moment)
      ? trim(moment, number, (start, end) => change(with_(place, { start, end })))
      : h("p", { class: "number" }, `${clock(moment.start, true)} – ${clock(moment.end, true)}`),
    note,
    moment.note && words(moment.note, null, "p", { class: "printed" }),
  );
  return dropped(node, place);
}

async function step(place, by) {
  document.activeElement.dataset.focus = `${by < 0 ? "up" : "down"}-${place + by}`;
  await change((moments) => moved(moments, place, place + by));
  say(t("moment.at", { number: place + by + 1 }));
}

async function out(place) {
  document.activeElement.dataset.focus = place ? `out-${place - 1}` : "undo";
  await change((moments) => moments.filter((_, other) => other !== place));
  say(t("tray.picked", { n: trays.tray()?.moments.length ?? 0 }));
}

/** Let an item be dragged to the place of another. */
function dropped(node, place) {
  node.addEventListener("dragstart", (event) => {
    if (event.target.closest?.("input, .trim")) return event.preventDefault();
    dragged = place;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", String(place));
  });
  node.addEventListener("dragend", () => (dragged = null));
  node.addEventListener("dragover", (event) => {
    if (dragged === null) return;
    event.preventDefault();
    node.classList.add("over");
  });
  node.addEventListener("dragleave", () => node.classList.remove("over"));
  node.addEventListener("drop", (event) => {
    if (dragged === null) return;
    event.preventDefault();
    event.stopPropagation();
    const from = dragged;
    dragged = null;
    change((moments) => moved(moments, from, place));
  });
  // What is written in, or drawn at, is not dragged.
  for (const own of all("input, .trim", node)) {
    own.addEventListener("pointerenter", () => (node.draggable = false));
    own.addEventListener("pointerleave", () => (node.draggable = true));
  }
  return node;
}

function picture(moment, number, title) {
  const place = h("div", { class: "pickedpicture" });
  const play = () => {
    playing?.stop();
    const video = { id: moment.video, ...moment };
    playing = player(video, { start: moment.start, end: moment.end });
    fill(place, playing.node);
    playing.seek(moment.start);
  };
  fill(
    place,
    h(
      "button",
      {
        type: "button",
        class: "still",
        "aria-label": t("moment.play", { number, title }),
        on: { click: play },
      },
      soundOnly(moment)
        ? h("span", { class: "silent" }, icon("sound"))
        : h("img", {
            src: at.frame(moment.video, (moment.start + moment.end) / 2, 480),
            alt: "",
            decoding: "async",
            width: 480,
            height: 270,
          }),
      h("span", { class: "span number" }, `${clock(moment.start)} – ${clock(moment.end)}`),
      h("span", { class: "go" }, icon("play")),
    ),
  );
  return place;
}
