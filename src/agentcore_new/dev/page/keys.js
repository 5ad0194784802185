// The keyboard.

import { current, focusPrompt, newSession, open, running, showPanel, showTurn, step, stop } from "./app.js";
import { selectedSession, turnsOf } from "./state.js";

const inSession = (action) => () => {
  const session = selectedSession(current());
  if (session) action(session);
};

function showLastTurn() {
  const { selected } = current();
  const last = turnsOf(current(), selected).at(-1);
  if (last) showTurn(last);
}

// By the key's place, since Alt with a letter writes something else on a Mac.
export const KEYS = [
  { shown: ["Enter"], does: "send the prompt" },
  { shown: ["Shift+Enter"], does: "new line" },
  { shown: ["↑"], does: "in an empty prompt: the last prompt again" },
  { shown: ["Esc"], does: "stop the running turn" },
  { shown: ["/"], does: "to the prompt", plain: "/", run: focusPrompt },
  { shown: ["Alt+N"], does: "new session", code: "KeyN", run: () => newSession() },
  { shown: ["Alt+Shift+N"], does: "new session with an id, name, user or tenant", code: "KeyN", shift: true,
    run: () => open({ kind: "session", session: null }) },
  { shown: ["Alt+R"], does: "name, user and tenant of the session", code: "KeyR",
    run: inSession((session) => open({ kind: "session", session })) },
  { shown: ["Alt+↓", "Alt+↑"], does: "next, previous session", code: "ArrowDown", run: () => step(1) },
  { code: "ArrowUp", run: () => step(-1) },
  { shown: ["Alt+M"], does: "the machine", code: "KeyM", run: () => showPanel("machine") },
  { shown: ["Alt+T"], does: "details of the last turn", code: "KeyT", run: showLastTurn },
  { shown: ["Alt+H"], does: "what the agent remembers", code: "KeyH",
    run: () => current().agent?.actions && showPanel("memory") },
  { shown: ["?"], does: "these keys", plain: "?", run: () => open({ kind: "keys" }) },
].map((key) => ({ shown: [], shift: false, ...key }));

const isWriting = (element) => element?.matches("input, textarea");

function keyFor(event) {
  if (event.ctrlKey || event.metaKey) return undefined;
  if (event.altKey) return KEYS.find((key) => key.code === event.code && key.shift === event.shiftKey);
  // In an empty prompt `?` opens the list as well: nobody begins with it.
  const writes = isWriting(event.target) && !(event.target.id === "prompt" && event.target.value === "" && event.key === "?");
  return writes ? undefined : KEYS.find((key) => key.plain === event.key);
}

export function onKeyDown(event) {
  if (document.querySelector("dialog[open]") || event.isComposing) return;
  if (event.key === "Escape") {
    const [last] = running().slice(-1);
    if (last) stop(last);
    return;
  }
  const key = keyFor(event);
  if (!key) return;
  event.preventDefault();
  key.run();
}
