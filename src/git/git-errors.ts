/** A git command failed. */
export class GitCommandError extends Error {
  override readonly name = 'GitCommandError';
  constructor(args: readonly string[], why = 'Git command failed') {
    super(`${why}: ${['git', '--no-pager', ...args].map(quoted).join(' ')}`);
  }
}

/** A path that cannot be compared: it is not there, or too large. */
export class GitPathError extends Error {
  override readonly name = 'GitPathError';
}

/** As a shell would have to be told. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}
