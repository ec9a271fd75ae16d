import { hostname } from 'node:os';
import { isProcessAlive } from '../../../processes/index.js';
import { asJsonObject, tryParseJson } from '../../../json/index.js';
import type { SourceFiles } from '../sources/source-files.js';

const LEASE_FILE = 'owner_lease.json';
const MAX_BYTES = 64 * 1024;

/**
 * The live server that has the conversation of a folder open, in words; undefined if there is none. The lease
 * of a process of this machine that is gone, and one that has expired, are what a crash has left.
 */
export async function holderOf(files: SourceFiles): Promise<string | undefined> {
  if (files.folder === undefined) return undefined;
  const text = (await files.read(LEASE_FILE, MAX_BYTES))?.toString() ?? '';
  const { expires_at: expires, owner_host: host, owner_pid: pid } = asJsonObject(tryParseJson(text));
  if (typeof expires !== 'number' || expires * 1000 <= Date.now()) return undefined;
  if (host === hostname() && typeof pid === 'number' && !isProcessAlive(pid)) return undefined;
  const where = typeof host === 'string' ? ` on ${host}` : '';
  const who = typeof pid === 'number' ? `the server with process id ${pid}${where}` : 'a server';
  return `${who} has it open (its lease ends ${new Date(expires * 1000).toISOString()} unless it is renewed)`;
}
