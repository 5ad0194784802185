// In the middle: what is said in the session.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact-standalone.js";
import { draft, keepDraft, open, send, showTurn, stop } from "./app.js";
import { clock, duration, pretty, sessionName } from "./format.js";
import { Copy, Rendered, Same, useFollowing, useNow } from "./parts.js";
import { keyOf, machineOf, selectedSession, turnsOf } from "./state.js";

const names = { done: "done", failed: "failed", stopped: "stopped" };

function Tools({ tools }) {
  if (tools.length === 0) return null;
  return html`<ul class="tools" aria-label="Tool calls">
    ${tools.map(({ name, seconds, failed }) => html`<li class=${failed ? "failed" : ""}>
      <span class="tool">${name}</span>
      <span>${failed ? "failed" : seconds == null ? "running" : ""} ${seconds != null && duration(seconds)}</span>
    </li>`)}
  </ul>`;
}

function Failure({ turn }) {
  const { original, status, error } = turn;
  return html`<div class="failure">
    <p><strong>${status ?? "Error"}</strong> ${error ?? "The turn failed."}</p>
    ${original && html`
      <p class="dim">${status === original.status
        ? "The agent's own answer:"
        : `The agent itself answered ${original.status}; AgentCore makes a ${status} of it for the caller.`}</p>
      <pre tabindex="0">${pretty(original.body) || "(empty)"}</pre>`}
  </div>`;
}

function Waiting({ turn, isStarting }) {
  const now = useNow(true, 100);
  return html`<p class="waiting">${isStarting ? "Its machine starts" : "Waiting for the agent"} <span>${duration(Math.max(0, now / 1000 - turn.started))}</span></p>`;
}

class Turn extends Same {
  render({ turn, isChosen, isStarting }) {
    const isRunning = turn.state === "running";
    return html`<article class="turn ${turn.state} ${isChosen ? "chosen" : ""}" aria-busy=${isRunning}
        aria-label="Turn ${turn.id}">
      <div class="prompt"><p><span class="unseen">You: </span>${turn.prompt}</p></div>
      <div class="answer">
        <span class="unseen">The agent: </span>
        <${Tools} tools=${turn.tools} />
        ${turn.text === "" && isRunning ? html`<${Waiting} turn=${turn} isStarting=${isStarting} />` : html`<${Rendered} source=${turn.html} />`}
        ${(turn.error || turn.state === "failed") && html`<${Failure} turn=${turn} />`}
        <p class="about">
          <span class="state">${isRunning ? "running" : names[turn.state]}${turn.status && turn.state === "done" ? ` ${turn.status}` : ""}</span>
          ${turn.first != null && html`<span title="until the first piece of the answer">first ${duration(turn.first)}</span>`}
          ${turn.seconds != null && html`<span title="until the end of the answer">all ${duration(turn.seconds)}</span>`}
          <span title="when it was sent">${clock(turn.started)}</span>
          <span class="buttons">
            ${isRunning && html`<button class="quiet" onClick=${() => stop(turn)}>Stop</button>`}
            ${!isRunning && html`<button class="quiet" onClick=${() => send(turn.prompt)} title="Send the same prompt again">Retry</button>`}
            ${turn.text !== "" && html`<${Copy} text=${turn.text} hint="Copy the answer as it came" />`}
            <button class="quiet" aria-pressed=${isChosen} onClick=${() => showTurn(turn)}
                title="Request, response and events">Details</button>
          </span>
        </p>
      </div>
    </article>`;
  }
}

function Head({ session }) {
  if (!session) return html`<header class="head"><h1>New session</h1></header>`;
  return html`<header class="head">
    <div class="what">
      <h1>${sessionName(session)}</h1>
      <p class="about">
        <code title=${session.id}>${session.id}</code>
        ${session.user && html`<span class="who" title="user">${session.user}</span>`}
        ${session.tenant && html`<span class="who tenant" title="tenant">${session.tenant}</span>`}
      </p>
    </div>
    <${Copy} text=${session.id} label="Copy id" />
    <button class="quiet" onClick=${() => open({ kind: "session", session })} title="Name, user and tenant (Alt+R)"
        aria-keyshortcuts="Alt+R">Edit</button>
    <button class="quiet" onClick=${() => open({ kind: "delete", session })}>Delete</button>
  </header>`;
}

function Composer({ id, turns }) {
  const [text, setText] = useState(draft(id));
  const [isSending, setSending] = useState(false);
  const field = useRef();
  const runs = turns.filter((turn) => turn.state === "running");

  useEffect(() => { // not from where somebody goes through the list
    if (document.activeElement === document.body) field.current.focus();
  }, []);
  useLayoutEffect(() => { // as high as its text
    const { current } = field;
    current.style.height = "auto";
    current.style.height = `${current.scrollHeight + current.offsetHeight - current.clientHeight}px`;
  }, [text]);

  const write = (value) => {
    setText(value);
    keepDraft(id, value);
  };
  const submit = async (event) => {
    event?.preventDefault();
    if (isSending || text.trim() === "") return;
    setSending(true);
    if (await send(text)) write("");
    setSending(false);
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
    const last = turns.at(-1)?.prompt;
    if (event.key === "ArrowUp" && !event.altKey && text === "" && last) {
      event.preventDefault();
      write(last);
    }
  };
  return html`<form class="composer" onSubmit=${submit}>
    <textarea id="prompt" ref=${field} rows="1" aria-label="Prompt" placeholder="Say something to the agent"
        value=${text} onInput=${(event) => write(event.target.value)} onKeyDown=${onKeyDown}></textarea>
    <div class="buttons">
      ${runs.length > 0 && html`<button type="button" onClick=${() => stop(runs.at(-1))} aria-keyshortcuts="Escape">Stop <kbd>Esc</kbd></button>`}
      <button class="main" disabled=${isSending || text.trim() === ""}>Send</button>
    </div>
    <p class="hint">Enter sends, Shift+Enter makes a new line, <button type="button" class="link" onClick=${() => open({ kind: "keys" })}>? shows all keys</button></p>
  </form>`;
}

function Welcome({ agent }) {
  if (!agent) return html`<div class="welcome"><p>Connecting …</p></div>`;
  return html`<div class="welcome">
    <h2>Talk to ${agent.name}</h2>
    <p>${agent.per_session
      ? "Each session has a machine of its own, as on AgentCore. Stop or kill it on the right, and see what the agent still knows."
      : "All sessions share one process, as in a container elsewhere."}</p>
    ${agent.offline && html`<p>It answers offline, without a model.</p>`}
  </div>`;
}

export function Conversation({ state }) {
  const session = selectedSession(state);
  const turns = turnsOf(state, state.selected);
  const { element, onScroll, isAway, follow } = useFollowing(turns.at(-1));
  useLayoutEffect(follow, [state.selected]);
  const isStarting = machineOf(state)?.state === "starting";
  let before = null;
  return html`<main class="panel conversation" aria-label="Conversation">
    <${Head} session=${session} />
    <div class="turns" ref=${element} onScroll=${onScroll} role="log" aria-live="polite" aria-label="What was said" tabindex="0">
      ${turns.length === 0 && html`<${Welcome} agent=${state.agent} />`}
      ${turns.map((turn) => {
        const isOther = before !== null && turn.machine !== null && turn.machine !== before;
        before = turn.machine ?? before;
        return html`
          ${isOther && html`<p key="machine ${keyOf(turn)}" class="other"><span>on another machine from here</span></p>`}
          <${Turn} key=${keyOf(turn)} turn=${turn} isStarting=${isStarting}
              isChosen=${state.panel === "turn" && state.turn === keyOf(turn)} />`;
      })}
    </div>
    ${isAway && html`<button class="newest" onClick=${follow}>↓ Newest</button>`}
    <${Composer} key=${state.selected} id=${state.selected} turns=${turns} />
  </main>`;
}
