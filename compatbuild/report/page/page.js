"use strict";
// Search, filter and sort the table, and open explanations in place. Everything can be read without this.
(() => {
  const table = document.getElementById("verdicts");
  const body = table.tBodies[0];
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const order = new Intl.Collator("en", { numeric: true });
  const RANKS = ["incompatible", "unknown", "depends", "compatible"];

  // Read once; what happens at a keystroke looks at nothing but this.
  const rows = Array.from(body.rows, (element, at) => {
    const [host, ...cells] = element.cells;
    return {
      element,
      at,
      name: host.firstChild.data.trim(),
      text: element.textContent.toLowerCase(),
      ranks: cells.map((cell) => RANKS.indexOf(cell.firstElementChild.textContent)),
    };
  });

  const filter = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rank = RANKS.indexOf(form.elements.verdict.value);
    const image = form.elements.image ? form.elements.image.selectedIndex - 1 : 0;
    const fits = (ranks) => rank < 0 || (image < 0 ? ranks.includes(rank) : ranks[image] === rank);
    let count = 0;
    for (const row of rows) {
      const fit = fits(row.ranks) && words.every((word) => row.text.includes(word));
      count += fit;
      if (row.element.hidden === fit) row.element.hidden = !fit;
    }
    const { host, hosts } = shown.dataset;
    const all = `${rows.length} ${rows.length === 1 ? host : hosts}`;
    shown.textContent = count === rows.length ? all : `${count} of ${all}`;
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

  const headers = Array.from(table.tHead.rows[0].cells);

  const sort = (column) => {
    const header = headers[column];
    const descending = header.getAttribute("aria-sort") === "ascending";
    for (const other of headers) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const compare =
      column === 0
        ? (one, other) => order.compare(one.name, other.name)
        : (one, other) => one.ranks[column - 1] - other.ranks[column - 1];
    const sign = descending ? -1 : 1;
    rows.sort((one, other) => sign * compare(one, other) || one.at - other.at);
    body.replaceChildren(...rows.map((row) => row.element));
  };

  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(column));
    header.append(button);
  });

  let opener = null; // the link that opened the explanation that is open
  const who = document.createElement("p"); // whom it was opened for
  who.className = "who";

  const remember = (link) => {
    if (opener) opener.removeAttribute("aria-current");
    opener = link;
    if (!link) return;
    link.setAttribute("aria-current", "true");
    const row = rows.find(({ element }) => element.contains(link));
    const image = headers.length > 2 ? headers[link.parentElement.cellIndex].textContent : "";
    who.textContent = [row.name, image].filter(Boolean).join(", ");
  };

  const opened = () => {
    const place = location.hash.slice(1) && document.getElementById(location.hash.slice(1));
    if (!place) return;
    if (place.hidden) {
      form.reset();
      filter();
      place.scrollIntoView({ block: "center" });
    }
    if (!place.classList.contains("story")) return;
    if (opener && opener.hash === location.hash) place.prepend(who);
    else who.remove();
    place.focus({ preventScroll: true });
  };

  const close = () => {
    location.hash = "closed"; // no element has this name: nothing is a target any more, and nothing scrolls
    if (opener) opener.focus({ preventScroll: true });
    remember(null);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    if (link.classList.contains("close")) {
      event.preventDefault();
      close();
    } else if (body.contains(link)) {
      remember(link);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.querySelector(".story:target")) close();
  });
  addEventListener("hashchange", opened);

  form.addEventListener("input", soon);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter(); // a browser that comes back to the page keeps what was typed
})();
