import type { IncomingHttpHeaders } from 'node:http';

export interface TestMcpServer {
  url: string;
  port: number;
  /** Events of its tools. */
  notes: string[];
  /** The headers of each request. */
  headers: IncomingHttpHeaders[];
  close(): Promise<void>;
}

export function startMcpServer(options?: { port?: number }): Promise<TestMcpServer>;
