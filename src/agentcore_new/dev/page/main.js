// The page as a whole.

import { html, render } from "./vendor/htm-preact-standalone.js";
import { current, dismiss, open, set, showPanel, start } from "./app.js";
import { Conversation } from "./conversation.js";
import { Dialogs } from "./dialogs.js";
import { sessionName } from "./format.js";
import { onKeyDown } from "./keys.js";
import { MachinePanel } from "./machine.js";
import { MemoryPanel } from "./memory.js";
import { Sessions } from "./sessions.js";
import { selectedSession } from "./state.js";
import { TurnPanel } from "./turn.js";

const VIEWS = { sessions: "Sessions", talk: "Conversation", side: "Machine" };

function Top({ agent, view }) {
  return html`<header class="top">
    <p class="agent"><strong>${agent?.name ?? "agentcore-new dev"}</strong>
      ${agent && html`<code title=${agent.folder}>${agent.folder}</code>`}</p>
    ${agent?.offline && html`<span class="badge" title="Without a model">offline</span>`}
    ${agent && !agent.per_session && html`<span class="badge">one process</span>`}
    <div class="views" role="group" aria-label="What is shown">
      ${Object.entries(VIEWS).map(([name, title]) => html`<button class="view-${name}" aria-pressed=${view === name}
          onClick=${() => set({ view: name })}>${title}</button>`)}
    </div>
    <button class="quiet" onClick=${() => open({ kind: "keys" })} title="Keys (?)" aria-label="Keys">?</button>
  </header>`;
}

function Problem({ problem }) {
  const { kind, message, file, line, text, hint, log } = problem;
  return html`<section class="problem" role="alert">
    <h2>${kind === "syntax" ? "Syntax error" : "The agent does not start"}</h2>
    <p>${message}</p>
    ${file && html`<p><code>${file}${line != null && `:${line}`}</code></p>`}
    ${text && html`<pre tabindex="0">${text}</pre>`}
    ${hint && html`<p class="hint">${hint}</p>`}
    ${log.length > 0 && html`<details open><summary>Last lines of its log</summary><pre tabindex="0">${log.join("\n")}</pre></details>`}
  </section>`;
}

const Notices = ({ notices }) => html`<div class="notices" role="status" aria-live="polite">
  ${notices.map(({ id, text, kind }) => html`<p key=${id} class=${kind}>${text}
    <button class="quiet" aria-label="Dismiss" onClick=${() => dismiss(id)}>×</button></p>`)}
</div>`;

function Side({ state }) {
  const panels = [["machine", "Machine"], ["turn", "Turn"]];
  if (state.agent?.actions) panels.push(["memory", "Memory"]);
  const at = panels.findIndex(([name]) => name === state.panel);
  const onKeyDown = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || event.altKey) return;
    const [name] = panels[(at + by + panels.length) % panels.length];
    set({ panel: name });
    document.getElementById(`tab-${name}`).focus();
  };
  return html`<aside class="panel side" aria-label="Machine, turn and memory">
    <div class="tabs" role="tablist" onKeyDown=${onKeyDown}>
      ${panels.map(([name, title]) => html`<button role="tab" id="tab-${name}" aria-selected=${state.panel === name}
          aria-controls="side" tabindex=${state.panel === name ? 0 : -1} onClick=${() => showPanel(name)}>${title}</button>`)}
    </div>
    <div class="inside" id="side" role="tabpanel" aria-labelledby="tab-${state.panel}">
      ${state.panel === "machine" && html`<${MachinePanel} state=${state} />`}
      ${state.panel === "turn" && html`<${TurnPanel} state=${state} />`}
      ${state.panel === "memory" && html`<${MemoryPanel} state=${state} />`}
    </div>
  </aside>`;
}

function Page({ state }) {
  const session = selectedSession(state);
  const name = state.agent?.name ?? "agentcore-new dev";
  document.title = session ? `${sessionName(session)} · ${name}` : name;
  return html`<div class="page show-${state.view}">
    <${Top} agent=${state.agent} view=${state.view} />
    <div class="banners">
      ${state.connection === "lost" && html`<p class="lost" role="alert">No connection to the front. Trying again …</p>`}
      ${state.problem && html`<${Problem} problem=${state.problem} />`}
    </div>
    <${Sessions} state=${state} />
    <${Conversation} state=${state} />
    <${Side} state=${state} />
    <${Notices} notices=${state.notices} />
    <${Dialogs} dialog=${state.dialog} like=${session} />
  </div>`;
}

// Many events may come between two frames; a window that nobody sees has none.
let isDue = false;

function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    render(html`<${Page} state=${current()} />`, document.getElementById("app"));
  });
}

addEventListener("keydown", onKeyDown);
start(draw);
