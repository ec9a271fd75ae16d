import { bashRecordOf, type BashHistory } from '../../storage/index.js';
import { DifferentCopyError } from './move-errors.js';
import type { StorageSide } from './storage-side.js';

/** How much of a history is read at a time. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Copies the events of a bash history that the target does not have, and reads them again there.
 * @param conversationId undefined for the history of the server
 * @returns how many were missing
 */
export async function moveBashHistory(
  from: StorageSide,
  to: StorageSide,
  conversationId?: string,
): Promise<number> {
  const source = await from.bash.open(conversationId);
  try {
    if (await isEmpty(source)) return 0;
    const target = await to.bash.open(conversationId);
    try {
      return await copyEvents(source, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** The number of events in the history of a place. */
export async function countBashEvents(side: StorageSide): Promise<number> {
  const history = await side.bash.open(undefined);
  try {
    const { first, next } = await history.range();
    return next - first;
  } finally {
    await history.close();
  }
}

async function copyEvents(source: BashHistory, target: BashHistory): Promise<number> {
  const { first, next } = await source.range();
  let missing = 0;
  for (let number = first; number < next;) {
    const lines = await source.linesFrom(number, CHUNK_BYTES);
    if (lines.length === 0) break;
    for (const line of lines) {
      const record = bashRecordOf(line);
      const there = await target.line(record.id);
      if (there !== undefined && there !== line)
        throw new DifferentCopyError(`bash event ${record.id} differs between source and target`);
      if (there !== undefined) continue;
      await target.append(record);
      missing += 1;
      if ((await target.line(record.id)) !== line)
        throw new DifferentCopyError(`the copied bash event ${record.id} differs from that of the source`);
    }
    number += lines.length;
  }
  return missing;
}

async function isEmpty(history: BashHistory): Promise<boolean> {
  const { first, next } = await history.range();
  return first === next;
}
