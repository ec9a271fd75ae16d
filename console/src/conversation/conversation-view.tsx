import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { messageOf } from '../api/api-error.js';
import { mayWrite } from '../api/current-key.js';
import { adviceFor } from '../api/error-advice.js';
import { navigate, setQuery } from '../routing/address.js';
import type { ViewProps } from '../shell/views.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { useFileDrop } from '../ui/use-file-drop.js';
import { useMedia } from '../ui/use-media.js';
import { useCommands } from '../ui/shortcuts.js';
import { showToast } from '../ui/toast.js';
import { modelOf } from './agent-model.js';
import { ApprovalBar } from './approval-bar.js';
import { Composer } from './composer/composer.js';
import { MessageBox } from './composer/message-box.js';
import { ConversationRequests } from './conversation-requests.js';
import { ConversationStateNotice, NoConversation } from './conversation-states.js';
import { AskDialog } from './dialogs/ask-dialog.js';
import { BudgetDialog } from './dialogs/budget-dialog.js';
import { ModelDialog } from './dialogs/model-dialog.js';
import type { DialogName } from './dialogs/open-dialog.js';
import { PolicyDialog } from './dialogs/policy-dialog.js';
import { EventStream } from './event-stream.js';
import { ConversationHeader } from './header/conversation-header.js';
import { MoreMenu } from './header/more-menu.js';
import { INSIGHT_PANELS } from './insight/index.js';
import { LiveConversation, type ConversationInfo } from './live-conversation.js';
import { lastPanel, NARROW, openPanel, openPanelName } from './panel/panel-state.js';
import { PanelContent, PanelTabs, SidePanel } from './panel/side-panel.js';
import { QueueNotice } from './queue-notice.js';
import { RunControls } from './run-controls.js';
import { RunProblem } from './run-problem.js';
import { usageOf } from './usage.js';

/** The view "Conversation": its events, what a person can do about it, and what it did. */
export function ConversationView({ path }: ViewProps) {
  const id = path.split('/')[1] ?? '';
  // Another conversation begins with a new state.
  return <OpenConversation key={id} id={id} />;
}

function OpenConversation({ id }: { id: string }) {
  const conversation = useMemo(() => new LiveConversation(id), []);
  const requests = useMemo(() => new ConversationRequests(id), []);
  const composer = useMemo(() => new Composer(requests), []);
  useEffect(
    () => () => {
      composer.close();
      conversation.close();
    },
    [],
  );
  const info = conversation.info.value;
  if (info === null) return <NoConversation conversation={conversation} />;
  return <Conversation info={info} conversation={conversation} requests={requests} composer={composer} />;
}

interface Parts {
  info: ConversationInfo;
  conversation: LiveConversation;
  requests: ConversationRequests;
  composer: Composer;
}

function Conversation({ info, conversation, requests, composer }: Parts) {
  const dialog = useSignal<DialogName | undefined>(undefined);
  const openDialog = (name: DialogName): void => {
    dialog.value = name;
  };
  const panel = openPanelName.value;
  const isNarrow = useMedia(NARROW);
  const isGone = conversation.problem.value?.kind === 'missing';
  useEffect(() => {
    const last = lastPanel();
    if (openPanelName.peek() === undefined && last !== undefined) openPanel(last);
  }, []);
  const fork = (eventId?: string): void => void forkAndOpen(info, requests, eventId);
  const showEvent = (eventId: string): void => {
    if (isNarrow) openPanel(undefined);
    setQuery({ event: eventId });
  };
  useCommands([
    { keys: ']', label: 'Open or close the panel', group: 'Conversation', run: () => togglePanel() },
    ...INSIGHT_PANELS.map(({ id, label }, index) => ({
      keys: String(index + 1),
      label: `Panel: ${label}`,
      group: 'Conversation',
      run: () => openPanel(id),
    })),
  ]);
  const drop = useFileDrop((files) => {
    if (isGone) return;
    composer.attach(files);
    composer.focus();
  });
  // It follows the conversation by itself, and this view is rendered again with each event.
  const forkNow = useRef(fork);
  forkNow.current = fork;
  const canFork = mayWrite();
  const stream = useMemo(
    () => (
      <EventStream
        conversation={conversation}
        {...(canFork && { onFork: ({ id }) => forkNow.current(id) })}
      />
    ),
    [conversation, canFork],
  );
  const insight = { conversationId: requests.id, info: conversation.info, onShowEvent: showEvent };
  return (
    <div class="conversation" {...drop.handlers}>
      <div class="conversation-main">
        <ConversationHeader
          info={info}
          requests={requests}
          onChanged={() => conversation.refreshInfo()}
          openDialog={openDialog}
          openPanel={openPanel}
        >
          {!isGone && mayWrite() && <RunControls status={info.execution_status} requests={requests} />}
          {!isNarrow && (
            <Button
              kind="quiet"
              square
              aria-label={panel === undefined ? 'Open the panel' : 'Close the panel'}
              title="Open or close the panel (])"
              aria-expanded={panel !== undefined}
              onClick={togglePanel}
            >
              <Icon name="panel" />
            </Button>
          )}
          {!isGone && (
            <MoreMenu info={info} requests={requests} openDialog={openDialog} onFork={() => fork()} />
          )}
        </ConversationHeader>
        {isNarrow && <PanelTabs current={panel} withEvents />}
        <div class="conversation-stream">
          {drop.isOver && <p class="drop-target">Drop the files to attach them to your message</p>}
          {isNarrow ? (
            <div
              class={panel === undefined ? 'narrow-stream' : 'narrow-panel'}
              role="tabpanel"
              id="panel"
              aria-labelledby={`panel-tab-${panel ?? 'events'}`}
            >
              {panel === undefined ? stream : <PanelContent name={panel} {...insight} />}
            </div>
          ) : (
            stream
          )}
        </div>
        <div class="conversation-foot">
          <div class="conversation-foot-content">
            <ConversationStateNotice conversation={conversation} />
            {!isGone && (
              <>
                {mayWrite() && <ApprovalBar conversation={conversation} requests={requests} />}
                <QueueNotice status={info.execution_status} requests={requests} />
                <RunProblem conversation={conversation} requests={requests} openDialog={openDialog} />
                {mayWrite() ? (
                  <MessageBox conversation={conversation} requests={requests} composer={composer} />
                ) : (
                  <p class="soft only-look">Your key may look, and not write to the agent.</p>
                )}
              </>
            )}
          </div>
        </div>
      </div>
      {panel !== undefined && !isNarrow && <SidePanel name={panel} {...insight} />}
      <OpenDialogs
        name={dialog.value}
        info={info}
        conversation={conversation}
        requests={requests}
        onClose={() => {
          dialog.value = undefined;
        }}
      />
    </div>
  );
}

function OpenDialogs({
  name,
  info,
  conversation,
  requests,
  onClose,
}: Omit<Parts, 'composer'> & { name: DialogName | undefined; onClose: () => void }) {
  const refresh = (): Promise<void> => conversation.refreshInfo();
  if (name === 'model') {
    return (
      <ModelDialog
        info={info}
        requests={requests}
        onChanged={() => void refresh().catch(() => undefined)}
        onClose={onClose}
      />
    );
  }
  if (name === 'policy') {
    return (
      <PolicyDialog
        policy={info.confirmation_policy}
        hasAnalyzer={info.security_analyzer !== null}
        onSave={(policy) => requests.setPolicy(policy).then(refresh)}
        onClose={onClose}
      />
    );
  }
  if (name === 'budget') {
    return (
      <BudgetDialog
        budget={info.max_budget_per_run}
        cost={usageOf(info).cost}
        onSave={(budget) => requests.update({ max_budget_per_run: budget }).then(refresh)}
        onClose={onClose}
      />
    );
  }
  if (name === 'ask') {
    return (
      <AskDialog requests={requests} isScripted={modelOf(info).startsWith('scripted/')} onClose={onClose} />
    );
  }
  return null;
}

function togglePanel(): void {
  const isOpen = openPanelName.peek() !== undefined;
  openPanel(isOpen ? undefined : (INSIGHT_PANELS[0]?.id ?? undefined));
}

async function forkAndOpen(
  info: ConversationInfo,
  requests: ConversationRequests,
  eventId: string | undefined,
): Promise<void> {
  const title = `Fork of ${(info.title ?? 'a conversation').replace(/\s+/g, ' ')}`.slice(0, 200);
  try {
    const id = await requests.fork(title, eventId);
    navigate(`conversations/${id}`);
    showToast('This is the fork. The other conversation is unchanged.', {
      action: { label: 'Go back', run: () => navigate(`conversations/${requests.id}`) },
    });
  } catch (error) {
    showToast(`Not forked: ${messageOf(error)} ${adviceFor(error) ?? ''}`, { kind: 'error' });
  }
}
