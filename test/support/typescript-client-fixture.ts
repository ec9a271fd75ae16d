import type * as Client from '@openhands/typescript-client';
import type * as Clients from '@openhands/typescript-client/clients';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { eventually, ServerProcess } from './server-process.js';

const KEY = 'key-for-tests';

/** A server with a key and the TypeScript client, loaded as its users load it. */
export class TypeScriptClientFixture {
  private constructor(
    readonly client: typeof Client,
    readonly clients: typeof Clients,
    readonly server: ServerProcess,
    /** A folder to work in. */
    readonly folder: string,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<TypeScriptClientFixture> {
    // Outside a browser the client looks for a socket class where a browser has one, while it is imported.
    Object.assign(globalThis, { window: { WebSocket } });
    const [client, clients] = await Promise.all([
      import('@openhands/typescript-client'),
      import('@openhands/typescript-client/clients'),
    ]);
    const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'client-')));
    const server = await ServerProcess.start({ env: { SESSION_API_KEY: KEY, ...env }, key: KEY });
    return new TypeScriptClientFixture(client, clients, server, folder);
  }

  /** What each class of the client wants to know. */
  get options(): { host: string; apiKey: string } {
    return { host: this.server.url, apiKey: KEY };
  }

  /** The folder, over the server. */
  get workspace(): Client.RemoteWorkspace {
    return new this.client.RemoteWorkspace({ ...this.options, workingDir: this.folder });
  }

  /** A conversation with the model that plays scripts, not started. */
  conversation(options: ConstructorParameters<typeof Client.RemoteConversation>[2] = {}) {
    const llm = { model: 'scripted/test', usage_id: 'agent' };
    const agent = { kind: 'Agent', llm, tools: [{ name: 'terminal' }, { name: 'file_editor' }] };
    return new this.client.RemoteConversation(agent, this.workspace, options);
  }

  /** Waits until the server says that a conversation has come so far. */
  async reaches(conversation: Client.RemoteConversation, status: string): Promise<void> {
    const isThere = async () => {
      const { execution_status: now }: { execution_status: string } = await conversation.state.refresh();
      return now === status;
    };
    await eventually(isThere, status);
  }

  async stop(): Promise<void> {
    Reflect.deleteProperty(globalThis, 'window');
    await this.server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
