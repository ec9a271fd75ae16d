import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { serverInfo } from '../../shell/server-info.js';
import { visible } from '../../ui/safe-text.js';

const EVERY_MS = 30_000;
const ID_LENGTH = 8;

/** Which host has the workspace and which server the conversation, where several servers share a database. */
export function WorkspacePlace({ id }: { id: string }) {
  return serverInfo.value?.cluster ? <Place id={id} /> : null;
}

function Place({ id }: { id: string }) {
  const { data } = useFetched(
    (signal) =>
      call(
        api.GET('/api/conversations/{conversation_id}/runtime', {
          params: { path: { conversation_id: id } },
          signal,
        }),
      ),
    { subject: id, everyMs: EVERY_MS },
  );
  if (!data) return null;
  const { workspace_host: host, server, runtime_error: problem } = data;
  const owner = server
    ? `Server ${server.id.slice(0, ID_LENGTH)} has the conversation`
    : 'No server has it open';
  return (
    <span class={problem ? 'meta is-bad' : 'meta'} title={problem ? visible(problem.message) : owner}>
      {host === null || host === undefined ? 'On any host' : `On ${visible(host)}`}
      {problem && ', not available'}
    </span>
  );
}
