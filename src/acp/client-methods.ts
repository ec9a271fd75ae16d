import type { ClientApp, RequestError } from '@agentclientprotocol/sdk';
import { ClientRefusal } from './acp-error.js';
import type { ConnectionHost } from './acp-connection.js';

/** What an agent may ask of us: permissions, files, terminals. */
export function serveClient(
  app: ClientApp,
  host: ConnectionHost,
  Refusal: typeof RequestError,
  /** Wraps work that the agent waits for. */
  during: <T>(work: Promise<T>) => Promise<T>,
): void {
  const serve = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await during(Promise.resolve().then(work));
    } catch (error) {
      if (error instanceof ClientRefusal) throw new Refusal(error.code, error.message);
      throw error;
    }
  };
  const { files, terminals } = host;
  app
    .onRequest('session/request_permission', ({ params }) => serve(() => host.onPermission(params)))
    .onRequest('fs/read_text_file', ({ params }) => serve(() => files.read(params)))
    .onRequest('fs/write_text_file', ({ params }) => serve(() => files.write(params)))
    .onRequest('terminal/create', ({ params }) => serve(() => terminals.create(params)))
    .onRequest('terminal/output', ({ params }) => serve(() => terminals.output(params.terminalId)))
    .onRequest('terminal/wait_for_exit', ({ params }) =>
      serve(() => terminals.waitForExit(params.terminalId)),
    )
    .onRequest('terminal/kill', ({ params }) => serve(() => terminals.kill(params.terminalId)))
    .onRequest('terminal/release', ({ params }) => serve(() => terminals.release(params.terminalId)));
}
