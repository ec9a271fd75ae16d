export { commitOf, currentBranch, exportBase } from './base-ref.js';
export { changesBelow, changesOfCommit, type GitChange } from './changes.js';
export { newestCommits, type GitCommit, type GitCommitsPage } from './commits.js';
export { diffOfCommit, diffOfFile, type GitDiff } from './diff.js';
export { GitBounds } from './git-bounds.js';
export { GitCommandError, GitPathError } from './git-errors.js';
export { gitFolderAt } from './git-folder.js';
export { Repository } from './repository.js';
