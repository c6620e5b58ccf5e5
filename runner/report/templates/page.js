"use strict";
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value === undefined) return cell.textContent;
    const value = cell.dataset.value;
    return value === "inf" ? Infinity : value === "-inf" ? -Infinity : Number(value);
  };
  const compare = (a, b) => {
    const empty = (x) => x === "" || Number.isNaN(x);
    if (empty(a) || empty(b)) return null;
    if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [key(row, column), row]);
      rows.sort(([a], [b]) => {
        const order = compare(a, b);
        // what is missing goes last, in both orders
        if (order === null) return (a === "" || Number.isNaN(a)) - (b === "" || Number.isNaN(b));
        return down ? -order : order;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
}
