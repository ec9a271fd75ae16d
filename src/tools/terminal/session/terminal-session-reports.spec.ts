import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { output, Terminals } from '../../../../test/support/terminals.js';
import type { CommandReport, TerminalSession } from './terminal-session.js';

let terminals: Terminals;
beforeEach(async () => {
  terminals = await Terminals.inNewFolder();
});
afterEach(() => terminals.close());

/** Output that takes hundreds of event-loop turns to clean. */
const FLOOD = `head -c 3900000 /dev/zero | tr '\\0' '\\b'`;

/** Runs a command until it is quiet. Resolves while the report is being created. */
async function untilReport(
  command: string,
  signal?: AbortSignal,
): Promise<{ session: TerminalSession; report: Promise<CommandReport> }> {
  const session = terminals.open();
  await output(session, 'true');
  const report = session.run(command, { quietMs: 300, signal });
  report.catch(() => undefined);
  for (let isWatched = true; isWatched;) {
    await nextTurn();
    // Rejected while the command is being watched, otherwise resolved at once.
    isWatched = await session.watch({ quietMs: 0, timeoutMs: 0 }).then(
      () => false,
      () => true,
    );
  }
  return { session, report };
}

describe('a report of megabytes of output', () => {
  it('describes the state at its request, even if the command ends meanwhile', async () => {
    const waits = 'until [ -e go ]; do sleep 0.01; done; echo after';
    const { session, report } = await untilReport(`${FLOOD}; ${waits}`);
    await writeFile(path.join(terminals.folder, 'go'), '');
    expect(await report).toMatchObject({ outcome: 'quiet', exitCode: -1, output: '' });
    const rest = await session.watch({ quietMs: 60_000 });
    expect(rest).toMatchObject({ outcome: 'completed', exitCode: 0, output: 'after' });
    expect(session.status).toBe('idle');
  });

  it('is aborted together with its command', async () => {
    const control = new AbortController();
    const { session, report } = await untilReport(`${FLOOD}; sleep 300`, control.signal);
    control.abort(new Error('no more'));
    await expect(report).rejects.toThrow('no more');
    expect(session.status).toBe('idle');
    expect(await output(session, 'echo next')).toBe('next');
  });
});
