import type * as Client from '@openhands/typescript-client';
import type * as Clients from '@openhands/typescript-client/clients';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { eventually, ServerProcess } from './server-process.js';

const KEY = 'key-for-tests';

/** A server with a session key, and the TypeScript client, imported as its users do. */
export class TypeScriptClientFixture {
  private constructor(
    readonly client: typeof Client,
    readonly clients: typeof Clients,
    readonly server: ServerProcess,
    /** The working directory of conversations. */
    readonly folder: string,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<TypeScriptClientFixture> {
    // While it is imported, the client looks for the WebSocket class of a browser.
    Object.assign(globalThis, { window: { WebSocket } });
    const [client, clients] = await Promise.all([
      import('@openhands/typescript-client'),
      import('@openhands/typescript-client/clients'),
    ]);
    const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'client-')));
    const server = await ServerProcess.start({ env: { SESSION_API_KEY: KEY, ...env }, key: KEY });
    return new TypeScriptClientFixture(client, clients, server, folder);
  }

  /** The options of all classes of the client. */
  get options(): { host: string; apiKey: string } {
    return { host: this.server.url, apiKey: KEY };
  }

  /** The folder as a remote workspace. */
  get workspace(): Client.RemoteWorkspace {
    return new this.client.RemoteWorkspace({ ...this.options, workingDir: this.folder });
  }

  /** A conversation with the scripted model that is not started yet. */
  conversation(options: ConstructorParameters<typeof Client.RemoteConversation>[2] = {}) {
    const llm = { model: 'scripted/test', usage_id: 'agent' };
    const agent = { kind: 'Agent', llm, tools: [{ name: 'terminal' }, { name: 'file_editor' }] };
    return new this.client.RemoteConversation(agent, this.workspace, options);
  }

  /** Waits until a conversation has a status. */
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
