/** The words of a shell command; quotes keep what is in them together. */
export function commandWords(command: string): string[] {
  const found = command.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g);
  return [...found].map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

/** A shell command of these words, each in quotes where it needs them. */
export function commandText(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : inQuotes(word))).join(' ');
}

function inQuotes(word: string): string {
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}
