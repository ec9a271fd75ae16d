import { type JsonSchema, objectSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const listOf = (name: string): JsonSchema => ({
  type: 'array',
  items: { $ref: `#/components/schemas/${name}` },
});

/** Schemas of the answers of the git routes. */
export function gitSchemas(): Record<string, JsonSchema> {
  return {
    GitChangeStatus: { type: 'string', enum: ['MOVED', 'ADDED', 'DELETED', 'UPDATED'] },
    GitChange: objectSchema({
      status: [
        { $ref: '#/components/schemas/GitChangeStatus' },
        'What happened to the file. `MOVED` is not used: a move is a deletion and an addition.',
      ],
      path: [{ type: 'string', format: 'path' }, 'Path of the file, relative to the requested folder.'],
    }),
    GitDiff: objectSchema({
      modified: [
        orNull(text),
        'The text after the change, at most 1 MiB; empty if the file was deleted, null outside of a repository.',
      ],
      original: [
        orNull(text),
        'The text before the change, at most 1 MiB; empty if the file is new, null outside of a repository.',
      ],
    }),
    GitCommit: objectSchema({
      sha: [text, 'Full hash of the commit in hexadecimal digits.'],
      short_sha: [text, 'Hash of the commit, abbreviated by git.'],
      subject: [text, 'First line of the commit message.'],
      author: [text, 'Name of the author.'],
      timestamp: [
        { type: 'string', format: 'date-time' },
        'Time when the author made the commit, with the zone of the author.',
      ],
    }),
    GitProviderRepository: objectSchema({
      id: [text, 'Id of the repository on its host.'],
      full_name: [text, 'Owner and name of the repository, such as `octocat/hello-world`.'],
      git_provider: [text, 'The host, as in the parameter `provider`.'],
      is_public: [{ type: 'boolean' }, 'Whether everybody can read the repository.'],
      stargazers_count: [orNull({ type: 'integer' }), 'Number of stars; null if the host does not tell.'],
      pushed_at: [orNull(text), 'Time of the last push as ISO 8601; null if there was none.'],
      main_branch: [orNull(text), 'Name of the default branch; null if the host does not tell.'],
    }),
    GitProviderRepositoryPage: objectSchema({
      items: [listOf('GitProviderRepository'), 'Repositories, most recently pushed first.'],
      next_page_id: [orNull(text), '`page_id` of the next page; null on the last one.'],
      missing_token: [{ type: 'boolean' }, 'No token is stored, so the list is empty.'],
    }),
    GitCommitsPage: objectSchema({
      commits: [listOf('GitCommit'), 'The commits, newest first, at most `limit`.'],
      has_more: [{ type: 'boolean' }, 'Whether there are older commits than these.'],
    }),
  };
}
