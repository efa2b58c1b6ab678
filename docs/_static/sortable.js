// Tables of the class "sortable": a click on a heading sorts by its column, a second one the other way round. A cell
// whose data-value is empty has none; it comes last either way.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    const value = (row, column) => {
      const cell = row.cells[column];
      if (cell.dataset.value === undefined) return cell.textContent;
      return cell.dataset.value === "" ? null : Number(cell.dataset.value);
    };
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        const body = table.tBodies[0];
        const rows = [...body.rows].sort((one, two) => {
          const [first, second] = [value(one, column), value(two, column)];
          if (first === null || second === null) return (first === null) - (second === null);
          return sign * (typeof first === "number" ? first - second : first.localeCompare(second));
        });
        body.append(...rows);
      });
    });
  }
});
