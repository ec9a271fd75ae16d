import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { serverInfo } from '../../shell/server-info.js';
import { visible } from '../../ui/safe-text.js';
import { compact } from '../../ui/numbers.js';
import { Problem } from '../../ui/problem.js';
import { duration, exactTime, useNow } from '../../ui/time.js';

const EVERY_MS = 5_000;
const ID_LENGTH = 8;

/** The servers that share a database, what each has and how much it can take; nothing without a database. */
export function Servers() {
  return serverInfo.value?.cluster ? <ServersCard /> : null;
}

function ServersCard() {
  const now = useNow();
  const { data, error } = useFetched((signal) => call(api.GET('/api/servers', { signal })), {
    everyMs: EVERY_MS,
  });
  if (!data)
    return error === undefined ? null : <Problem title="The servers could not be read" detail={error} />;
  const total = data.servers.reduce((sum, { running }) => sum + running, 0);
  return (
    <section class="card servers" aria-label="Servers">
      <header>
        <h3>Servers</h3>
        <span class="soft">
          {data.servers.length} on one database, {compact(total)} active runs
          {!data.workspaces_shared && '. Each conversation runs on the host of its workspace'}
          {error !== undefined && `. Not up to date: ${error}`}
        </span>
      </header>
      <div class="scrolled-table" role="region" aria-label="Table of the servers" tabIndex={0}>
        <table class="data-table">
          <thead>
            <tr>
              <th scope="col">Host</th>
              <th scope="col">Server</th>
              <th scope="col">Conversations</th>
              <th scope="col">Active runs</th>
              <th scope="col">Uptime</th>
              <th scope="col">Version</th>
            </tr>
          </thead>
          <tbody>
            {data.servers.map((server) => (
              <tr key={server.id}>
                <td>{visible(server.host)}</td>
                <td title={server.id}>
                  <code>{server.id.slice(0, ID_LENGTH)}</code>{' '}
                  <span class="soft">{server.url === null ? 'no server_url' : visible(server.url)}</span>
                  {server.is_self && ' (answers this page)'}
                </td>
                <td>{compact(server.conversations)}</td>
                <td>
                  {server.running} of {server.max_running}
                </td>
                <td title={exactTime(server.started_at)}>
                  {duration(Math.max(0, now - Date.parse(server.started_at)))}
                </td>
                <td>{server.version}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
