import { signal } from '@preact/signals';
import { messageOf } from '../api/api-error.js';
import { api, call } from '../api/client.js';
import { WAIT_FOR_SLOT } from '../api/run-limit.js';
import { navigate } from '../routing/address.js';
import { showToast } from '../ui/toast.js';
import { conversationPath, titleOf } from './texts.js';
import { summaries, type Summary } from './summary-store.js';

/** Requests that are under way at a time. */
const MAX_PARALLEL = 4;
/** An action that is there for less time (ms) may not be the one that the person has read. */
const READING_MS = 700;

/** Conversations with a request under way. */
export const busy = signal<ReadonlySet<string>>(new Set());

/** Lets the agent act, if the person can have read all of what it is about to do. */
export async function approve(summary: Summary): Promise<void> {
  if (summary.waits_for !== 'confirmation') return;
  if (!summary.reason_is_whole) {
    navigate(conversationPath(summary.id));
    return;
  }
  if (readingTime(summary.id) > 0) {
    showToast('The action has just changed. Read it once more before you approve it.');
    return;
  }
  await respond(summary, true, undefined);
}

/** For how long the action of a conversation cannot be approved yet (ms). */
export function readingTime(id: string): number {
  return Math.max(0, READING_MS - summaries.reasonAge(id));
}

/** Refuses what the agent wants to do. It then waits for a message. */
export async function refuse(summary: Summary, reason: string): Promise<void> {
  if (await respond(summary, false, reason)) {
    showToast(`Refused. ${titleOf(summary)} waits for your next message.`, {
      action: { label: 'Open', run: () => navigate(conversationPath(summary.id)) },
    });
  }
}

/** Pauses after the current step. */
export function pause(all: readonly Summary[]): Promise<void> {
  return forEach(all, 'paused', ({ id }) =>
    call(api.POST('/api/conversations/{conversation_id}/pause', { params: pathOf(id) })),
  );
}

/** Starts a run. */
export function resume(all: readonly Summary[]): Promise<void> {
  return forEach(all, 'resumed', ({ id }) =>
    call(
      api.POST('/api/conversations/{conversation_id}/run', { params: { ...pathOf(id), ...WAIT_FOR_SLOT } }),
    ),
  );
}

/** Whether a run can be started: an approval is a decision of its own. */
export function canResume({ execution_status: status, activity }: Summary): boolean {
  return activity === null && ['paused', 'idle', 'error', 'stuck'].includes(status);
}

/** Deletes conversations for good. @returns those that are still there */
export async function deleteNow(ids: readonly string[], keepalive: boolean): Promise<string[]> {
  const failed: string[] = [];
  let problem = '';
  await eachBounded(ids, keepalive ? Infinity : MAX_PARALLEL, async (id) => {
    try {
      await call(api.DELETE('/api/conversations/{conversation_id}', { params: pathOf(id), keepalive }));
    } catch (error) {
      failed.push(id);
      problem = messageOf(error);
    }
  });
  if (failed.length > 0)
    showToast(`${count(failed.length)} could not be deleted: ${problem}`, { kind: 'error' });
  return failed;
}

/** Starts a conversation with the scripted model, so that a new server has something to show. */
export async function startExample(): Promise<void> {
  const text =
    'RUN: echo "Hello from the agent"\nRUN: sleep 20; ls -la\nFINISH: This was a scripted model: it played the lines of your message.';
  try {
    const { id } = await call(
      api.POST('/api/conversations', {
        body: {
          agent: {
            kind: 'Agent',
            llm: { model: 'scripted/demo', usage_id: 'agent' },
            tools: [{ name: 'terminal' }],
          },
          workspace: { working_dir: 'workspace/project' },
          confirmation_policy: { kind: 'AlwaysConfirm' },
          autotitle: false,
          initial_message: { role: 'user', content: [{ type: 'text', text }] },
        },
      }),
    );
    await call(
      api.PATCH('/api/conversations/{conversation_id}', {
        params: pathOf(id),
        body: { title: 'An example' },
      }),
    );
  } catch (error) {
    showToast(`The conversation could not be started: ${messageOf(error)}`, { kind: 'error' });
  }
}

async function respond(summary: Summary, accept: boolean, reason: string | undefined): Promise<boolean> {
  const { id } = summary;
  return track(id, async () => {
    try {
      await call(
        api.POST('/api/conversations/{conversation_id}/events/respond_to_confirmation', {
          params: { ...pathOf(id), ...WAIT_FOR_SLOT },
          body: { accept, ...(reason !== undefined && reason !== '' && { reason }) },
        }),
      );
      return true;
    } catch (error) {
      const what = accept ? 'approved' : 'refused';
      showToast(`${titleOf(summary)} could not be ${what}: ${messageOf(error)}`, { kind: 'error' });
      return false;
    }
  });
}

async function forEach(
  all: readonly Summary[],
  done: string,
  action: (summary: Summary) => Promise<unknown>,
): Promise<void> {
  const problems: string[] = [];
  await eachBounded(all, MAX_PARALLEL, (summary) =>
    track(summary.id, async () => {
      try {
        await action(summary);
      } catch (error) {
        problems.push(messageOf(error));
      }
    }),
  );
  const [problem] = problems;
  if (problem !== undefined)
    showToast(`${count(problems.length)} could not be ${done}: ${problem}`, { kind: 'error' });
  else if (all.length > 1) showToast(`${count(all.length)} ${done}.`);
}

async function track<T>(id: string, work: () => Promise<T>): Promise<T> {
  busy.value = new Set([...busy.value, id]);
  try {
    return await work();
  } finally {
    const left = new Set(busy.value);
    left.delete(id);
    busy.value = left;
  }
}

async function eachBounded<T>(
  items: readonly T[],
  width: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...items];
  const work = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await action(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work));
}

function pathOf(id: string) {
  return { path: { conversation_id: id } };
}

/** A number of conversations in words. */
export function count(number: number): string {
  return number === 1 ? '1 conversation' : `${number.toLocaleString()} conversations`;
}
