import { useSignal } from '@preact/signals';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Button } from '../../ui/button.js';
import { Icon } from '../../ui/icon.js';
import { Menu } from '../../ui/menu.js';
import { RequestProblem } from '../../ui/request-problem.js';
import { useCommands } from '../../ui/shortcuts.js';
import { useRequest } from '../../ui/use-request.js';
import type { ConversationRequests } from '../conversation-requests.js';
import type { LiveConversation } from '../live-conversation.js';
import { modelOf } from '../agent-model.js';
import { AttachmentList } from './attachment-list.js';
import type { Composer } from './composer.js';
import { enterSends, setEnterSends } from './enter-sends.js';
import { ScriptedExamples, ScriptedLines } from './scripted-help.js';

/** Where a person writes to the agent. */
export function MessageBox({
  conversation,
  requests,
  composer,
}: {
  conversation: LiveConversation;
  requests: ConversationRequests;
  composer: Composer;
}) {
  const { draft, attachments } = composer;
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const hintId = useId();
  const showsLines = useSignal(false);
  const status = conversation.status.value;
  const isWaiting = status === 'waiting_for_confirmation';
  const send = (run: boolean): void => {
    // A message with a run would accept the actions that wait.
    void composer.send(run && !isWaiting).then((wasStored) => {
      if (wasStored) conversation.endRequests.value++;
    });
  };
  useEffect(() => {
    composer.bind(field.current);
    return () => composer.bind(null);
  }, [composer]);
  useLayoutEffect(() => {
    if (field.current !== null) fitHeight(field.current);
  }, [draft.text.value]);
  useCommands([
    { keys: 'i', label: 'Write a message', group: 'Conversation', run: () => composer.focus() },
    { label: 'Attach files', group: 'Conversation', run: () => picker.current?.click() },
    {
      label: 'Send without starting a run',
      group: 'Conversation',
      run: () => send(false),
    },
  ]);
  const isScripted = modelOf(conversation.info.value).startsWith('scripted/');
  return (
    <div class="message-box">
      <Outcome composer={composer} requests={requests} />
      {isScripted && showsLines.value && (
        <ScriptedLines
          composer={composer}
          onClose={() => {
            showsLines.value = false;
            composer.focus();
          }}
        />
      )}
      {isScripted && !showsLines.value && !isWaiting && draft.text.value === '' && (
        <ScriptedExamples composer={composer} />
      )}
      <form
        class="message-form"
        onSubmit={(event) => {
          event.preventDefault();
          send(true);
        }}
      >
        <AttachmentList attachments={attachments} />
        <textarea
          ref={field}
          rows={1}
          aria-label="Message"
          aria-describedby={hintId}
          placeholder={placeholderFor(status)}
          value={draft.text.value}
          onInput={(event) => draft.set(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur();
            if (event.key !== 'Enter' || event.isComposing || event.shiftKey || event.altKey) return;
            const isAsked = event.ctrlKey || event.metaKey;
            if (!isAsked && (!enterSends.value || isTouchOnly())) return;
            event.preventDefault();
            send(true);
          }}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])];
            if (files.length === 0) return;
            event.preventDefault();
            composer.attach(files);
          }}
        />
        <div class="message-actions">
          <Button
            kind="quiet"
            square
            aria-label="Attach files"
            title="Attach files: images become part of the message, others are uploaded to the workspace"
            onClick={() => picker.current?.click()}
          >
            <Icon name="attach" />
          </Button>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            aria-label="Files to attach"
            onChange={(event) => {
              composer.attach([...(event.currentTarget.files ?? [])]);
              // So that the same file can be chosen again.
              event.currentTarget.value = '';
              composer.focus();
            }}
          />
          {isScripted && (
            <Button
              kind="quiet"
              aria-expanded={showsLines.value}
              title="The lines that the scripted model knows"
              onClick={() => {
                showsLines.value = !showsLines.value;
              }}
            >
              Script
            </Button>
          )}
          <span id={hintId} class="message-hint">
            {hintFor(status)}
          </span>
          <Menu
            label="Ways to send"
            items={[
              {
                label: 'Send without starting a run',
                hint: 'The message is stored. The agent reads it with the next run.',
                isDisabled: !composer.canSend,
                run: () => send(false),
              },
              {
                label: 'Enter sends',
                hint: enterSends.value
                  ? 'Shift+Enter begins a new line.'
                  : 'Enter begins a new line, Ctrl+Enter or Cmd+Enter sends.',
                isChecked: enterSends.value,
                startsGroup: true,
                run: () => setEnterSends(!enterSends.value),
              },
            ]}
          >
            <Icon name="down" />
          </Menu>
          <Button
            kind="primary"
            type="submit"
            busy={composer.isSending.value}
            disabled={!composer.canSend}
            title={isWaiting ? 'Stores the message. The actions that wait go on waiting.' : undefined}
          >
            {composer.isSending.value ? 'Sending' : isWaiting ? 'Store' : 'Send'}
          </Button>
        </div>
      </form>
    </div>
  );
}

/** Why the last message was not sent as it should have been. */
function Outcome({ composer, requests }: { composer: Composer; requests: ConversationRequests }) {
  const start = useRequest(() => requests.run());
  const outcome = composer.outcome.value;
  const dismiss = (
    <Button
      kind="quiet"
      onClick={() => {
        composer.outcome.value = undefined;
      }}
    >
      Dismiss
    </Button>
  );
  return (
    <div class="message-outcome">
      {composer.refusal.value !== undefined && (
        <RequestProblem problem={new Error(composer.refusal.value)} advice="" />
      )}
      {outcome?.kind === 'failed' && (
        <RequestProblem
          problem={outcome.error}
          advice="Your message is kept. Sending it again stores it once, even if it has arrived."
        >
          <Button busy={composer.isSending.value} onClick={() => void composer.send(outcome.run)}>
            Send again
          </Button>
          {dismiss}
        </RequestProblem>
      )}
      {outcome?.kind === 'no-run' && (
        <RequestProblem
          problem={start.problem ?? outcome.error}
          advice="Your message is in the conversation. Start the run when another one has ended."
        >
          <Button
            busy={start.isBusy}
            onClick={() =>
              void start.run().then((isStarted) => {
                if (isStarted) composer.outcome.value = undefined;
              })
            }
          >
            Start the run
          </Button>
          {dismiss}
        </RequestProblem>
      )}
    </div>
  );
}

function placeholderFor(status: string): string {
  if (status === 'running') return 'Write to the agent while it works';
  if (status === 'waiting_for_confirmation') return 'Add a message for after your decision';
  return 'Write to the agent';
}

function hintFor(status: string): string {
  if (status === 'running') return 'The agent reads it with its next step.';
  if (status === 'waiting_for_confirmation') return 'Actions wait for you: this message approves nothing.';
  return enterSends.value && !isTouchOnly() ? 'Enter sends, Shift+Enter begins a new line.' : '';
}

/** Keyboards on screens have no Shift+Enter. */
function isTouchOnly(): boolean {
  return matchMedia('(hover: none) and (pointer: coarse)').matches;
}

function fitHeight(field: HTMLTextAreaElement): void {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight + 2}px`;
}
