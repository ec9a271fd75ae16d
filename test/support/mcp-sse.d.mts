import type { TestMcpServer } from './mcp-http.mjs';

export interface TestSseServer extends TestMcpServer {
  /** The number of connected clients. */
  readonly clients: number;
  /** Closes all connections; new ones are accepted. */
  hangUp(): void;
}

export function startSseServer(): Promise<TestSseServer>;
