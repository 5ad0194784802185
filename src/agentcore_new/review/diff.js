"use strict";

const form = document.getElementById("filters");
const given = new URLSearchParams(location.search);
for (const field of form.elements) if (field.name && given.has(field.name)) field.value = given.get(field.name);

function cell(kind, text) {
  const made = document.createElement("td");
  made.className = kind;
  made.textContent = text; // as text: whatever a template says is shown and never run
  return made;
}

function splitRows(rows) {
  const made = [];
  let old = [], now = [];
  const flush = () => {
    for (let n = 0; n < Math.max(old.length, now.length); n++) {
      const row = document.createElement("tr");
      row.append(
        cell("number", old[n]?.cells[0].textContent ?? ""),
        cell(old[n] ? "text old" : "text", old[n]?.cells[2].textContent ?? ""),
        cell("number", now[n]?.cells[1].textContent ?? ""),
        cell(now[n] ? "text new" : "text", now[n]?.cells[2].textContent ?? ""),
      );
      made.push(row);
    }
    old = [], now = [];
  };
  for (const row of rows) {
    if (row.className === "removed") old.push(row);
    else if (row.className === "added") now.push(row);
    else {
      flush();
      const [before, after, text] = [...row.cells].map((one) => one.textContent);
      const same = document.createElement("tr");
      same.append(cell("number", before), cell("text", text), cell("number", after), cell("text", text));
      made.push(same);
    }
  }
  flush();
  return made;
}

function show() {
  const { framework, option, file, view } = Object.fromEntries(new FormData(form));
  let count = 0;
  for (const article of document.querySelectorAll("article")) {
    let visible = 0;
    for (const hunk of article.querySelectorAll(".hunk")) {
      hunk.hidden = option !== "" && hunk.dataset.lacks.split(" ").includes(option);
      visible += hunk.hidden ? 0 : 1;
      const unified = hunk.querySelector("table.code:not(.split)");
      if (view === "split" && !hunk.querySelector(".split")) {
        const table = document.createElement("table");
        table.className = "code split";
        table.createTBody().append(...splitRows(unified.rows));
        unified.after(table);
      }
      unified.hidden = view === "split";
      const split = hunk.querySelector(".split");
      if (split) split.hidden = view !== "split";
    }
    article.hidden = visible === 0
      || (framework !== "" && !article.dataset.frameworks.split(" ").includes(framework))
      || !article.dataset.path.toLowerCase().includes(file.trim().toLowerCase());
    count += article.hidden ? 0 : visible;
  }
  document.getElementById("shown").textContent = `${count} hunks shown`;
  const wanted = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  try {
    history.replaceState(null, "", `?${wanted}${location.hash}`);
  } catch { /* some browsers forbid it for files; the filter works without */ }
}

form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
show();
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
