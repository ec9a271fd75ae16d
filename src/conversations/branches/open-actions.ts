import { toolErrorDraft } from '../../agent/event-drafts.js';
import { TOOL_FAULT } from '../../agent/error-classification.js';
import { createEvent, type ActionEvent, type DurableEvent } from '../../events/index.js';

/** What an agent reads about a tool that runs elsewhere. */
const RUNS_ELSEWHERE =
  'This tool was still in progress when the conversation was forked. Its result is known only to the conversation that ' +
  'this one was forked from; it may have done its work.';

/**
 * What a fork is told of the actions that its source is executing: an error for each, behind `head`. Without
 * a result they would be executed a second time by the first run of the fork.
 */
export function openActionErrors(open: readonly ActionEvent[], head: string | null): DurableEvent[] {
  let parent = head ?? undefined;
  return open.map((action) => {
    const error = createEvent(toolErrorDraft(action, RUNS_ELSEWHERE, TOOL_FAULT));
    const event: DurableEvent = { ...error, parent_id: parent };
    parent = error.id;
    return event;
  });
}
