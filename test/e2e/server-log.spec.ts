import { eventually, ServerProcess } from '../support/server-process.js';

interface Line {
  seq: number;
  time: string;
  level: string;
  context: string;
  message: string;
  stack: string | null;
}
interface RecentLog {
  items: Line[];
  seen: number;
  kept: number;
}

const KEY = 'HIDDEN-key-of-the-server';
/** Most lines that are kept. */
const MAX_LINES = 500;
/** Preloaded into the server: SIGUSR2 logs more errors than are kept. */
const FAIL = `process.on("SIGUSR2", () => {
  for (let n = 0; n <= ${MAX_LINES}; n += 1) Promise.reject(new Error("failed with ${KEY} " + "x".repeat(5000)));
})`;

describe('GET /api/server/log', () => {
  let server: ServerProcess;

  afterEach(() => server.stop());

  const start = async (env: Record<string, string> = {}) => {
    server = await ServerProcess.start({ env });
  };
  const read = async (query = '', headers: Record<string, string> = {}) =>
    (await server.request('GET', `/api/server/log${query}`, undefined, headers)).body as RecentLog;

  it('lists warnings of the start, also those below the level of the log', async () => {
    // With `info`: the start of the server is recognised by a line of that level.
    await start({ OH_NOTHING_LIKE_THAT: '1', LOG_LEVEL: 'info' });
    const { items, seen, kept } = await read();
    expect(items.map(({ message }) => message).join()).toContain('OH_NOTHING_LIKE_THAT');
    expect(new Set(items.map(({ level }) => level))).toEqual(new Set(['warn']));
    expect([seen, kept]).toEqual([items.length, items.length]);
    expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => index + 1));
    expect(await read('?level=error')).toMatchObject({ items: [], seen });
  });

  it('masks secrets, cuts long messages and keeps the last 500 lines', async () => {
    await start({
      SESSION_API_KEY: KEY,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(FAIL)}`,
    });
    const key = { 'x-session-api-key': KEY };
    expect((await server.request('GET', '/api/server/log')).status).toBe(401);
    process.kill(server.pid, 'SIGUSR2');
    await eventually(async () => (await read('?limit=1', key)).seen > MAX_LINES, 'the errors');
    const all = await read('?limit=500&level=error', key);
    expect([all.items.length, all.kept]).toEqual([MAX_LINES, MAX_LINES]);
    expect(all.items.at(-1)?.seq).toBe(all.seen);
    const [first] = all.items;
    expect(first).toMatchObject({ level: 'error', context: 'Server', message: 'unhandled rejection' });
    expect(first?.stack).toMatch(/^Error: failed with \*{10} x+\.\.\. \(\d+ more characters\)$/);
    expect(first?.stack?.length).toBeLessThan(4100);
    expect((await read('?limit=2', key)).items.length).toBe(2);
    const last = all.items.at(-1)?.time ?? '';
    const since = await read(`?since=${encodeURIComponent(last)}&limit=500`, key);
    expect(since.items.map(({ time }) => time >= last)).not.toContain(false);
    expect(since.items.length).toBeGreaterThan(0);
    expect(await read('?since=2999-01-01T00:00:00Z', key)).toMatchObject({ items: [] });
  });

  it.each(['level=info', 'limit=0', 'limit=501', 'since=yesterday'])('rejects %s', async (query) => {
    await start();
    const { status, body } = await server.request('GET', `/api/server/log?${query}`);
    expect([status, body]).toMatchObject([422, { detail: [{ loc: ['query', query.split('=')[0]] }] }]);
  });
});
