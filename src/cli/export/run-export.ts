import { createWriteStream } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { AppConfig } from '../../config/index.js';
import { type ConversationTransfer, ConversationNotFoundError } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import {
  makeFolder,
  makeTemporaryFolder,
  sweepTemporaryFolders,
  syncFolder,
  undefinedIfMissing,
} from '../../files/index.js';
import { DamagedConversationError } from '../../storage/index.js';
import { CopyError } from '../copying/copy-error.js';
import { CopyProgress, type CopyOutput } from '../copying/copy-progress.js';
import { withTransfer } from '../copying/transfer-context.js';
import type { ExportCommandOptions } from './export-command-line.js';

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Exports conversations to a folder. @returns the exit code: 1 if something was left out */
export async function runExport(
  options: ExportCommandOptions,
  config: AppConfig,
  output: CopyOutput,
): Promise<number> {
  const to = path.resolve(options.to);
  if (to === config.paths.conversations)
    throw new CopyError(`${to} is where this server stores conversations: give another folder`);
  if (!options.zip && config.secret_key === null)
    output.write('there is no secret key (OH_SECRET_KEY): secrets are masked, and lost in the export\n');
  return withTransfer(config, output, async (transfer) => {
    const all = options.ids.length > 0 ? options.ids : await transfer.ids();
    await makeFolder(to, FOLDER_MODE);
    // What an export left that was killed: below its own name, so that no server takes it for a conversation.
    await sweepTemporaryFolders(to);
    const scratch = await makeTemporaryFolder('export', to);
    const progress = new CopyProgress(output, all.length);
    const counts = { exported: 0, there: 0, failed: 0 };
    try {
      for (const id of all) {
        const outcome = await exportOne(transfer, id, { ...{ to, scratch }, zip: options.zip }, progress);
        counts[outcome] += 1;
        progress.next();
      }
    } finally {
      progress.clear();
      await rm(scratch, { recursive: true, force: true });
    }
    const { exported, there, failed } = counts;
    output.write(`conversations: ${exported} exported, ${there} were there already, ${failed} left out\n`);
    return failed > 0 ? 1 : 0;
  });
}

async function exportOne(
  transfer: ConversationTransfer,
  id: string,
  { to, scratch, zip }: { to: string; scratch: string; zip: boolean },
  progress: CopyProgress,
): Promise<'exported' | 'there' | 'failed'> {
  try {
    const conversation = await transfer.open(id, zip ? 'masked' : 'sealed');
    try {
      const name = id.replaceAll('-', '');
      const isNew = zip
        ? await writeZip(conversation.zip(), to, `${name}.zip`, scratch)
        : await conversation.writeTo(to, scratch);
      progress.add(conversation.events, 0);
      return isNew ? 'exported' : 'there';
    } finally {
      await conversation.close();
    }
  } catch (error) {
    if (!(error instanceof ConversationNotFoundError || error instanceof DamagedConversationError))
      throw error;
    progress.print(`left out: ${errorMessage(error)}`);
    return 'failed';
  }
}

/** It is moved to its place when it is complete. @returns false if there is one */
async function writeZip(
  content: AsyncIterable<Buffer>,
  to: string,
  name: string,
  scratch: string,
): Promise<boolean> {
  const file = path.join(to, name);
  if ((await lstat(file).catch(undefinedIfMissing)) !== undefined) return false;
  const temporary = path.join(scratch, name);
  await pipeline(content, createWriteStream(temporary, { mode: FILE_MODE, flush: true }));
  await rename(temporary, file);
  await syncFolder(to);
  return true;
}
