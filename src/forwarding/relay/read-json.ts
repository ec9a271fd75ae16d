import type { IncomingMessage } from 'node:http';
import { readBodyText } from '../../text/index.js';
import { UpstreamError } from './upstream.js';

/** Longest answer that is read here (bytes). */
const MAX_BYTES = 4 * 1024 * 1024;
const [OK, ACCEPTED] = [200, 202];

/**
 * Reads the answer of another server.
 * @returns undefined for one that only says that the request was accepted
 * @throws UpstreamError for another status, and for an answer that is no JSON or too long
 */
export async function readJson(answer: IncomingMessage): Promise<unknown> {
  const text = await readBodyText(answer, MAX_BYTES, () => new UpstreamError('answer', 'too long'));
  if (answer.statusCode === ACCEPTED) return undefined;
  if (answer.statusCode !== OK) throw new UpstreamError('answer', `status ${answer.statusCode}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new UpstreamError('answer', 'no JSON');
  }
}
