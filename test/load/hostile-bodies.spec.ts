import { ServerProcess } from '../support/server-process.js';
import { amount, FULL, memoryReturns, underLoad } from './load-watch.js';

const KEY = 'load-key';
const CREATE = '/api/conversations';
const CLIENTS = 8;
/**
 * The longest permitted answer of `/health` (ms): the target on an idle machine, or what only a stall
 * exceeds.
 */
const P99 = FULL ? 250 : 2_500;

const repeated = (item: string, count: number): string => Array<string>(count).fill(item).join();
const keys = (count: number, value: string): string =>
  Array.from({ length: count }, (_, index) => `"k${index}":${value}`).join();

/** As many values as are accepted, where validation is most expensive, and far more than that. */
const BODIES: [what: string, body: string][] = [
  ['ten million objects', `[${repeated('{}', 10_000_000)}]`],
  ['deep nesting', '['.repeat(10_000_000)],
  ['invalid tools', `{"agent":{"llm":{"model":"x"},"tools":[${repeated('{}', 24_000)}]},"workspace":{}}`],
  ['invalid tags', `{"agent":{"llm":{"model":"x"}},"tags":{${keys(24_000, '1')}},"workspace":{}}`],
  ['invalid secrets', `{"agent":{},"secrets":{${keys(12_000, '{"kind":"x"}')}},"workspace":{}}`],
  ['unknown fields', `{${keys(24_000, '1')}}`],
];

describe('request bodies with very many values', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: { SESSION_API_KEY: KEY } });
  });
  afterAll(() => server.stop());

  const send = async (body: string, key?: string): Promise<number> => {
    const headers = {
      'content-type': 'application/json',
      ...(key !== undefined && { 'x-session-api-key': key }),
    };
    const answer = await fetch(server.url + CREATE, { method: 'POST', headers, body });
    await answer.arrayBuffer();
    return answer.status;
  };

  it.each([
    ['with a key', KEY, [413, 422, 503]],
    ['without a key', undefined, [401]],
  ])('neither delay other requests nor keep memory when sent %s', async (name, key, expected) => {
    const statuses = new Set<number>();
    const { health, memory } = await underLoad(server, `hostile bodies ${name}`, async () => {
      const sendAll = async (): Promise<void> => {
        for (const [, body] of BODIES) statuses.add(await send(body, key));
      };
      for (let round = 0; round < amount(1, 5); round += 1)
        await Promise.all(Array.from({ length: amount(2, CLIENTS) }, sendAll));
    });
    expect(expected).toEqual(expect.arrayContaining([...statuses]));
    expect(health.p99).toBeLessThan(P99);
    await memoryReturns(server, memory?.before);
  });
});
