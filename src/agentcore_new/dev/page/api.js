// What the front can be asked, and what it tells by itself.

async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error("The front does not answer.");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `The front answered ${response.status}.`);
  return answer;
}

const session = (id) => `/api/sessions/${encodeURIComponent(id)}`;

export const createSession = (fields) => ask("POST", "/api/sessions", fields);
export const changeSession = (id, fields) => ask("PATCH", session(id), fields);
export const deleteSession = (id) => ask("DELETE", session(id));
export const startTurn = (id, prompt) => ask("POST", `${session(id)}/turns`, { prompt });
export const perform = (id, action) => ask("POST", `${session(id)}/actions`, action);
export const stopTurn = (id) => ask("POST", `/api/turns/${id}/stop`, {});
export const readTurn = (id) => ask("GET", `/api/turns/${id}`);
export const readLog = (machine, from) => ask("GET", `/api/machines/${machine}/log?from=${from}`);
export const stopMachine = (id) => ask("POST", `/api/machines/${id}/stop`, {});
export const killMachine = (id) => ask("POST", `/api/machines/${id}/kill`, {});
export const restartMachines = () => ask("POST", "/api/machines/restart", {});

const AGAIN = 500; // ms

// Hears what happens, with the turns of one session; returns what ends it.
export function listen(id, onMessage, onLost) {
  let source, timer;
  const connect = () => {
    source = new EventSource(`/api/events?session=${encodeURIComponent(id ?? "")}`);
    source.onmessage = (event) => onMessage(JSON.parse(event.data));
    source.onerror = () => {
      // By itself it would wait for seconds, and give up after an answer that is none.
      source.close();
      onLost();
      timer = setTimeout(connect, AGAIN);
    };
  };
  connect();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
