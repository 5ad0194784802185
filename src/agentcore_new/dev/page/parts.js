// Small pieces that several panels are made of.

import { Component, html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact-standalone.js";

// Draws anew only when what it is given has changed.
export class Same extends Component {
  shouldComponentUpdate(next) {
    return Object.keys(next).some((name) => name !== "children" && next[name] !== this.props[name]);
  }
}

// The time, told again each `every` ms as long as something counts.
export function useNow(counts, every = 1000) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!counts) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [counts, every]);
  return now;
}

// HTML that the front made of Markdown. Blocks that stay the same are left alone, with what
// somebody has selected in them.
export function Rendered({ source }) {
  const element = useRef();
  useLayoutEffect(() => {
    const template = document.createElement("template");
    template.innerHTML = source;
    const shown = element.current;
    const blocks = [...template.content.childNodes];
    const isSame = (block, index) => shown.childNodes[index]?.isEqualNode(block);
    let same = blocks.findIndex((block, index) => !isSame(block, index));
    if (same < 0) same = blocks.length;
    while (shown.childNodes.length > same) shown.lastChild.remove();
    shown.append(...blocks.slice(same));
    for (const code of shown.querySelectorAll("pre, table")) code.tabIndex = 0;
  }, [source]);
  return html`<div class="rendered" ref=${element}></div>`;
}

export function Copy({ text, label = "Copy", hint }) {
  const [said, setSaid] = useState(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Not allowed");
    }
    setTimeout(() => setSaid(null), 1500);
  };
  return html`<button class="quiet copy" title=${hint} onClick=${copy}>${said ?? label}</button>`;
}

export function Dialog({ title, onClose, children }) {
  const element = useRef();
  useEffect(() => {
    const { activeElement } = document;
    element.current.showModal();
    return () => activeElement?.focus();
  }, []);
  const outside = (event) => event.target === element.current && onClose();
  return html`<dialog ref=${element} aria-labelledby="dialog-title" onClose=${onClose} onClick=${outside}>
    <div class="inside">
      <h2 id="dialog-title">${title}</h2>
      ${children}
    </div>
  </dialog>`;
}

export const Facts = ({ rows }) => html`<dl class="facts">
  ${rows.map(([name, value, className]) => html`<div><dt>${name}</dt><dd class=${className}>${value}</dd></div>`)}
</dl>`;

// Follows what is added at its end, unless somebody has scrolled away from there.
export function useFollowing(what) {
  const element = useRef();
  const follows = useRef(true);
  const [isAway, setAway] = useState(false);
  const toEnd = () => {
    const { current } = element;
    if (current) current.scrollTop = current.scrollHeight;
  };
  useLayoutEffect(() => {
    if (follows.current) toEnd();
  }, [what]);
  useEffect(() => { // when it comes into sight, or a banner takes some of its room
    const observer = new ResizeObserver(() => follows.current && toEnd());
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  const onScroll = () => {
    const { scrollTop, clientHeight, scrollHeight } = element.current;
    follows.current = scrollHeight - scrollTop - clientHeight < 40;
    setAway(!follows.current);
  };
  const follow = () => {
    follows.current = true;
    setAway(false);
    toEnd();
  };
  return { element, onScroll, isAway, follow };
}
