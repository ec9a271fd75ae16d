/** A git command failed. */
export class GitCommandError extends Error {
  override readonly name = 'GitCommandError';
  constructor(
    args: readonly string[],
    why = 'Git command failed',
    /** The line of git that says why, free of passwords; empty when it said nothing. */
    readonly reason = '',
  ) {
    super(`${why}: ${['git', '--no-pager', ...args].map(quoted).join(' ')}`);
  }
}

/**
 * A path or a repository that cannot be read: it is not there, too large, or something else than it should
 * be.
 */
export class GitPathError extends Error {
  override readonly name = 'GitPathError';
}

/** A repository cannot be fetched; the message says why, free of passwords. */
export class GitFetchError extends Error {
  override readonly name: string = 'GitFetchError';
}

/** A fetch took too long. */
export class GitFetchTimeoutError extends GitFetchError {
  override readonly name = 'GitFetchTimeoutError';
}

/** As a shell would have to be told. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}
