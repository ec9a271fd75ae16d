import { createWriteStream } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { AppConfig } from '../../config/index.js';
import { type ConversationTransfer, ConversationNotFoundError } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { makeFolder, syncFolder, undefinedIfMissing } from '../../files/index.js';
import { DamagedConversationError } from '../../storage/index.js';
import { dashedUuid } from '../../text/index.js';
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
  const ids = options.ids.map((text) => {
    const id = dashedId(text);
    if (id === undefined) throw new CopyError(`${text} is no id of a conversation`);
    return id;
  });
  if (!options.zip && config.secret_key === null)
    output.write('there is no secret key (OH_SECRET_KEY): secrets are masked, and lost in the export\n');
  return withTransfer(config, output, async (transfer) => {
    const all = ids.length > 0 ? ids : await transfer.ids();
    await makeFolder(to, FOLDER_MODE);
    const progress = new CopyProgress(output, all.length);
    const counts = { exported: 0, there: 0, failed: 0 };
    for (const id of all) {
      const outcome = await exportOne(transfer, id, to, options.zip, progress);
      counts[outcome] += 1;
      progress.next();
    }
    progress.clear();
    const { exported, there, failed } = counts;
    output.write(`conversations: ${exported} exported, ${there} were there already, ${failed} left out\n`);
    return failed > 0 ? 1 : 0;
  });
}

async function exportOne(
  transfer: ConversationTransfer,
  id: string,
  to: string,
  zip: boolean,
  progress: CopyProgress,
): Promise<'exported' | 'there' | 'failed'> {
  try {
    const conversation = await transfer.open(id, zip ? 'masked' : 'sealed');
    try {
      const name = id.replaceAll('-', '');
      const isNew = zip
        ? await writeZip(conversation.zip(), path.join(to, `${name}.zip`))
        : await conversation.writeTo(to);
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

/** Ids are written with dashes or without, as in names of folders. */
function dashedId(text: string): string | undefined {
  const digits = text.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) ? dashedUuid(digits) : undefined;
}

/** It gets its name when it is complete. @returns false if there is one */
async function writeZip(content: AsyncIterable<Buffer>, file: string): Promise<boolean> {
  if ((await lstat(file).catch(undefinedIfMissing)) !== undefined) return false;
  const temporary = `${file}.tmp`;
  try {
    await pipeline(content, createWriteStream(temporary, { mode: FILE_MODE, flush: true }));
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
    return true;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
