import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { mayWrite } from '../../api/current-key.js';
import { Icon } from '../../ui/icon.js';
import { compact, money } from '../../ui/numbers.js';
import { oneLine, visible } from '../../ui/safe-text.js';
import { Status, statusLabel } from '../../ui/status.js';
import { modelOf } from '../agent-model.js';
import type { ConversationRequests } from '../conversation-requests.js';
import type { OpenDialog } from '../dialogs/open-dialog.js';
import { policyLabel } from '../dialogs/policy-dialog.js';
import type { ConversationInfo } from '../live-conversation.js';
import type { PanelName } from '../panel/panel-state.js';
import { usageOf } from '../usage.js';
import { copyText } from '../../ui/copy-text.js';
import { ContextMeter } from './context-meter.js';
import { TagEditor } from './tag-editor.js';
import { TitleEditor } from './title-editor.js';
import { WorkspacePlace } from './workspace-place.js';

const MAX_TITLE = 80;
const MAX_PATH = 32;
const MAX_CHILDREN = 5;

/** What a conversation is, how it stands, and what can be changed about it. */
export function ConversationHeader({
  info,
  requests,
  onChanged,
  openDialog,
  openPanel,
  children,
}: {
  info: ConversationInfo;
  requests: ConversationRequests;
  /** After a change that is no event. */
  onChanged: () => Promise<unknown>;
  openDialog: OpenDialog;
  openPanel: (name: PanelName) => void;
  /** The controls at its end. */
  children: ComponentChildren;
}) {
  const status = info.execution_status;
  const title = info.title ?? 'Conversation';
  useEffect(() => {
    const prefix =
      status === 'waiting_for_confirmation' || status === 'error' ? `(${statusLabel(status)}) ` : '';
    document.title = `${prefix}${oneLine(title, MAX_TITLE)} - Agent Server`;
  }, [title, status]);
  const usage = usageOf(info);
  const model = modelOf(info);
  const directory = info.workspace.working_dir;
  const tokens = usage.promptTokens + usage.completionTokens;
  const update = async (changes: Parameters<ConversationRequests['update']>[0]): Promise<void> => {
    await requests.update(changes);
    await onChanged();
  };
  return (
    <header class="conversation-header">
      <div class="conversation-top">
        <Status status={status} />
        <TitleEditor title={info.title} onSave={(wanted) => update({ title: wanted })} />
        <div class="conversation-controls">{children}</div>
      </div>
      <div class="conversation-meta">
        {mayWrite() ? (
          <button
            type="button"
            class="meta"
            title="Switch the model"
            aria-label={`Model ${visible(oneLine(model, 60))}. Switch the model`}
            onClick={() => openDialog('model')}
          >
            {model === '' ? 'Model' : visible(oneLine(model, 60))}
            <Icon name="down" />
          </button>
        ) : (
          <span class="meta">{visible(oneLine(model, 60))}</span>
        )}
        <ContextMeter usage={usage} onOpen={() => openPanel('context')} />
        <button
          type="button"
          class="meta"
          title={`${usage.promptTokens.toLocaleString()} tokens read, ${usage.completionTokens.toLocaleString()} written. Show cost and tokens`}
          onClick={() => openPanel('cost')}
        >
          {money(usage.cost)}
          {info.max_budget_per_run !== undefined && ` of ${money(info.max_budget_per_run)} a run`}
          {tokens > 0 && ` · ${compact(tokens)} tokens`}
        </button>
        {mayWrite() ? (
          <button
            type="button"
            class="meta"
            title="Change when an approval is needed"
            onClick={() => openDialog('policy')}
          >
            {policyLabel(info.confirmation_policy)}
          </button>
        ) : (
          <span class="meta">{policyLabel(info.confirmation_policy)}</span>
        )}
        <button
          type="button"
          class="meta path"
          title={`Working directory ${visible(directory)}. Copy it`}
          onClick={() => void copyText(directory, 'The working directory')}
        >
          <code>{visible(pathEnd(directory))}</code>
        </button>
        <WorkspacePlace id={info.id} />
        <Relations info={info} />
        <TagEditor tags={info.tags} onSave={(tags) => update({ tags: { ...tags } })} />
      </div>
    </header>
  );
}

/** The end of a path, which says more than its beginning. */
function pathEnd(path: string): string {
  if (path.length <= MAX_PATH) return path;
  const end = path.slice(-MAX_PATH);
  return `…${end.slice(Math.max(0, end.indexOf('/')))}`;
}

/** Links to the conversations that this one comes from or has started. */
function Relations({ info }: { info: ConversationInfo }) {
  const children = info.sub_conversation_ids;
  return (
    <>
      {info.parent_conversation_id !== null && (
        <a class="meta" href={`conversations/${info.parent_conversation_id}`}>
          Parent
        </a>
      )}
      {info.forked_from_conversation_id !== null && (
        <a
          class="meta"
          title="The conversation that this one is a fork of"
          href={`conversations/${info.forked_from_conversation_id}${
            info.forked_from_event_id === null ? '' : `?event=${info.forked_from_event_id}`
          }`}
        >
          <Icon name="fork" />
          Forked from
        </a>
      )}
      {children.slice(0, MAX_CHILDREN).map((id, index) => (
        <a key={id} class="meta" href={`conversations/${id}`}>
          Child {index + 1}
        </a>
      ))}
      {children.length > MAX_CHILDREN && <span class="meta">and {children.length - MAX_CHILDREN} more</span>}
    </>
  );
}
