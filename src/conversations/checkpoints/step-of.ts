import type { StepToRecord } from '../../checkpoints/index.js';
import type { ActionEvent } from '../../events/index.js';
import type { ToolResource } from '../../tools/index.js';

/** An action as a step that changes files. @param changes the files that it names, or everything */
export function stepOf(action: ActionEvent, changes: readonly ToolResource[] | 'any'): StepToRecord {
  const files = changes === 'any' ? null : changes.map(({ key }) => key);
  return { eventId: action.id, tool: action.tool_name, files };
}
