import { createHash } from 'node:crypto';
import type { Documents } from '../../storage/index.js';
import { DifferentCopyError } from './move-errors.js';
import type { MoveRecords } from './move-record.js';

/** What became of the documents. */
interface MovedDocuments {
  moved: number;
  same: number;
  /** Names of those that were changed at the target since they were moved. */
  different: string[];
}

/**
 * Copies documents as they are, encrypted secrets included, and reads them again at the target. A document
 * that the target has is replaced only if it is as an earlier move left it.
 * @param options `isOne` tells which documents are meant: both sides may keep others in the same place
 */
export async function moveDocuments(
  from: Documents,
  to: Documents,
  records: MoveRecords,
  options: { isOne: (name: string) => boolean; dryRun: boolean },
): Promise<MovedDocuments> {
  const result: MovedDocuments = { moved: 0, same: 0, different: [] };
  const names = new Set([...(await from.list()), ...(await to.list())].filter(options.isOne));
  for (const name of names) {
    const [text, there] = [await from.readText(name), await to.readText(name)];
    if (text === there) {
      result.same += 1;
      records.setDigest(name, digest(text));
    } else if (there !== undefined && digest(there) !== records.digestOf(name)) {
      result.different.push(name);
    } else {
      result.moved += 1;
      if (options.dryRun) continue;
      await replace(to, name, text);
      records.setDigest(name, digest(text));
    }
  }
  return result;
}

async function replace(to: Documents, name: string, text: string | undefined): Promise<void> {
  await to.change((writer) => (text === undefined ? writer.remove(name) : writer.writeText(name, text)));
  if ((await to.readText(name)) !== text)
    throw new DifferentCopyError(`the copied document ${name} differs from that of the source`);
}

function digest(text: string): string;
function digest(text: string | undefined): string | undefined;
function digest(text: string | undefined): string | undefined {
  return text === undefined ? undefined : createHash('sha256').update(text).digest('hex');
}
