import { get } from 'node:http';

/** How long one answer may take (ms). */
const ANSWER_MS = 1_000;

/** Whether a program serves at a port of this machine: it answers with 2xx. */
export function isHealthy(port: number, path: string, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const limit = AbortSignal.timeout(ANSWER_MS);
    const ends = signal ? AbortSignal.any([signal, limit]) : limit;
    const request = get({ host: '127.0.0.1', port, path, signal: ends, agent: false }, (response) => {
      const { statusCode = 0 } = response;
      response.destroy();
      resolve(statusCode >= 200 && statusCode < 300);
    });
    request.on('error', () => resolve(false));
  });
}
