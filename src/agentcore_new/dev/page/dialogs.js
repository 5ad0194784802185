// What asks before it does something, and the list of keys.

import { html, useState } from "./vendor/htm-preact-standalone.js";
import { changeSession, deleteSession, focusPrompt, newSession, open, recall } from "./app.js";
import { sessionName } from "./format.js";
import { KEYS } from "./keys.js";
import { Dialog } from "./parts.js";

const close = () => open(null);

const Field = ({ name, label, hint, value, onInput }) => html`<div class="field">
  <label for="field-${name}">${label}</label>
  <input id="field-${name}" value=${value} autocomplete="off" spellcheck=${false} aria-describedby="hint-${name}"
      onInput=${(event) => onInput(event.target.value)} />
  <small id="hint-${name}">${hint}</small>
</div>`;

function SessionDialog({ session, like }) {
  const [fields, setFields] = useState({
    id: "", name: session?.name ?? "", user: (session ?? like)?.user ?? "", tenant: (session ?? like)?.tenant ?? "",
  });
  const field = (name, label, hint) => html`<${Field} name=${name} label=${label} hint=${hint}
    value=${fields[name]} onInput=${(value) => setFields({ ...fields, [name]: value })} />`;
  const submit = async (event) => {
    event.preventDefault();
    const { id, ...rest } = fields;
    const wanted = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value.trim() || null]));
    const done = session
      ? await changeSession(session.id, wanted)
      : await newSession(id.trim() ? { id: id.trim(), ...wanted } : wanted);
    if (done) close();
    if (done && !session) focusPrompt();
  };
  return html`<${Dialog} title=${session ? "Edit session" : "New session"} onClose=${close}>
    <form onSubmit=${submit}>
      ${field("name", "Name", "for you alone; the agent does not see it")}
      ${field("user", "User", "sent as the runtime's user id; empty: anonymous")}
      ${field("tenant", "Tenant", "sent as the tenant header")}
      ${!session && field("id", "Session id", "33 characters or more; empty: a new one")}
      <div class="buttons">
        <button type="button" onClick=${close}>Cancel</button>
        <button class="main">${session ? "Save" : "Create"}</button>
      </div>
    </form>
  <//>`;
}

function Confirm({ title, label, onConfirm, children }) {
  const confirm = () => {
    close();
    onConfirm();
  };
  return html`<${Dialog} title=${title} onClose=${close}>
    ${children}
    <div class="buttons">
      <button onClick=${close}>Cancel</button>
      <button class="danger" onClick=${confirm}>${label}</button>
    </div>
  <//>`;
}

const Keys = () => html`<${Dialog} title="Keys" onClose=${close}>
  <dl class="keys">
    ${KEYS.filter(({ shown }) => shown.length > 0).map(({ shown, does }) => html`<div><dt>${shown.map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${does}</dd></div>`)}
  </dl>
  <div class="buttons"><button onClick=${close}>Close</button></div>
<//>`;

export function Dialogs({ dialog, like }) {
  switch (dialog?.kind) {
    case "session":
      return html`<${SessionDialog} session=${dialog.session} like=${like} />`;
    case "delete":
      return html`<${Confirm} title="Delete “${sessionName(dialog.session)}”?" label="Delete"
          onConfirm=${() => deleteSession(dialog.session.id)}>
        <p>It leaves this list, and its machine is stopped. What the agent has stored of it stays.</p>
      <//>`;
    case "forget":
      return html`<${Confirm} title="Forget “${sessionName(dialog.session)}”?" label="Forget"
          onConfirm=${() => recall(dialog.session.id, "forget")}>
        <p>The agent deletes what it has stored of this session. That cannot be undone.</p>
      <//>`;
    case "keys":
      return html`<${Keys} />`;
    default:
      return null;
  }
}
