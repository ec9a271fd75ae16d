/** Splits a shell command into words; quotes are removed and group what they contain. */
export function commandWords(command: string): string[] {
  const found = command.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g);
  return [...found].map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

/** Joins words to a shell command, with quotes where a word needs them. */
export function commandText(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : inQuotes(word))).join(' ');
}

function inQuotes(word: string): string {
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}
