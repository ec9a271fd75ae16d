import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConversationClient, SocketRecorder } from '../support/conversation-client.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

interface Piece {
  type: string;
  action_id: string;
  offset: number;
  text: string;
}

const SECRET = 'k-0123456789-abcdefghij';
/** A shell function: `until_file name` waits until the test makes the file. */
const UNTIL_FILE = 'until_file() { until [ -e "$1" ]; do sleep 0.02; done; }';

describe('the output of a running command', () => {
  const fixture = ServerFixture.forTests();
  const follow = (conversation: ConversationClient): Promise<SocketRecorder> =>
    conversation.listen(`/sockets/session/${conversation.id}?after_seq=-1`);
  const release = (name: string): Promise<void> => writeFile(path.join(fixture.workspace, name), '');
  const create = (command: string, more: Record<string, unknown> = {}): Promise<ConversationClient> =>
    fixture.create(`RUN: ${UNTIL_FILE}; ${command}\nFINISH: done`, more);
  const shows = (socket: SocketRecorder, text: string): Promise<void> =>
    eventually(() => Promise.resolve(textOf(socket).includes(text)), `the output ${text}`);

  it('arrives in order, after its action and before its result, and is not stored', async () => {
    const conversation = await create(
      'until_file start; for n in 1 2 3; do printf "\\e[32mpart %s\\e[0m\\n" $n; until_file "go$n"; done',
    );
    const [session, events] = await Promise.all([follow(conversation), conversation.listen()]);
    await release('start');
    for (const n of [1, 2, 3]) {
      await shows(session, `\u001b[32mpart ${n}\u001b[0m\r\n`);
      await release(`go${n}`);
    }
    await isFinished(session);

    const kinds = session.frames.map(kindOf);
    const first = kinds.indexOf('output');
    expect(kinds.slice(0, first)).toContain('ActionEvent');
    expect(kinds.indexOf('ObservationEvent')).toBeGreaterThan(kinds.lastIndexOf('output'));
    const pieces = piecesOf(session);
    for (const [index, { offset }] of pieces.entries()) {
      const before = pieces[index - 1];
      expect(offset).toBe(before ? before.offset + before.text.length : 0);
    }
    const [action] = await conversation.events('&kind=ActionEvent');
    expect(new Set(pieces.map(({ action_id }) => action_id))).toEqual(new Set([action?.id]));

    await eventually(
      () => Promise.resolve(events.events.some(({ value }) => value === 'finished')),
      'the end on the events socket',
    );
    expect(events.frames.filter(({ type }) => type !== undefined)).toEqual([]);
    expect((await conversation.events()).some(({ kind }) => kind === 'output')).toBe(false);
    await Promise.all([session.close(), events.close()]);
  });

  it('has secrets masked, also those that are printed in parts', async () => {
    const conversation = await create(
      'echo "${TOKEN:0:0}begin"; until_file start; printf %s "${TOKEN:0:9}"; sleep 0.3; echo "${TOKEN:9}"; echo end; until_file done',
      { secrets: { TOKEN: { kind: 'StaticSecret', value: SECRET } } },
    );
    const socket = await follow(conversation);
    await shows(socket, 'begin');
    await release('start');
    await shows(socket, 'end');
    await release('done');
    await isFinished(socket);
    expect(textOf(socket)).toBe('begin\r\n<secret-hidden>\r\nend\r\n');
    await socket.close();
  });

  it('is bounded: of a flood its last parts are sent, with secrets masked and positions that count the rest', async () => {
    const line = `${'x'.repeat(31)}${SECRET}`;
    const conversation = await create(
      `echo begin; until_file start; yes "${'x'.repeat(31)}$TOKEN" | head -c 30000000; echo; echo end; until_file done`,
      { secrets: { TOKEN: { kind: 'StaticSecret', value: SECRET } } },
    );
    const socket = await follow(conversation);
    await shows(socket, 'begin');
    await release('start');
    await shows(socket, 'end');
    const pieces = piecesOf(socket);
    await release('done');
    await isFinished(socket);

    let end = 0;
    let leftOut = 0;
    for (const { offset, text } of pieces) {
      expect(offset).toBeGreaterThanOrEqual(end);
      expect(text.length).toBeLessThanOrEqual(16 * 1024);
      leftOut += offset - end;
      end = offset + text.length;
    }
    expect(leftOut).toBeGreaterThan(25_000_000);
    // Every part of the secret: a cut must not leave one.
    for (let at = 0; at + 6 <= SECRET.length; at += 1)
      expect(textOf(socket)).not.toContain(SECRET.slice(at, at + 6));
    expect(textOf(socket)).toContain(`${line.slice(0, 31)}<secret-hidden>\r\n`);
    await socket.close();
  });

  it('is sent from its last part on to who begins to watch in the middle, and goes on for all', async () => {
    const conversation = await create('echo early; until_file go; echo late; until_file done');
    // Nobody watches yet.
    await eventually(
      async () => (await conversation.events('&kind=ActionEvent')).length > 0,
      'the start of the command',
    );
    const first = await follow(conversation);
    await shows(first, 'early');
    const second = await follow(conversation);
    await shows(second, 'early');
    await release('go');
    await Promise.all([shows(first, 'late'), shows(second, 'late')]);
    // A socket that was cut finds its place by the positions.
    const third = await follow(conversation);
    await shows(third, 'late');
    expect(piecesOf(third)).toEqual([{ ...piecesOf(third)[0], offset: 0, text: 'early\r\nlate\r\n' }]);
    await release('done');
    await isFinished(first);
    for (const socket of [first, second, third]) {
      expect(textOf(socket)).toBe('early\r\nlate\r\n');
      await socket.close();
    }
  });

  it('ends when the run is interrupted', async () => {
    const conversation = await create(
      'trap "echo trapped" INT; echo begin; until_file never; until_file never',
    );
    const socket = await follow(conversation);
    await shows(socket, 'begin');
    expect((await conversation.post('interrupt')).status).toBe(200);
    await conversation.reaches('paused');
    await conversation.send('RUN: echo next\nFINISH: done');
    await isFinished(socket);
    const kinds = socket.frames.map(kindOf);
    const result = kinds.findIndex((kind) => kind === 'AgentErrorEvent' || kind === 'ObservationEvent');
    expect(result).toBeGreaterThan(kinds.lastIndexOf('output'));
    await socket.close();
  });
});

function piecesOf(socket: SocketRecorder): Piece[] {
  return socket.frames.filter(({ type }) => type === 'output') as unknown as Piece[];
}

function textOf(socket: SocketRecorder): string {
  return piecesOf(socket)
    .map(({ text }) => text)
    .join('');
}

/** The kind of the event of a frame; the type of others. */
function kindOf({ type, event }: Record<string, unknown>): unknown {
  return type === 'durable' ? (event as { kind: string }).kind : type;
}

async function isFinished(socket: SocketRecorder): Promise<void> {
  const isLast = ({ event }: Record<string, unknown>): boolean =>
    (event as { value?: unknown } | undefined)?.value === 'finished';
  await eventually(() => Promise.resolve(socket.frames.some(isLast)), 'the end of the run');
}
