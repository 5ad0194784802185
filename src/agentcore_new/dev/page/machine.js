// On the right: the machine of the session.

import { html, useEffect, useMemo, useState } from "./vendor/htm-preact-standalone.js";
import { readLog } from "./api.js";
import { killMachine, restartMachines, stopMachine } from "./app.js";
import { bytes, long, readable, withoutEscapes } from "./format.js";
import { Facts, useFollowing, useNow } from "./parts.js";
import { isAlive, machineOf } from "./state.js";

const AGAIN = 700; // ms
const LONGEST = 200_000; // characters of a log that are shown

const names = { starting: "Starting", ready: "Ready", stopping: "Stopping", ended: "Ended" };

// The text of a log, as long as it is looked at.
function useLog(machine, isAlive) {
  const [log, setLog] = useState({ text: "", error: null });
  useEffect(() => {
    let isOver = false, timer, from = 0, text = "";
    setLog({ text: "", error: null });
    const read = async () => {
      try {
        const answer = await readLog(machine, from);
        if (isOver) return;
        from = answer.next;
        if (answer.text !== "") {
          text = (text + answer.text).slice(-LONGEST);
          setLog({ text, error: null });
        }
        // What came last of one that has ended is read to its end.
        if (isAlive || answer.text !== "") timer = setTimeout(read, AGAIN);
      } catch (error) {
        if (isOver) return;
        setLog({ text, error: error.message });
        timer = setTimeout(read, 5 * AGAIN);
      }
    };
    read();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [machine, isAlive]);
  return log;
}

function Log({ machine }) {
  const log = useLog(machine.id, isAlive(machine));
  const [isRaw, setRaw] = useState(false);
  const isJson = /^\{/m.test(log.text);
  const text = useMemo(() => {
    const plain = withoutEscapes(log.text);
    return isRaw ? plain : plain.split("\n").map(readable).join("\n");
  }, [log.text, isRaw]);
  const { element, onScroll, isAway, follow } = useFollowing(text);
  return html`<section class="log" aria-label="Log">
    <div class="head">
      <h3>Log</h3>
      ${isJson && html`<button class="quiet" aria-pressed=${isRaw} onClick=${() => setRaw(!isRaw)}>As it is</button>`}
      ${isAway && html`<button class="quiet" onClick=${follow}>↓ Follow</button>`}
    </div>
    ${log.error && html`<p class="hint">${log.error}</p>`}
    <pre ref=${element} onScroll=${onScroll} tabindex="0" aria-label="Log of the machine">${text || "(nothing yet)"}</pre>
  </section>`;
}

function Idle({ machine, now, limit }) {
  if (machine.idle === null || machine.state !== "ready") return null;
  const idle = machine.idle + (now - machine.at) / 1000;
  return html`<div class="idle">
    <label>Idle for ${long(idle)} of ${long(limit)}
      <progress max=${limit} value=${Math.min(idle, limit)}></progress></label>
  </div>`;
}

function Machine({ machine, agent }) {
  const alive = isAlive(machine);
  const now = useNow(alive);
  const age = machine.age + (alive ? Math.max(0, now - machine.at) / 1000 : 0);
  return html`
    <div class="title">
      <span class="dot ${machine.state} ${machine.health === "HealthyBusy" ? "busy" : ""}" aria-hidden="true"></span>
      <strong>${names[machine.state]}</strong>
      <span class="dim">machine ${machine.id}</span>
    </div>
    ${machine.why && html`<p class="why">${machine.why}</p>`}
    <${Facts} rows=${[
      ["Process", machine.pid ?? "–"],
      [alive ? "Age" : "Lived", long(age)],
      ["Health", machine.health ?? "–"],
      ["Memory", bytes(machine.memory)],
      ["Running turns", machine.turns],
    ]} />
    <${Idle} machine=${machine} now=${Math.max(now, machine.at)} limit=${agent.idle_seconds} />
    <div class="buttons">
      <button disabled=${!alive} onClick=${() => stopMachine(machine.id)} title="SIGTERM, and SIGKILL 15 s later">Stop this machine</button>
      <button class="danger" disabled=${!alive} onClick=${() => killMachine(machine.id)} title="SIGKILL, as when a machine is lost">kill -9</button>
      <button onClick=${restartMachines}>Restart all</button>
    </div>
    <${Log} key=${machine.id} machine=${machine} />`;
}

export function MachinePanel({ state }) {
  const { agent } = state;
  if (!agent) return html`<p class="hint">Connecting …</p>`;
  const machine = machineOf(state);
  if (machine) return html`<${Machine} key=${machine.id} machine=${machine} agent=${agent} />`;
  const isSpare = state.machines.some((each) => each.state === "ready");
  return html`
    <p class="hint">No machine yet: the first prompt of a session gets one.
      ${isSpare && " One waits already, as AgentCore keeps some warm."}</p>
    <div class="buttons"><button onClick=${restartMachines}>Restart all</button></div>`;
}
