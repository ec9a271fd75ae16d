import { signal } from '@preact/signals';
import { api, call } from '../api/client.js';

/** What the server says about itself; undefined until it has answered. */
export const serverInfo = signal<ServerInfo | undefined>(undefined);

type ServerInfo = Awaited<ReturnType<typeof fetchInfo>>;

/** Asks the server once more. Needs no key. Without an answer the last one stays. */
export async function loadServerInfo(): Promise<void> {
  try {
    serverInfo.value = await fetchInfo();
  } catch {
    // The banner says that the server cannot be reached.
  }
}

function fetchInfo() {
  return call(api.GET('/server_info'));
}
