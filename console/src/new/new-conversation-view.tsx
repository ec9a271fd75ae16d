import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { ApiError, messageOf } from '../api/api-error.js';
import { api, call } from '../api/client.js';
import { WAIT_FOR_SLOT } from '../api/run-limit.js';
import { newId } from '../api/new-id.js';
import { navigate, viewQuery } from '../routing/address.js';
import { Button } from '../ui/button.js';
import { PageHeader } from '../ui/page-header.js';
import { visible } from '../ui/safe-text.js';
import { useCommands } from '../ui/shortcuts.js';
import { Keys } from '../ui/keys.js';
import { showToast } from '../ui/toast.js';
import { useQuery } from '../api/use-query.js';
import { AgentField } from './agent-field.js';
import { ApprovalField } from './approval-field.js';
import { draft, emptyMessage, fillFromQuery, isScripted } from './draft.js';
import type { Draft } from './draft-fields.js';
import { Examples } from './examples.js';
import { FolderField } from './folder-field.js';
import { MessageField } from './message-field.js';
import { ModelField, useFirstModel, type Stored } from './model-field.js';
import { LimitFields, NameFields, SkillFields } from './more-fields.js';
import { remember } from './remembered.js';
import {
  folderOf,
  NO_PROBLEMS,
  problemsOf,
  problemsOfDraft,
  toRequest,
  type Problems,
} from './start-request.js';
import { ToolsField } from './tools-field.js';

/** The view "New conversation": a message, and who works on it where. */
export function NewConversationView() {
  const stored = useQuery('stored', loadStored);
  const problems = useSignal<Problems>(NO_PROBLEMS);
  const isBusy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const attempt = useRef<{ id: string; of: Draft } | null>(null);
  useLayoutEffect(() => fillFromQuery(viewQuery.peek()), []);
  useFirstModel(stored.data, stored.data?.active);
  // Before anybody can put the focus elsewhere.
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>('#message')?.focus(), []);

  const fail = (found: Problems): void => {
    problems.value = found;
    // After the problems are shown: a part of the form that was folded is open then.
    requestAnimationFrame(() => {
      const controls = form.current?.querySelectorAll<HTMLElement>('input, textarea, select') ?? [];
      const wrong = [...controls].find(({ id }) => Object.hasOwn(found.fields, id));
      const target = wrong ?? form.current?.querySelector<HTMLElement>('#start-problem');
      target?.focus({ preventScroll: true });
      // With the text of the problem, which stands below the field.
      target?.scrollIntoView({ block: 'center' });
    });
  };
  const start = async (): Promise<void> => {
    if (isBusy.value) return;
    const sent = draft.value;
    const own = problemsOfDraft(sent);
    if (Object.keys(own.fields).length > 0) return fail(own);
    problems.value = NO_PROBLEMS;
    isBusy.value = true;
    // The same attempt again after an answer that was lost; another one after a change.
    if (attempt.current?.of !== sent) attempt.current = { id: newId(), of: sent };
    try {
      const id = await create(sent, attempt.current.id);
      remember({ ...sent, folder: folderOf(sent) }, isScripted.peek());
      emptyMessage();
      navigate(`conversations/${id}`);
    } catch (error) {
      fail(error instanceof ApiError ? problemsOf(error) : { fields: {}, general: messageOf(error) });
    } finally {
      isBusy.value = false;
    }
  };
  useCommands([
    {
      keys: 'mod+enter',
      label: 'Start the conversation',
      group: 'New conversation',
      inFields: true,
      run: () => void start(),
    },
  ]);

  const { fields, general } = problems.value;
  const wrong = Object.keys(fields).length;
  const { agentProfile, message, images } = draft.value;
  const hasMessage = message.trim() !== '' || images.length > 0;
  return (
    <>
      <PageHeader title="New conversation" />
      <form
        ref={form}
        class="new-view page-body"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <div class="new-main">
          <MessageField problem={fields.message} />
          <div class="new-start">
            {general !== null && (
              <p id="start-problem" class="new-problem" role="alert" tabIndex={-1}>
                {visible(general.slice(0, 2_000))}
              </p>
            )}
            {general === null && wrong > 0 && (
              <p class="new-problem" role="alert">
                Not started: {wrong === 1 ? 'a field needs' : `${wrong} fields need`} a change.
              </p>
            )}
            <p class="field-help">{summaryOf(draft.value, hasMessage)}</p>
            <Button kind={hasMessage ? 'primary' : 'plain'} type="submit" busy={isBusy.value}>
              {isBusy.value ? 'Starting…' : hasMessage ? 'Start' : 'Create without a message'}
            </Button>
            <span class="new-start-keys" aria-hidden="true">
              <Keys keys="mod+enter" />
            </span>
          </div>
          {isScripted.value && <Examples onChosen={() => focusMessage(form.current)} />}
        </div>
        <div class="new-setup card">
          <FolderField problem={fields.folder} />
          <AgentField stored={stored.data} problem={fields.agent} />
          {agentProfile === null && <ModelField stored={stored.data} problems={fields} />}
          {stored.problem !== undefined && (
            <p class="field-problem">The profiles cannot be listed: {stored.problem}</p>
          )}
          <ApprovalField problem={fields.approval} />
          {agentProfile === null && <ToolsField problem={fields.tools} />}
          <LimitFields problems={fields} />
          <SkillFields problems={fields} />
          <NameFields problems={fields} />
        </div>
      </form>
    </>
  );
}

async function loadStored(): Promise<Stored & { active: string | null | undefined }> {
  const [llms, agents] = await Promise.all([
    call(api.GET('/api/profiles')),
    call(api.GET('/api/agent-profiles')),
  ]);
  return { profiles: llms.profiles, agents: agents.profiles, active: llms.active_profile };
}

/** @returns the id of the conversation */
async function create(sent: Draft, id: string): Promise<string> {
  const created = await call(
    api.POST('/api/conversations', {
      params: { header: { 'Idempotency-Key': id }, ...WAIT_FOR_SLOT },
      body: toRequest(sent, id),
    }),
  );
  const title = sent.title.trim();
  if (title !== '') {
    const path = { conversation_id: created.id };
    await call(
      api.PATCH('/api/conversations/{conversation_id}', { params: { path }, body: { title } }),
    ).catch((error: unknown) => showToast(`The title was not set: ${messageOf(error)}`, { kind: 'error' }));
  }
  return created.id;
}

function focusMessage(form: HTMLFormElement | null): void {
  const field = form?.querySelector<HTMLTextAreaElement>('#message');
  field?.focus();
  field?.scrollIntoView({ block: 'nearest' });
}

/** What the button does, in a line. */
function summaryOf({ agentProfile, profile, model, folder, approval }: Draft, hasMessage: boolean): string {
  const who = agentProfile === null ? (profile ?? model) || 'No model' : 'The agent profile';
  const asks = {
    never: 'never asks',
    risky: 'asks before risky actions',
    always: 'asks before every action',
  };
  const waits = hasMessage ? '' : ' Without a message the conversation waits for one.';
  return visible(`${who} works in ${folder || 'no folder'} and ${asks[approval]}.`) + waits;
}
