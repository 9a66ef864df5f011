// The trays of whoever asks, as the server keeps them; each change is sent at once, in order.

import { Refused, V1, address, call } from "./api.js";

const PATH = `${V1}/trays`;
const KEY = "q2e-tray";
const watchers = new Set();
let all = null; // every tray, the one changed last first
let open = null; // the id of the one that is filled
let sending = Promise.resolve();

/** Call `react(tray)` after each change of what is shown. */
export const onChange = (react) => watchers.add(react);
export const list = () => all ?? [];
export const tray = () => list().find(({ id }) => id === open) ?? null;

const tell = () => {
  for (const react of watchers) react(tray());
};

/** Keep what the server says of a tray. */
function put(now) {
  const known = list().some(({ id }) => id === now.id);
  all = known ? all.map((one) => (one.id === now.id ? now : one)) : [now, ...list()];
  return choose(now.id);
}

/** Fill another tray from now on. */
export function choose(id) {
  open = id;
  localStorage.setItem(KEY, id);
  tell();
  return tray();
}

/** Return the tray that is filled, read from the server the first time or `again`. */
export async function load(again = false) {
  if (all && !again) return tray();
  const found = await call("GET", PATH);
  all = found.trays;
  const wished = open ?? localStorage.getItem(KEY);
  open = all.some(({ id }) => id === wished) ? wished : (all[0]?.id ?? null);
  tell();
  return tray();
}

/** Begin a tray. */
export const make = async (name, moments = []) =>
  put(await call("POST", PATH, { body: { name, moments: moments.map(bare) } }));

const bare = ({ video, start, end, note }) => ({ video, start, end, note });

/** Do one thing after another: each is a change of what the one before has left. */
function inTurn(act) {
  sending = sending.then(act, act);
  return sending;
}

/** Return what `change(moments)` makes of the tray; made again of what another window has left. */
export const change = (edit, name = null) =>
  inTurn(async () => {
    await load();
    for (let tries = 0; ; tries += 1) {
      const held = tray();
      const body = {
        version: held.version,
        name: name ?? held.name,
        moments: edit(held.moments).map(bare),
      };
      try {
        return put(await call("PUT", `${PATH}/${held.id}`, { body }));
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== "changed" || tries > 2) throw error;
        await load(true);
      }
    }
  });

/** Put a moment at the end of the tray; the first one begins a tray of this name. */
export async function pick(moment, name) {
  await load();
  return tray() ? change((moments) => [...moments, moment]) : make(name, [moment]);
}

/** Take the last change of the moments back. */
export const undo = () =>
  inTurn(async () => {
    const { id, version } = tray();
    return put(await call("POST", `${PATH}/${id}/undo`, { body: { version } }));
  });

/** Remove the tray, and return it as it was. */
export const remove = () =>
  inTurn(async () => {
    const gone = await call("DELETE", `${PATH}/${open}`);
    all = list().filter(({ id }) => id !== gone.id);
    open = all[0]?.id ?? null;
    tell();
    return gone;
  });

/** Make a link to the tray; returns it with its secret, which is told this once. */
export async function share(days) {
  const made = await call("POST", `${PATH}/${open}/shares`, { body: { days } });
  put(await call("GET", `${PATH}/${open}`));
  return made;
}

/** Take a link back. */
export const revoke = async (share_) =>
  put(await call("DELETE", `${PATH}/${open}/shares/${share_}`));

/** Where the tray lies as a file of a format. */
export const file = (format) => address(`${PATH}/${open}/export`, { format });
