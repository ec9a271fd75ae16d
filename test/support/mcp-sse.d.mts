import type { TestMcpServer } from './mcp-http.mjs';

export interface TestSseServer extends TestMcpServer {
  /** How many clients are connected. */
  readonly clients: number;
  /** Ends all connections; new ones are taken. */
  hangUp(): void;
}

export function startSseServer(): Promise<TestSseServer>;
