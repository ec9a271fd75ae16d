import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { components, paths } from 'openhands-agent-server/api';
import { ROOT } from '../support/checkout.js';

/** The check starts a server and generates the types, which takes long on a busy machine. */
const LONGEST_MS = 300_000;

type Post<Path extends keyof paths> = paths[Path] extends { post: infer Operation } ? Operation : never;
type JsonBody<Operation> = Operation extends { requestBody: { content: { 'application/json': infer Body } } }
  ? Body
  : never;
type JsonAnswer<Operation, Status extends number> = Operation extends {
  responses: Record<Status, { content: { 'application/json': infer Body } }>;
}
  ? Body
  : never;

type Start = JsonBody<Post<'/api/conversations'>>;
type Started = JsonAnswer<Post<'/api/conversations'>, 201>;

describe('the API document in the repository', () => {
  it(
    'keeps openapi.json and openapi.d.ts up to date with `npm run docs`',
    async () => {
      const checking = promisify(execFile)(process.execPath, ['scripts/openapi.mjs', '--check'], {
        cwd: ROOT,
      });
      await expect(checking).resolves.toMatchObject({ stderr: '' });
    },
    LONGEST_MS,
  );

  it('types requests, answers and events for TypeScript', () => {
    const start = {
      agent: { kind: 'Agent', llm: { model: 'scripted/demo' }, tools: [{ name: 'terminal' }] },
      workspace: { working_dir: 'workspace/project' },
    } satisfies Start;
    // @ts-expect-error a field of the wrong type
    const wrong: Start = { ...start, max_iterations: 'many' };
    const idOf = (answer: Started): string => answer.id;
    const isMessage = (event: components['schemas']['Event']): boolean => event.kind === 'MessageEvent';
    expect([typeof wrong, idOf, isMessage]).toHaveLength(3);
  });
});
