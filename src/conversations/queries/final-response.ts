import { plainText } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import type { LogReader } from '../../storage/index.js';
import { lastBranchEvent } from '../branches/branch-path.js';
import { parseWithYield } from '../journal/parse-event.js';
import { structuredOutput } from './structured-output.js';

/** The final response of an agent. */
export interface FinalResponse {
  /** Empty if there is none. */
  response: string;
  /** What the `response_schema` of `finish` asks for; absent without one. */
  structured_output?: JsonObject;
}

/**
 * The agent's final response on the active branch: the message of `finish`, or its last message. Else empty.
 */
export async function finalResponse(log: LogReader, head: string | null): Promise<FinalResponse> {
  let before = Infinity;
  for (let eventId = await durableHead(log, head); eventId !== null;) {
    const seq = await log.seqOf(eventId);
    // A parent comes first. Where an imported log says otherwise, its branch ends.
    if (seq === undefined || seq >= before) break;
    before = seq;
    const [line] = await log.readMany([seq]);
    const event = line === undefined ? undefined : await parseWithYield(line);
    if (!event) break;
    if (event.kind === 'ActionEvent' && event.tool_name === 'finish') {
      const message = event.action?.['message'];
      if (typeof message === 'string') {
        const structured = structuredOutput(event);
        return { response: message, ...(structured && { structured_output: structured }) };
      }
    }
    if (event.kind === 'MessageEvent' && event.source === 'agent')
      return { response: plainText(event.llm_message.content) };
    eventId = event.parent_id ?? null;
  }
  return { response: '' };
}

/** The head, or the last event on disk that belongs to a branch if the head is not on disk yet. */
async function durableHead(log: LogReader, head: string | null): Promise<string | null> {
  if (head === null || (await log.seqOf(head)) !== undefined) return head;
  return lastBranchEvent(log);
}
