// The state that is shown, and what its user can do.

import * as api from "./api.js";
import { count } from "./format.js";
import {
  heard, initial, interrupted, keyOf, listed, selectedSession, sessionHeard, turnHeard, turnsOf,
} from "./state.js";

const SHOWN_FOR = { notice: 5000, error: 12000 }; // ms
const TOLD_WITHIN = 1000; // ms

function fromAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null; // somebody's percent sign
  }
}

let state = initial(fromAddress());
let draw = () => {};
let stopListening = () => {};
let notices = 0;

export const current = () => state;

function change(fields) {
  state = { ...state, ...fields };
  draw();
}

export const set = change;

export function start(onChange) {
  draw = onChange;
  addEventListener("hashchange", () => {
    if (fromAddress() !== state.selected) select(fromAddress());
  });
  listenAgain();
  draw();
}

function listenAgain() {
  stopListening();
  stopListening = api.listen(state.selected, hear, () => change({ connection: "lost" }));
}

function hear(message) {
  if (message.type === "notice") return notify(message.text);
  const before = state;
  state = heard(state, message, Date.now());
  if (message.type === "hello") {
    wasLost = before.connection === "lost";
    doubt(running());
  }
  if (message.type === "sessions") bringBack();
  if (message.type === "gone" && before.selected !== state.selected) {
    select(null);
    focusPrompt();
  }
  draw();
}

// A front tells at once of all turns of the session that still run.
function doubt(turns) {
  if (turns.length > 0) setTimeout(() => change(interrupted(state, turns)), TOLD_WITHIN);
}

let wasLost = false;

// A front that was started again knows no sessions, nor does it know one from an old address.
async function bringBack() {
  const { missing, selected } = state;
  const again = missing.filter((each) => wasLost || each.id === selected);
  wasLost = false;
  if (selected && !state.sessions.has(selected) && !again.some((each) => each.id === selected)) {
    again.push({ id: selected });
  }
  change({ missing: [] });
  for (const { id, name, user, tenant } of again) {
    try {
      hear({ type: "session", session: await api.createSession({ id, name, user, tenant }) });
    } catch (error) {
      notify(error.message, "error");
      if (id === state.selected) select(null);
    }
  }
}

export function notify(text, kind = "notice") {
  const id = ++notices;
  change({ notices: [...state.notices, { id, text, kind }] });
  setTimeout(() => dismiss(id), SHOWN_FOR[kind]);
}

export const dismiss = (id) => change({ notices: state.notices.filter((each) => each.id !== id) });

// Does it, and says what went wrong.
export async function attempt(promise) {
  try {
    return await promise;
  } catch (error) {
    notify(error.message, "error");
    return null;
  }
}

export function focusPrompt() {
  if (matchMedia("(pointer: coarse)").matches) return; // a keyboard would cover the screen
  requestAnimationFrame(() => document.getElementById("prompt")?.focus());
}

export function select(id, view = "talk") {
  change({ selected: id, turn: null, view, panel: state.panel === "turn" ? "machine" : state.panel });
  history.replaceState(null, "", id ? `#${encodeURIComponent(id)}` : location.pathname);
  listenAgain();
}

// The one above or below, around the ends.
export function step(by) {
  const ids = listed(state).map((each) => each.id);
  if (ids.length === 0) return;
  const at = ids.indexOf(state.selected);
  select(ids[at < 0 ? 0 : (at + by + ids.length) % ids.length], state.view);
}

// Whoever opens one session after the other stays the same user.
export async function newSession(fields) {
  const { user = null, tenant = null } = selectedSession(state) ?? {};
  const session = await attempt(api.createSession(fields ?? { user, tenant }));
  if (session) {
    state = sessionHeard(state, session, Date.now());
    select(session.id);
    focusPrompt();
  }
  return session;
}

export async function changeSession(id, fields) {
  const session = await attempt(api.changeSession(id, fields));
  if (session) hear({ type: "session", session });
  return session;
}

export async function deleteSession(id) {
  if (await attempt(api.deleteSession(id))) hear({ type: "gone", id });
}

// What is written and not sent yet stays with its session, over a reload too.
const draftOf = (id) => `prompt ${id ?? ""}`;
export const draft = (id) => sessionStorage.getItem(draftOf(id)) ?? "";
export const keepDraft = (id, text) => sessionStorage.setItem(draftOf(id), text);

// Whether it is on its way; what is not stays in the prompt.
export async function send(prompt) {
  const known = selectedSession(state);
  const session = known ?? await attempt(api.createSession({}));
  const answer = session && await attempt(api.startTurn(session.id, prompt));
  if (session && !known) {
    keepDraft(session.id, answer ? "" : prompt);
    state = sessionHeard(state, session, Date.now());
    select(session.id);
  }
  // By now events may have told more of it.
  if (answer && !state.turns.has(keyOf(answer.turn))) {
    state = turnHeard(state, answer.turn);
    draw();
  }
  return Boolean(answer);
}

export const running = () => turnsOf(state, state.selected).filter((turn) => turn.state === "running");

export const stop = (turn) => attempt(api.stopTurn(turn.id));

export const showTurn = (turn) => change({ turn: keyOf(turn), panel: "turn", view: "side" });

export const showPanel = (panel) => change({ panel, view: "side" });

export const open = (dialog) => change({ dialog });

export const stopMachine = (id) => attempt(api.stopMachine(id));
export const killMachine = (id) => attempt(api.killMachine(id));
export const restartMachines = () => attempt(api.restartMachines());

// Asks the agent itself; `earlier` is where the last answer ended.
export async function recall(id, action, earlier = null) {
  const answer = await attempt(api.perform(id, earlier ? { action, before: earlier } : { action }));
  if (answer === null) return;
  const of = state.answers[id] ?? {};
  const kept = { ...answer, at: Date.now() / 1000, seen: turnsOf(state, id).length };
  if (earlier && answer.status === 200) {
    const messages = [...answer.body.messages, ...of.history.body.messages];
    kept.body = { ...answer.body, messages };
  }
  const answers = action === "forget" && answer.status === 200 ? {} : { ...of, [action]: kept };
  change({ answers: { ...state.answers, [id]: answers } });
  if (action !== "forget") return;
  if (answer.status === 200) {
    notify(`The agent has forgotten ${count(answer.body.messages ?? 0, "message")} of this session.`);
  } else {
    notify(`The agent answered ${answer.status}: it has forgotten nothing.`, "error");
  }
}
