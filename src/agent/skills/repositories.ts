/** Access to git repositories. Nothing that a repository configures is executed. */
export interface Repositories {
  /** The root of the repository that contains a folder (real path); undefined outside of one. */
  top(folder: string): Promise<string | undefined>;
  /**
   * Files in a folder that are tracked or not ignored and match a pathspec; undefined outside of a
   * repository.
   */
  files(folder: string, pathspecs: readonly string[]): Promise<string[] | undefined>;
  /**
   * Fetches one commit and checks it out into a new folder.
   * @param ref branch, tag or commit; null for the default branch
   * @returns the commit
   * @throws Error with the reason, without passwords
   */
  fetch(address: string, ref: string | null, folder: string): Promise<string>;
}
