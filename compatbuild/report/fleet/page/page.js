"use strict";
// Show a page of rows at a time, those that fit what was typed; an image opens in place. No text becomes markup.
(() => {
  const WORDS = ["incompatible", "error", "unknown", "depends", "compatible"];
  const CLASSES = ["no", "err", "unk", "dep", "yes"];
  const SIZE = 50; // rows of a page
  const PRINTED = 2000; // rows on paper at most
  const data = JSON.parse(document.getElementById("data").textContent);
  const { hosts, texts, patterns } = data;
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const scroller = document.querySelector(".scroller");
  const pages = document.querySelector(".pages");
  const [before, place, after] = ["before", "page", "after"].map((id) => document.getElementById(id));
  const table = document.getElementById("images");
  const body = table.tBodies[0];
  const headers = Array.from(table.tHead.rows[0].cells);
  const order = new Intl.Collator("en", { numeric: true });

  // Read once; what happens at a keystroke looks at nothing but this.
  const rows = data.rows.map((row, at) => {
    const [word, names, digest, users, used, origin, signature, pattern, requirement, notes, error] = row;
    const found = { at, word, names, digest, users, used, origin, signature, pattern, requirement, notes, error };
    const reason = error ? error.slice(0, 2) : [requirement];
    found.text = [...names, digest, ...users.map((one) => texts[one]), ...reason.map((one) => texts[one])].join("\n").toLowerCase();
    return found;
  });

  let fitting = rows;
  let at = 0; // page that is shown
  let host = -1; // -1: the worst one of each image
  let column = -1; // sorted by; -1: as it came, the worst first
  let descending = false;
  const open = new Set(); // images that are unfolded

  const wordOf = (row) => (host < 0 || row.word === 1 ? row.word : Number(patterns[row.pattern][0][host]));
  const groupsOf = (row) => patterns[row.pattern][1];
  const because = (row) => {
    if (row.error) return [texts[row.error[0]], texts[row.error[1]]];
    const word = wordOf(row);
    const groups = groupsOf(row).filter((one) => one[0] === word && (host < 0 || one[4].includes(host)));
    const group = groups.find((one) => one[1] === row.requirement) || groups[0];
    return group && word !== 4 ? [texts[group[1]], texts[group[2]]] : [];
  };

  const make = (name, text, kind) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const chip = (word) => make("span", WORDS[word], `chip ${CLASSES[word]}`);
  const number = (count) => count.toLocaleString("en");

  const details = (row, id) => {
    const line = make("tr", undefined, "more");
    line.id = id;
    const cell = make("td");
    cell.colSpan = headers.length;
    const list = make("dl");
    const tell = (name, ...values) => {
      const kept = values.filter(Boolean);
      if (!kept.length) return;
      list.append(make("dt", name), ...kept.map((value) => make("dd", value)));
    };
    tell("names", ...row.names);
    tell("digest", row.digest);
    tell("specification", texts[row.origin]);
    tell("signature", texts[row.signature]);
    const more = row.used > row.users.length ? `and ${number(row.used - row.users.length)} more` : "";
    tell("used by", ...row.users.map((one) => texts[one]), more);
    tell("note", ...row.notes.map((one) => texts[one]));
    if (row.error) tell("try", texts[row.error[2]]);
    cell.append(list);
    const groups = make("ul");
    for (const [word, requirement, reason, remedy, members] of row.error ? [] : groupsOf(row)) {
      const item = make("li");
      const names = members.map((one) => hosts[one]).join(", ");
      item.append(chip(word), ` ${[texts[requirement], texts[reason]].filter(Boolean).join(": ")}`);
      if (texts[remedy]) item.append(make("p", `try: ${texts[remedy]}`));
      item.append(make("p", `on ${names}`, "found"));
      groups.append(item);
    }
    cell.append(groups);
    line.append(cell);
    return line;
  };

  const line = (row) => {
    const element = make("tr");
    const name = make("th");
    name.scope = "row";
    const button = make("button", row.names[0]);
    button.type = "button";
    button.dataset.row = row.at;
    const id = `m${row.at}`;
    button.setAttribute("aria-expanded", open.has(row) ? "true" : "false");
    if (open.has(row)) button.setAttribute("aria-controls", id);
    name.append(button);
    if (row.names.length > 1) name.append(" ", make("small", `and ${number(row.names.length - 1)} more`));
    const verdict = make("td");
    verdict.append(chip(wordOf(row)));
    const why = make("td", because(row).filter(Boolean).join(": "));
    const who = row.used ? texts[row.users[0]] + (row.used > 1 ? ` and ${number(row.used - 1)} more` : "") : "";
    element.append(name, verdict, why, make("td", who));
    return open.has(row) ? [element, details(row, id)] : [element];
  };

  const draw = () => {
    const last = Math.max(0, Math.ceil(fitting.length / SIZE) - 1);
    at = Math.min(at, last);
    body.replaceChildren(...fitting.slice(at * SIZE, (at + 1) * SIZE).flatMap(line));
    before.disabled = at === 0;
    after.disabled = at === last;
    place.textContent = `page ${number(at + 1)} of ${number(last + 1)}`;
    pages.hidden = last === 0;
    const all = `${number(rows.length)} ${rows.length === 1 ? "image" : "images"}`;
    shown.textContent = fitting.length === rows.length ? all : `${number(fitting.length)} of ${all}`;
  };

  const COMPARE = [
    (one, other) => order.compare(one.names[0], other.names[0]),
    (one, other) => wordOf(one) - wordOf(other),
    (one, other) => order.compare(because(one)[0] || "", because(other)[0] || ""),
    (one, other) => one.used - other.used,
  ];

  const filter = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = WORDS.indexOf(form.elements.verdict.value);
    host = form.elements.host.value === "" ? -1 : Number(form.elements.host.value);
    fitting = rows.filter((row) => (wanted < 0 || wordOf(row) === wanted) && words.every((one) => row.text.includes(one)));
    const sign = descending ? -1 : 1;
    if (column >= 0) fitting.sort((one, other) => sign * COMPARE[column](one, other) || one.at - other.at);
    else if (host >= 0) fitting.sort((one, other) => wordOf(one) - wordOf(other) || one.at - other.at);
    at = 0;
    draw();
  };

  let waiting = false; // several keystrokes between two frames are one
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      filter();
    });
  };

  headers.forEach((header, number) => {
    const button = make("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => {
      descending = column === number && !descending;
      column = number;
      for (const other of headers) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      filter();
    });
    header.append(button);
  });

  body.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const row = rows[Number(button.dataset.row)];
    if (!open.delete(row)) open.add(row);
    draw();
    const again = body.querySelector(`button[data-row="${row.at}"]`);
    if (again) again.focus({ preventScroll: true });
  });
  const turn = (step) => {
    at += step;
    draw();
    scroller.scrollTop = 0;
    scroller.focus({ preventScroll: true });
    scroller.scrollIntoView({ block: "start" });
  };
  before.addEventListener("click", () => turn(-1));
  after.addEventListener("click", () => turn(1));
  addEventListener("beforeprint", () => body.replaceChildren(...fitting.slice(0, PRINTED).flatMap(line)));
  addEventListener("afterprint", draw);

  form.addEventListener("input", soon);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = scroller.hidden = false;
  document.getElementById("bare").hidden = true;
  filter(); // a browser that comes back to the page keeps what was typed
})();
