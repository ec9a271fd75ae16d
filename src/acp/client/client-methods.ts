import type { ClientApp, RequestError } from '@agentclientprotocol/sdk';
import { ClientRequestError } from '../acp-error.js';
import type { ConnectionHost } from '../connection/connection-options.js';
import type { OpenRequests } from '../connection/open-requests.js';

/** Registers the handlers of an agent's requests: permissions, files, terminals. */
export function handleClientRequests(
  app: ClientApp,
  host: ConnectionHost,
  RpcError: typeof RequestError,
  requests: OpenRequests,
): void {
  const toRpcError = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw error instanceof ClientRequestError ? new RpcError(error.code, error.message) : error;
    });
  const serve = <T>(work: () => T | Promise<T>): Promise<T> => toRpcError(requests.handle(work));
  const serveLong = <T>(work: () => T | Promise<T>): Promise<T> => toRpcError(requests.handleLarge(work));
  const { files, terminals } = host;
  app
    .onRequest('session/request_permission', ({ params }) => serve(() => host.onPermission(params)))
    .onRequest('fs/read_text_file', ({ params }) => serveLong(() => files.read(params)))
    .onRequest('fs/write_text_file', ({ params }) => serve(() => files.write(params)))
    .onRequest('terminal/create', ({ params }) => serve(() => terminals.create(params)))
    .onRequest('terminal/output', ({ params }) => serveLong(() => terminals.output(params.terminalId)))
    .onRequest('terminal/wait_for_exit', ({ params }) =>
      serve(() => terminals.waitForExit(params.terminalId)),
    )
    .onRequest('terminal/kill', ({ params }) => serve(() => terminals.kill(params.terminalId)))
    .onRequest('terminal/release', ({ params }) => serve(() => terminals.release(params.terminalId)));
}
