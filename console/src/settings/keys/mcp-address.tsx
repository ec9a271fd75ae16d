import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { SERVER_URL } from '../../routing/address.js';
import { Button } from '../../ui/button.js';
import { copyText } from '../../ui/copy-text.js';
import { Icon } from '../../ui/icon.js';

/** Where other agents and editors use the server with a key; nothing if that is switched off. */
export function McpAddress() {
  const { data } = useFetched((signal) => call(api.GET('/api/server/configuration', { signal })));
  const isOn = data?.groups.flatMap(({ fields }) => fields).find(({ name }) => name === 'mcp_server')?.value;
  if (isOn !== true) return null;
  const address = new URL('mcp', SERVER_URL).href;
  return (
    <>
      <p>
        Other agents and editors can start conversations here: add the server to them as an MCP server with
        this key (
        <a href={new URL('guides/docs/mcp-server.md', SERVER_URL).href} target="_blank" rel="noopener">
          how to
        </a>
        ).
      </p>
      <div class="key-once">
        <code>{address}</code>
        <Button aria-label="Copy the address" onClick={() => void copyText(address, 'The address')}>
          <Icon name="copy" /> Copy
        </Button>
      </div>
    </>
  );
}
