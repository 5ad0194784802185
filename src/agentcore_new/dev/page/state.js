// From what the front tells to what is shown; nothing here has an effect.

export const initial = (selected) => ({
  connection: "connecting", // "open", "lost"
  agent: null,
  sessions: new Map(), // id -> session
  missing: [], // sessions that were here, and which a new front does not know
  turns: new Map(), // key -> turn
  machines: [], // those that belong to no session
  problem: null,
  notices: [],
  answers: {}, // session -> action -> what the agent itself answered
  selected, // the id of a session
  turn: null, // the key of the turn on the right
  panel: "machine", // "turn", "memory"
  view: "talk", // what a narrow window shows: "sessions", "side"
  dialog: null,
});

// A front that was started again counts from 1 again.
export const keyOf = (turn) => `${turn.id} ${turn.started}`;

export function turnsOf(state, id) {
  const turns = [...state.turns.values()].filter((turn) => turn.session === id);
  return turns.sort((one, other) => one.started - other.started || one.id - other.id);
}

// The newest first, and each stays where it is.
export const listed = (state) => [...state.sessions.values()].reverse();

export const selectedSession = (state) => state.sessions.get(state.selected) ?? null;

export function machineOf(state) {
  // while one takes over from another there are two
  if (state.agent && !state.agent.per_session) return state.machines.at(-1) ?? null;
  return selectedSession(state)?.machine ?? null;
}

export const isAlive = (machine) => machine != null && machine.state !== "ended";

export function machinesAlive(state) {
  const own = [...state.sessions.values()].filter((session) => isAlive(session.machine)).length;
  return own + state.machines.filter(isAlive).length;
}

// Since when its age and idle time count on.
const stamped = (machine, now) => machine && { ...machine, at: now };
const withStamp = (session, now) => ({ ...session, machine: stamped(session.machine, now) });

// Of those that nothing new was told of, nothing will be heard any more.
export function interrupted(state, doubtful) {
  const turns = new Map(state.turns);
  for (const turn of doubtful.filter((each) => turns.get(keyOf(each)) === each)) {
    const error = "The front ended before the answer was complete.";
    turns.set(keyOf(turn), { ...turn, state: "failed", error });
  }
  return { ...state, turns };
}

export function turnHeard(state, turn) {
  return { ...state, turns: new Map(state.turns).set(keyOf(turn), turn) };
}

export function sessionHeard(state, session, now) {
  const sessions = new Map(state.sessions).set(session.id, withStamp(session, now));
  return { ...state, sessions };
}

const told = {
  hello: (state, { agent }) => ({ ...state, agent, connection: "open", problem: null }),
  sessions(state, { sessions }, now) {
    const known = new Map(sessions.map((each) => [each.id, withStamp(each, now)]));
    const missing = [...state.sessions.values()].filter((each) => !known.has(each.id));
    return { ...state, sessions: known, missing };
  },
  session: (state, { session }, now) => sessionHeard(state, session, now),
  gone(state, { id }) {
    const sessions = new Map(state.sessions);
    sessions.delete(id);
    const turns = new Map([...state.turns].filter(([, turn]) => turn.session !== id));
    const selected = state.selected === id ? null : state.selected;
    return { ...state, sessions, turns, selected };
  },
  turn: (state, { turn }) => turnHeard(state, turn),
  machines: (state, { machines }, now) => (
    { ...state, machines: machines.map((each) => stamped(each, now)) }
  ),
  problem: (state, { problem }) => ({ ...state, problem }),
};

export function heard(state, message, now) {
  // what a newer front tells is not for this page
  return Object.hasOwn(told, message.type) ? told[message.type](state, message, now) : state;
}
