import { asJsonObject, asText, tryParseJson } from '../json/index.js';
import type { BashRecord } from './bash-history.js';

/** A line of a history as an event to store, for histories that are copied. */
export function bashRecordOf(line: string): BashRecord {
  const event = asJsonObject(tryParseJson(line));
  const id = asText(event['id']) ?? '';
  const timestamp = asText(event['timestamp']) ?? '';
  if (event['kind'] !== 'BashOutput')
    return { id, kind: 'BashCommand', commandId: id, order: 0, timestamp, isLast: false, line };
  return {
    id,
    kind: 'BashOutput',
    commandId: asText(event['command_id']) ?? '',
    order: Number(event['order']),
    timestamp,
    isLast: typeof event['exit_code'] === 'number',
    line,
  };
}
