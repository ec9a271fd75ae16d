import { type AppConfig, usesContainers } from '../config/index.js';
import type { JsonObject } from '../json/index.js';

/** The path of the routes about automations. */
const AUTOMATIONS = '/api/automation';

/**
 * What agents can reach on the machine of this server, in the form in which the web UI tells it to them. Null
 * where agents are not on it. Automations are only named where no key is needed: a key that an agent could
 * use there would be one of the person who runs the server, who has hidden it from agents on purpose.
 */
export function runtimeServices(config: AppConfig): JsonObject | null {
  const { listen, session_api_keys: keys, require_keys: needsKeys } = config;
  if (listen.port === 0 || usesContainers(config)) return null;
  const url = `http://localhost:${listen.port}`;
  return {
    mode: 'native',
    agent_host_alias: 'localhost',
    services: {
      agent_server: { url_from_agent: url },
      ...(keys.length === 0 &&
        !needsKeys && {
          automation: {
            description:
              'Creates and runs automations: prompts that start a conversation by a schedule, after others, or by hand. ' +
              'Read the API document before use. No key is needed.',
            url_from_agent: url,
            api_prefix: AUTOMATIONS,
            docs_url: `${url}${AUTOMATIONS}/docs`,
            openapi_url: `${url}${AUTOMATIONS}/openapi.json`,
            auth_env_var: 'OPENHANDS_AUTOMATION_API_KEY',
          },
        }),
    },
  };
}
