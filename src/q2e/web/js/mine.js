// What one has asked and saved, kept in this browser only, apart for each token's name.

import { who } from "./session.js";

const MOST = { history: 30, saved: 40 };

/** Who one is here; where the server does not say, and on shared links, nothing is kept. */
const name = who.then((one) => one?.name ?? null);

async function read(list) {
  const own = await name;
  if (own === null) return [];
  try {
    return JSON.parse(localStorage.getItem(`q2e-${list}-${own}`)) ?? [];
  } catch {
    return [];
  }
}

async function write(list, items) {
  const own = await name;
  if (own === null) return;
  if (items.length)
    localStorage.setItem(`q2e-${list}-${own}`, JSON.stringify(items.slice(0, MOST[list])));
  else localStorage.removeItem(`q2e-${list}-${own}`);
}

/** Return the questions asked, the last first. */
export const asked = () => read("history");
export const forgetAsked = () => write("history", []);

/** Remember a question. */
export async function remember(question) {
  const before = await asked();
  // What was typed on the way to it is not remembered.
  const others = before.filter((one, place) => one !== question && (place || !question.startsWith(one)));
  await write("history", [question, ...others]);
}

/** Return the saved searches {address, name, known, version}: `known` are the videos seen there. */
export const saved = () => read("saved");
export const setSaved = (items) => write("saved", items);
