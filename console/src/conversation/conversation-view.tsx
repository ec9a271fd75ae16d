import { useEffect, useMemo } from 'preact/hooks';
import type { ViewProps } from '../shell/views.js';
import { PageHeader } from '../ui/page-header.js';
import { EventStream } from './event-stream.js';
import { LiveConversation } from './live-conversation.js';

/** The view "Conversation". */
export function ConversationView({ path }: ViewProps) {
  const id = path.split('/')[1] ?? '';
  const conversation = useMemo(() => new LiveConversation(id), [id]);
  useEffect(() => () => conversation.close(), [conversation]);
  return (
    <div class="conversation-page">
      <PageHeader title={conversation.info.value?.title ?? 'Conversation'} />
      <EventStream conversation={conversation} />
    </div>
  );
}
