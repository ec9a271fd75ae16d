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
/** One call of a tool. */
export const STEP = ['ActionEvent', 'ObservationEvent'];
/** A command that goes on until `letGo`. */
export const WAITING = 'while [ ! -e go ]; do sleep 0.05; done; echo slept';

/**
 * A server and a workspace for the tests of one file. They compare with what a socket saw of the original
 * (OpenHands Agent Server 1.58.2), as short sequences. `stats` events are left out: their place is not fixed
 * there.
 */
export class Stage {
  private running: ServerProcess | undefined;
  private folder = '';

  /** Sets the stage up for the tests that are declared next, and takes it down after them. */
  static forTests(options: ServerOptions = {}): Stage {
    const stage = new Stage();
    beforeAll(async () => {
      stage.running = await ServerProcess.start(options);
    });
    afterAll(() => stage.running?.stop());
    beforeEach(async () => {
      stage.folder = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    });
    // The server lives on: a conversation of the last test may still write there for a moment.
    afterEach(() => rm(stage.folder, { recursive: true, force: true, maxRetries: 5 }));
    return stage;
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

  /** Waits until a conversation is in the middle of its first tool call. */
  inTool(conversation: ConversationClient): Promise<void> {
    return eventually(
      async () => (await conversation.events('&kind=ActionEvent')).length > 0,
      'the first action',
    );
  }

  /** Lets `WAITING` end. */
  letGo(): Promise<void> {
    return writeFile(path.join(this.folder, 'go'), '');
  }
}

/** A socket on a conversation; `upTo` waits for the last of the expected frames and closes it. */
export async function watch(conversation: ConversationClient, query = '') {
  const socket = await conversation.listen(`/sockets/events/${conversation.id}${query}`);
  await socket.sees((event) => event.key === 'full_state', 'the first frame');
  return {
    socket,
    /** The sequence once it has `length` entries; what came further is shown too. */
    upTo: async (length: number): Promise<string[]> => {
      await eventually(() => Promise.resolve(sequence(socket).length >= length), `${length} frames`);
      // One more exchange on the same socket: whatever was sent before its answer has arrived.
      const complaints = ofKind(socket, 'ServerErrorEvent').length;
      socket.socket.send('not JSON');
      await eventually(
        () => Promise.resolve(ofKind(socket, 'ServerErrorEvent').length > complaints),
        'the complaint',
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
