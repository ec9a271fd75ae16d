import { spawnSync } from 'node:child_process';
import { closeSync, constants, createReadStream, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { jsonLine, textLine } from './log-entry.js';
import { LogOutput } from './log-output.js';
import { loggableUrl, readLogSettings, ServerLogger } from './index.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'logging-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a log line', () => {
  it('is a single line, whatever it contains', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('a', '\n', '\r', '\u2028', '\u0085', '\x1b', '"', '⚠️'),
    });
    fc.assert(
      fc.property(nasty, nasty, (message, context) => {
        const entry = { time: '2026-01-02T03:04:05.678Z', level: 'info', context, message } as const;
        for (const line of [jsonLine(entry), textLine(entry, false)]) {
          expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        }
        expect(JSON.parse(jsonLine(entry))).toEqual(entry);
      }),
    );
  });

  it('in text format is followed by the stack, indented', () => {
    const entry = { time: '2026-01-02T03:04:05.678Z', level: 'error', context: 'C', message: 'm' } as const;
    expect(textLine({ ...entry, request_id: 'r', stack: 'Error: x\n    at y' }, false)).toBe(
      '2026-01-02 03:04:05.678 ERROR [C] m (request r)\n    Error: x\n        at y',
    );
  });
});

describe('loggableUrl', () => {
  it.each([
    ['/a/b?limit=1', '/a/b?limit=1'],
    ['/a?session_api_key=x&limit=1', '/a?session_api_key=<redacted>&limit=1'],
    ['/a?SESSION_API_KEY=x=y', '/a?SESSION_API_KEY=<redacted>'],
    ['/a?session%5Fapi%5fk%65y=x', '/a?session%5Fapi%5fk%65y=<redacted>'],
    ['/a?%zzt%6Fken=x', '/a?%zzt%6Fken=<redacted>'],
    ['/a?a=1?token=x&access_token=y', '/a?a=1?token=x&access_token=<redacted>'],
    [`/${'a'.repeat(2000)}`, `/${'a'.repeat(999)}...`],
  ])('redacts %s', (url, expected) => {
    expect(loggableUrl(url)).toBe(expected);
  });
});

describe('readLogSettings', () => {
  it.each([
    [{}, true, { level: 'info', json: false, colors: true }],
    [{ NO_COLOR: '1' }, true, { json: false, colors: false }],
    [{}, false, { level: 'info', json: true, colors: false }],
    [{ LOG_JSON: 'TRUE', LOG_LEVEL: 'Warning' }, true, { level: 'warn', json: true, colors: false }],
    [{ LOG_JSON: '0', LOG_LEVEL: 'ERROR' }, false, { level: 'error', json: false }],
    [{ LOG_LEVEL: 'nonsense' }, false, { level: 'info' }],
    [{ LOG_LEVEL: 'error', DEBUG: '1' }, false, { level: 'debug' }],
  ])('reads %j, on a terminal: %s', (env, isTerminal, expected) => {
    expect(readLogSettings(env, isTerminal)).toMatchObject(expected);
  });
});

describe('ServerLogger', () => {
  async function logged(work: (logger: ServerLogger) => void): Promise<Record<string, unknown>[]> {
    const file = path.join(folder, 'log');
    const fd = openSync(file, 'w');
    const logger = new ServerLogger({ level: 'info', json: true, colors: false }, fd);
    work(logger);
    await logger.drained();
    closeSync(fd);
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it('accepts all argument forms of Nest', async () => {
    const lines = await logged((logger) => {
      logger.log('plain', 'Ctx');
      logger.log('routes', 'RouterExplorer');
      logger.debug('not now', 'Ctx');
      logger.warn('without context');
      logger.log({ message: 'with fields', status: 3 }, 'Ctx');
      logger.log({ api_key: 'x', more: 1 }, 'Ctx');
      logger.log('two', 'parts', 'Ctx');
    });
    expect(lines).toMatchObject([
      { level: 'info', context: 'Ctx', message: 'plain' },
      { level: 'warn', message: 'without context' },
      { message: 'with fields', status: 3 },
      { message: "{ api_key: '<redacted>', more: 1 }" },
      { message: 'two parts' },
    ]);
  });

  it('logs the stack of an error and the id of the conversation as fields', async () => {
    const id = '00000000-0000-4000-8000-00000000000a';
    const error = new Error('bad');
    const lines = await logged((logger) => {
      logger.error(`conversation ${id}: save failed`, error.stack, 'Ctx');
      logger.error('thrown', 'a text', 'Ctx');
      logger.error(error, undefined, 'Ctx');
    });
    expect(lines).toMatchObject([
      { level: 'error', conversation_id: id, stack: error.stack },
      { message: 'thrown a text' },
      { message: 'bad', stack: error.stack },
    ]);
  });

  it('masks secrets in messages, fields and stacks', async () => {
    const lines = await logged((logger) => {
      logger.maskWith((text) => text.replaceAll('marked', '***'));
      logger.error(
        { message: 'a marked one', path: '/marked', list: ['marked'] },
        'Error: marked\n    at x',
        'C',
      );
    });
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain('marked');
  });
});

describe('LogOutput', () => {
  it('does not block on its reader, bounds its buffer, and keeps the order', async () => {
    const pipe = path.join(folder, 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    const fd = openSync(pipe, constants.O_RDWR);
    const output = new LogOutput(fd, (count) => `dropped ${count}`);
    const line = 'x'.repeat(1000);
    // Far more than a pipe can buffer; nobody reads it yet.
    for (let i = 0; i < 6000; i += 1) output.write(`${i} ${line}`, i % 100 === 0);
    await nextTurn();
    const reader = createReadStream(pipe);
    let text = '';
    reader.on('data', (chunk) => (text += chunk.toString()));
    await output.drained();
    output.write('the end', true);
    await output.drained();
    while (!text.endsWith('the end\n')) await nextTurn();
    reader.destroy();
    closeSync(fd);

    const lines = text.trimEnd().split('\n');
    const dropped = Number(/^dropped (\d+)$/.exec(lines.at(-2) ?? '')?.[1]);
    expect(dropped).toBeGreaterThan(0);
    expect(lines.slice(0, -2)).toEqual(Array.from({ length: 6000 - dropped }, (_, i) => `${i} ${line}`));
  });

  it('continues without a reader', async () => {
    const output = new LogOutput(openSync(path.join(folder, 'log'), 'r'), String);
    output.write('nobody can read this', true);
    await output.drained();
    output.write('nor this', true);
    output.flushSync();
  });
});
