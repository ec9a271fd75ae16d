import type { ServerProcess } from './server-process.js';

/** Sums as `GET /api/usage` answers them. */
export interface SeenUsage extends Record<string, unknown> {
  calls: number;
  errors: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost: number;
}

/** The answer of `GET /api/usage`. */
export interface SeenReport {
  items: SeenUsage[];
  total: SeenUsage;
}

/** What models have cost, as a server says it. */
export async function usageOf(
  server: ServerProcess,
  query = '',
  headers: Record<string, string> = {},
): Promise<SeenReport> {
  const { status, body } = await server.request('GET', `/api/usage?${query}`, undefined, headers);
  if (status !== 200) throw new Error(`GET /api/usage answered ${status}: ${JSON.stringify(body)}`);
  return body as SeenReport;
}
