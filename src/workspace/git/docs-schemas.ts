import type { JsonSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const object = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});
const listOf = (name: string): JsonSchema => ({
  type: 'array',
  items: { $ref: `#/components/schemas/${name}` },
});

/** Schemas of the answers of the git routes. */
export function gitSchemas(): Record<string, JsonSchema> {
  return {
    GitChangeStatus: { type: 'string', enum: ['MOVED', 'ADDED', 'DELETED', 'UPDATED'] },
    GitChange: object({
      status: { $ref: '#/components/schemas/GitChangeStatus' },
      path: { type: 'string', format: 'path' },
    }),
    GitDiff: object({ modified: orNull(text), original: orNull(text) }),
    GitCommit: object({
      sha: text,
      short_sha: text,
      subject: text,
      author: text,
      timestamp: { type: 'string', format: 'date-time' },
    }),
    GitProviderRepository: object({
      id: text,
      full_name: text,
      git_provider: text,
      is_public: { type: 'boolean' },
      stargazers_count: orNull({ type: 'integer' }),
      pushed_at: orNull(text),
      main_branch: orNull(text),
    }),
    GitProviderRepositoryPage: object({
      items: listOf('GitProviderRepository'),
      next_page_id: orNull(text),
      missing_token: { type: 'boolean', description: 'No token is stored, so the list is empty.' },
    }),
    GitCommitsPage: object({ commits: listOf('GitCommit'), has_more: { type: 'boolean' } }),
  };
}
