import { makeKey, shown } from '../support/named-keys.js';
import { ServerProcess } from '../support/server-process.js';

const SESSION = 'session-key';
const CURRENT = '/api/keys/current';
const FLOOD = 3_000;

/** Wrong secrets that differ from each other. */
function wrongKey(id: string, number: number): string {
  return `ohk_${id}_${String(number).padStart(43, 'x')}`;
}

describe('a flood of wrong secrets for a known key', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({
      key: SESSION,
      env: { SESSION_API_KEY: SESSION, OH_MAX_FAILED_KEYS_PER_MINUTE: '0', OH_LOG_LEVEL: 'error' },
    });
  });
  afterAll(() => server.stop());

  it('costs so little that others are served meanwhile, and right keys are accepted', async () => {
    const { id, key } = await makeKey(server, { scope: 'read' });
    const others = await makeKey(server, { scope: 'read' });
    const started = performance.now();
    const state = { isOver: false };
    let next = 0;
    const flood = Promise.all(
      Array.from({ length: 20 }, async () => {
        while (next < FLOOD) {
          next += 1;
          const { status } = await server.request('GET', CURRENT, undefined, shown(wrongKey(id, next)));
          expect(status).toBe(401);
        }
      }),
    ).finally(() => (state.isOver = true));
    const waits: number[] = [];
    while (!state.isOver) {
      for (const right of [key, others.key]) {
        const asked = performance.now();
        expect((await server.request('GET', CURRENT, undefined, shown(right))).status).toBe(200);
        waits.push(performance.now() - asked);
      }
    }
    await flood;
    // Each hash takes some 40 ms of a thread: thousands would take minutes.
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(waits.length).toBeGreaterThan(10);
  });
});

describe('a client that shows too many wrong named keys', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({
      key: SESSION,
      env: {
        SESSION_API_KEY: SESSION,
        OH_MAX_FAILED_KEYS_PER_MINUTE: '5',
        OH_TRUST_FORWARDED_HEADERS: '1',
      },
    });
  });
  afterAll(() => server.stop());

  const from = (address: string, key: string) =>
    server.request('GET', CURRENT, undefined, { ...shown(key), 'x-forwarded-for': address });

  it('has to wait, with a right key too, while others do not', async () => {
    const { id, key } = await makeKey(server, { scope: 'read' });
    const statuses: number[] = [];
    for (let count = 0; count < 7; count += 1)
      statuses.push((await from('198.51.100.1', wrongKey(id, count))).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const refused = await from('198.51.100.1', key);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await from('198.51.100.2', key)).status).toBe(200);
  });

  it('may go on with the key that it has shown before, but cannot guess other ones', async () => {
    const { id, key } = await makeKey(server, { scope: 'read' });
    expect((await from('198.51.100.4', key)).status).toBe(200);
    for (let count = 0; count < 6; count += 1) await from('198.51.100.4', `guess ${count}`);
    expect((await from('198.51.100.4', key)).status).toBe(200);
    expect((await from('198.51.100.4', SESSION)).status).toBe(429);
    expect((await from('198.51.100.4', wrongKey(id, 0))).status).toBe(429);
  });

  it('is refused like that with a revoked key as well', async () => {
    const { id, key } = await makeKey(server, { scope: 'read' });
    expect((await server.request('DELETE', `/api/keys/${id}`)).status).toBe(204);
    const statuses: number[] = [];
    for (let count = 0; count < 6; count += 1) statuses.push((await from('198.51.100.3', key)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  });
});
