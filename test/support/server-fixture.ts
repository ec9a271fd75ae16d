import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from './conversation-client.js';
import { ServerProcess, type ServerOptions } from './server-process.js';

/** A server for the tests of a `describe`, and a new working directory for each of them. */
export class ServerFixture {
  private running: ServerProcess | undefined;
  private folder = '';

  /** Starts the server before the tests that are declared next, and stops it after them. */
  static forTests(options: ServerOptions = {}): ServerFixture {
    const fixture = new ServerFixture();
    beforeAll(async () => {
      fixture.running = await ServerProcess.start(options);
    });
    afterAll(() => fixture.running?.stop());
    beforeEach(async () => {
      fixture.folder = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    });
    // A conversation of the last test may still write there for a moment.
    afterEach(() => rm(fixture.folder, { recursive: true, force: true, maxRetries: 5 }));
    return fixture;
  }

  get server(): ServerProcess {
    if (!this.running) throw new Error('the server is not started yet');
    return this.running;
  }

  /** Ends the server and starts another one in the same folder. */
  async restart(signal?: NodeJS.Signals): Promise<void> {
    this.running = await this.server.restart(signal);
  }

  /** The folder that the conversations of the current test work in. */
  get workspace(): string {
    return this.folder;
  }

  /** The folder of stored settings, if the options name no other one. */
  get persistence(): string {
    return path.join(this.server.cwd, 'persistence');
  }

  /** Creates a conversation with the scripted model; a script starts a run. */
  create(script?: string, more: Record<string, unknown> = {}): Promise<ConversationClient> {
    return ConversationClient.create(this.server, scriptedRequest(this.workspace, script, more));
  }

  /** Creates a conversation and waits until its first run has finished. */
  async run(script: string, more: Record<string, unknown> = {}): Promise<ConversationClient> {
    const conversation = await this.create(script, more);
    await conversation.reaches('finished');
    return conversation;
  }
}
