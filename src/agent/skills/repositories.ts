/** What is asked of repositories. None of what a repository configures is run for it. */
export interface Repositories {
  /** The top of the repository that a folder lies in (real path); undefined outside of one. */
  top(folder: string): Promise<string | undefined>;
  /**
   * Files below a folder that are tracked or not ignored and fit one of the pathspecs; undefined outside of
   * one.
   */
  files(folder: string, pathspecs: readonly string[]): Promise<string[] | undefined>;
  /**
   * Fetches one commit and checks it out into a folder that is not there yet.
   * @param ref branch, tag or commit; null: the default branch
   * @returns the commit
   * @throws Error that says why not, free of passwords
   */
  fetch(address: string, ref: string | null, place: string): Promise<string>;
}
