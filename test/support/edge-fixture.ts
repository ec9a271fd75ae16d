import { OriginPolicy } from '../../src/auth/index.js';
import { Edge, KNOWN } from './http-edge.js';

/** The routes of conversations and of the events of one. */
export const C = '/api/conversations';
export const E = `${C}/${KNOWN}/events`;
/** The required fields of a create request. */
export const AGENT = { llm: { model: 'openai/x', api_key: 'sk-leak' } };
export const WORKSPACE = { working_dir: '/srv/agent/proj' };

/** The HTTP server that the tests of a file share. Its recorded calls are cleared before each test. */
export let edge: Edge;

const policy = new OriginPolicy({
  allow_cors_origins: ['https://good.example', 'HTTPS://Written.Example:443/'],
  allow_cors_origin_regex: null,
  web_url: null,
  app_backend_public_url: null,
  session_api_keys: ['key'],
});
beforeAll(async () => {
  edge = await Edge.start({
    cors: { allows: (origin, path) => policy.allows(origin, path) },
  });
});
afterAll(() => edge.close());
beforeEach(() => edge.forget());

/** The body of the 422 that a request is answered with. */
export async function detailOf(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await (body === undefined ? edge.request(method, path) : edge.send(method, path, body));
  expect(answer.status).toBe(422);
  return answer.body;
}

/** The body of the 422 for a create request with the required fields and others. */
export function create(fields: object): Promise<unknown> {
  return detailOf('POST', C, { agent: AGENT, workspace: WORKSPACE, ...fields });
}
