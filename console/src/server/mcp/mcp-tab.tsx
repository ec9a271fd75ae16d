import { useFetched } from '../../api/use-fetched.js';
import { McpRow, readServers } from '../../settings/mcp/index.js';
import { EmptyState } from '../../ui/empty-state.js';
import { NotFetched } from '../../ui/not-fetched.js';

/** Whether the MCP servers of the settings can be used. */
export function McpTab() {
  const { data: servers, error, reload } = useFetched(readServers);
  if (servers === undefined)
    return <NotFetched title="The MCP servers could not be read" error={error} reload={reload} />;
  if (servers.length === 0) {
    return (
      <EmptyState title="No MCP server is configured">
        <p>
          MCP servers give agents further tools. <a href="settings/mcp">Add one in the settings</a>
        </p>
      </EmptyState>
    );
  }
  return (
    <div class="page-body settings-list">
      <p class="soft">
        A test connects to the server and lists its tools; a program is started for it and ended.{' '}
        <a href="settings/mcp">Add or change them in the settings</a>
      </p>
      <ul class="card entries" aria-label="MCP servers">
        {servers.map(([name, server]) => (
          <McpRow key={name} name={name} server={server} />
        ))}
      </ul>
    </div>
  );
}
