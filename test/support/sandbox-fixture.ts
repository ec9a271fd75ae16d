import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from './conversation-client.js';
import { ServerProcess, type ServerOptions } from './server-process.js';

/** The text of the key file of the server. */
export const KEY = 'k3y-in-a-file';

/**
 * A server that has something to hide, and what is around it: `work` for workspaces, `outside` with `notes`
 * that no sandbox `workspace` shows, the file `key`, and `settings.json` among the settings of the server.
 */
export class SandboxFixture {
  private constructor(
    readonly folder: string,
    private running?: ServerProcess,
  ) {}

  /** Only the folders. Not below `/tmp`, which is another folder in the mode `workspace`. */
  static async make(): Promise<SandboxFixture> {
    const fixture = new SandboxFixture(await mkdtemp(path.join(os.homedir(), '.sandbox-test-')));
    for (const name of ['server/persistence', 'outside', 'work'])
      await mkdir(fixture.at(name), { recursive: true });
    await writeFile(fixture.at('key'), KEY);
    await writeFile(fixture.at('outside/notes'), 'marker-of-notes');
    await writeFile(fixture.at('server/persistence/settings.json'), '{"marker-of-settings": 1}');
    return fixture;
  }

  /** The folders and a server with a key, in a sandbox that has to work. */
  static async start(mode: string, env: Record<string, string> = {}): Promise<SandboxFixture> {
    const fixture = await SandboxFixture.make();
    const keys = { SESSION_API_KEY_FILE: fixture.at('key'), OH_SECRET_KEY: 'the-key-of-the-server' };
    await fixture.serve({
      key: KEY,
      env: { OH_SANDBOX: mode, OH_SANDBOX_REQUIRED: 'true', ...keys, ...env },
    });
    return fixture;
  }

  /** Starts its server. */
  async serve(options: ServerOptions): Promise<ServerProcess> {
    this.running = await ServerProcess.start({ ...options, cwd: this.at('server') });
    return this.running;
  }

  get server(): ServerProcess {
    if (!this.running) throw new Error('there is no server yet');
    return this.running;
  }

  at(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  /** A conversation whose agent runs the lines of a script of the model, to its end. */
  async run(lines: string, more: Record<string, unknown> = {}, workspace = this.at('work')) {
    const request = scriptedRequest(workspace, `${lines}\nFINISH: done`, more);
    const conversation = await ConversationClient.create(this.server, request);
    await conversation.reaches('finished');
    return conversation;
  }

  /** What a script of bash prints that an agent runs in its terminal. */
  async outputOf(script: string, conversation?: ConversationClient): Promise<string> {
    await writeFile(this.at('work/script.sh'), script);
    const line = 'RUN: bash script.sh > out 2>&1';
    if (conversation === undefined) {
      await this.run(line);
    } else {
      await conversation.send(`${line}\nFINISH: done`);
      await conversation.reaches('finished');
    }
    return readFile(this.at('work/out'), 'utf8');
  }

  /** Where the server keeps a conversation. */
  folderOf({ id }: ConversationClient): string {
    return this.at('server/workspace/conversations', id.replaceAll('-', ''));
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
