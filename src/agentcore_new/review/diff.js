"use strict";

const form = document.getElementById("filters");
const articles = [...document.querySelectorAll("article")];
const indexRows = [...document.querySelectorAll("#index tr")]; // one for each article
const hunks = document.querySelectorAll(".hunk");
const wanted = { framework: "", option: "", file: "", view: "" };

const given = new URLSearchParams(location.search);
for (const name in wanted) {
  const field = form.elements[name];
  if (given.has(name)) field.value = given.get(name);
  if (field.selectedIndex < 0) field.selectedIndex = 0; // what there is not to choose
}

function says(element, name) {
  return name in element.dataset ? JSON.parse(element.dataset[name]) : undefined;
}

// What lists no values of an option is for projects with all of them.
function isForWanted(element) {
  const who = says(element, "who") ?? {};
  const [name, ...value] = wanted.option.split("=");
  return (wanted.framework === "" || (who.framework?.includes(wanted.framework) ?? true))
    && (wanted.option === "" || (who[name]?.includes(value.join("=")) ?? true));
}

function isAboutWanted(element) {
  const part = wanted.file.trim().toLowerCase();
  return part === "" || (says(element, "paths") ?? []).some((path) => path.toLowerCase().includes(part));
}

function filterTables() {
  for (const section of document.querySelectorAll(".facts:not(#index)")) {
    let visible = 0;
    for (const row of section.querySelectorAll("tbody tr")) {
      row.hidden = !isForWanted(row) || !isAboutWanted(row);
      visible += row.hidden ? 0 : 1;
    }
    showRows(section, visible);
  }
}

function showRows(section, visible) {
  section.hidden = visible === 0;
  section.querySelector("summary small").textContent = visible;
}

function filterHunk(hunk) {
  for (const group of hunk.querySelectorAll(".group")) group.hidden = !isForWanted(group);
  // An empty file has no lines that could be hidden.
  const changed = [...hunk.querySelectorAll(".group")].filter((group) => group.querySelector(".added, .removed"));
  hunk.hidden = !isForWanted(hunk) || (changed.length > 0 && changed.every((group) => group.hidden));
}

function filterFiles() {
  let count = 0;
  articles.forEach((article, number) => {
    let visible = 0;
    for (const hunk of article.querySelectorAll(".hunk")) {
      filterHunk(hunk);
      visible += hunk.hidden ? 0 : 1;
    }
    article.hidden = visible === 0 || !isForWanted(article) || !isAboutWanted(article);
    indexRows[number].hidden = article.hidden;
    count += article.hidden ? 0 : visible;
  });
  const index = document.getElementById("index");
  if (index) showRows(index, indexRows.filter((row) => !row.hidden).length);
  document.getElementById("shown").textContent = `${count} of ${hunks.length} hunks`;
}

// Side by side, what is around a change stands on both sides.
function doubleContext() {
  for (const run of document.querySelectorAll("article.changed .around:not(.doubled)")) {
    run.classList.add("doubled");
    for (const line of [...run.children]) line.after(line.cloneNode(true));
  }
}

function show() {
  for (const name in wanted) wanted[name] = form.elements[name].value;
  if (wanted.view === "split") doubleContext();
  document.body.classList.toggle("split", wanted.view === "split");
  filterTables();
  filterFiles();
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== ""));
  try {
    history.replaceState(null, "", `?${query}${location.hash}`);
  } catch { /* some browsers forbid it for files; the filter works without */ }
}

// What was seen is kept while the page is open, by what it shows.
const STORE = `seen ${location.pathname}`;
let seen = new Set();
try {
  seen = new Set(JSON.parse(sessionStorage.getItem(STORE) ?? "[]"));
} catch { /* some browsers forbid it for files; then a reload forgets */ }

function showSeen() {
  const count = articles.filter((article) => seen.has(article.dataset.key)).length;
  document.getElementById("seen").textContent = `${count} of ${articles.length} files seen`;
  try {
    sessionStorage.setItem(STORE, JSON.stringify([...seen]));
  } catch { /* as above */ }
}

articles.forEach((article, number) => {
  const box = article.querySelector("input");
  const mark = (isSeen) => {
    box.checked = isSeen;
    article.classList.toggle("seen", isSeen);
    indexRows[number].classList.toggle("seen", isSeen);
  };
  mark(seen.has(article.dataset.key));
  if (box.checked) article.querySelector("details").open = false;
  box.addEventListener("change", () => {
    seen[box.checked ? "add" : "delete"](article.dataset.key);
    mark(box.checked);
    article.querySelector("details").open = !box.checked;
    showSeen();
  });
});

function foldAll(isOpen) {
  for (const article of articles) article.querySelector("details").open = isOpen;
}

// A link leads to what is unfolded, below the header.
function follow() {
  const target = document.getElementById(location.hash.slice(1));
  const details = target?.closest("article")?.querySelector("details");
  if (details) details.open = true;
  target?.scrollIntoView();
}

// What is not drawn yet has about the height that it will have.
for (const hunk of hunks) {
  const lines = hunk.querySelectorAll(".run > div").length;
  hunk.style.containIntrinsicBlockSize = `auto ${1.2 * lines + 2}rem`;
}

const header = document.querySelector("header");
function makeRoom() {
  document.documentElement.style.scrollPaddingTop = `${header.offsetHeight + 8}px`;
}
new ResizeObserver(makeRoom).observe(header);
makeRoom();

document.getElementById("fold").addEventListener("click", () => foldAll(false));
document.getElementById("unfold").addEventListener("click", () => foldAll(true));
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", follow);
show();
showSeen();
if (location.hash) follow();
