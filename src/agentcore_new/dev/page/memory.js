// On the right: what the agent itself remembers, beside what this page saw.

import { html } from "./vendor/htm-preact-standalone.js";
import { newSession, open, recall, select } from "./app.js";
import { clock, count } from "./format.js";
import { Facts } from "./parts.js";
import { selectedSession, turnsOf } from "./state.js";

const time = (text) => clock(Date.parse(text) / 1000);

// Only what has the shape that is expected is taken apart; the rest is shown as it came.
const shapes = {
  history: (body) => Array.isArray(body?.messages),
  status: (body) => typeof body?.status === "string",
  sessions: (body) => Array.isArray(body?.sessions),
};

function Section({ title, action, id, answer, children }) {
  const isGood = answer?.status === 200 && shapes[action](answer.body);
  const label = answer ? "Ask again" : "Ask";
  return html`<section aria-label=${title}>
    <div class="head">
      <h3>${title}</h3>
      <button onClick=${() => recall(id, action)} aria-label="${label}: ${title}">${label}</button>
    </div>
    ${answer && html`<p class="dim asked">Asked at ${clock(answer.at)}</p>`}
    ${isGood && children(answer.body)}
    ${answer && !isGood && html`<div class="failure">
      <p><strong>${answer.status}</strong> The agent answered:</p>
      <pre tabindex="0">${JSON.stringify(answer.body, null, 2)}</pre>
    </div>`}
  </section>`;
}

function Compared({ body, turns }) {
  const recalled = body.messages.filter((message) => message.role === "user").length;
  const seen = turns.filter((turn) => turn.state === "done").length;
  const hasAll = recalled >= seen || body.before !== null;
  return html`<p class="compared ${hasAll ? "" : "less"}">The agent recalls ${count(recalled, "prompt")};
    this page saw ${count(seen, "answered turn")}.</p>`;
}

const History = ({ id, body, turns }) => html`
  <${Compared} body=${body} turns=${turns} />
  ${body.before && html`<button class="quiet" onClick=${() => recall(id, "history", body.before)}>Earlier</button>`}
  <ol class="messages">
    ${body.messages.map((message) => html`<li class=${message.role}>
      <span class="role">${message.role}</span> <time class="dim" datetime=${message.timestamp}>${time(message.timestamp)}</time>
      <p>${message.message}</p>
    </li>`)}
  </ol>`;

const Status = ({ body }) => html`
  <${Facts} rows=${[
    ["Status", body.status],
    ["Step", body.current_step ?? "–"],
    ["Since", time(body.updated_at)],
    ...(body.issues ?? []).map((issue) => ["Issue", issue]),
  ]} />
  <label class="dim">Progress <progress max="100" value=${body.progress}></progress></label>`;

function Kept({ body, state, session }) {
  const add = (kept) => newSession({
    id: kept.session_id, name: kept.first_line || null, user: session.user, tenant: session.tenant,
  });
  if (body.sessions.length === 0) return html`<p class="hint">None.</p>`;
  return html`<ul class="kept">
    ${body.sessions.map((kept) => html`<li>
      <span class="name">${kept.first_line || kept.session_id}</span>
      <span class="dim">${new Date(kept.last_used).toLocaleString()}</span>
      ${state.sessions.has(kept.session_id)
        ? html`<button class="quiet" onClick=${() => select(kept.session_id)}>Open</button>`
        : html`<button class="quiet" onClick=${() => add(kept)}>Add to the list</button>`}
    </li>`)}
  </ul>`;
}

export function MemoryPanel({ state }) {
  const session = selectedSession(state);
  if (!session) return html`<p class="hint">Once there is a session, the agent can be asked what it remembers of it.</p>`;
  const { id, user } = session;
  const answers = state.answers[id] ?? {};
  const section = (title, action, children) => html`
    <${Section} title=${title} action=${action} id=${id} answer=${answers[action]}>${children}<//>`;
  return html`
    <p class="hint">Asked of the agent itself, on the machine of this session, which starts for it if need be.</p>
    ${section("History", "history", (body) => html`<${History} id=${id} body=${body} turns=${turnsOf(state, id)} />`)}
    ${section("Status", "status", (body) => html`<${Status} body=${body} />`)}
    ${section(`Kept sessions of ${user ?? "the anonymous user"}`, "sessions", (body) => (
      html`<${Kept} body=${body} state=${state} session=${session} />`
    ))}
    <section aria-label="Forget">
      <div class="head"><h3>Forget</h3><button class="danger" onClick=${() => open({ kind: "forget", session })}>Forget …</button></div>
    </section>`;
}
