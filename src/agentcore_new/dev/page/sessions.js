// On the left: the sessions.

import { html, useLayoutEffect, useRef, useState } from "./vendor/htm-preact-standalone.js";
import { focusPrompt, newSession, open, select, step } from "./app.js";
import { count, sessionName } from "./format.js";
import { Same } from "./parts.js";
import { listed, machinesAlive } from "./state.js";

const FEW = 8;

const stateOf = (machine) => (machine ? machine.state : "none");

const said = {
  none: "no machine",
  starting: "machine starts",
  ready: "machine ready",
  stopping: "machine stops",
  ended: "machine ended",
};

function choose(id) {
  select(id);
  focusPrompt();
}

class Row extends Same {
  render({ session, isSelected, isReachable, perSession }) {
    const { user, tenant, turns, running, machine } = session;
    return html`<li>
      <button class="session" aria-current=${isSelected ? "true" : undefined}
          tabindex=${isReachable ? 0 : -1} onClick=${() => choose(session.id)} title=${session.id}>
        <span class="name">${sessionName(session)}</span>
        ${perSession && html`<span class="dot ${stateOf(machine)} ${machine?.health === "HealthyBusy" ? "busy" : ""}"
            role="img" aria-label=${said[stateOf(machine)]} title=${said[stateOf(machine)]}></span>`}
        <span class="about">
          ${running > 0
            ? html`<span class="running">${running > 1 ? `${running} turns run` : "running"}</span>`
            : count(turns, "turn")}
          ${user && html`<span class="who" title="user">${user}</span>`}
          ${tenant && html`<span class="who tenant" title="tenant">${tenant}</span>`}
        </span>
      </button>
    </li>`;
  }
}

export function Sessions({ state }) {
  const [filter, setFilter] = useState("");
  const list = useRef();
  const all = listed(state);
  const part = filter.trim().toLowerCase();
  const shown = all.filter((each) => (
    [each.name, each.id, each.user, each.tenant].some((text) => text?.toLowerCase().includes(part))
  ));
  const reachable = shown.some((each) => each.id === state.selected) ? state.selected : shown[0]?.id;

  useLayoutEffect(() => {
    const row = list.current?.querySelector("[aria-current]");
    row?.scrollIntoView({ block: "nearest" });
    if (list.current?.contains(document.activeElement)) row?.focus();
  }, [state.selected, part]);

  const onKeyDown = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.altKey) return;
    event.preventDefault();
    step(by);
  };

  return html`<nav class="panel sessions" aria-label="Sessions">
    <div class="head">
      <h2>Sessions</h2>
      <button onClick=${() => newSession()} title="Alt+N" aria-keyshortcuts="Alt+N">New</button>
      <button class="quiet" onClick=${() => open({ kind: "session", session: null })}
          title="New session with an id, name, user or tenant (Alt+Shift+N)" aria-label="New session with …">…</button>
    </div>
    ${all.length > FEW && html`<input type="search" placeholder="Find name, id, user" aria-label="Find sessions"
        value=${filter} onInput=${(event) => setFilter(event.target.value)} />`}
    ${all.length === 0 && html`<p class="hint">Your first prompt opens a session.</p>`}
    ${all.length > 0 && shown.length === 0 && html`<p class="hint">No session is like that.</p>`}
    <ul ref=${list} onKeyDown=${onKeyDown}>
      ${shown.map((each) => html`<${Row} key=${each.id} session=${each} isSelected=${each.id === state.selected}
          isReachable=${each.id === reachable} perSession=${state.agent?.per_session ?? true} />`)}
    </ul>
    ${state.agent && html`<p class="foot">
      ${state.agent.per_session
        ? `${machinesAlive(state)} of ${count(state.agent.limit, "machine")} run`
        : "One process has all sessions"}
    </p>`}
  </nav>`;
}
