import { resolveCommit } from './base-ref.js';
import type { GitBounds } from '../repository/git-bounds.js';
import { Repository } from '../repository/repository.js';

/** A commit in a list. */
interface GitCommit {
  sha: string;
  short_sha: string;
  subject: string;
  author: string;
  timestamp: string;
}

/** A page of the newest commits. */
export interface GitCommitsPage {
  commits: GitCommit[];
  has_more: boolean;
}

const FORMAT = ['%H', '%h', '%an', '%aI', '%s'].join('%x00');
const FIELDS = 5;

/** The commits reachable from HEAD, newest first; none without a repository or a commit. */
export async function newestCommits(
  folder: string,
  limit: number,
  bounds: GitBounds | undefined,
): Promise<GitCommitsPage> {
  const repository = await Repository.open(folder, bounds);
  if (!repository) return { commits: [], has_more: false };
  try {
    const head = await resolveCommit(repository, 'HEAD');
    if (head === undefined) return { commits: [], has_more: false };
    const args = [
      'log',
      '-z',
      '--no-show-signature',
      `--format=${FORMAT}`,
      `--max-count=${limit + 1}`,
      head,
      '--',
    ];
    const fields = (await repository.git(args)).toString().split('\0');
    const commits: GitCommit[] = [];
    for (let at = 0; at + FIELDS <= fields.length; at += FIELDS) {
      const [sha = '', short_sha = '', author = '', date = '', subject = ''] = fields.slice(at, at + FIELDS);
      commits.push({ sha, short_sha, subject, author, timestamp: date.replace(/[+-]00:00$/, 'Z') });
    }
    return { commits: commits.slice(0, limit), has_more: commits.length > limit };
  } finally {
    await repository.close();
  }
}
