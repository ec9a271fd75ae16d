import { type ZipMember } from '../../../files/index.js';
import { isJsonObject } from '../../../json/index.js';
import type { Masking } from './masked-json.js';
import { documentMember, folderMember } from './trajectory-members.js';

/** The parts of a timestamp that the original uses in file names. */
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z?$/;
const ID = /^[0-9a-f]{32}$/;

/**
 * The commands that clients ran in a conversation, and their outputs, one file each as in the original
 * (openhands-agent-server): `<UTC>_BashCommand_<id>` and `<UTC>_BashOutput_<id of the command>_<id>`.
 * @param lines the stored events as JSON, oldest first
 * @param root name of the folder in the zip
 */
export async function* bashEventMembers({
  lines,
  root,
  masking,
}: {
  lines: AsyncIterable<string>;
  root: string;
  masking: Masking;
}): AsyncGenerator<ZipMember, void> {
  let isFirst = true;
  for await (const line of lines) {
    const member = memberOf(masking.line(line), root);
    if (!member) continue;
    if (isFirst) yield folderMember(root);
    isFirst = false;
    yield member;
  }
}

/** Undefined for a line that is not an event: a crash or a full disk may leave one. */
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
