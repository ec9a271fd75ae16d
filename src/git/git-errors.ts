/** A git command failed. */
export class GitCommandError extends Error {
  override readonly name = 'GitCommandError';
  constructor(args: readonly string[], why = 'Git command failed') {
    super(`${why}: ${['git', '--no-pager', ...args].map(quoted).join(' ')}`);
  }
}

/** A path or a repository that cannot be read: it is not there, too large, or something else than it should be. */
export class GitPathError extends Error {
  override readonly name = 'GitPathError';
}

/** As a shell would have to be told. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}
