import type { ActionEvent } from '../../events/index.js';
import { isJsonObject, tryParseJson, type JsonObject } from '../../json/index.js';

/**
 * The fields of a `finish` call that its `response_schema` asks for; undefined if there are none. A valid
 * call has no other arguments than these and those that are left out here.
 */
export function structuredOutput({ action, tool_call: call }: ActionEvent): JsonObject | undefined {
  const args = action === undefined ? undefined : tryParseJson(call.arguments);
  if (!isJsonObject(args)) return undefined;
  const { message: _message, summary: _summary, security_risk: _risk, kind: _kind, ...fields } = args;
  return Object.keys(fields).length > 0 ? fields : undefined;
}
