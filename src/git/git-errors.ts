/** A git command failed. */
export class GitCommandError extends Error {
  override readonly name = 'GitCommandError';
  constructor(
    args: readonly string[],
    why = 'Git command failed',
    /** Git's error line without passwords; empty if there was none. */
    readonly reason = '',
  ) {
    super(`${why}: ${['git', '--no-pager', ...args].map(quoted).join(' ')}`);
  }
}

/** A path or repository cannot be read: it is missing, too large, or not what was expected. */
export class GitPathError extends Error {
  override readonly name = 'GitPathError';
}

/** A repository cannot be fetched. The message gives the reason without passwords. */
export class GitFetchError extends Error {
  override readonly name: string = 'GitFetchError';
}

/** A fetch exceeded its time limit. */
export class GitFetchTimeoutError extends GitFetchError {
  override readonly name = 'GitFetchTimeoutError';
}

/** Quotes a word for a shell. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}
