const rows = [];

/** Adds a figure to the table at the end of the run. @param goal what it should be */
export function addRow(title, figure, goal = '') {
  rows.push([title, figure, goal]);
}

/** Prints the table, if there is anything in it. */
export function printTable() {
  if (rows.length === 0) return;
  const all = [['', 'measured', 'goal'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column].length)));
  for (const row of all)
    console.log(
      row
        .map((text, column) => text.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    );
}

/** The middle one of some numbers. */
export function median(numbers) {
  return quantile(numbers, 0.5);
}

/** @param share 0.95 for the number that 95 % of them do not exceed */
export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
