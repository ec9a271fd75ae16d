import type { IncomingHttpHeaders } from 'node:http';

export interface TestMcpServer {
  url: string;
  port: number;
  /** What happened to its tools. */
  notes: string[];
  /** Of each request. */
  headers: IncomingHttpHeaders[];
  close(): Promise<void>;
}

export function startMcpServer(options?: { port?: number }): Promise<TestMcpServer>;
