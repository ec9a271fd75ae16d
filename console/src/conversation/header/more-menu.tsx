import { messageOf } from '../../api/api-error.js';
import { adviceFor } from '../../api/error-advice.js';
import { mayWrite } from '../../api/current-key.js';
import { deleteLater } from '../../home/index.js';
import { CONSOLE_URL, navigate } from '../../routing/address.js';
import { Icon, type IconName } from '../../ui/icon.js';
import { Menu } from '../../ui/menu.js';
import { useCommands } from '../../ui/shortcuts.js';
import { showToast } from '../../ui/toast.js';
import { useRequest } from '../../ui/use-request.js';
import { forgetDraft } from '../composer/draft.js';
import type { ConversationRequests } from '../conversation-requests.js';
import type { OpenDialog } from '../dialogs/open-dialog.js';
import type { ConversationInfo } from '../live-conversation.js';
import { copyText } from '../../ui/copy-text.js';
import { downloadEvents, downloadFinalAnswer, downloadTrajectory } from './downloads.js';

/** Something that can be done with a conversation, in the menu and in the palette. */
interface Entry {
  label: string;
  icon?: IconName;
  hint?: string;
  keys?: string;
  run: () => void;
  isDisabled?: boolean;
  isDanger?: boolean;
  startsGroup?: boolean;
  /** It is not for a key that may only look. */
  steers?: boolean;
}

/** What can be done with a conversation beside running it. */
export function MoreMenu({
  info,
  requests,
  openDialog,
  onFork,
}: {
  info: ConversationInfo;
  requests: ConversationRequests;
  openDialog: OpenDialog;
  onFork: () => void;
}) {
  const { id } = requests;
  const isExternal = info.agent.kind === 'ACPAgent';
  const hasCondenser = !isExternal && info.agent.condenser !== null && info.agent.condenser !== undefined;
  const condense = useRequest(() => condenseNow(requests));
  const all: Entry[] = [
    {
      label: 'Switch the model',
      keys: 'shift+m',
      icon: 'settings',
      steers: true,
      run: () => openDialog('model'),
    },
    { label: 'Change when an approval is needed', steers: true, run: () => openDialog('policy') },
    { label: 'Change the budget', steers: true, run: () => openDialog('budget') },
    {
      label: 'Ask about the conversation',
      keys: 'shift+a',
      hint: 'Without becoming part of it',
      steers: true,
      startsGroup: true,
      run: () => openDialog('ask'),
    },
    {
      label: condense.isBusy ? 'Condensing' : 'Condense now',
      hint: hasCondenser ? 'Old events become a summary; the log keeps them' : 'The agent has no condenser',
      isDisabled: !hasCondenser || condense.isBusy,
      steers: true,
      run: () => {
        void condense.run();
      },
    },
    {
      label: 'Fork from the end',
      keys: 'shift+f',
      icon: 'fork',
      hint: 'A new conversation with this history',
      steers: true,
      run: onFork,
    },
    {
      label: 'Download the trajectory',
      icon: 'download',
      hint: 'All stored data, as a zip',
      startsGroup: true,
      run: () => void downloadTrajectory(id),
    },
    { label: 'Download the events', hint: 'JSON, one on each line', run: () => void downloadEvents(id) },
    { label: 'Download the final answer', run: () => void downloadFinalAnswer(requests) },
    { label: 'Copy the id', startsGroup: true, run: () => void copyText(id, 'The id') },
    {
      label: 'Copy the address',
      run: () => void copyText(new URL(`conversations/${id}`, CONSOLE_URL).href, 'The address'),
    },
    {
      label: 'Delete the conversation',
      icon: 'trash',
      hint: 'Files in its workspace are kept',
      steers: true,
      isDanger: true,
      startsGroup: true,
      run: () => deleteConversation(id),
    },
  ];
  const entries = all.filter(({ steers }) => steers !== true || mayWrite());
  useCommands(
    entries
      .filter(({ isDisabled }) => isDisabled !== true)
      .map(({ label, keys, run }) => ({ label, keys, run, group: 'Conversation' })),
  );
  return (
    <Menu label="More actions" items={entries}>
      <Icon name="more" />
    </Menu>
  );
}

async function condenseNow(requests: ConversationRequests): Promise<void> {
  const hide = showToast('The model writes a summary of the old events.', { ms: 600_000 });
  try {
    await requests.condense();
    showToast('The history is condensed.');
  } catch (error) {
    showToast(`Not condensed: ${messageOf(error)} ${adviceFor(error) ?? ''}`, { kind: 'error' });
  } finally {
    hide();
  }
}

function deleteConversation(id: string): void {
  deleteLater([id]);
  forgetDraft(id);
  navigate('./');
}
