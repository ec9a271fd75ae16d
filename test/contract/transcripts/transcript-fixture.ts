import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  brief,
  ConversationClient,
  scriptedRequest,
  type SeenEvent,
  type SocketRecorder,
} from '../../support/conversation-client.js';
import { eventually, ServerProcess, type ServerOptions } from '../../support/server-process.js';

/** The fields that every event has, in order. */
export const COMMON = ['id', 'timestamp', 'source', 'parent_id'];
/** What the first message of a conversation appends. */
export const FIRST_MESSAGE = ['SystemPromptEvent', 'MessageEvent', 'last_user_message_id'];
/** One successful tool call. */
export const STEP = ['ActionEvent', 'ObservationEvent'];
/** A command that runs until `release`. */
export const WAITING = 'while [ ! -e go ]; do sleep 0.2; done; echo slept';

/**
 * A server and a workspace for the tests of one file, which compare sequences of events with those that a
 * socket of the original (OpenHands Agent Server 1.58.2) received. `stats` events are left out, because their
 * position is not fixed in the original.
 */
export class TranscriptFixture {
  private running: ServerProcess | undefined;
  private folder = '';

  /** Starts the server before the tests of the enclosing block, and stops it after them. */
  static forTests(options: ServerOptions = {}): TranscriptFixture {
    const fixture = new TranscriptFixture();
    beforeAll(async () => {
      fixture.running = await ServerProcess.start(options);
    });
    afterAll(() => fixture.running?.stop());
    beforeEach(async () => {
      fixture.folder = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    });
    // The server keeps running: a conversation of the last test may still write there for a moment.
    afterEach(() => rm(fixture.folder, { recursive: true, force: true, maxRetries: 5 }));
    return fixture;
  }

  get server(): ServerProcess {
    if (!this.running) throw new Error('the server is not started yet');
    return this.running;
  }

  /** The folder that the conversations of the current test work in. */
  get workspace(): string {
    return this.folder;
  }

  create(more: Record<string, unknown> = {}): Promise<ConversationClient> {
    return ConversationClient.create(this.server, scriptedRequest(this.folder, undefined, more));
  }

  post(conversation: ConversationClient, what: string, body?: unknown) {
    return this.server.request('POST', `${conversation.route}/${what}`, body);
  }

  /** Ends the command `WAITING`. */
  release(): Promise<void> {
    return writeFile(path.join(this.folder, 'go'), '');
  }
}

/** A socket on a conversation; `upTo` waits for the last of the expected frames and closes it. */
export async function watch(conversation: ConversationClient, query = '') {
  const socket = await conversation.listen(`/sockets/events/${conversation.id}${query}`);
  await socket.sees((event) => event.key === 'full_state', 'the first frame');
  return {
    socket,
    /** The sequence when it has at least `length` entries. */
    upTo: async (length: number): Promise<string[]> => {
      await eventually(() => Promise.resolve(sequence(socket).length >= length), `${length} frames`);
      // One more exchange on the same socket: everything that was sent before its answer has arrived.
      const errors = ofKind(socket, 'ServerErrorEvent').length;
      socket.socket.send('not JSON');
      await eventually(
        () => Promise.resolve(ofKind(socket, 'ServerErrorEvent').length > errors),
        'the error',
      );
      await socket.close();
      return sequence(socket);
    },
  };
}

/** The events of one kind that a socket saw. */
export function ofKind(socket: SocketRecorder, kind: string): SeenEvent[] {
  return socket.events.filter((event) => event.kind === kind);
}

/** Kinds and keys in order, snapshots with the status that they show. */
export function sequence(socket: SocketRecorder): string[] {
  return socket.events
    .filter((event) => event.key !== 'stats' && event.kind !== 'ServerErrorEvent')
    .map((event) => (event.key === 'full_state' ? `full_state ${statusIn(event.value)}` : brief(event)));
}

function statusIn(snapshot: unknown): string {
  if (typeof snapshot !== 'object' || snapshot === null || !('execution_status' in snapshot)) return '';
  return String(snapshot.execution_status);
}
