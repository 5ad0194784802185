// On the right: one turn as it went over the wire.

import { html, useEffect, useState } from "./vendor/htm-preact-standalone.js";
import { readTurn } from "./api.js";
import { duration, pretty } from "./format.js";
import { Copy, Facts } from "./parts.js";

const AT_ONCE = 300; // events

function useDetails(turn) {
  const [details, setDetails] = useState({});
  const isRunning = turn.state === "running";
  useEffect(() => {
    let isOver = false, timer;
    const read = async () => {
      try {
        const answer = await readTurn(turn.id);
        if (isOver) return;
        // A front that was started again has given the number to another turn.
        const isThis = answer.turn.started === turn.started;
        setDetails(isThis ? answer : { error: "The front that had this turn has ended." });
      } catch (error) {
        if (!isOver) setDetails((before) => ({ ...before, error: error.message }));
      }
      if (isRunning && !isOver) timer = setTimeout(read, 500);
    };
    read();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
    // what is told of calls may come after the end of the turn
  }, [turn.id, turn.started, isRunning, isRunning ? 0 : turn.tools]);
  return details;
}

const Headers = ({ headers }) => html`<table class="headers">
  <tbody>${headers.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody>
</table>`;

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl({ method, path, headers, body }, url) {
  const ours = headers.filter(([name]) => !/^(host|content-length|connection|accept-encoding)$/i.test(name));
  const flags = ours.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  return ["curl -N", `-X ${method}`, ...flags, `--data-raw ${quoted(body)}`, quoted(new URL(path, url).href)].join(" ");
}

function Request({ request, url }) {
  return html`<details open>
    <summary>Request</summary>
    <div class="head"><code>${request.method} ${request.path}</code><${Copy} text=${curl(request, url)} label="Copy as curl" /></div>
    <${Headers} headers=${request.headers} />
    ${request.dropped.length > 0 && html`
      <h4>Dropped on the way, as AgentCore does</h4>
      <${Headers} headers=${request.dropped} />`}
    <pre tabindex="0" aria-label="Body of the request">${pretty(request.body)}</pre>
  </details>`;
}

const Response = ({ response, turn }) => html`<details open>
  <summary>Response</summary>
  ${response === null
    ? html`<p class="hint">${turn.state === "running" ? "Nothing has come yet." : "Nothing came."}</p>`
    : html`<p><code>${response.status}</code></p><${Headers} headers=${response.headers} />`}
  ${turn.original && html`<h4>What the agent itself said: ${turn.original.status}</h4>
    <pre tabindex="0" aria-label="The agent's own answer">${pretty(turn.original.body) || "(empty)"}</pre>`}
</details>`;

function Events({ events }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? events : events.slice(0, AT_ONCE);
  return html`<details open>
    <summary>Events <span class="dim">${events.length}</span></summary>
    ${events.length === 0 && html`<p class="hint">None.</p>`}
    <ol class="events">
      ${shown.map(({ at, data }) => html`<li><span class="at">+${at.toFixed(3)}</span><code>${data}</code></li>`)}
    </ol>
    ${shown.length < events.length && html`<button onClick=${() => setWhole(true)}>Show all ${events.length}</button>`}
  </details>`;
}

function Calls({ calls, turn }) {
  if (calls.length === 0) return null;
  const ends = calls.map((call) => call.start + (call.seconds ?? 0));
  const whole = Math.max(turn.seconds ?? 0, ...ends, 0.001);
  const percent = (seconds) => `${(Math.max(0, seconds) / whole) * 100}%`;
  const visible = (seconds) => percent(Math.max(seconds, whole / 200));
  return html`<details open>
    <summary>Calls <span class="dim">${calls.length}</span></summary>
    <ol class="calls">
      ${calls.map(({ name, kind, start, seconds, failed, tokens }) => html`<li class="of-${kind === "tool" ? "tool" : "model"} ${failed ? "failed" : ""}">
        <span class="kind">${kind}</span> <span class="tool">${name}</span>${" "}
        <span class="dim">${failed && "failed, "}${duration(seconds)}${tokens && `, ${tokens[0]} → ${tokens[1]} tokens`}</span>
        <svg class="bar" aria-hidden="true"><rect class="whole" width="100%" height="100%" rx="2" />
          <rect x=${percent(start)} width=${visible(seconds ?? whole - start)} height="100%" rx="2" /></svg>
      </li>`)}
    </ol>
  </details>`;
}

function Details({ turn, url }) {
  const { request, response, events, calls, error } = useDetails(turn);
  return html`
    <p class="quote">${turn.prompt}</p>
    <${Facts} rows=${[
      ["State", turn.state],
      ["Status", turn.status ?? "–"],
      ["First piece", duration(turn.first)],
      ["Whole answer", duration(turn.seconds)],
      ["Machine", turn.machine ?? "–"],
    ]} />
    ${error && html`<p class="hint">${error}</p>`}
    ${request && html`
      <${Calls} calls=${calls} turn=${turn} />
      <${Request} request=${request} url=${url} />
      <${Response} response=${response} turn=${turn} />
      <${Events} events=${events} />`}
    <details>
      <summary>Answer as text</summary>
      <pre tabindex="0">${turn.text || "(empty)"}</pre>
    </details>`;
}

export function TurnPanel({ state }) {
  const turn = state.turns.get(state.turn);
  if (!turn) return html`<p class="hint">“Details” below a turn shows its request, response and events here.</p>`;
  return html`<${Details} key=${state.turn} turn=${turn} url=${state.agent?.url ?? location.href} />`;
}
