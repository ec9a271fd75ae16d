import { isJsonObject } from '../../json/index.js';
import { maskedLine } from './masked-json.js';
import { linesOf } from './plain-file.js';
import { documentMember, filesIn, folderMember } from './trajectory-members.js';
import type { ZipMember } from './zip-archive.js';

const SEGMENT = /\.jsonl$/;
/** Microseconds of a day and a time, as the names of the original have them. */
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z?$/;
const ID = /^[0-9a-f]{32}$/;

/**
 * The commands that clients ran in a conversation and their outputs, a file for each as in the original:
 * `<UTC>_BashCommand_<id>` and `<UTC>_BashOutput_<id of the command>_<id>`.
 * @param folder absolute path; need not be there
 * @param root name of the folder in the zip
 */
export async function* bashEventMembers({
  folder,
  root,
  mask,
}: {
  folder: string;
  root: string;
  mask: (text: string) => string;
}): AsyncGenerator<ZipMember, void> {
  let isFirst = true;
  for await (const file of filesIn(folder, SEGMENT)) {
    for await (const line of linesOf(file)) {
      const member = memberOf(maskedLine(line, mask), root);
      if (!member) continue;
      if (isFirst) yield folderMember(root);
      isFirst = false;
      yield member;
    }
  }
}

/** Undefined for a line that is no event: a crash, or a full disk, may leave one. */
function memberOf(line: string, root: string): ZipMember | undefined {
  const event = parsed(line);
  if (!event) return undefined;
  const { id, kind, timestamp, command_id: commandId } = event;
  const moment = typeof timestamp === 'string' ? TIMESTAMP.exec(timestamp) : null;
  if (!moment || !isId(id)) return undefined;
  const name =
    kind === 'BashOutput' && isId(commandId) ? `BashOutput_${commandId}_${id}` : `BashCommand_${id}`;
  const text = JSON.stringify(event, undefined, 2);
  return documentMember(`${root}/${moment.slice(1).join('')}_${name}`, text, new Date(moment[0]));
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
